/*
 * walk: list a whole connection: visits for what is new or changed, and, at the end of a full
 * walk, for what was not seen. The cursor is durable: a walk that was cut goes on.
 */
#ifndef LABELD_JOBS_WALK_H
#define LABELD_JOBS_WALK_H
#include <stdatomic.h>

#include "jobs/visit.h"

/* Run the claimed walk job to its end, or until *stop. Records what became of the job. */
void walk_run(const struct visit_world *world, const struct visit_link *link,
              const struct queue_job *job, const atomic_bool *stop);

#endif
