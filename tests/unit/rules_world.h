/*
 * rules_world: a list of types as a parse host would give it, and short ways to load rules, for
 * the tests of policy/.
 */
#ifndef LABELD_TESTS_RULES_WORLD_H
#define LABELD_TESTS_RULES_WORLD_H
#include "policy/policy.h"

/* 2026-11-24 00:00 UTC: the now of all tests. */
#define RULES_WORLD_NOW 1795478400000000ll

/* The types and bundles that the templates name, and some children. */
const struct type_list *rules_world_types(void);

/* Load a text as "rules.yaml" in that world. NULL when it has errors. */
struct policy *rules_world_parse(const char *text, struct arena *arena,
                                 struct policy_problems *problems);

/* "LINE:COL: severity: message [code]" a problem, in `arena`. */
const char *rules_world_print(const struct policy_problems *problems, struct arena *arena);

#endif
