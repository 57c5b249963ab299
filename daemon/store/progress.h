/*
 * progress: what the store keeps of each connection: where its walk stands.
 */
#ifndef LABELD_STORE_PROGRESS_H
#define LABELD_STORE_PROGRESS_H
#include "base/arena.h"
#include "store/db.h"

struct progress {
    const char *connection;
    const char *cursor; /* of the walk under way; "" = from the start */
    int64_t walk;       /* number of the walk under way, or of the last */
    bool walking;
    int64_t seen, expected;       /* of the walk under way; expected 0 = not known */
    int64_t started_us, ended_us; /* ended: of the last whole walk, 0 = never */
    const char *note; /* what people should know: polling, report-only, ...; NULL = nothing */
};

/* Read one; a connection not yet known is all zero. */
bool progress_get(struct db *db, const char *connection, struct arena *arena,
                  struct progress *progress, struct err *err);
bool progress_save(struct db *db, const struct progress *progress, struct err *err);

/* All of them, by name; `*count` rows in the arena. */
bool progress_list(struct db *db, struct arena *arena, struct progress **list, size_t *count,
                   struct err *err);

#endif
