/* Conditions decided: true, false, unknown. */
#include "plan_world.h"

#define no      PLAN_NOT_MATCHED
#define unknown PLAN_UNDECIDED
#define yes     PLAN_MATCHED

static const struct {
    const char *when, *facts;
    enum plan_state state;
} cases[] = {
    /* findings */
    {"{ findings: { type: iban } }", "{ findings: { iban: 1 }, expect: {} }", yes},
    {"{ findings: { type: iban } }", "{ expect: {} }", no},
    {"{ findings: { type: iban, at_least: 3 } }", "{ findings: { iban: 2 }, expect: {} }", no},
    {"{ findings: { type: [iban, es-dni], at_least: 3 } }",
     "{ findings: { iban: 2, es-dni: 1 }, expect: {} }", yes},
    {"{ findings: { type: [iban, iban, GDPR personal data], at_least: 3 } }",
     "{ findings: { iban: 2 }, expect: {} }", no},
    {"{ findings: { type: iban, at_most: 2 } }", "{ expect: {} }", yes},
    {"{ findings: { type: iban, at_most: 2 } }", "{ findings: { iban: 3 }, expect: {} }", no},
    {"{ findings: { type: iban, at_least: 1, at_most: 2 } }", "{ expect: {} }", no},
    {"{ findings: { type: iban, confidence: high } }",
     "{ findings: { iban: { medium: 5 } }, expect: {} }", no},
    {"{ findings: { type: iban, at_least: 3 } }",
     "{ findings: { iban: { medium: 2, high: 1 } }, expect: {} }", yes},
    {"{ findings: { type: iban, at_least: 3 } }",
     "{ findings: { iban: { low: 2, high: 1 } }, expect: {} }", no},
    {"{ findings: { type: iban, confidence: low, at_least: 3 } }",
     "{ findings: { iban: { low: 2, high: 1 } }, expect: {} }", yes},
    {"{ findings: { type: credit-card, at_least: 3 } }",
     "{ findings: { credit-card: 1, card-visa: 1, card-visa-debit: 1 }, expect: {} }", yes},
    {"{ findings: { type: card-visa, at_least: 2 } }",
     "{ findings: { card-amex: 1, card-visa: 1, card-visa-debit: 1 }, expect: {} }", yes},
    {"{ findings: { type: card-amex } }", "{ findings: { credit-card: 4 }, expect: {} }", no},
    {"{ findings: { type: [iban, es-dni, us-ssn], kinds: 2, at_least: 3 } }",
     "{ findings: { iban: 3, us-ssn: 3 }, expect: {} }", yes},
    {"{ findings: { type: [iban, es-dni, us-ssn], kinds: 2, at_least: 3 } }",
     "{ findings: { iban: 30, us-ssn: 2 }, expect: {} }", no},
    /* a file that was not fully read */
    {"{ findings: { type: iban } }", "{ status: partial, findings: { iban: 1 }, expect: {} }", yes},
    {"{ findings: { type: iban } }", "{ status: partial, expect: {} }", unknown},
    {"{ findings: { type: iban, at_most: 2 } }",
     "{ status: partial, findings: { iban: 3 }, expect: {} }", no},
    {"{ findings: { type: iban, at_most: 2 } }",
     "{ status: partial, findings: { iban: 1 }, expect: {} }", unknown},
    {"{ findings: { type: iban, at_least: 1, at_most: 2 } }",
     "{ status: encrypted, findings: { iban: 1 }, expect: {} }", unknown},
    {"{ findings: { type: [iban, us-ssn], kinds: 2 } }",
     "{ status: partial, findings: { iban: 1 }, expect: {} }", unknown},
    /* exposure */
    {"{ exposure: { at_least: external-people } }", "{ exposure: external-people, expect: {} }",
     yes},
    {"{ exposure: { at_least: external-people } }", "{ exposure: organisation, expect: {} }", no},
    {"{ exposure: { at_least: external-people } }", "{ expect: {} }", unknown},
    {"{ exposure: { at_least: internal-people, at_most: external-people } }",
     "{ exposure: public, expect: {} }", no},
    {"{ exposure: { is: [private, public] } }", "{ exposure: public, expect: {} }", yes},
    {"{ exposure: unknown }", "{ expect: {} }", yes},
    {"{ exposure: unknown }", "{ exposure: private, expect: {} }", no},
    {"{ not: { exposure: { at_most: organisation } } }", "{ expect: {} }", unknown},
    {"{ any: [{ exposure: { at_least: anyone-with-link } }, { exposure: unknown }] }",
     "{ expect: {} }", yes},
    /* shared_with */
    {"{ shared_with: '*@mail.example.org' }",
     "{ shared_with: [a@example.com, B@Mail.example.org], expect: {} }", yes},
    {"{ shared_with: '*@mail.example.org' }", "{ shared_with: [a@example.com], expect: {} }", no},
    {"{ shared_with: '*' }", "{ expect: {} }", unknown},
    {"{ shared_with: { only: '*@example.com' } }",
     "{ shared_with: [a@example.com, b@mail.example.org], expect: {} }", no},
    {"{ shared_with: { only: '*@example.com' } }",
     "{ shared_with: ['Anna B <a@example.com>', b@example.com], expect: {} }", yes},
    {"{ shared_with: 'anna b' }", "{ shared_with: ['Anna B <a@example.com>'], expect: {} }", yes},
    {"{ shared_with: { only: '*@example.com' } }", "{ shared_with: [], expect: {} }", yes},
    {"{ shared_with: public }", "{ shared_with: [public], expect: {} }", yes},
    /* texts */
    {"{ path: [/Finance/, '**/hr/*'] }", "{ path: /x/HR/a.txt, expect: {} }", yes},
    {"{ name: '*.pem' }", "{ path: /keys/server.PEM, expect: {} }", yes},
    {"{ name: 'keys*' }", "{ path: /keys/server.pem, expect: {} }", no},
    {"{ connection: team }", "{ connection: team, expect: {} }", yes},
    {"{ connection: team }", "{ expect: {} }", unknown},
    {"{ owner: '*@example.com' }", "{ owner: Anna <anna@example.com>, expect: {} }", yes},
    {"{ owner: anna }", "{ owner: Anna <anna@example.com>, expect: {} }", yes},
    {"{ owner: '*@example.com' }", "{ expect: {} }", unknown},
    /* format */
    {"{ format: docx }", "{ format: docx, expect: {} }", yes},
    {"{ format: document }", "{ format: docx, expect: {} }", yes},
    {"{ format: image/* }", "{ format: png, expect: {} }", yes},
    {"{ format: 'xls*' }", "{ format: xlsm, expect: {} }", yes},
    {"{ format: document }", "{ format: xlsx, expect: {} }", no},
    {"{ format: document }", "{ status: crashed, expect: {} }", unknown},
    /* size, times */
    {"{ size: { at_least: 1 kB, at_most: 1 KiB } }", "{ size: 1001, expect: {} }", yes},
    {"{ size: { at_least: 1 kB, at_most: 1 KiB } }", "{ size: 1025, expect: {} }", no},
    {"{ modified: { before: 2026-06-30 } }", "{ modified: 2026-06-30, expect: {} }", no},
    {"{ modified: { before: 2026-06-30 } }", "{ modified: 2026-06-29, expect: {} }", yes},
    {"{ modified: { after: 2026-06-30 } }", "{ modified: 2026-06-30, expect: {} }", yes},
    {"{ created: { before: 30 days ago } }", "{ created: 30 days ago, expect: {} }", no},
    {"{ created: { before: 30 days ago } }", "{ created: 5 weeks ago, expect: {} }", yes},
    {"{ created: { after: 1 month ago } }", "{ created: 30 days ago, expect: {} }", yes},
    {"{ shared: { before: 1 year ago } }", "{ expect: {} }", unknown},
    /* label */
    {"{ label: none }", "{ expect: {} }", yes},
    {"{ label: none }", "{ label: General, expect: {} }", no},
    {"{ label: any }", "{ label: unknown, expect: {} }", yes},
    {"{ label: unknown }", "{ label: unknown, expect: {} }", yes},
    {"{ label: unknown }", "{ label: Secret, expect: {} }", no},
    {"{ label: foreign }", "{ label: foreign, expect: {} }", yes},
    {"{ label: none }", "{ label: foreign, expect: {} }", yes},
    {"{ label: { at_least: Confidential } }", "{ label: Confidential/Personal data, expect: {} }",
     yes},
    {"{ label: { at_least: Confidential } }", "{ label: General, expect: {} }", no},
    {"{ label: { at_least: Confidential } }", "{ expect: {} }", no},
    {"{ label: { at_most: Confidential } }", "{ label: Confidential/Finance, expect: {} }", yes},
    {"{ label: { at_most: Confidential } }", "{ label: Secret, expect: {} }", no},
    {"{ label: { is: Confidential } }", "{ label: Confidential/Finance, expect: {} }", yes},
    {"{ label: { is: Confidential } }", "{ label: Secret, expect: {} }", no},
    {"{ label: { is: [General, Secret] } }", "{ label: Secret, expect: {} }", yes},
    {"{ label: { at_least: General, set_by: manual } }",
     "{ label: Secret, set_by: manual, expect: {} }", yes},
    {"{ label: { at_least: General, set_by: manual } }", "{ label: Secret, expect: {} }", no},
    {"{ label: { set_by: automatic } }", "{ label: Secret, expect: {} }", yes},
    {"{ label: { set_by: automatic } }", "{ expect: {} }", no},
    {"{ label_change: [lowered, removed] }", "{ label_change: removed, expect: {} }", yes},
    {"{ label_change: [lowered, removed] }", "{ label_change: raised, expect: {} }", no},
    {"{ label_change: [lowered, removed] }", "{ expect: {} }", no},
    /* status, property */
    {"{ status: [encrypted, hostile] }", "{ status: hostile, expect: {} }", yes},
    {"{ status: ok }", "{ status: too-large, expect: {} }", no},
    {"{ property: { Department: fin* } }", "{ property: { department: Finance }, expect: {} }",
     yes},
    {"{ property: { Department: HR } }", "{ property: { Department: Finance }, expect: {} }", no},
    {"{ property: { Department: HR } }", "{ expect: {} }", no},
    {"{ property: { Department: HR } }", "{ status: corrupt, expect: {} }", unknown},
    {"{ property: { Department: HR } }",
     "{ status: corrupt, property: { Department: HR }, expect: {} }", yes},
    {"{ property: { A: x, B: y } }", "{ property: { A: x }, expect: {} }", no},
    /* three-valued logic */
    {"{ all: [{ connection: team }, { label: any }] }", "{ expect: {} }", no},
    {"{ all: [{ connection: team }, { label: none }] }", "{ expect: {} }", unknown},
    {"{ any: [{ connection: team }, { label: none }] }", "{ expect: {} }", yes},
    {"{ any: [{ connection: team }, { label: any }] }", "{ expect: {} }", unknown},
    {"{ not: { label: any } }", "{ expect: {} }", yes},
    {"{ not: { connection: team } }", "{ expect: {} }", unknown},
    {"{ label: none, connection: team }", "{ connection: team, expect: {} }", yes},
    {"always", "{ expect: {} }", yes},
};

TEST(each_condition_is_true_false_or_unknown)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct facts facts;
        struct plan plan;
        const char *text = arena_printf(
            &arena, LABELS "rules:\n  - name: R\n    when: %s\n    then: { alert: low }\n",
            cases[i].when);
        struct policy *policy = plan_parse(text, &arena);
        plan_facts(cases[i].facts, &arena, &facts);
        assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, true, &arena, &plan));
        if (plan.rules[0].state != cases[i].state)
            fail_msg("case %zu: %s with %s is %s", i, cases[i].when, cases[i].facts,
                     plan_state_word(plan.rules[0].state));
        policy_free(policy);
    }
}

/* A report lists children as variants of their parent. */
TEST(variants_count_for_children_and_rows_for_parents)
{
    static struct report_variant variants[] = {
        {.type = "card-visa", .count = 4, .unique_count = 3},
        {.type = "test-number", .count = 1, .unique_count = 1},
    };
    static const struct report_finding row = {.type = "credit-card",
                                              .confidence = REPORT_HIGH,
                                              .count = 9,
                                              .unique_count = 7,
                                              .variants = variants,
                                              .variants_count = 2};
    static const struct {
        const char *when;
        enum plan_state state;
    } rows[] = {
        {"{ findings: { type: credit-card, at_least: 7, at_most: 7 } }", yes},
        {"{ findings: { type: credit-card, count: all, at_least: 9, at_most: 9 } }", yes},
        {"{ findings: { type: card-visa, at_least: 3, at_most: 3 } }", yes},
        {"{ findings: { type: card-visa, count: all, at_least: 4, at_most: 4 } }", yes},
        {"{ findings: { type: [card-visa, credit-card], at_least: 7, at_most: 7 } }", yes},
        {"{ findings: { type: card-amex } }", no},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct facts facts;
        struct plan plan;
        struct policy *policy = plan_parse(
            arena_printf(&arena, "rules: [{ name: R, when: %s, then: { alert: low } }]\n",
                         rows[i].when),
            &arena);
        facts_init(&facts);
        facts.findings = &row;
        facts.finding_count = 1;
        assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
        CHECK_CASE(i, plan.rules[0].state == rows[i].state);
        policy_free(policy);
    }
}

/* A count that stopped at a limit is a lower bound, as if the file were not fully read. */
TEST(a_capped_count_is_a_lower_bound)
{
    own_arena struct arena arena = arena_new(1 << 24);
    const struct report_finding row = {.type = "iban",
                                       .confidence = REPORT_HIGH,
                                       .count = 90000,
                                       .unique_count = 10000,
                                       .at_least = true};
    struct policy *policy = plan_parse(
        "rules:\n"
        "  - { name: A, when: { findings: { type: iban, at_least: 20000 } }, then: { tag: a } }\n"
        "  - { name: B, when: { findings: { type: iban, at_least: 20000, count: all } }, then: { "
        "tag: a } }\n"
        "  - { name: C, when: { findings: { type: iban, at_most: 10001 } }, then: { tag: a } }\n",
        &arena);
    struct facts facts;
    struct plan plan;
    facts_init(&facts);
    facts.findings = &row;
    facts.finding_count = 1;
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_UNDECIDED);
    assert_int_equal(plan.rules[1].state, PLAN_MATCHED);
    assert_int_equal(plan.rules[2].state, PLAN_UNDECIDED);
    policy_free(policy);
}

TEST(an_unread_label_is_unknown_and_is_not_overwritten)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy *policy =
        plan_parse(LABELS "rules:\n"
                          "  - { name: A, when: { label: none }, then: { label: Secret } }\n"
                          "  - { name: B, when: always, mode: enforce, then: { label: Secret } }\n",
                   &arena);
    struct facts facts;
    struct plan plan;
    facts_init(&facts);
    facts.label_kind = FACTS_LABEL_UNREAD;
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_UNDECIDED);
    assert_int_equal(plan.plan.count, 0);
    assert_int_equal(plan.plan.left_out_count, 1);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_is_true_false_or_unknown),
        cmocka_unit_test(variants_count_for_children_and_rows_for_parents),
        cmocka_unit_test(a_capped_count_is_a_lower_bound),
        cmocka_unit_test(an_unread_label_is_unknown_and_is_not_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
