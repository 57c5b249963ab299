/*
 * restriction: sharing that was taken away from one item, and whether it was given back. Durable
 * before it is taken; what it became afterwards stands in the same unit as the item's exposure.
 * Owns: nothing; texts that are read live in the caller's arena.
 */
#ifndef LABELD_STORE_RESTRICTION_H
#define LABELD_STORE_RESTRICTION_H
#include "base/arena.h"
#include "store/db.h"

/* What is wanted while a file waits to be taken away: no rule's operand has these words. */
#define RESTRICTION_MEANWHILE "private, until the file is taken away"

/* Numbers are stored: append only. PLANNED leads to DONE, or the row goes when nothing was taken;
 * DONE to UNDOING when a person asks; UNDOING to UNDONE, or back when it cannot be. */
enum restriction_state {
    RESTRICTION_PLANNED, /* about to be taken */
    RESTRICTION_DONE,
    RESTRICTION_UNDOING, /* a person wants it back */
    RESTRICTION_UNDONE,
    RESTRICTION_STATE_COUNT
};

struct restriction {
    int64_t id; /* 0 = none */
    enum restriction_state state;
    int64_t item;
    const char *connection, *key; /* where the item was when it was planned */
    const char *item_version;     /* moves on with labeld's own writes */
    const char *wanted;           /* the step's operand: "internal-people, remove bob" */
    const char *rules;            /* JSON list of names */
    const char *revision;         /* of the rules file; NULL = none */
    const char *text;             /* the connector's: what was taken */
    const char *was;              /* the grants before */
    const char *shared_with;      /* JSON list: whom they reached */
    const char *grants;           /* as they were left: after taking, after giving back */
    int before, after;            /* enum facts_exposure */
    int64_t created_us, changed_us;
    const char *asked_by, *asked_why; /* UNDOING, UNDONE; NULL = labeld itself */
    const char *result; /* JSON {"restored":[…],"lost":[{"what","why"}]} of the last undo */
    int64_t version;    /* goes up with each change of the row */
};

/* A new one, planned; its id in `restriction->id`. Inside a unit, as all writes here. */
bool restriction_add(struct db *db, struct restriction *restriction, struct err *err);

/* Write all but what it was planned with. ERR_CONFLICT: it is not in state `was` any more. */
bool restriction_save(struct db *db, const struct restriction *restriction,
                      enum restriction_state was, struct err *err);

/* Nothing was taken. */
bool restriction_remove(struct db *db, int64_t id, struct err *err);

/* The one of an item, or of a place whose item is not yet recorded, that is planned or undoing. */
bool restriction_open(struct db *db, int64_t item, const char *connection, const char *key,
                      struct arena *arena, struct restriction *restriction, bool *found,
                      struct err *err);

/* The newest one of an item. */
bool restriction_last(struct db *db, int64_t item, struct arena *arena,
                      struct restriction *restriction, bool *found, struct err *err);

/* The next that is planned or undoing, with an id above `after`. */
bool restriction_next_open(struct db *db, int64_t after, struct arena *arena,
                           struct restriction *restriction, bool *found, struct err *err);

/* A release gave a file back with the grants that it had before this: what was taken from that
 * version meanwhile, or since those grants, is undone with it. */
struct restriction_release {
    int64_t item;
    const char *item_version, *grants;
    const char *asked_by, *asked_why;
    int64_t at_us;
};
bool restriction_given_back(struct db *db, const struct restriction_release *release,
                            struct err *err);

/* labeld itself wrote a new version of the item: what was left or undone at the old one holds for
 * the new one. */
bool restriction_follow(struct db *db, int64_t item, const char *old_version,
                        const char *new_version, struct err *err);

const char *restriction_state_word(enum restriction_state state);

#endif
