#include "check.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "policy/expect.h"
#include "rules_world.h"

#define LABELS                                                                                     \
    "site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10\n"                                                 \
    "labels:\n"                                                                                    \
    "  - { name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }\n"                            \
    "  - name: Confidential\n"                                                                     \
    "    id: 5b0e2b44-3f39-4d6e-8c8a-7b6f0d5a9e02\n"                                               \
    "    sub:\n"                                                                                   \
    "      - { name: Personal data, id: 9d3c8a70-7d4e-4b0f-8f51-2f1f6a3b8c03 }\n"                  \
    "      - { name: Finance, id: c1e5b9d4-0a63-4f8d-b2a7-6e9d4c7f5b04 }\n"                        \
    "  - { name: Secret, id: e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05 }\n"
#define RULE(when) LABELS "rules:\n  - name: R\n    when: " when "\n    then: { alert: high }\n"
#define THEN(then) LABELS "rules:\n  - name: R\n    when: always\n    then: " then "\n"
#define GOOD_RULE  "rules:\n  - { name: Cards, when: always, then: { alert: high } }\n"
#define EXCEPTION(fields)                                                                          \
    GOOD_RULE "exceptions:\n  - { name: Card brochure, rules: Cards, when: always, " fields " }\n"

/* Each mistake of rules.md, section 8, with its place; more of the loader's own below. */
static const struct {
    const char *text;
    const char *told; /* all messages, as rules_world_print */
} mistakes[] = {
    {"rule: 1\n" GOOD_RULE,
     "1:1: error: unknown key \"rule\" in the file; did you mean \"rules\"? [unknown-key]\n"},
    {RULE("{ finding: { type: credit-card } }"),
     "12:13: error: unknown condition \"finding\"; did you mean \"findings\"? "
     "[unknown-condition]\n"},
    {RULE("{ and: [always] }"),
     "12:13: error: unknown condition \"and\"; did you mean \"all\"? [unknown-condition]\n"},
    {RULE("{ equals: x }"),
     "12:13: error: unknown condition \"equals\"; did you mean \"is\"? [unknown-condition]\n"},
    {RULE("{ contains: x }"),
     "12:13: error: unknown condition \"contains\"; did you mean \"name\"? "
     "[unknown-condition]\n"},
    {RULE("{ weather: fine }"), "12:13: error: unknown condition \"weather\" "
                                "[unknown-condition]\n"},
    {THEN("{ delete: true }"),
     "13:13: error: unknown action \"delete\"; did you mean \"quarantine\"? [unknown-action]\n"},
    {THEN("{ severity: high }"),
     "13:13: error: unknown action \"severity\"; did you mean \"alert\"? [unknown-action]\n"},
    {RULE("{ findings: { type: credit-crad } }"),
     "12:31: error: unknown type or bundle \"credit-crad\"; did you mean \"credit-card\"? "
     "[unknown-type]\n"},
    {THEN("{ label: Secrte }"),
     "13:20: error: unknown label \"Secrte\"; did you mean \"Secret\"? [unknown-label]\n"},
    {THEN("{ label: Confidential }"),
     "13:20: error: \"Confidential\" is a group of labels; choose Confidential/Personal data or "
     "Confidential/Finance [group-label]\n"},
    {RULE("{ exposure: organisation }"),
     "12:23: error: exposure needs a direction: { at_least: organisation }, { at_most: "
     "organisation } or { is: organisation } [bare-ladder]\n"},
    {RULE("{ label: Secret }"),
     "12:20: error: label needs a direction: { at_least: Secret }, { at_most: Secret } or { is: "
     "Secret } [bare-ladder]\n"},
    {RULE("{ exposure: { at_least: externals } }"),
     "12:35: error: \"externals\" is not an exposure step; did you mean \"external-people\"? "
     "(private, internal-people, organisation, external-people, anyone-with-link, public) "
     "[bad-step]\n"},
    {THEN("{ unshare: { to: link } }"),
     "13:28: error: \"link\" is not an exposure step; did you mean \"anyone-with-link\"? "
     "(private, internal-people, organisation, external-people, anyone-with-link, public) "
     "[bad-step]\n"},
    {RULE("[always]"),
     "12:11: error: \"when\" is a list; say which it is: when: { all: [...] } or when: { any: "
     "[...] } [when-list]\n"},
    {RULE("\n      findings: { type: iban }\n      findings: { type: es-dni }"),
     "14:7: error: \"findings\" stands here twice (first in line 13); put both as a list under "
     "\"all:\" [duplicate-key]\n"},
    {"mode: enforce\nmode: simulate\n" GOOD_RULE,
     "2:1: error: \"mode\" stands here twice (first in line 1) [duplicate-key]\n"},
    {RULE("{ owner: *@example.com }"),
     "12:20: error: a value that begins with * must be quoted: '*@example.com' [quote-star]\n"},
    {EXCEPTION("reason: specimen, ticket 4711, owner: a@b.example, until: 2027-03-31"),
     "4:74: error: unknown key \"ticket 4711\"; inside { } a text with a comma must be quoted "
     "[quote-comma]\n"},
    {GOOD_RULE "  - { name: Cards, when: always, then: { alert: low } }\n",
     "3:13: error: rule \"Cards\" is defined already in line 2; names must differ "
     "[duplicate-name]\n"},
    {RULE("{ path: Finance/** }"),
     "12:19: error: a path begins with \"/\" or \"**/\"; did you mean \"/Finance/**\"? "
     "[path-anchor]\n"},
    {RULE("{ path: /Finance }"),
     "12:19: warning: \"/Finance\" is one file of that name; for all below it write "
     "\"/Finance/\" [path-one-file]\n"},
    {RULE("{ modified: { before: 180 } }"),
     "12:33: error: \"180\" is not a time; write 180 days ago, or a date such as 2026-06-30 "
     "[bad-time]\n"},
    {RULE("{ findings: { type: iban, confidence: 85 } }"),
     "12:49: error: \"85\" is not a confidence; write high (low 65, medium 75, high 85) "
     "[bad-confidence]\n"},
    {RULE("{ findings: { type: iban, at_least: 10, at_most: 5 } }"),
     "12:37: error: at_least 10 with at_most 5 can never be true [never-true]\n"},
    {THEN("{ label: { to: General, downgrade: true } }"),
     "13:35: error: downgrade needs \"justification\": one sentence for the audit log "
     "[needs-justification]\n"},
    {"recipients: { board: [age1x] }\n" THEN("{ quarantine: true, encrypt: board, alert: low }"),
     "14:13: error: a rule cannot both encrypt and quarantine; the quarantined copy is sealed "
     "anyway [conflict]\n"},
    {EXCEPTION("reason: specimen, owner: a@b.example"),
     "4:5: error: exception \"Card brochure\" has no \"until\"; every exception ends some day, "
     "for example until: 2027-03-31 [no-end]\n"},
    {RULE("{}"), "12:11: error: this matches every file; write \"when: always\" if that is "
                 "meant [match-all]\n"},
    {GOOD_RULE "  - name: Health data\n    mode: enforce\n    when: always\n    then: { alert: "
               "low }\n",
     "4:5: warning: rule \"Health data\" is enforced, but no test expects it under \"rules\" "
     "[untested]\n"},

    /* one mistake, one message */
    {"rule: []\n",
     "1:1: error: unknown key \"rule\" in the file; did you mean \"rules\"? [unknown-key]\n"},
    {"rules:\n  - { nam: R, whn: always, thn: { alert: low } }\n",
     "2:7: error: unknown key \"nam\" in a rule; did you mean \"name\"? [unknown-key]\n"
     "2:15: error: unknown key \"whn\" in a rule; did you mean \"when\"? [unknown-key]\n"
     "2:28: error: unknown key \"thn\" in a rule; did you mean \"then\"? [unknown-key]\n"},
    {"defaults: { confidence: 75 }\n" GOOD_RULE,
     "1:25: error: \"75\" is not a confidence; write medium (low 65, medium 75, high 85) "
     "[bad-confidence]\n"},
    {RULE("{ shared_with: { only: [*@a.example, '*@b.example'] } }"),
     "12:35: error: a value that begins with * must be quoted: '*@a.example' [quote-star]\n"},
    /* columns count characters */
    {GOOD_RULE "  - { name: \"Gr\xc3\xb6\xc3\x9f"
               "e\", when: alwys, then: { alert: low } }\n",
     "3:28: error: a condition is a mapping, for example { exposure: { at_least: public } }, or "
     "the word always [wrong-kind]\n"},
    /* not yet */
    {RULE("{ malware: true }"), "12:13: error: \"malware\" is not in this version yet [not-yet]\n"},
    {RULE("{ burst: 5 }"), "12:13: error: \"burst\" is not in this version yet [not-yet]\n"},
    {RULE("{ owner_group: x }"),
     "12:13: error: \"owner_group\" is not in this version yet [not-yet]\n"},
    {"defaults: { brake: { items: 10, per: day, share: 5% } }\n" GOOD_RULE, ""},
    /* refused at load */
    {THEN("{ label: none }"),
     "13:13: error: label none needs \"justification\": one sentence for the audit log "
     "[needs-justification]\n"},
    {THEN("{ label: previous }"),
     "13:13: error: label previous needs \"label_change\" in \"when\": it is the label that was "
     "lost [needs-label-change]\n"},
    {THEN("{ notify: [owner, sok] }"),
     "13:29: error: unknown target \"sok\"; did you mean \"soc\"? [unknown-target]\n"},
    {THEN("{ encrypt: board }"),
     "13:22: error: unknown recipients group \"board\" [unknown-group]\n"},
    {THEN("{}"), "13:11: error: \"then\" needs an action, for example then: { alert: high } "
                 "[no-action]\n"},
    {RULE("{ connection: tema }"),
     "12:25: error: unknown connection \"tema\"; did you mean \"team\"? [unknown-connection]\n"},
    /* warned of */
    {THEN("{ quarantine: true, unshare: { to: private }, alert: low }"),
     "13:31: warning: quarantine covers unshare; write \"else: quarantine\" in unshare instead "
     "if quarantine is meant for what cannot be unshared [covered]\n"},
    {THEN("{ quarantine: true }"),
     "13:13: warning: quarantine without alert or notify: nobody is told [silent]\n"},
    {LABELS "rules:\n  - name: R\n    when: { format: [image, txt] }\n    then: { label: Secret "
            "}\n",
     "13:13: warning: none of the formats in \"format\" carries a label [not-labelable]\n"},
    {EXCEPTION("reason: x, owner: a@b.example, until: 2026-11-30"),
     "4:94: warning: exception \"Card brochure\" ends on 2026-11-30 [exception-ends]\n"},
    {EXCEPTION("reason: x, owner: a@b.example, until: 2029-11-30"),
     "4:94: warning: exception \"Card brochure\" lasts more than 400 days [exception-long]\n"},
    {"labels:\n  - { name: A, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }\n",
     "2:3: warning: without \"site\", the tenant's GUID, Office shows no label of this file "
     "[no-site]\n"},
    /* YAML */
    {"rules: [\n", NULL},
    {"", NULL},
    {"- a\n", NULL},
    {GOOD_RULE "x: &a 1\n", "3:4: error: anchors (&name) are not allowed here [yaml]\n"},
};

TEST(each_mistake_is_told_where_it_is)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct policy_problems problems;
        struct policy *policy = rules_world_parse(mistakes[i].text, &arena, &problems);
        const char *told = rules_world_print(&problems, &arena);
        if (mistakes[i].told ? strcmp(told, mistakes[i].told) != 0 : problems.errors != 1)
            fail_msg("case %zu:\n%s\nwanted:\n%s", i, told, mistakes[i].told);
        CHECK_CASE(i, (policy == NULL) == (problems.errors > 0));
        policy_free(policy);
    }
}

TEST(all_mistakes_are_told_at_once_up_to_a_hundred)
{
    own_arena struct arena arena = arena_new(1 << 24);
    own_buf struct buf text = buf_new(1 << 20);
    struct policy_problems problems;
    buf_puts(&text, "rules:\n");
    for (int i = 0; i < 150; i++)
        buf_printf(&text, "  - { name: R%d, when: { path: [/x] }, then: { delete: 1 } }\n", i);
    assert_null(rules_world_parse(buf_text(&text), &arena, &problems));
    assert_int_equal(problems.count, 100);
    assert_int_equal(problems.errors, 100);
}

TEST(labels_are_ordered_and_found_by_name_and_id)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy_problems problems;
    struct policy *policy = rules_world_parse(LABELS, &arena, &problems);
    assert_non_null(policy);
    size_t count;
    const struct policy_label *labels = policy_labels(policy, &count);
    assert_int_equal(count, 5);
    assert_string_equal(labels[3].name, "Confidential/Finance");
    assert_true(labels[1].group);
    assert_true(labels[4].priority > labels[3].priority);
    assert_ptr_equal(policy_label_find(policy, "Secret"), &labels[4]);
    assert_ptr_equal(policy_label_find(policy, "E7F2A6C8-4b15-4a9e-9c3d-8a5b7d6e2f05"), &labels[4]);
    assert_null(policy_label_find(policy, "secret"));
    assert_string_equal(policy_site(policy), "3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10");
    assert_int_equal(strlen(policy_revision(policy)), 64);
    policy_free(policy);
}

static const char *const broken_labels[] = {
    "labels: [{ name: none, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }]",
    "labels: [{ name: a/b, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }]",
    "labels: [{ name: a }]",
    "labels: [{ name: a, id: 4711 }]",
    "labels: [{ name: a, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }, { name: a, id: "
    "1f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }]",
    "labels: [{ name: a, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }, { name: b, id: "
    "0F7A6C1E-6f0a-4c52-9d7b-0b7a3f1d2c11 }]",
    "labels: [{ name: a, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11, sub: [{ name: b, id: "
    "1f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11, sub: [] }] }]",
    "labels: {}",
    "site: x",
    "bundles: { A: [B], B: [A] }\n" GOOD_RULE,
    "bundles: { PCI: [iban] }\n" GOOD_RULE,
    "conditions: { A: { is: B }, B: always }\n" GOOD_RULE,
    "conditions: { A: { is: A } }\n" GOOD_RULE,
    "rules: [{ name: R, when: always, then: { expire_links: 7 } }]",
    "rules: [{ name: R, when: { size: { at_least: 10 TB } }, then: { alert: low } }]",
    "rules: [{ name: R, when: { size: 5 }, then: { alert: low } }]",
    "rules: [{ name: R, when: { status: [ok, fine] }, then: { alert: low } }]",
    "rules: [{ name: R, when: { label_change: none }, then: { alert: low } }]",
    "rules: [{ name: R, when: { format: docs }, then: { alert: low } }]",
    "rules: [{ name: R, when: { findings: { type: PCI, kinds: 2 } }, then: { alert: low } }]",
    "rules: [{ name: R, when: { exposure: { at_least: public, is: public } }, then: { alert: low } "
    "}]",
    "rules: [{ name: R, when: { path: [] }, then: { alert: low } }]",
    "rules: [{ name: R, when: always, then: { quarantine: no } }]",
    "rules: [{ name: R, then: { alert: low } }]",
    "rules: [{ name: R, when: always }]",
    "rules: [{ when: always, then: { alert: low } }]",
    EXCEPTION("reason: x, owner: anna, until: 2027-03-31"),
    EXCEPTION("reason: x, owner: a@b.example, until: tomorrow"),
    EXCEPTION("owner: a@b.example, until: 2027-03-31"),
    GOOD_RULE "tests: [{ expect: { rules: [Crads] } }]",
    GOOD_RULE "tests: [{ exposure: open, expect: {} }]",
    GOOD_RULE "tests: [{ findings: { PCI: 1 }, expect: {} }]",
    GOOD_RULE "tests: [{ exposure: public }]",
    GOOD_RULE "tests: [{ expect: { action: [] } }]",
};

TEST(what_cannot_be_meant_is_refused)
{
    for (size_t i = 0; i < sizeof broken_labels / sizeof *broken_labels; i++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct policy_problems problems;
        struct policy *policy = rules_world_parse(broken_labels[i], &arena, &problems);
        if (policy || problems.errors == 0)
            fail_msg("case %zu was taken: %s", i, broken_labels[i]);
    }
}

TEST(names_do_not_multiply_work)
{
    own_arena struct arena arena = arena_new(1 << 24);
    own_buf struct buf text = buf_new(1 << 20);
    struct policy_problems problems;
    buf_puts(&text, "conditions:\n  N0: { path: /x/ }\n");
    for (int i = 1; i < 30; i++)
        buf_printf(&text, "  N%d: { any: [{ is: N%d }, { is: N%d }] }\n", i, i - 1, i - 1);
    buf_puts(&text, "rules: [{ name: R, when: { is: N29 }, then: { alert: low } }]\n");
    assert_null(rules_world_parse(buf_text(&text), &arena, &problems));
    assert_string_equal(problems.items[0].code, "too-large");
}

TEST(all_rules_together_are_bounded)
{
    own_arena struct arena arena = arena_new(1 << 24);
    own_buf struct buf text = buf_new(2 << 20);
    struct policy_problems problems;
    buf_puts(&text, "conditions:\n  N0: { path: /x/ }\n");
    for (int i = 1; i < 12; i++)
        buf_printf(&text, "  N%d: { any: [{ is: N%d }, { is: N%d }] }\n", i, i - 1, i - 1);
    buf_puts(&text, "rules:\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "- { name: R%d, when: { is: N10 }, then: { alert: low } }\n", i);
    assert_null(rules_world_parse(buf_text(&text), &arena, &problems));
    assert_int_equal(problems.errors, 1);
    assert_string_equal(problems.items[0].code, "too-large");
}

TEST(conditions_nest_sixteen_deep_and_no_deeper)
{
    for (int depth = 16; depth <= 17; depth++) {
        own_arena struct arena arena = arena_new(1 << 24);
        own_buf struct buf text = buf_new(1 << 20);
        struct policy_problems problems;
        buf_puts(&text, "rules: [{ name: R, then: { alert: low }, when: ");
        for (int i = 0; i < depth; i++)
            buf_puts(&text, "{ not: ");
        buf_puts(&text, "always");
        for (int i = 0; i < depth; i++)
            buf_puts(&text, " }");
        buf_puts(&text, " }]\n");
        struct policy *policy = rules_world_parse(buf_text(&text), &arena, &problems);
        assert_int_equal(policy != NULL, depth == 16);
        policy_free(policy);
    }
}

TEST(limits_are_told)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy_problems problems;
    struct policy_world world = {.max_bytes = 10, .now_us = RULES_WORLD_NOW};
    assert_null(policy_parse("r", GOOD_RULE, strlen(GOOD_RULE), &world, &arena, &problems, NULL));
    assert_string_equal(problems.items[0].code, "limit");
    world = (struct policy_world){.max_rules = 1, .now_us = RULES_WORLD_NOW};
    const char *two = GOOD_RULE "  - { name: B, when: always, then: { alert: low } }\n";
    assert_null(policy_parse("r", two, strlen(two), &world, &arena, &problems, NULL));
    assert_string_equal(problems.items[0].code, "limit");
    struct err err = {0};
    assert_null(policy_load("/nonexistent/rules.yaml", &world, &arena, &problems, &err));
    assert_int_not_equal(err.kind, ERR_NONE);
}

static char *read_sample(const char *name, size_t *length)
{
    char path[512];
    snprintf(path, sizeof path, "%s/samples/rules/%s", SOURCE_DIR, name);
    struct err err = {0};
    char *text = io_read_file(path, 1 << 20, length, &err);
    if (!text)
        fail_msg("%s", err.text);
    return text;
}

TEST(the_templates_pass_their_tests)
{
    static const char *const files[] = {"templates.yaml",        "cards-open-link.yaml",
                                        "identity-outside.yaml", "secrets.yaml",
                                        "secrets-outside.yaml",  "health.yaml",
                                        "stale-shares.yaml",     "finance-folder.yaml",
                                        "label-lowered.yaml",    "unreadable-archive.yaml"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        own_arena struct arena arena = arena_new(1 << 26);
        struct policy_problems problems;
        size_t length, count;
        char *text = read_sample(files[f], &length);
        struct policy *policy = rules_world_parse(text, &arena, &problems);
        if (!policy)
            fail_msg("%s", rules_world_print(&problems, &arena));
        const struct expect_test *tests = expect_tests(policy, &count);
        assert_true(count >= (f == 0 ? 12 : 2));
        assert_int_equal(problems.warnings, f == 0);
        for (size_t i = 0; i < count; i++) {
            struct facts facts;
            struct plan plan;
            const char *mismatch;
            int64_t now =
                tests[i].facts.given[EXPECT_NOW] ? tests[i].facts.now_us : RULES_WORLD_NOW;
            facts_init(&facts);
            expect_overlay(&facts, &tests[i].facts);
            assert_true(expect_run(policy, &tests[i], &facts, now, &arena, &plan, &mismatch));
            if (mismatch)
                fail_msg("%s test %zu: %s", files[f], i + 1, mismatch);
        }
        policy_free(policy);
        mem_free(text);
    }
}

TEST(no_rules_file_is_a_policy_that_decides_nothing)
{
    own_arena struct arena arena = arena_new(1 << 20);
    struct policy *policy = policy_empty(NULL);
    struct facts facts;
    struct plan plan;
    size_t count;
    assert_non_null(policy);
    facts_init(&facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, true, &arena, &plan));
    assert_int_equal(plan.rule_count + plan.plan.count + plan.would.count, 0);
    assert_null(policy_labels(policy, &count));
    assert_int_equal(count, 0);
    assert_null(policy_site(policy));
    assert_null(policy_label_find(policy, "Secret"));
    policy_free(policy);
}

TEST(memory_may_run_out_anywhere)
{
    const char *text =
        LABELS "conditions: { A: { path: /x/ } }\n"
               "rules:\n  - { name: R, when: { is: A, label: { is: Secret } }, then: { tag: a } }\n"
               "exceptions: [{ name: E, rules: R, when: always, reason: x, owner: a@b.example, "
               "until: 2027-03-31 }]\n"
               "tests: [{ findings: { iban: 1 }, expect: { rules: R } }]\n";
    size_t failures = 0;
    for (size_t nth = 1; nth < 400; nth++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct policy_problems problems;
        mem_fail_nth(nth, nth % 2);
        struct policy *policy = rules_world_parse(text, &arena, &problems);
        mem_fail_nth(0, 0);
        failures += policy == NULL;
        policy_free(policy);
    }
    assert_true(failures > 5);
}

TEST(facts_are_read_from_words)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy_problems problems;
    struct policy *policy = rules_world_parse(LABELS, &arena, &problems);
    struct expect_facts given = {0};
    struct err err = {0};
    int64_t now = RULES_WORLD_NOW;
    assert_true(expect_read(policy, "exposure", "public", now, &arena, &given, &err));
    assert_true(expect_read(policy, "shared_with", "a@b.example, c", now, &arena, &given, &err));
    assert_true(expect_read(policy, "label", "Secret", now, &arena, &given, &err));
    assert_true(expect_read(policy, "created", "2 days ago", now, &arena, &given, &err));
    assert_int_equal(given.facts.shared_with_count, 2);
    assert_string_equal(given.facts.shared_with[1], "c");
    assert_int_equal(now - given.facts.created.us, 2ll * 24 * 3600 * 1000000);
    struct facts facts;
    facts_init(&facts);
    expect_overlay(&facts, &given);
    assert_int_equal(facts.exposure, FACTS_PUBLIC);
    assert_true(facts.sharing_known);
    assert_false(expect_read(policy, "label", "Secrte", now, &arena, &given, &err));
    assert_non_null(strstr(err.text, "did you mean \"Secret\"?"));
    assert_false(expect_read(policy, "findings", "iban", now, &arena, &given, &err));
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_where_it_is),
        cmocka_unit_test(all_mistakes_are_told_at_once_up_to_a_hundred),
        cmocka_unit_test(labels_are_ordered_and_found_by_name_and_id),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
        cmocka_unit_test(names_do_not_multiply_work),
        cmocka_unit_test(all_rules_together_are_bounded),
        cmocka_unit_test(conditions_nest_sixteen_deep_and_no_deeper),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(the_templates_pass_their_tests),
        cmocka_unit_test(no_rules_file_is_a_policy_that_decides_nothing),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(facts_are_read_from_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
