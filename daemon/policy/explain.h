/*
 * explain: a plan and its reasons as text for people and as JSON (rules.md, section 7).
 * A library of its own (policy-explain): it needs base-json, deciding does not.
 * Owns: nothing.
 */
#ifndef LABELD_POLICY_EXPLAIN_H
#define LABELD_POLICY_EXPLAIN_H
#include <jansson.h>

#include "base/buf.h"
#include "policy/plan.h"

struct explain {
    const struct policy *policy;
    const struct facts *facts;
    const struct plan *plan;    /* made with `explain` */
    const char *path;           /* of the file, as given */
    const char *rules_file;     /* as given, for "rules.yaml:5" */
    const char *types_revision; /* NULL = not known */
    bool all;                   /* text: the whole tree also of rules that do not match */
    bool hints;                 /* name the option that gives a fact that is not known */
};

/* The text of section 7. False when memory is out. */
bool explain_text(const struct explain *explain, struct buf *out);

/* The option that gives the fact which a condition did not know; NULL = none, or no hints. */
const char *explain_hint(const struct explain *explain, const struct plan_node *node);

/* PLAN of section 7: the label, the actions in order, what is left out and why. */
json_t *explain_steps_json(const struct explain *explain, const struct plan_steps *steps);

/* The object of section 7; the caller owns it. NULL when memory is out. */
json_t *explain_json(const struct explain *explain);

#endif
