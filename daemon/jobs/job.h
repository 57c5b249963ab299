/*
 * job: the life of a job: which event leads from which state to which (transitions.def).
 * A pair that is not a row is refused. Every change of state goes through job_event.
 */
#ifndef LABELD_JOBS_JOB_H
#define LABELD_JOBS_JOB_H
#include "store/queue.h"

enum job_event {
#define EVENT(name, word) JOB_##name,
#define STEP(from, event, to)
#include "jobs/transitions.def"
#undef EVENT
#undef STEP
    JOB_EVENT_COUNT
};

/* The state after an event. False: refused. */
bool job_next(enum queue_state from, enum job_event event, enum queue_state *to);

const char *job_event_word(enum job_event event);
const char *job_state_word(enum queue_state state);
const char *job_kind_word(enum queue_kind kind);

/* Claim the next job that is due: running afterwards. `cap`: most visits that one connection may
 * have running; job->claim: the claim's number (claims.h), the rest of `job` is filled in. Inside
 * a unit. */
bool job_claim(struct db *db, int64_t now_us, int cap, struct arena *arena, struct queue_job *job,
               bool *found, struct err *err);

/* Take an event: checks it, stores the new state. Done jobs leave the queue; one that was changed
 * while it ran is queued again; one that fails for good is an audit record too. ERR_STALE:
 * `job` is not the claim that the store knows, so that its work must not be kept. ERR_BROKEN:
 * refused. Inside a unit. */
bool job_event(struct db *db, struct queue_job *job, enum job_event event, int64_t now_us,
               struct err *err);

/* What follows from a failed try: conflict, retry at a time with back-off, or giving up. Sets
 * job's due, attempt, conflicts and error; the caller passes the event on to job_event. */
enum job_event job_after(struct queue_job *job, const struct err *why, int64_t now_us);

/* Log that what became of a job could not be stored: an error, but for a claim that was lost,
 * whose job somebody else has. */
void job_not_recorded(const struct queue_job *job, const struct err *why);

#endif
