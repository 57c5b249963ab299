/*
 * outbox: messages to people that are still to be delivered, and which rule has told of which
 * version of a file. A message is there from the transaction that records what it tells of until
 * its receiver has taken it (at least once, each try with the same id) or it is given up.
 * All but the reading questions run inside a unit. Owns: nothing; texts lie in the arena.
 */
#ifndef LABELD_STORE_OUTBOX_H
#define LABELD_STORE_OUTBOX_H
#include "base/arena.h"
#include "store/db.h"

enum { OUTBOX_ID_BYTES = 37 }; /* "msg_", 32 hexadecimal digits, NUL */

struct outbox_message {
    int64_t id;
    const char *message; /* the webhook-id; outbox_add makes it */
    const char *target;  /* name of the receiver in the configuration */
    int64_t item;
    const char *body;
    int64_t made_us, due_us;
    int attempt; /* failed tries so far */
};

/* A new message, due at `made_us`, with an id of its own. */
bool outbox_add(struct db *db, const struct outbox_message *message, struct err *err);

/* The first that is due of a target. */
bool outbox_next(struct db *db, const char *target, int64_t now_us, struct arena *arena,
                 struct outbox_message *message, bool *found, struct err *err);

/* The receiver has it. */
bool outbox_sent(struct db *db, int64_t id, struct err *err);

/* Not now: `attempt` tries have failed, the last one with `error`. */
bool outbox_later(struct db *db, int64_t id, int attempt, int64_t due_us, const char *error,
                  struct err *err);

/* The target takes messages again: what waits for later need not. */
bool outbox_hasten(struct db *db, const char *target, int64_t now_us, struct err *err);

/* Give up what was made until `made_us`; or one message. *count: how many. */
bool outbox_give_up(struct db *db, const char *target, int64_t made_us, int64_t at_us,
                    const char *error, int64_t *count, struct err *err);
bool outbox_drop(struct db *db, int64_t id, int64_t at_us, const char *error, struct err *err);

/* Forget what was given up until `at_us`. */
bool outbox_forget(struct db *db, int64_t at_us, struct err *err);

/* Each target that has messages, by name; `*count` rows in the arena. */
struct outbox_target {
    const char *target;
    int64_t waiting, oldest_us, due_us; /* oldest: made; due: of the next try; 0 = none */
    int64_t given_up, given_up_us;      /* how many are kept; when the last was */
    int attempt;                        /* most failed tries of one that waits */
    const char *error;                  /* of a failed try; NULL = none */
};
bool outbox_targets(struct db *db, struct arena *arena, struct outbox_target **targets,
                    size_t *count, struct err *err);

/* What was told: the version of the file that a rule last notified of. */
struct outbox_told {
    const char *rule, *version;
};
bool outbox_told(struct db *db, int64_t item, struct arena *arena, struct outbox_told **told,
                 size_t *count, struct err *err);
bool outbox_tell(struct db *db, int64_t item, const char *rule, const char *version,
                 struct err *err);

/* The rule no longer matches; NULL = the item is gone. */
bool outbox_untell(struct db *db, int64_t item, const char *rule, struct err *err);

/* A write of our own gave the file another version: it is not news. */
bool outbox_carry(struct db *db, int64_t item, const char *from, const char *to, struct err *err);

#endif
