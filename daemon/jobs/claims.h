/*
 * claims: which claims on jobs the workers of this daemon hold now. A claim is told to its worker
 * before the commit that keeps it, so that a failed commit can lose it (store_on_lost): then the
 * job is queued again for somebody else, and what the first worker wants recorded is ERR_STALE.
 * The other way round a job that the store calls running, but that nobody holds, is put back.
 * Owns: the list; the entries lie with the workers.
 */
#ifndef LABELD_JOBS_CLAIMS_H
#define LABELD_JOBS_CLAIMS_H
#include <pthread.h>

#include "store/store.h"

/* One worker's claim, from before it asks for a job until that job is recorded. */
struct claims_one {
    int64_t number;
    struct claims_one *next;
};

struct claims {
    pthread_mutex_t lock;
    struct claims_one *first;
};

void claims_init(struct claims *claims);
void claims_fini(struct claims *claims);

/* Enter `one`, which stays with the caller, with a number drawn at random. */
bool claims_take(struct claims *claims, struct claims_one *one, struct err *err);
void claims_drop(struct claims *claims, struct claims_one *one);

/* Queue again what the store calls running or acting and nobody here holds. */
bool claims_put_back(struct claims *claims, struct store *store, struct err *err);

#endif
