#include "policy/explain.h"

#include "base/buf.h"
#include "plan_world.h"

static const char explained[] =
    "samples/cards-shared.docx  docx, 18,211 bytes, ok; label none; exposure anyone-with-link\n"
    "  found  credit-card 6 (5 different), high\n"
    "\n"
    "MATCHED    Card numbers outside the company   enforce   rules.yaml:11\n"
    "  yes  findings: credit-card, at least 5 different, medium or better   found 5\n"
    "  yes  exposure: at least external-people                              anyone-with-link\n"
    "  does label Secret · quarantine · notify soc\n"
    "MATCHED    Link hygiene   enforce   rules.yaml:28\n"
    "  yes  exposure: at least external-people                              anyone-with-link\n"
    "  does unshare to external-people\n"
    "EXCEPTED   Personal data outside   enforce   rules.yaml:17\n"
    "  by \"Processor's samples\" until 2026-12-31, anna@example.com: contract 4711\n"
    "UNDECIDED  Finance folder needs a label   simulate   rules.yaml:21\n"
    "  yes  label: none                                                     none\n"
    "  ?    connection: team                                                not known, give "
    "--connection\n"
    "NO MATCH   Secrets anywhere (findings: 0)\n"
    "\n"
    "plan     label Secret (was none) · quarantine · notify soc\n"
    "left out unshare to external-people: covered by quarantine (Link hygiene)\n"
    "would    nothing more if all rules were enforced\n"
    "next     no time condition is due\n";

static struct policy *explained_policy(struct arena *arena)
{
    return plan_parse(LABELS
                      "rules:\n"
                      "  - name: Card numbers outside the company\n"
                      "    when:\n"
                      "      all:\n"
                      "        - findings: { type: credit-card, at_least: 5, confidence: medium }\n"
                      "        - exposure: { at_least: external-people }\n"
                      "    then: { label: Secret, quarantine: true, notify: [soc] }\n"
                      "    mode: enforce\n",
                      arena);
}

TEST(explain_reads_as_the_manual_shows_it)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy *policy = plan_parse(
        LABELS
        "rules:\n"
        "  - name: Card numbers outside the company\n"
        "    mode: enforce\n"
        "    when:\n"
        "      findings: { type: credit-card, at_least: 5 }\n"
        "      exposure: { at_least: external-people }\n"
        "    then: { label: Secret, quarantine: true, notify: [soc] }\n"
        "  - name: Personal data outside\n"
        "    mode: enforce\n"
        "    when: { exposure: { at_least: external-people } }\n"
        "    then: { tag: x }\n"
        "  - name: Finance folder needs a label\n"
        "    when: { label: none, connection: team }\n"
        "    then: { label: General }\n"
        "  - name: Secrets anywhere\n"
        "    when: { findings: { type: Secrets } }\n"
        "    then: { label: Secret }\n"
        "  # the last\n"
        "  - name: Link hygiene\n"
        "    mode: enforce\n"
        "    when: { exposure: { at_least: external-people } }\n"
        "    then: { unshare: { to: external-people } }\n"
        "exceptions:\n"
        "  - { name: Processor's samples, rules: Personal data outside, when: { name: 'cards*' }, "
        "until: 2026-12-31, owner: anna@example.com, reason: contract 4711 }\n",
        &arena);
    const struct report_finding row = {
        .type = "credit-card", .confidence = REPORT_HIGH, .count = 6, .unique_count = 5};
    struct facts facts;
    struct plan plan;
    facts_init(&facts);
    facts.path = "/samples/cards-shared.docx";
    facts.format = FORMAT_DOCX;
    facts.size = 18211;
    facts.exposure = FACTS_ANYONE_WITH_LINK;
    facts.findings = &row;
    facts.finding_count = 1;
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, true, &arena, &plan));
    plan.due_us = 0; /* the exception's end */
    const struct explain explain = {.policy = policy,
                                    .facts = &facts,
                                    .plan = &plan,
                                    .path = "samples/cards-shared.docx",
                                    .rules_file = "rules.yaml",
                                    .hints = true};
    own_buf struct buf text = buf_new(1 << 20);
    assert_true(explain_text(&explain, &text));
    assert_string_equal(buf_text(&text), explained);
    policy_free(policy);
}

static json_t *json_of(const struct policy *policy, const struct facts *facts, struct arena *arena)
{
    struct plan plan;
    assert_true(plan_for(policy, facts, RULES_WORLD_NOW, true, arena, &plan));
    const struct explain explain = {.policy = policy,
                                    .facts = facts,
                                    .plan = &plan,
                                    .path = "a\xff.docx",
                                    .rules_file = "rules.yaml",
                                    .hints = true};
    json_t *json = explain_json(&explain);
    assert_non_null(json);
    return json;
}

TEST(explain_as_json_has_all_keys)
{
    static const char *const keys[] = {"path",  "revision", "types_revision", "now",  "due",
                                       "facts", "rules",    "plan",           "would"};
    static const char *const facts_keys[] = {
        "path",    "connection", "owner",  "exposure", "shared_with",  "format",
        "size",    "status",     "label",  "set_by",   "label_change", "previous",
        "created", "modified",   "shared", "property", "findings"};
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy *policy = explained_policy(&arena);
    struct facts facts;
    plan_facts("{ findings: { credit-card: 5 }, property: { A: b }, exposure: public, expect: {} }",
               &arena, &facts);
    json_t *json = json_of(policy, &facts, &arena);
    assert_int_equal(json_object_size(json), sizeof keys / sizeof *keys);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        CHECK_CASE(i, json_object_get(json, keys[i]));
    json_t *given = json_object_get(json, "facts");
    assert_int_equal(json_object_size(given), sizeof facts_keys / sizeof *facts_keys);
    for (size_t i = 0; i < sizeof facts_keys / sizeof *facts_keys; i++)
        CHECK_CASE(i, json_object_get(given, facts_keys[i]));
    json_t *rule = json_array_get(json_object_get(json, "rules"), 0);
    assert_string_equal(json_string_value(json_object_get(rule, "state")), "matched");
    json_t *when = json_object_get(rule, "when");
    assert_string_equal(json_string_value(json_object_get(when, "op")), "all");
    json_t *label = json_object_get(json_object_get(json, "plan"), "label");
    assert_string_equal(json_string_value(json_object_get(label, "to")), "Secret");
    assert_string_equal(json_string_value(json_object_get(label, "from")), "none");
    json_decref(json);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explain_reads_as_the_manual_shows_it),
        cmocka_unit_test(explain_as_json_has_all_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
