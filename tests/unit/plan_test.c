#include "check.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "policy/expect.h"
#include "policy/explain.h"
#include "rules_world.h"

#define DAY_US (24ll * 3600 * 1000000)
#define SITE   "site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10\n"
#define LABELS                                                                                     \
    SITE "labels:\n"                                                                               \
         "  - { name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }\n"                       \
         "  - name: Confidential\n"                                                                \
         "    id: 5b0e2b44-3f39-4d6e-8c8a-7b6f0d5a9e02\n"                                          \
         "    sub:\n"                                                                              \
         "      - { name: Personal data, id: 9d3c8a70-7d4e-4b0f-8f51-2f1f6a3b8c03 }\n"             \
         "      - { name: Finance, id: c1e5b9d4-0a63-4f8d-b2a7-6e9d4c7f5b04 }\n"                   \
         "  - { name: Secret, id: e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05 }\n"

static struct policy *parse(const char *text, struct arena *arena)
{
    struct policy_problems problems;
    struct policy *policy = rules_world_parse(text, arena, &problems);
    if (!policy)
        fail_msg("%s\n%s", text, rules_world_print(&problems, arena));
    return policy;
}

/* Facts of a test in YAML, as the tests of a rules file give them. */
static void read_facts(const char *yaml, struct arena *arena, struct facts *facts)
{
    const char *text = arena_printf(
        arena, LABELS "rules: [{ name: R, when: always, then: { alert: low } }]\ntests: [%s]\n",
        yaml);
    struct policy *policy = parse(text, arena);
    size_t count;
    facts_init(facts);
    expect_overlay(facts, &expect_tests(policy, &count)->facts);
    /* the facts' texts lie in this policy: freed with the test process */
    static struct policy *kept[4096];
    static size_t kept_count;
    assert_true(kept_count < sizeof kept / sizeof *kept);
    kept[kept_count++] = policy;
}

/* Conditions --------------------------------------------------------------------------------- */

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
        struct policy *policy = parse(text, &arena);
        read_facts(cases[i].facts, &arena, &facts);
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
        struct policy *policy =
            parse(arena_printf(&arena, "rules: [{ name: R, when: %s, then: { alert: low } }]\n",
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
    struct policy *policy = parse(
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
        parse(LABELS "rules:\n"
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

/* Steps -------------------------------------------------------------------------------------- */

/* "label Secret (A, B); alert high (A) | left out: unshare public (C)" */
static const char *print_steps(const struct plan_steps *steps, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        text = arena_printf(arena, "%s%s%s%s%s (", text, i ? "; " : "", plan_do_word(step->what),
                            *step->with ? " " : "", step->with);
        for (size_t k = 0; k < step->rule_count; k++)
            text = arena_printf(arena, "%s%s%s", text, k ? " " : "", step->rules[k]);
        text = arena_printf(arena, "%s)", text);
    }
    for (size_t i = 0; i < steps->left_out_count; i++)
        text = arena_printf(arena, "%s%s%s: %s (%s)", text, i ? "; " : " | ",
                            plan_do_word(steps->left_out[i].what), steps->left_out[i].reason,
                            steps->left_out[i].rules[0]);
    return text;
}

static const struct {
    const char *rules, *facts, *steps;
} joins[] = {
    /* which label */
    {"A: { label: General }\nB: { label: Secret }", "{ expect: {} }",
     "label Secret (B) | label: Secret is higher (A)"},
    {"A: { label: Secret }\nB: { label: Secret }", "{ expect: {} }", "label Secret (A B)"},
    {"A: { label: General }", "{ label: Secret, expect: {} }",
     " | label: the label in force is higher (A)"},
    {"A: { label: Secret }", "{ label: Secret, expect: {} }", " | label: in force already (A)"},
    {"A: { label: Secret }", "{ label: General, set_by: manual, expect: {} }",
     " | label: a person set the label in force (A)"},
    {"A: { label: { to: Secret, override: manual } }",
     "{ label: General, set_by: manual, expect: {} }", "label Secret (A)"},
    {"A: { label: { to: Confidential/Finance, override: manual } }\nB: { label: Secret }",
     "{ label: General, set_by: manual, expect: {} }",
     "label Confidential/Finance (A) | label: a person set the label in force (B)"},
    {"A: { label: { to: General, downgrade: true, justification: x } }",
     "{ label: Secret, expect: {} }", "label General (A)"},
    {"A: { label: { to: General, downgrade: true, justification: x } }",
     "{ label: Secret, set_by: manual, expect: {} }",
     " | label: a person set the label in force (A)"},
    {"A: { label: { to: General, downgrade: true, override: manual, justification: x } }",
     "{ label: Secret, set_by: manual, expect: {} }", "label General (A)"},
    {"A: { label: { to: General, downgrade: true, justification: x } }\nB: { label: Secret }",
     "{ label: Secret, expect: {} }",
     " | label: another rule asks for the label in force or a higher one (A); label: in force "
     "already (B)"},
    {"A: { label: { to: none, downgrade: true, justification: x } }\n"
     "B: { label: { to: General, downgrade: true, justification: x } }",
     "{ label: Secret, expect: {} }", "label General (B) | label: General is higher (A)"},
    {"A: { label: { to: none, downgrade: true, justification: x } }",
     "{ label: Secret, expect: {} }", "label none (A)"},
    {"A: { label: { to: none, downgrade: true, justification: x } }", "{ expect: {} }",
     " | label: in force already (A)"},
    {"A: { label: Secret }", "{ label: unknown, expect: {} }",
     " | label: the label in force is higher (A)"},
    {"A: { label: Secret }", "{ label: foreign, expect: {} }", "label Secret (A)"},
    /* unshare */
    {"A: { unshare: { to: external-people } }\nB: { unshare: { to: private, else: quarantine } }",
     "{ exposure: public, expect: {} }", "unshare private (A B)"},
    {"A: { unshare: { to: organisation, remove: 'x*' } }\nB: { unshare: { remove: [a, b] } }",
     "{ exposure: public, expect: {} }", "unshare organisation, remove a, b, x* (A B)"},
    {"A: { unshare: { to: organisation } }", "{ exposure: organisation, expect: {} }",
     " | unshare: nothing wider is shared (A)"},
    {"A: { unshare: { to: organisation } }", "{ expect: {} }", "unshare organisation (A)"},
    {"A: { unshare: { remove: '*@x.example' } }",
     "{ exposure: external-people, shared_with: [a@x.example], expect: {} }",
     "unshare remove *@x.example (A)"},
    {"A: { unshare: { remove: '*@x.example' } }",
     "{ exposure: external-people, shared_with: [a@y.example], expect: {} }",
     " | unshare: nothing wider is shared (A)"},
    /* the rest */
    {"A: { expire_links: 3 weeks }\nB: { expire_links: 7 days }", "{ expect: {} }",
     "expire_links 7 days (A B)"},
    {"A: { quarantine: true, alert: low }\nB: { unshare: { to: private }, expire_links: 1 day }\n"
     "C: { encrypt: board }",
     "{ exposure: public, expect: {} }",
     "quarantine (A); alert low (A) | unshare: covered by quarantine (B); expire_links: covered by "
     "quarantine (B); encrypt: covered by quarantine (C)"},
    {"A: { encrypt: [board, legal] }\nB: { encrypt: [legal, audit] }", "{ expect: {} }",
     "encrypt legal (A B)"},
    {"A: { encrypt: [board] }\nB: { encrypt: [legal] }", "{ expect: {} }",
     "quarantine (A B) | encrypt: no recipients group is common to all rules: quarantine instead "
     "(A)"},
    {"A: { tag: [x, a] }\nB: { tag: [b, x] }", "{ expect: {} }", "tag a, b, x (A B)"},
    {"A: { notify: [soc, owner] }\nB: { notify: owner }", "{ expect: {} }",
     "notify owner, soc (A B)"},
    {"A: { alert: low }\nB: { alert: high }", "{ expect: {} }", "alert low (A); alert high (B)"},
    {"A: { notify: soc, alert: low, tag: t, label: Secret, expire_links: 1 day }", "{ expect: {} }",
     "expire_links 1 day (A); label Secret (A); tag t (A); alert low (A); notify soc (A)"},
};

/* "NAME: actions" lines as enforced rules that always match. */
static const char *rules_of(const char *lines, const char *mode, struct arena *arena)
{
    const char *text =
        "recipients: { board: [age1a], legal: [age1b], audit: [age1c] }\n" LABELS "rules:\n";
    for (const char *at = lines; *at;) {
        size_t length = strcspn(at, "\n");
        text = arena_printf(arena, "%s  - { name: %.1s, mode: %s, when: always, then: %.*s }\n",
                            text, at, mode, (int)(length - 3), at + 3);
        at += length + (at[length] == '\n');
    }
    return text;
}

TEST(what_rules_want_is_joined)
{
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct facts facts;
        struct plan plan;
        struct policy *policy = parse(rules_of(joins[i].rules, "enforce", &arena), &arena);
        read_facts(joins[i].facts, &arena, &facts);
        assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
        const char *got = print_steps(&plan.plan, &arena);
        if (strcmp(got, joins[i].steps) != 0)
            fail_msg("case %zu:\n%s\nwanted:\n%s", i, got, joins[i].steps);
        policy_free(policy);
    }
}

TEST(simulated_rules_do_nothing_but_are_told)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy = parse(
        LABELS "rules:\n"
               "  - { name: A, when: always, then: { label: Secret } }\n"
               "  - { name: B, mode: enforce, when: always, then: { label: General } }\n"
               "  - { name: C, mode: off, when: always, then: { quarantine: true, alert: low } }\n",
        &arena);
    facts_init(&facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_string_equal(print_steps(&plan.plan, &arena), "label General (B)");
    assert_string_equal(print_steps(&plan.would, &arena),
                        "label Secret (A) | label: Secret is higher (B)");
    assert_int_equal(plan.rules[2].state, PLAN_NOT_MATCHED);
    assert_string_equal(plan_label_after(policy, &facts, &plan.plan)->name, "General");
    policy_free(policy);
    policy = parse("mode: simulate\nrules: [{ name: B, mode: enforce, when: always, then: { tag: a "
                   "} }]\n",
                   &arena);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.plan.count, 0);
    assert_int_equal(plan.would.count, 1);
    policy_free(policy);
}

TEST(a_lost_label_comes_back)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy =
        parse(LABELS "rules:\n  - { name: A, mode: enforce, when: { label_change: [lowered, "
                     "removed] }, then: { label: { to: previous, override: manual } } }\n",
              &arena);
    read_facts("{ label: General, set_by: manual, label_change: lowered, previous: Secret, expect: "
               "{} }",
               &arena, &facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_string_equal(print_steps(&plan.plan, &arena), "label Secret (A)");
    facts.previous_id = "no such label";
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_string_equal(print_steps(&plan.plan, &arena),
                        " | label: the label that was lost is not known (A)");
    policy_free(policy);
}

/* Exceptions and time ------------------------------------------------------------------------ */

#define EXCEPTION(when, more)                                                                      \
    "exceptions:\n  - { name: E, rules: A, when: " when                                            \
    ", reason: contract, owner: a@b.example, until: 2026-12-31" more " }\n"
#define CARDS                                                                                      \
    "rules:\n  - { name: A, when: { findings: { type: [PCI, iban] } }, then: { tag: a } }\n"

TEST(an_exception_takes_a_matched_rule_out_until_its_day_ends)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy = parse(CARDS EXCEPTION("{ path: /x/ }", ""), &arena);
    read_facts("{ path: /x/y, findings: { iban: 1 }, expect: {} }", &arena, &facts);
    int64_t last = 0;
    assert_true(clock_parse("2026-12-31T23:59:59Z", &last));
    assert_true(plan_for(policy, &facts, last, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_EXCEPTED);
    assert_string_equal(plan.rules[0].exception->name, "E");
    assert_int_equal(plan.due_us, last + 1000000);
    assert_int_equal(plan.would.count, 0);
    assert_true(plan_for(policy, &facts, plan.due_us, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_MATCHED);
    assert_int_equal(plan.due_us, 0);
    facts.path = "/z";
    assert_true(plan_for(policy, &facts, last, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_MATCHED);
    assert_int_equal(plan.due_us, 0);
    policy_free(policy);
}

TEST(an_exception_that_ignores_types_leaves_the_others)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy = parse(CARDS EXCEPTION("always", ", ignore: PCI"), &arena);
    read_facts("{ findings: { credit-card: 3 }, expect: {} }", &arena, &facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_EXCEPTED);
    read_facts("{ findings: { credit-card: 3, iban: 1 }, expect: {} }", &arena, &facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_MATCHED);
    policy_free(policy);
}

TEST(an_exception_that_is_not_known_does_not_apply)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy = parse(CARDS EXCEPTION("{ owner: anna }", ""), &arena);
    read_facts("{ findings: { iban: 1 }, expect: {} }", &arena, &facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_MATCHED);
    policy_free(policy);
}

TEST(due_is_the_instant_at_which_the_verdict_turns)
{
    static const struct {
        const char *when;
        int64_t created_days, modified_days; /* ago */
        int64_t due_days;                    /* from now; 0 = none */
    } rows[] = {
        {"{ created: { before: 90 days ago } }", 30, 1, 60},
        {"{ created: { before: 90 days ago } }", 100, 1, 0},
        {"{ created: { after: 90 days ago } }", 30, 1, 60},
        {"{ created: { before: 2027-01-01 } }", 30, 1, 0},
        {"{ created: { before: 90 days ago }, modified: { before: 10 days ago } }", 30, 1, 60},
        {"{ any: [{ created: { before: 90 days ago } }, { modified: { before: 10 days ago } }] }",
         30, 1, 9},
        {"{ created: { before: 90 days ago }, label: any }", 30, 1, 0},
        {"{ not: { created: { before: 40 days ago } } }", 30, 1, 10},
        {"{ created: { before: 40 days ago, after: 50 days ago } }", 30, 1, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct facts facts;
        struct plan plan;
        struct policy *policy =
            parse(arena_printf(&arena, "rules: [{ name: A, when: %s, then: { tag: a } }]\n",
                               rows[i].when),
                  &arena);
        facts_init(&facts);
        facts.created = (struct facts_time){true, RULES_WORLD_NOW - rows[i].created_days * DAY_US};
        facts.modified =
            (struct facts_time){true, RULES_WORLD_NOW - rows[i].modified_days * DAY_US};
        assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
        int64_t wanted = rows[i].due_days ? RULES_WORLD_NOW + rows[i].due_days * DAY_US + 1 : 0;
        CHECK_CASE(i, plan.due_us == wanted);
        if (wanted) {
            struct plan before, at;
            assert_true(plan_for(policy, &facts, wanted - 1, false, &arena, &before));
            assert_true(plan_for(policy, &facts, wanted, false, &arena, &at));
            CHECK_CASE(i, before.rules[0].state == plan.rules[0].state);
            CHECK_CASE(i, at.rules[0].state != plan.rules[0].state);
        }
        policy_free(policy);
    }
}

/* Properties --------------------------------------------------------------------------------- */

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *dice, unsigned sides)
{
    dice->state = dice->state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(dice->state >> 33) % sides;
}

static const char *pick(struct dice *dice, const char *const *items, unsigned count)
{
    return items[roll(dice, count)];
}
#define PICK(dice, ...)                                                                            \
    pick(dice, (const char *const[]){__VA_ARGS__},                                                 \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static const char *random_condition(struct dice *dice, struct arena *arena, unsigned depth)
{
    unsigned kind = roll(dice, depth > 2 ? 9 : 12);
    switch (kind) {
    case 0:
        return arena_printf(arena, "{ findings: { type: [%s, %s], at_least: %u } }",
                            PICK(dice, "iban", "PCI", "card-visa"), PICK(dice, "es-dni", "Secrets"),
                            roll(dice, 4));
    case 1:
        return arena_printf(arena, "{ exposure: { %s: %s } }", PICK(dice, "at_least", "at_most"),
                            PICK(dice, "private", "organisation", "external-people", "public"));
    case 2:
        return arena_printf(arena, "{ label: { at_least: %s } }",
                            PICK(dice, "General", "Confidential", "Secret"));
    case 3: return arena_printf(arena, "{ path: [%s, /b/] }", PICK(dice, "/a/", "/a/c/"));
    case 4: return arena_printf(arena, "{ owner: %s }", PICK(dice, "anna", "'b*'"));
    case 5:
        return arena_printf(arena, "{ format: [%s, %s] }", PICK(dice, "docx", "image"),
                            PICK(dice, "txt", "spreadsheet"));
    case 6: return arena_printf(arena, "{ modified: { before: %u days ago } }", 1 + roll(dice, 60));
    case 7: return arena_printf(arena, "{ shared_with: [%s] }", PICK(dice, "a, b", "b, c"));
    case 8: return "always";
    case 9: return arena_printf(arena, "{ not: %s }", random_condition(dice, arena, depth + 1));
    default:
        return arena_printf(arena, "{ %s: [%s, %s] }", kind == 10 ? "all" : "any",
                            random_condition(dice, arena, depth + 1),
                            random_condition(dice, arena, depth + 1));
    }
}

static const char *random_actions(struct dice *dice)
{
    return PICK(dice, "{ label: General }", "{ label: Secret, alert: high }",
                "{ label: Confidential/Finance, tag: [b, a] }",
                "{ label: { to: General, downgrade: true, justification: x } }",
                "{ unshare: { to: organisation }, notify: [owner] }",
                "{ unshare: { to: private, remove: ['z*', a] } }",
                "{ quarantine: true, notify: [soc] }", "{ encrypt: [board, legal] }",
                "{ encrypt: [board] }", "{ expire_links: 7 days, alert: low }",
                "{ expire_links: 1 day, tag: [c] }");
}

static const char *random_facts(struct dice *dice, struct arena *arena)
{
    return arena_printf(
        arena,
        "{ findings: { iban: %u, card-visa: { high: %u, low: 2 }, es-dni: %u }, path: %s, "
        "exposure: %s, label: %s, set_by: %s, format: %s, status: %s, modified: %u days ago%s, "
        "expect: {} }",
        roll(dice, 4), roll(dice, 4), roll(dice, 3), PICK(dice, "/a/x", "/b/x", "/z"),
        PICK(dice, "unknown", "private", "organisation", "external-people", "public"),
        PICK(dice, "none", "General", "Confidential/Finance", "Secret", "unknown"),
        PICK(dice, "automatic", "manual"), PICK(dice, "docx", "txt", "png"),
        PICK(dice, "ok", "ok", "partial"), roll(dice, 60),
        PICK(dice, "", ", owner: anna", ", shared_with: [a, c]"));
}

struct random_rule {
    const char *when, *then, *mode;
};

enum { most_rules = 8 };

static const char *rules_text(const struct random_rule *rules, const unsigned *order,
                              unsigned count, const char *mode, struct arena *arena)
{
    const char *text = "recipients: { board: [age1a], legal: [age1b] }\n" LABELS "rules:\n";
    for (unsigned i = 0; i < count; i++) {
        const struct random_rule *rule = &rules[order[i]];
        text = arena_printf(arena, "%s  - { name: R%u, mode: %s, when: %s, then: %s }\n", text,
                            order[i], mode ? mode : rule->mode, rule->when, rule->then);
    }
    return arena_printf(arena,
                        "%sexceptions:\n"
                        "  - { name: E2, rules: every, when: { path: /b/ }, reason: x, owner: "
                        "a@b.example, until: 2026-12-20, ignore: iban }\n"
                        "  - { name: E1, rules: R1, when: { format: txt }, reason: x, owner: "
                        "a@b.example, until: 2026-12-10 }\n",
                        text);
}

static unsigned random_rules(struct dice *dice, struct arena *arena, struct random_rule *rules)
{
    unsigned count = 2 + roll(dice, most_rules - 1);
    for (unsigned i = 0; i < count; i++)
        rules[i] = (struct random_rule){random_condition(dice, arena, 0), random_actions(dice),
                                        PICK(dice, "simulate", "enforce")};
    return count;
}

/* States by rule name, steps and due: all that a plan says but the order of rules. */
static const char *summary(const struct plan *plan, struct arena *arena)
{
    const char *text = "";
    for (unsigned number = 0; number < most_rules; number++)
        for (size_t i = 0; i < plan->rule_count; i++)
            if ((unsigned)(plan->rules[i].name[1] - '0') == number)
                text = arena_printf(arena, "%s%u %s %s\n", text, number,
                                    plan_state_word(plan->rules[i].state),
                                    plan->rules[i].exception ? plan->rules[i].exception->name : "");
    return arena_printf(arena, "%s%s\n%s\n%lld", text, print_steps(&plan->plan, arena),
                        print_steps(&plan->would, arena), (long long)plan->due_us);
}

static void shuffle(struct dice *dice, unsigned *order, unsigned count)
{
    for (unsigned i = count; i > 1; i--) {
        unsigned k = roll(dice, i), kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
}

static const char *decide(const char *rules, const struct facts *facts, struct arena *arena)
{
    struct plan plan;
    struct policy *policy = parse(rules, arena);
    assert_true(plan_for(policy, facts, RULES_WORLD_NOW, false, arena, &plan));
    const char *text = summary(&plan, arena);
    policy_free(policy);
    return text;
}

TEST(the_order_of_rules_and_findings_never_matters)
{
    for (uint64_t seed = 1; seed <= 120; seed++) {
        own_arena struct arena arena = arena_new(1 << 26);
        struct dice dice = {seed};
        struct random_rule rules[most_rules];
        unsigned order[most_rules], rows[8];
        unsigned count = random_rules(&dice, &arena, rules);
        struct facts facts, other;
        read_facts(random_facts(&dice, &arena), &arena, &facts);
        for (unsigned i = 0; i < most_rules; i++)
            order[i] = rows[i] = i;
        const char *first = decide(rules_text(rules, order, count, NULL, &arena), &facts, &arena);
        for (int turn = 0; turn < 3; turn++) {
            struct report_finding findings[8];
            shuffle(&dice, order, count);
            shuffle(&dice, rows, (unsigned)facts.finding_count);
            for (size_t i = 0; i < facts.finding_count; i++)
                findings[i] = facts.findings[rows[i]];
            other = facts;
            other.findings = findings;
            const char *again =
                decide(rules_text(rules, order, count, NULL, &arena), &other, &arena);
            if (strcmp(first, again) != 0)
                fail_msg("seed %llu:\n%s\n---\n%s", (unsigned long long)seed, first, again);
        }
    }
}

TEST(simulate_tells_what_enforce_does)
{
    for (uint64_t seed = 1000; seed < 1120; seed++) {
        own_arena struct arena arena = arena_new(1 << 26);
        struct dice dice = {seed};
        struct random_rule rules[most_rules];
        unsigned order[most_rules];
        unsigned count = random_rules(&dice, &arena, rules);
        struct facts facts;
        struct plan simulated, enforced;
        read_facts(random_facts(&dice, &arena), &arena, &facts);
        for (unsigned i = 0; i < most_rules; i++)
            order[i] = i;
        struct policy *one = parse(rules_text(rules, order, count, NULL, &arena), &arena);
        struct policy *two = parse(rules_text(rules, order, count, "enforce", &arena), &arena);
        assert_true(plan_for(one, &facts, RULES_WORLD_NOW, false, &arena, &simulated));
        assert_true(plan_for(two, &facts, RULES_WORLD_NOW, false, &arena, &enforced));
        const char *would = print_steps(&simulated.would, &arena);
        const char *does = print_steps(&enforced.plan, &arena);
        if (strcmp(would, does) != 0)
            fail_msg("seed %llu:\n%s\n---\n%s", (unsigned long long)seed, would, does);
        assert_string_equal(does, print_steps(&enforced.would, &arena));
        policy_free(one);
        policy_free(two);
    }
}

/* Explain ------------------------------------------------------------------------------------ */

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
    return parse(LABELS
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
    struct policy *policy = parse(
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
    read_facts("{ findings: { credit-card: 5 }, property: { A: b }, exposure: public, expect: {} }",
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

/* Bounds ------------------------------------------------------------------------------------- */

TEST(memory_may_run_out_anywhere)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy *policy = parse(
        rules_of("A: { label: General, notify: owner }\nB: { unshare: { to: private }, tag: x }",
                 "enforce", &arena),
        &arena);
    struct facts facts;
    read_facts("{ exposure: public, findings: { iban: 1 }, path: '/\xc3\xa4', expect: {} }", &arena,
               &facts);
    for (size_t nth = 1; nth < 40; nth++) {
        own_arena struct arena small = arena_new(1 << 20);
        struct plan plan;
        mem_fail_nth(nth, 0);
        bool ok = plan_for(policy, &facts, RULES_WORLD_NOW, true, &small, &plan);
        mem_fail_nth(0, 0);
        assert_true(ok || nth < 10);
    }
    for (size_t bytes = 0; bytes < 4000; bytes += 40) {
        own_arena struct arena small = arena_new(bytes);
        struct plan plan;
        if (plan_for(policy, &facts, RULES_WORLD_NOW, true, &small, &plan))
            assert_int_equal(plan.plan.count, 4);
    }
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_is_true_false_or_unknown),
        cmocka_unit_test(variants_count_for_children_and_rows_for_parents),
        cmocka_unit_test(a_capped_count_is_a_lower_bound),
        cmocka_unit_test(an_unread_label_is_unknown_and_is_not_overwritten),
        cmocka_unit_test(what_rules_want_is_joined),
        cmocka_unit_test(simulated_rules_do_nothing_but_are_told),
        cmocka_unit_test(a_lost_label_comes_back),
        cmocka_unit_test(an_exception_takes_a_matched_rule_out_until_its_day_ends),
        cmocka_unit_test(an_exception_that_ignores_types_leaves_the_others),
        cmocka_unit_test(an_exception_that_is_not_known_does_not_apply),
        cmocka_unit_test(due_is_the_instant_at_which_the_verdict_turns),
        cmocka_unit_test(the_order_of_rules_and_findings_never_matters),
        cmocka_unit_test(simulate_tells_what_enforce_does),
        cmocka_unit_test(explain_reads_as_the_manual_shows_it),
        cmocka_unit_test(explain_as_json_has_all_keys),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
