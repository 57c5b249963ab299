/*
 * custody: the life of a file that is taken away (store/entry.h): which event leads from which
 * state to which (custody.def). A pair that is not a row is refused. Every change of state goes
 * through custody_event, which stores it together with its audit record.
 */
#ifndef LABELD_STORE_CUSTODY_H
#define LABELD_STORE_CUSTODY_H
#include "store/entry.h"

enum custody_event {
#define EVENT(name, word) CUSTODY_##name,
#define STEP(from, event, to)
#include "store/custody.def"
#undef EVENT
#undef STEP
    CUSTODY_EVENT_COUNT
};

/* The state after an event. False: refused. */
bool custody_next(enum entry_state from, enum custody_event event, enum entry_state *to);

const char *custody_event_word(enum custody_event event);

/* Begin: store the entry (SEALING) with its audit record. Inside a unit, as custody_event. */
bool custody_begin(struct db *db, struct entry *entry, int64_t now_us, struct err *err);

/* Take an event: checks it, stores the entry in its new state, and who did it and why (NULL, NULL:
 * labeld itself). ERR_BROKEN: refused. ERR_CONFLICT: the row was changed meanwhile. */
struct custody_actor {
    const char *name, *reason;
};
bool custody_event(struct db *db, struct entry *entry, enum custody_event event,
                   const struct custody_actor *actor, int64_t now_us, struct err *err);

/* The item stands where it was no longer, nor is it in quarantine: its row says that it is gone,
 * unless another file has taken its place in the catalogue. */
bool custody_item_gone(struct db *db, const struct entry *entry, int64_t now_us, struct err *err);

/* Whether the item's row says that this took it away. */
bool custody_item_taken(struct db *db, const struct entry *entry, bool *taken, struct err *err);

/* Ask a worker to carry the entry on, not before `due_us`. */
bool custody_queue(struct db *db, const struct entry *entry, int64_t due_us, struct err *err);

#endif
