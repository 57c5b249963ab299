/*
 * intent: what is about to be done to an item's bytes, durable before it is done, and what is
 * left to do afterwards (removing the displaced file).
 */
#ifndef LABELD_STORE_INTENT_H
#define LABELD_STORE_INTENT_H
#include "base/arena.h"
#include "store/db.h"

struct intent {
    int64_t id;
    int64_t item, job;
    const char *connection, *key;
    const char *text;        /* the connector's */
    const char *old_version; /* that was examined */
    const char *new_version; /* once it is in place */
    const char *label_id;    /* NULL = the label is taken away */
    const char *set_date, *action_id;
    bool placed; /* the outcome is recorded; only settling is left */
};

/* Store a new one; its id in `intent->id`. */
bool intent_add(struct db *db, struct intent *intent, struct err *err);
bool intent_placed(struct db *db, int64_t id, struct err *err);
bool intent_remove(struct db *db, int64_t id, struct err *err);

/* The next with an id above `after`. */
bool intent_next(struct db *db, int64_t after, struct arena *arena, struct intent *intent,
                 bool *found, struct err *err);

/* The one of an item whose outcome is not recorded. */
bool intent_open(struct db *db, const char *connection, const char *key, struct arena *arena,
                 struct intent *intent, bool *found, struct err *err);

#endif
