#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "plan_world.h"

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
        struct policy *policy = plan_parse(rules_of(joins[i].rules, "enforce", &arena), &arena);
        plan_facts(joins[i].facts, &arena, &facts);
        assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
        const char *got = print_steps(&plan.plan, &arena);
        if (strcmp(got, joins[i].steps) != 0)
            fail_msg("case %zu:\n%s\nwanted:\n%s", i, got, joins[i].steps);
        policy_free(policy);
    }
}

TEST(a_quarantine_carries_what_its_rules_say_to_the_owner)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy =
        plan_parse("mode: enforce\ndefaults: { mode: enforce }\nrules:\n"
                   "  - { name: A, message: Held cards., when: always, then: { quarantine: true, "
                   "alert: low } }\n"
                   "  - { name: B, message: Not this., when: always, then: { tag: x } }\n"
                   "  - { name: C, message: Ask Anna., when: always, then: { quarantine: true, "
                   "alert: low } }\n"
                   "  - { name: D, when: always, then: { quarantine: true, alert: low } }\n",
                   &arena);
    facts_init(&facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.plan.steps[0].what, PLAN_QUARANTINE);
    assert_non_null(plan.plan.steps[0].message);
    assert_string_equal(plan.plan.steps[0].message, "Held cards. Ask Anna.");
    policy_free(policy);
}

TEST(simulated_rules_do_nothing_but_are_told)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy = plan_parse(
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
    policy =
        plan_parse("mode: simulate\nrules: [{ name: B, mode: enforce, when: always, then: { tag: a "
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
        plan_parse(LABELS "rules:\n  - { name: A, mode: enforce, when: { label_change: [lowered, "
                          "removed] }, then: { label: { to: previous, override: manual } } }\n",
                   &arena);
    plan_facts("{ label: General, set_by: manual, label_change: lowered, previous: Secret, expect: "
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
    struct policy *policy = plan_parse(CARDS EXCEPTION("{ path: /x/ }", ""), &arena);
    plan_facts("{ path: /x/y, findings: { iban: 1 }, expect: {} }", &arena, &facts);
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
    struct policy *policy = plan_parse(CARDS EXCEPTION("always", ", ignore: PCI"), &arena);
    plan_facts("{ findings: { credit-card: 3 }, expect: {} }", &arena, &facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_EXCEPTED);
    plan_facts("{ findings: { credit-card: 3, iban: 1 }, expect: {} }", &arena, &facts);
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    assert_int_equal(plan.rules[0].state, PLAN_MATCHED);
    policy_free(policy);
}

TEST(an_exception_that_is_not_known_does_not_apply)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct facts facts;
    struct plan plan;
    struct policy *policy = plan_parse(CARDS EXCEPTION("{ owner: anna }", ""), &arena);
    plan_facts("{ findings: { iban: 1 }, expect: {} }", &arena, &facts);
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
            plan_parse(arena_printf(&arena, "rules: [{ name: A, when: %s, then: { tag: a } }]\n",
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
    struct policy *policy = plan_parse(rules, arena);
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
        plan_facts(random_facts(&dice, &arena), &arena, &facts);
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
        plan_facts(random_facts(&dice, &arena), &arena, &facts);
        for (unsigned i = 0; i < most_rules; i++)
            order[i] = i;
        struct policy *one = plan_parse(rules_text(rules, order, count, NULL, &arena), &arena);
        struct policy *two = plan_parse(rules_text(rules, order, count, "enforce", &arena), &arena);
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

/* Bounds ------------------------------------------------------------------------------------- */

TEST(memory_may_run_out_anywhere)
{
    own_arena struct arena arena = arena_new(1 << 24);
    struct policy *policy = plan_parse(
        rules_of("A: { label: General, notify: owner }\nB: { unshare: { to: private }, tag: x }",
                 "enforce", &arena),
        &arena);
    struct facts facts;
    plan_facts("{ exposure: public, findings: { iban: 1 }, path: '/\xc3\xa4', expect: {} }", &arena,
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
        cmocka_unit_test(what_rules_want_is_joined),
        cmocka_unit_test(a_quarantine_carries_what_its_rules_say_to_the_owner),
        cmocka_unit_test(simulated_rules_do_nothing_but_are_told),
        cmocka_unit_test(a_lost_label_comes_back),
        cmocka_unit_test(an_exception_takes_a_matched_rule_out_until_its_day_ends),
        cmocka_unit_test(an_exception_that_ignores_types_leaves_the_others),
        cmocka_unit_test(an_exception_that_is_not_known_does_not_apply),
        cmocka_unit_test(due_is_the_instant_at_which_the_verdict_turns),
        cmocka_unit_test(the_order_of_rules_and_findings_never_matters),
        cmocka_unit_test(simulate_tells_what_enforce_does),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
