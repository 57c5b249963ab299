/*
 * alert: something that a person should look at: one open alert for each item and rule. Opened
 * and updated while the rule matches, ended when it no longer does, closed by a person before.
 * What a person closed stays closed until the rule matches anew, the file changes, more people
 * can reach it or the level rises. Alerts of the daemon itself have item 0.
 * All but the reading questions run inside a unit. Owns: nothing; texts lie in the arena.
 */
#ifndef LABELD_STORE_ALERT_H
#define LABELD_STORE_ALERT_H
#include "base/arena.h"
#include "store/db.h"

enum alert_level { ALERT_LOW, ALERT_MEDIUM, ALERT_HIGH, ALERT_LEVEL_COUNT };

/* "low", "medium", "high"; and back. */
const char *alert_level_word(enum alert_level level);
bool alert_level_find(const char *word, enum alert_level *level);

struct alert {
    int64_t id;
    int64_t item;     /* 0 = of the daemon itself */
    const char *rule; /* or what the daemon has to say: "notify soc" */
    enum alert_level level;
    const char *message; /* of the rule; NULL = none */
    const char *seen;    /* version of the file when the rule last matched; "" = it does not */
    int exposure;        /* enum facts_exposure at that time */
    int64_t opened_us, updated_us;
    int64_t closed_us; /* 0 = open */
    const char *closed_by, *reason;
    int64_t version; /* of this row, for If-Match */
};

enum alert_change { ALERT_SAME, ALERT_OPENED, ALERT_UPDATED };

/* The rule matches: item, rule, level, message, seen, exposure; `updated_us` is now. */
bool alert_raise(struct db *db, const struct alert *alert, enum alert_change *change,
                 struct err *err);

/* The next alert of an item that is open or waits for its rule to match anew, after id `after`. */
bool alert_live(struct db *db, int64_t item, int64_t after, struct arena *arena,
                struct alert *alert, bool *found, struct err *err);

/* The rule no longer matches, or there is nothing more to say: the alert is over; if it is open it
 * is closed by `by` for `reason`. */
bool alert_end(struct db *db, int64_t id, const char *by, const char *reason, int64_t at_us,
               struct err *err);

/* End the one of an item and rule, if there is one. */
bool alert_end_of(struct db *db, int64_t item, const char *rule, const char *reason, int64_t at_us,
                  bool *ended, struct err *err);

/* A person closes an open one. *closed: false = it was closed already. */
bool alert_close(struct db *db, int64_t id, const char *by, const char *reason, int64_t at_us,
                 bool *closed, struct err *err);

/* A write of our own gave the file another version: it is not news. */
bool alert_carry(struct db *db, int64_t item, const char *from, const char *to, struct err *err);

bool alert_get(struct db *db, int64_t id, struct arena *arena, struct alert *alert, bool *found,
               struct err *err);

/* A list, newest first. */
struct alert_filter {
    unsigned levels;                               /* bits of enum alert_level; 0 = not asked */
    bool open, closed;                             /* neither = not asked */
    int64_t item, id;                              /* 0 = not asked */
    const char *const *rules, *const *connections; /* any of; none = not asked */
    size_t rule_count, connection_count;
    int64_t before; /* only ids below it; 0 = from the newest */
    int64_t limit;  /* 1 to 501 */
};

struct alert_row {
    struct alert alert;
    const char *connection, *path; /* of the item; NULL for the daemon's own */
};

/* `*count` rows in the arena. */
bool alert_list(struct db *db, const struct alert_filter *filter, struct arena *arena,
                struct alert_row **rows, size_t *count, struct err *err);

/* One of them. */
bool alert_row(struct db *db, int64_t id, struct arena *arena, struct alert_row *row, bool *found,
               struct err *err);

/* How many are open, by level. */
bool alert_counts(struct db *db, int64_t counts[static ALERT_LEVEL_COUNT], struct err *err);

#endif
