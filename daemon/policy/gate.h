/*
 * gate: what a text of rules must pass before it is in force: no errors, no failed test. The same
 * for the file, for what is put over the API, for simulations.
 */
#ifndef LABELD_POLICY_GATE_H
#define LABELD_POLICY_GATE_H
#include "policy/policy.h"

/* What the rules may name; all borrowed. */
struct gate {
    const struct limits *limits;
    const struct type_list *types;
    const char *const *connections;
    size_t connection_count;
    const char *const *targets;
    size_t target_count;
    bool (*recipient)(const char *text, struct err *err); /* NULL = not checked */
};

/* Load a text; "" is no rules. NULL with err, which says how many errors there are; they, and
 * warnings of a good text, are in `problems`. */
struct policy *gate_load(const struct gate *gate, const char *name, const char *text,
                         struct arena *arena, struct policy_problems *problems, struct err *err);

/* Whether its tests pass: those without a file, which only labelctl can examine. False with err,
 * which names the first that fails, or says that memory is out. */
bool gate_test(const struct policy *policy, const char *name, int64_t now_us, struct arena *arena,
               struct err *err);

#endif
