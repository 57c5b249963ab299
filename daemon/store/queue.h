/*
 * queue: the rows of jobs. One open job for each (kind, connection, key); a change while it runs
 * sets `again`. What states mean and which may follow which is jobs/transitions.def's.
 * All but the reading questions run inside a unit.
 */
#ifndef LABELD_STORE_QUEUE_H
#define LABELD_STORE_QUEUE_H
#include "base/arena.h"
#include "store/db.h"

enum queue_lane { QUEUE_LIVE, QUEUE_BACKFILL, QUEUE_LANE_COUNT };

/* Numbers are stored: append only. */
enum queue_kind { QUEUE_VISIT, QUEUE_WALK, QUEUE_ENTRY, QUEUE_TASK, QUEUE_KIND_COUNT };
enum queue_state {
    QUEUE_QUEUED,
    QUEUE_RUNNING,
    QUEUE_ACTING,
    QUEUE_WAITING,
    QUEUE_DONE,
    QUEUE_FAILED,
    QUEUE_STATE_COUNT
};

struct queue_job {
    int64_t id;
    enum queue_kind kind;
    const char *connection, *key;
    enum queue_lane lane;
    enum queue_state state;
    int64_t due_us;    /* not before */
    int64_t seen_us;   /* when the change was seen */
    int attempt;       /* failed tries so far */
    int conflicts;     /* in a row */
    bool again;        /* changed while it ran */
    bool force;        /* examine even when nothing changed */
    const char *error; /* of the last try; NULL = none */
    int64_t claim;     /* who took it last (jobs/claims.h); 0 = nobody yet */
    int64_t version;   /* goes up with each change of the row */
};

/* Ask for work: makes a job, or joins the open one (earlier due, live beats backfill). The id in
 * `job->id`; due, lane, seen and force are read from it. */
bool queue_add(struct db *db, struct queue_job *job, struct err *err);

/* What may be claimed: of the connections that are not paused (hold.h) and have fewer running
 * visits than `cap`, live first, the connection with the fewest running first, then the longest
 * due. `cap` is one less than there are workers; backfills, walks among them, never take the last
 * quarter of the workers, at least one. */
bool queue_next(struct db *db, int64_t now_us, int cap, struct arena *arena, struct queue_job *job,
                bool *found, struct err *err);

/* Store state, due, attempt, conflicts, error, again. */
bool queue_save(struct db *db, const struct queue_job *job, struct err *err);

/* The open job of that kind, connection and key. */
bool queue_find(struct db *db, const struct queue_job *which, struct arena *arena,
                struct queue_job *job, bool *found, struct err *err);

bool queue_get(struct db *db, int64_t id, struct arena *arena, struct queue_job *job, bool *found,
               struct err *err);

/* Finished jobs leave the queue; failed ones stay until they are retried or changed. */
bool queue_remove(struct db *db, int64_t id, struct err *err);

/* The next job that a stop or kill has cut (running or acting), with an id above `after`. */
bool queue_cut(struct db *db, int64_t after, struct arena *arena, struct queue_job *job,
               bool *found, struct err *err);

/* When the next job that may be claimed is due; INT64_MAX = none. */
bool queue_due(struct db *db, int64_t *due_us, struct err *err);

/* Open jobs in the order of their ids. */
struct queue_ask {
    bool any_state;
    enum queue_state state;
    const char *connection; /* "" = any */
    int64_t after, most;    /* ids above `after` */
};
bool queue_list(struct db *db, const struct queue_ask *ask, struct arena *arena,
                struct queue_job **jobs, size_t *count, struct err *err);

/* Their words: "visit", "queued". */
const char *queue_kind_word(enum queue_kind kind);
const char *queue_state_word(enum queue_state state);
bool queue_state_find(const char *word, enum queue_state *state);

struct queue_numbers {
    int64_t queued[QUEUE_LANE_COUNT];
    int64_t running, waiting, failed;
};
bool queue_numbers(struct db *db, struct queue_numbers *numbers, struct err *err);

/* Those of one connection. */
bool queue_numbers_of(struct db *db, const char *connection, struct queue_numbers *numbers,
                      struct err *err);

#endif
