/*
 * task: a person's short work: the API writes the row, a worker does the work, the person fetches
 * the result. Seen by its owner only, kept for an hour.
 * Owns: nothing; texts that are read live in the caller's arena.
 */
#ifndef LABELD_STORE_TASK_H
#define LABELD_STORE_TASK_H
#include "base/arena.h"
#include "store/db.h"

/* Tasks belong to no connection: a paused one does not hold them. No connection is called so. */
#define TASK_CONNECTION "(tasks)"

/* Numbers are stored: append only. */
enum task_state {
    TASK_QUEUED,
    TASK_RUNNING,
    TASK_DONE,
    TASK_FAILED,
    TASK_CANCELLED,
    TASK_STATE_COUNT
};

struct task {
    int64_t id;
    const char *kind; /* "open", "simulate" */
    enum task_state state;
    int64_t owner;      /* the token that asked; 0 = the first one */
    const char *input;  /* JSON, of the kind */
    const char *result; /* JSON; NULL = none */
    const char *error;  /* in words; NULL = none */
    int64_t made_us, expires_us;
    int64_t done, total; /* parts; total 0 = not known */
};

const char *task_state_word(enum task_state state);

/* Whether it is still worked on. */
bool task_is_open(enum task_state state);

/* A new one with a job for a worker: its id in `task->id`. Inside a unit, as all writes here. */
bool task_add(struct db *db, struct task *task, struct err *err);

bool task_get(struct db *db, int64_t id, struct arena *arena, struct task *task, bool *found,
              struct err *err);

/* Store state, result and error. */
bool task_save(struct db *db, const struct task *task, struct err *err);

/* How far it is. */
bool task_progress(struct db *db, const struct task *task, struct err *err);

bool task_remove(struct db *db, int64_t id, struct err *err);

/* One whose time is over; 0 = none. */
bool task_expired(struct db *db, int64_t now_us, int64_t *id, struct err *err);

/* How many are kept. */
bool task_count(struct db *db, int64_t *count, struct err *err);

#endif
