/*
 * ruleset: the rules of a policy, one by one, for whoever counts or compares them.
 * Owns: nothing; texts lie in the policy.
 */
#ifndef LABELD_POLICY_RULESET_H
#define LABELD_POLICY_RULESET_H
#include "policy/plan.h"

#define RULESET_NONE SIZE_MAX

/* When a rule is stopped (rules.md, section 6). */
struct ruleset_brake {
    bool off;
    uint64_t items;
    bool per_day;   /* items a day; else an hour */
    unsigned share; /* of the catalogue, in per cent */
};

struct ruleset_rule {
    const char *name, *digest; /* digest: policy_rule_digest */
    unsigned line;
    enum plan_mode mode; /* the file's mode applied */
    struct ruleset_brake brake;
};

size_t ruleset_count(const struct policy *policy);

/* By its place in the file, from 0. */
struct ruleset_rule ruleset_rule(const struct policy *policy, size_t index);

/* The place of a rule by name; RULESET_NONE = there is none. */
size_t ruleset_find(const struct policy *policy, const char *name);

#endif
