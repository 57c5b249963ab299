/*
 * brake: rules that were stopped because they would change too much (rules.md, section 6.3), what
 * people said to it, and how many files each rule has hurt of late. A row holds for one text of
 * the rule; without a row a rule is free. Inside a unit, but for reading.
 */
#ifndef LABELD_STORE_BRAKE_H
#define LABELD_STORE_BRAKE_H
#include "base/arena.h"
#include "store/db.h"

/* Numbers are stored: append only. */
enum brake_state {
    BRAKE_HELD,     /* it only simulates */
    BRAKE_APPROVED, /* it acts on `left` more items */
    BRAKE_REJECTED, /* a person wants it to stay in simulation */
    BRAKE_STATE_COUNT
};

/* The cursor of a row whose items need not be decided again. */
#define BRAKE_DONE INT64_MAX

struct brake {
    const char *rule, *digest; /* digest: of its text */
    enum brake_state state;
    bool running;    /* stopped while acting; else when it was put in force */
    int64_t counted; /* items: that it would change, or hurt within its hour or day */
    int64_t granted; /* BRAKE_APPROVED: for so many items */
    int64_t left;    /* of them */
    int64_t again;   /* matched items up to this id are decided again; BRAKE_DONE = all */
    int64_t since_us;
    const char *who; /* "labeld", or who approved or rejected */
};

const char *brake_state_word(enum brake_state state);

bool brake_get(struct db *db, const char *rule, struct arena *arena, struct brake *brake,
               bool *found, struct err *err);

/* All of them, by rule. */
bool brake_list(struct db *db, struct arena *arena, struct brake **list, size_t *count,
                struct err *err);

/* Store the row, in place of an earlier one. */
bool brake_set(struct db *db, const struct brake *brake, struct err *err);

/* The rule is free. */
bool brake_remove(struct db *db, const char *rule, struct err *err);

/* How many files a rule has hurt from a moment on, counted by the minute. */
bool brake_hurt(struct db *db, const char *rule, int64_t from_us, int64_t *items, struct err *err);

/* Count `items` more (or fewer) at a moment. */
bool brake_count(struct db *db, const char *rule, int64_t at_us, int64_t items, struct err *err);

/* Forget what was counted before a moment. */
bool brake_forget(struct db *db, int64_t before_us, struct err *err);

/* Stop a rule: its row, one high alert, the record. `brake->state` is BRAKE_HELD. */
bool brake_hold(struct db *db, const struct brake *brake, struct err *err);

/* Free it again or leave it held for good: the alert ends for `reason`. */
bool brake_settled(struct db *db, const char *rule, const char *reason, int64_t at_us,
                   struct err *err);

/* A person's word: BRAKE_APPROVED for `items`, or BRAKE_REJECTED. *found false: it is not held. */
struct brake_word {
    const char *rule, *who;
    enum brake_state state;
    int64_t items, at_us;
};
bool brake_answer(struct db *db, const struct brake_word *word, bool *found, struct err *err);

/* Whether a row asks for its items to be decided again. */
bool brake_any_again(struct db *db, bool *any, struct err *err);

/* Queue visits for the next of the items that a rule matches and whose row asks for it, at most
 * 500; they are undecided until then. *more: there are. */
bool brake_again(struct db *db, int64_t now_us, bool *more, struct err *err);

#endif
