/*
 * leftover: sealed copies that a kill left behind, between the end of an entry and the removal of
 * its copy. Copies of ended entries go; of an open one never. A copy in the vault of which no
 * entry is known (the store came from a backup) is moved aside and told, for it may be all that is
 * left of a file, and its number will be given again.
 */
#ifndef LABELD_JOBS_LEFTOVER_H
#define LABELD_JOBS_LEFTOVER_H
#include "jobs/visit.h"

/* At start, before anything is sealed, and now and then. What fails is logged, and tried the next
 * time. */
void leftover_sweep(const struct visit_world *world, const struct visit_link *links, size_t count);

#endif
