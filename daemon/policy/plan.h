/*
 * plan: what the rules say should happen to one item, and why. Pure: the same facts, rules and
 * `now` give the same plan, whatever the order of rules, values or findings.
 * Owns: nothing; everything lies in the arena or in the policy.
 */
#ifndef LABELD_POLICY_PLAN_H
#define LABELD_POLICY_PLAN_H
#include "policy/policy.h"

/* In the order in which they are carried out. */
enum plan_do {
    PLAN_UNSHARE,
    PLAN_EXPIRE_LINKS,
    PLAN_LABEL,
    PLAN_ENCRYPT,
    PLAN_QUARANTINE,
    PLAN_TAG,
    PLAN_ALERT,
    PLAN_NOTIFY,
    PLAN_DO_COUNT
};

enum plan_truth { PLAN_FALSE, PLAN_UNKNOWN, PLAN_TRUE };

enum plan_state { PLAN_NOT_MATCHED, PLAN_UNDECIDED, PLAN_MATCHED, PLAN_EXCEPTED };

enum plan_mode { PLAN_OFF, PLAN_SIMULATE, PLAN_ENFORCE };

/* Why a condition is what it is; a tree. For explain. */
struct plan_node {
    enum plan_truth is;
    const char *op;        /* "all", "any", "not", "is"; NULL for a condition */
    const char *name;      /* of an `is` */
    const char *condition; /* "findings" */
    unsigned line;
    const char *want, *have; /* "at least 5 different, medium or better", "found 5" */
    const struct plan_node *of;
    size_t of_count;
};

struct plan_exception {
    const char *name, *origin, *owner, *reason;
    int64_t until_us;
};

/* What one rule said. */
struct plan_rule {
    const char *name;
    unsigned line;
    enum plan_mode mode; /* in force: the file's mode and the brake applied */
    bool held;           /* enforced, but the brake lets it only simulate */
    enum plan_state state;
    const struct plan_exception *exception; /* PLAN_EXCEPTED */
    const struct plan_node *when;           /* only when plan_for was asked to explain */
    const char *const *then;                /* names of its actions, in order */
    const char *const *does;                /* the same with operands: "label Secret" */
    size_t then_count;
};

/* Whom one rule wants to be told, and its sentence for them. */
struct plan_notice {
    const char *rule, *message; /* message: NULL = none */
    const char *const *targets;
    size_t target_count;
};

/* One step. `with` is its operand for people and JSON: "Confidential", "external-people", "soc". */
struct plan_step {
    enum plan_do what;
    const char *with;
    const char *const *rules;
    size_t rule_count;

    /* operands, by kind of step */
    const struct policy_label *label;      /* PLAN_LABEL; NULL = take the label away */
    const struct policy_label *label_from; /* NULL = none, or unknown */
    const char *justification;
    enum facts_exposure unshare_to;
    bool unshare_bounded;     /* unshare_to counts */
    const char *const *names; /* remove:, recipients groups, tags, notify targets */
    size_t name_count;
    bool else_quarantine;
    int64_t span_us;      /* expire_links */
    unsigned alert_level; /* 0 low, 1 medium, 2 high */
    const char *message;
    const struct plan_notice *notices; /* PLAN_NOTIFY: the rules, each for itself */
    size_t notice_count;
};

struct plan_left_out {
    enum plan_do what;
    const char *with; /* as in a step */
    const char *reason;
    const char *const *rules;
    size_t rule_count;
};

struct plan_steps {
    struct plan_step *steps;
    size_t count;
    struct plan_left_out *left_out;
    size_t left_out_count;
};

struct plan {
    const char *revision;
    int64_t now_us;
    int64_t due_us; /* next instant at which a verdict may change by time alone; 0 = none */
    struct plan_rule *rules;
    size_t rule_count;
    struct plan_steps plan;  /* what enforced rules do */
    struct plan_steps would; /* as if all matched rules enforced */
};

/* Decide. With `explain` each rule carries its tree. False only when memory is out. */
bool plan_for(const struct policy *policy, const struct facts *facts, int64_t now_us, bool explain,
              struct arena *arena, struct plan *plan);

/* The same, for tests of a rules file: with `all_enforced` every rule that is not off acts; and
 * under the brake: `held` says of each rule, in the order of the file, whether it only simulates
 * (NULL = none is held). */
struct plan_options {
    int64_t now_us;
    bool explain, all_enforced;
    const bool *held;
};

bool plan_as(const struct policy *policy, const struct facts *facts,
             const struct plan_options *options, struct arena *arena, struct plan *plan);

/* The stable words: "label", "unshare", ... and "matched", "not-matched", ... */
const char *plan_do_word(enum plan_do what);
const char *plan_state_word(enum plan_state state);
const char *plan_mode_word(enum plan_mode mode);

/* The label in force after these steps: the step's label, else the present one. */
const struct policy_label *plan_label_after(const struct policy *policy, const struct facts *facts,
                                            const struct plan_steps *steps);

#endif
