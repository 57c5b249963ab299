/*
 * audit: the chained record of everything that changed. hash = SHA-256(previous hash || the
 * stored JSON bytes); the first record's previous hash is 32 zero bytes. One chain a daemon.
 * Written in the same unit as the change that it tells of.
 */
#ifndef LABELD_STORE_AUDIT_H
#define LABELD_STORE_AUDIT_H
#include "base/arena.h"
#include "store/db.h"

struct audit_record {
    const char *event;      /* "labelled", "examined", ...; a stable word */
    const char *actor;      /* "labeld", or who asked */
    int64_t item;           /* 0 = none */
    const char *connection; /* NULL = none */
    const char *path;
    const char *details; /* a JSON object as text; NULL = none */
    int64_t at_us;
};

/* Append to the chain. Inside a unit. */
bool audit_add(struct db *db, const struct audit_record *record, struct err *err);

enum { AUDIT_HASH_LENGTH = 64 };

struct audit_head {
    int64_t seq; /* 0 = nothing recorded */
    char hash[AUDIT_HASH_LENGTH + 1];
};
bool audit_head(struct db *db, struct audit_head *head, struct err *err);

/* Recompute the chain. True when every record and link is as it was written, and one of them has
 * the hash `expected` (a head that was noted earlier; NULL = none was), so that an end that was cut
 * off shows. ERR_CORRUPT names the first record that was changed, is missing or stands in another's
 * place; `head` is then the last good one before it. */
bool audit_verify(struct db *db, const char *expected, struct audit_head *head, struct err *err);

/* Records, the latest first or in their order. */
struct audit_ask {
    int64_t after; /* go on after this one; 0 = from the start. Where it ended, later */
    int64_t most;
    bool ascending;
    int64_t item;              /* 0 = not asked */
    const char *event, *actor; /* NULL = not asked */
};

struct audit_row {
    int64_t seq;
    const char *body, *hash;
};

/* At most `most` rows; *more: there are, or may be, others. Looks at so many records at once, and
 * no further: a page may be empty and yet not the last. */
bool audit_list(struct db *db, struct audit_ask *ask, struct arena *arena, struct audit_row **rows,
                size_t *count, bool *more, struct err *err);

/* The last records of an item, newest first, at most `most`, as a JSON list in text. */
bool audit_history(struct db *db, int64_t item, int64_t most, struct arena *arena,
                   const char **json, struct err *err);

#endif
