/*
 * expect: the tests that stand in a rules file (rules.md, section 8), and the facts that a test
 * or `rules explain` gives by hand.
 * Owns: nothing; tests lie in their policy.
 */
#ifndef LABELD_POLICY_EXPECT_H
#define LABELD_POLICY_EXPECT_H
#include "policy/plan.h"

/* Facts by name, as keys of a test and as options of explain. */
enum expect_fact {
#define FACT(id, word) EXPECT_##id,
#include "policy/facts.def"
#undef FACT
    EXPECT_FACT_COUNT
};

/* Facts that somebody gives: `given` says which of `facts` count. */
struct expect_facts {
    bool given[EXPECT_FACT_COUNT];
    struct facts facts;
    int64_t now_us;
    const char *file; /* to be examined, as written */
};

struct expect_test {
    const char *name; /* "" = none */
    unsigned line;
    struct expect_facts facts;

    /* what is expected; only what has a flag is looked at */
    bool expects_label, expects_actions, expects_alert, expects_notify, expects_tag;
    bool expects_rules, expects_undecided;
    const struct policy_label *label; /* NULL = none */
    const enum plan_do *actions;
    size_t action_count;
    int alert;                                                                /* -1 = none */
    const char *const *notify, *const *tag, *const *rules, *const *undecided; /* sorted */
    size_t notify_count, tag_count, rule_count, undecided_count;
};

const struct expect_test *expect_tests(const struct policy *policy, size_t *count);

/* Lay the given facts over others: those of a file, or facts_init. */
void expect_overlay(struct facts *facts, const struct expect_facts *given);

/* Read one fact from text ("exposure", "anyone-with-link"); lists are separated by commas.
 * Texts live in `arena`. False with ERR_USAGE, which says what is wrong. */
bool expect_read(const struct policy *policy, const char *word, const char *text, int64_t now_us,
                 struct arena *arena, struct expect_facts *given, struct err *err);

/* Decide a test: every rule not `off` as if enforced. `mismatch` says what differs ("label:
 * wanted Secret, got none"), NULL when all is as expected. False when memory is out. */
bool expect_run(const struct policy *policy, const struct expect_test *test,
                const struct facts *facts, int64_t now_us, struct arena *arena, struct plan *plan,
                const char **mismatch);

#endif
