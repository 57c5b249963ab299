/*
 * sweep: queue visits for items that are to be decided again: those that were decided with other
 * rules, those with a time condition whose moment has come, and those on which people had stopped
 * acting. Nothing is fetched for any of them.
 */
#ifndef LABELD_JOBS_SWEEP_H
#define LABELD_JOBS_SWEEP_H
#include <stdatomic.h>

#include "jobs/rules.h"
#include "store/store.h"

/* The next items that were decided by other rules, from id `*after` on (0 = from the start): as
 * many as the backfill has room for, so that neither the queue grows with the catalogue nor live
 * changes wait. True: there are none left. How far it is stands in the store. Ends early once
 * *stop. Failures are logged. */
bool sweep_undecided(struct store *store, struct rules *rules, const atomic_bool *stop,
                     int64_t *after);

/* Ends early once *stop. Failures are logged. */
void sweep_due(struct store *store, struct rules *rules, const atomic_bool *stop);

/* What was not carried out while people had stopped acting, once they let it go on. */
void sweep_stopped(struct store *store, struct rules *rules, const atomic_bool *stop);

#endif
