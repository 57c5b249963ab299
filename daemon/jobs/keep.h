/*
 * keep: what became of a job is recorded, whenever the store can take it: tried again with a
 * bounded back-off, for a job that nobody records would be running for ever.
 */
#ifndef LABELD_JOBS_KEEP_H
#define LABELD_JOBS_KEEP_H
#include "jobs/visit.h"

struct keep {
    const struct queue_job *job;
    struct store_unit unit;
    void (*failed)(void *context, const struct err *why); /* prepare the next try; or NULL */
    void *context;
};

/* Until it is recorded (status and metrics count who waits long). False: the daemon stops, the
 * store is stopped, or it refuses for good; logged. */
bool keep_recorded(const struct visit_world *world, const struct keep *keep);

#endif
