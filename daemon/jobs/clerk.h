/*
 * clerk: the thread for what nobody rings for: it settles replacements, asks for the walks of
 * polled connections, has items decided again when rules changed or a time condition came due,
 * and has everything walked after changes were lost.
 */
#ifndef LABELD_JOBS_CLERK_H
#define LABELD_JOBS_CLERK_H
#include "jobs/apply.h"
#include "jobs/claims.h"
#include "jobs/settling.h"
#include "jobs/watchers.h"

struct clerk;

struct clerk_options {
    struct store *store;
    struct visit_link *links; /* borrowed, as all others here */
    size_t link_count;
    struct rules *rules;
    struct claims *claims; /* of the workers */
    struct apply *apply;
    const struct custodian *custodian; /* NULL = none */
    const struct visit_world *world;   /* for what visits left behind */
    const atomic_bool *stop;           /* the daemon stops: long sweeps end */
};

/* Its requests may come at once; the thread runs from clerk_start on. NULL with err. */
struct clerk *clerk_open(const struct clerk_options *options, struct err *err);
bool clerk_start(struct clerk *clerk, struct settling *settling, struct watchers *watchers,
                 struct err *err);

/* Ends and joins the thread. NULL is fine. */
void clerk_close(struct clerk *clerk);

/* There is something to settle (struct settling_options's rung). */
void clerk_wake(void *clerk);

/* Items that were decided with other rules than those in force are decided again. */
void clerk_decide_again(struct clerk *clerk);

/* Changes and claims that were told as recorded are not: put jobs back, walk everything
 * (store_on_lost's function). */
void clerk_lost(void *clerk);

#endif
