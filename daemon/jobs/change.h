/*
 * change: "this may have changed", made durable: a job for one item or for a whole connection.
 * Who sees a change (a watch, a replacement that settles, a person) says it here.
 */
#ifndef LABELD_JOBS_CHANGE_H
#define LABELD_JOBS_CHANGE_H
#include "store/store.h"

/* An item is to be visited, not before due_us (0 = now); the change was seen at seen_us
 * (0 = now). False: it could not be recorded, which is logged. */
bool change_visit(struct store *store, const char *connection, const char *key, int64_t due_us,
                  int64_t seen_us);

/* A connection is to be walked from its start; a walk under way goes on. */
bool change_walk(struct store *store, const char *connection, struct err *err);

#endif
