/*
 * custody_run: carry one entry on: what remains two seconds after a file was taken away, releases
 * and deletions whose time has come. The job's key is the entry's number.
 */
#ifndef LABELD_JOBS_CUSTODY_RUN_H
#define LABELD_JOBS_CUSTODY_RUN_H
#include "jobs/visit.h"
#include "store/entry.h"

/* Run the claimed job to its end and record what became of it; never loses the job. */
void custody_run(const struct visit_world *world, const struct visit_link *link,
                 const struct queue_job *job);

/* One run, for the parts: `entry` is as stored. */
struct custody_work {
    const struct visit_world *world;
    const struct visit_link *link;
    struct arena *arena;
    struct queue_job job;
    struct entry entry;
};

/* custody_release.c: give the file back. False: not done; a refusal for good is recorded. */
bool custody_release(struct custody_work *work, struct err *err);

/* A release that may be undone still: a file key that is not this entry's is refused at once. */
bool custody_release_check(struct custody_work *work, struct err *err);

/* custody_stone.c: the text file where a file was: write it (its key and version are stored
 * before it has a name); take it away, if it is ours still. */
bool custody_stone_write(struct custody_work *work, struct err *err);
bool custody_stone_remove(struct custody_work *work, struct err *err);

/* custody_alerts.c, inside the units that end an entry. What a person decides about the file is
 * decided about its alerts: given back where it was, those of the rules that took it away are
 * closed in the person's name, and stay so while the file is what it was; deleted or given back
 * elsewhere (`what` says which), all of them are over. */
bool custody_alerts_released(struct db *db, const struct custody_work *work, int64_t at_us,
                             struct err *err);
bool custody_alerts_over(struct db *db, const struct custody_work *work, const char *what,
                         int64_t at_us, struct err *err);

/* Whether what stands there is one of ours: never an item. */
bool custody_stone_is(const struct visit_world *world, const char *connection,
                      const struct connect_stat *stat, bool *is, struct err *err);

#endif
