/*
 * sweep: queue visits for items that are to be decided again: those that were decided with other
 * rules, and those with a time condition whose moment has come. Nothing is fetched for either.
 */
#ifndef LABELD_JOBS_SWEEP_H
#define LABELD_JOBS_SWEEP_H
#include <stdatomic.h>

#include "jobs/rules.h"
#include "store/store.h"

/* Ends early once *stop. Failures are logged. */
void sweep_undecided(struct store *store, struct rules *rules, const atomic_bool *stop);
void sweep_due(struct store *store, struct rules *rules, const atomic_bool *stop);

#endif
