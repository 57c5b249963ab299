/*
 * join: what several matched rules want, made into one list of steps (rules.md, section 5).
 * Inside policy/ only. Pure; the order of the rules does not matter.
 * Owns: nothing; steps lie in the caller's arena.
 */
#ifndef LABELD_POLICY_JOIN_H
#define LABELD_POLICY_JOIN_H
#include "policy/verdict.h"

/* Join the actions of `count` matched rules, sorted by name. False when memory is out. */
bool join_rules(struct verdict *verdict, const struct rule *const *rules, size_t count,
                struct plan_steps *out);

#endif
