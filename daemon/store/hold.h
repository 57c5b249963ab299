/*
 * hold: what people have stopped, since when, who and why: all acting, or the work of one
 * connection. It is kept until they let it go on.
 */
#ifndef LABELD_STORE_HOLD_H
#define LABELD_STORE_HOLD_H
#include "base/arena.h"
#include "store/db.h"

/* The scope of "no action is carried out"; every other scope is the name of a connection, whose
 * jobs wait (queue_next). */
#define HOLD_ACTING ""

struct hold {
    const char *scope;
    int64_t since_us; /* 0 = not held */
    const char *who, *why;
    int64_t version; /* 1 = it was never held; goes up with each change */
};

bool hold_get(struct db *db, const char *scope, struct arena *arena, struct hold *hold,
              struct err *err);

bool hold_version(struct db *db, const char *scope, int64_t *version, struct err *err);

/* Hold. One that is held already stays as it is: *again. Inside a unit. */
bool hold_set(struct db *db, const struct hold *hold, bool *again, struct err *err);

/* Let go on: *was says whether it was held. The workers are rung. Inside a unit. */
bool hold_end(struct db *db, const char *scope, bool *was, struct err *err);

#endif
