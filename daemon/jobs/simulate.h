/*
 * simulate: decide the whole catalogue with some rules, from what is stored, on all cores. Nothing
 * is fetched and nothing is written but the difference. The same function decides as in a visit
 * (policy/plan.h).
 */
#ifndef LABELD_JOBS_SIMULATE_H
#define LABELD_JOBS_SIMULATE_H
#include "jobs/tally.h"
#include "store/store.h"

struct simulate {
    struct store *store;
    struct tally_with with;
    struct difference *difference; /* rows go there; NULL = nowhere */
    unsigned threads;              /* 0 = one a core */
    /* Asked after each part, by one thread at a time; false ends it. NULL = go on. */
    bool (*go_on)(void *context, unsigned done, unsigned parts);
    void *context;
};

/* The sum of all items; the caller frees it. NULL with err: ERR_STOPPED when go_on said so. */
struct tally *simulate_run(const struct simulate *simulate, struct err *err);

/* Which rules of `policy` are new against those in force (NULL = none), changed, newly enforced, or
 * were held: `is_new` has room for each, in the order of the file. */
void simulate_mark_new(const struct policy *policy, const struct policy *now, const bool *now_held,
                       bool *is_new);

/* Whether the brake stops a rule at apply: it would newly change `fresh` of `items`. */
bool simulate_is_too_much(const struct ruleset_brake *brake, uint64_t fresh, uint64_t items);

#endif
