/*
 * revision: every text of the rules that was ever in force, which one is, and what became of the
 * rules file when it was last read (rules.md §6.4). A text that comes back is a revision of its
 * own. Reading needs a reader; the rest runs inside a unit, audit record included.
 */
#ifndef LABELD_STORE_REVISION_H
#define LABELD_STORE_REVISION_H
#include "base/arena.h"
#include "store/db.h"

/* Where a revision came from. Numbers are stored: append only. */
enum revision_origin { REVISION_FILE, REVISION_PUT, REVISION_ROLLBACK, REVISION_ORIGIN_COUNT };

struct revision {
    int64_t number;     /* 1, 2, ... in order of coming; 0 = none */
    const char *digest; /* SHA-256 of the text in hex: what decisions name */
    enum revision_origin origin;
    const char *author; /* "labeld", or who asked */
    int64_t at_us;
    const char *text;   /* "" = no rules */
    int64_t applied_us; /* when the brake had looked at it and it took effect; 0 = not yet */
};

const char *revision_origin_word(enum revision_origin origin);

/* Store `revision` (its number is set) and put it in force. */
bool revision_add(struct db *db, struct revision *revision, struct err *err);

/* The one in force; number 0 when there never was one. */
bool revision_in_force(struct db *db, struct arena *arena, struct revision *revision,
                       struct err *err);

/* Its number alone. */
bool revision_number(struct db *db, int64_t *number, struct err *err);

/* It takes effect. */
bool revision_applied(struct db *db, int64_t number, int64_t at_us, struct err *err);

/* The last that took effect; number 0 when none did. */
bool revision_last_applied(struct db *db, struct arena *arena, struct revision *revision,
                           struct err *err);

/* Those before a number (0 = from the newest), newest first, without their texts; at most `limit`
 * (501). */
bool revision_list(struct db *db, int64_t before, int64_t limit, struct arena *arena,
                   struct revision **revisions, size_t *count, struct err *err);

/* How far deciding the catalogue again by a revision is: up to which id; 0 = it is done, or was not
 * begun. */
bool revision_deciding(struct db *db, int64_t *id, struct err *err);
bool revision_decided(struct db *db, int64_t id, struct err *err);

/* One of them, by number; number 0 when there is none. */
bool revision_get(struct db *db, int64_t number, struct arena *arena, struct revision *revision,
                  struct err *err);

/* The file as it was last read. */
struct revision_file {
    const char *digest;  /* "" = never, or the configuration names none */
    const char *problem; /* why it was refused; "" = it was not */
};
bool revision_file(struct db *db, struct arena *arena, struct revision_file *file, struct err *err);

/* It was read and passed: no record of its own, revision_add goes with it. */
bool revision_file_passed(struct db *db, const char *digest, struct err *err);

/* It was refused: what is in force stays. */
bool revision_file_refused(struct db *db, const struct revision_file *file, int64_t at_us,
                           struct err *err);

#endif
