/*
 * rules: the rules in force, held by the visits that decide with them, and which of them the brake
 * holds. New rules replace them at once; the old ones live until the last visit that holds them
 * has ended.
 * May be called from any thread.
 */
#ifndef LABELD_JOBS_RULES_H
#define LABELD_JOBS_RULES_H
#include "policy/ruleset.h"

struct rules;

/* What the brake says of one rule. */
enum rules_brake {
    RULES_FREE,     /* steps that hurt are counted */
    RULES_HELD,     /* it only simulates */
    RULES_APPROVED, /* each item that it changes is counted */
};

/* Takes over `policy`, also on failure. NULL with err: out of memory. */
struct rules *rules_open(struct policy *policy, struct err *err);

/* Nobody holds any more. */
void rules_close(struct rules *rules);

/* `rules` is untyped here so that visits can ask without knowing it (struct visit_world). */
const struct policy *rules_hold(void *rules);
void rules_drop(void *rules, const struct policy *policy);

/* Put `policy` in force; taken over, also on failure. `brakes` says what the brake says of each of
 * its rules, in the order of the file; copied, NULL = all are free. False with err: out of memory,
 * nothing has changed. */
bool rules_replace(struct rules *rules, struct policy *policy, const enum rules_brake *brakes,
                   struct err *err);

/* Say it of one rule of a policy that is held; of rules that were replaced, too. */
void rules_set_brake(struct rules *rules, const struct policy *policy, size_t index,
                     enum rules_brake brake);

/* What it says of each rule of a policy that is held: `brakes` has room for all. */
void rules_brakes(struct rules *rules, const struct policy *policy, enum rules_brake *brakes);

#endif
