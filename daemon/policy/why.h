/*
 * why: the tree of a condition with what it wanted and what was there, for explain.
 * Inside policy/ only.
 */
#ifndef LABELD_POLICY_WHY_H
#define LABELD_POLICY_WHY_H
#include "policy/verdict.h"

/* What `have` says of a fact that nobody knows. */
#define WHY_NOT_KNOWN "not known"

/* The whole tree, nothing skipped, in the verdict's arena. NULL when memory is out. */
const struct plan_node *why_node(struct verdict *verdict, const struct rule_when *when);

#endif
