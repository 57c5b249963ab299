/*
 * apply: the revision in force of the store becomes the rules that visits decide by. A revision
 * that is new is first decided over the whole catalogue: rules that it adds, changes or enforces
 * and that would change too much start held (rules.md, section 6.3a). Until that is on record the
 * rules before it hold; a kill in between begins again.
 */
#ifndef LABELD_JOBS_APPLY_H
#define LABELD_JOBS_APPLY_H
#include <stdatomic.h>

#include "jobs/rules.h"
#include "policy/gate.h"
#include "store/store.h"

struct apply {
    struct store *store;
    const struct gate *gate;
    struct rules *rules;
    const atomic_bool *stop;
    /* Told of rules that are in force now; NULL = nobody. */
    void (*told)(void *context, const struct policy *policy);
    void *context;
    int64_t number; /* of the revision that the rules are of; 0 = not known */
};

/* Before visits begin: `rules` are those of the revision in force; the brake is asked if it was
 * not yet, and what it said is taken up. False with err. */
bool apply_first(struct apply *apply, struct err *err);

/* If another revision is in force now: put it in force here. *changed: it was. False with err;
 * what is in force stays. */
bool apply_due(struct apply *apply, bool *changed, struct err *err);

/* Take up what people said to held rules. */
bool apply_words(struct apply *apply, struct err *err);

#endif
