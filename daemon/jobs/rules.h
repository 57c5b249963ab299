/*
 * rules: the rules in force, held by the visits that decide with them. New rules replace them at
 * once; the old ones live until the last visit that holds them has ended.
 * May be called from any thread.
 */
#ifndef LABELD_JOBS_RULES_H
#define LABELD_JOBS_RULES_H
#include "policy/policy.h"

struct rules;

/* Takes over `policy`, also on failure. NULL with err: out of memory. */
struct rules *rules_open(struct policy *policy, struct err *err);

/* Nobody holds any more. */
void rules_close(struct rules *rules);

/* `rules` is untyped here so that visits can ask without knowing it (struct visit_world). */
const struct policy *rules_hold(void *rules);
void rules_drop(void *rules, const struct policy *policy);

/* Put `policy` in force; taken over, also on failure. False with err: out of memory, nothing has
 * changed. */
bool rules_replace(struct rules *rules, struct policy *policy, struct err *err);

#endif
