/*
 * stock: the catalogue as facts: every item that is there and was examined, in the order of ids,
 * with all that rules ask about it. Reads narrow rows side by side (item, finding, property), so
 * that a million items take a second or two; for simulations and for deciding again.
 * Owns: its place in the statements; one stock a reader at a time.
 */
#ifndef LABELD_STORE_STOCK_H
#define LABELD_STORE_STOCK_H
#include "base/arena.h"
#include "policy/facts.h"
#include "store/db.h"

/* Which items: ids above `after`, up to `last`. */
struct stock_range {
    int64_t after, last;
};

struct stock {
    struct db *db;
    struct db_query *items, *findings, *properties;
    bool finding_there, property_there; /* a row of theirs waits */
};

/* One item. Texts are valid until the next one is asked for, lists as long as the arena. */
struct stock_item {
    int64_t id;
    struct facts facts;     /* label: as `label_site` is ours */
    const char *label_site; /* NULL = no tenant was ours when it was decided */
    const char *revision;   /* of the last decision; NULL = it is due */
    const char *key, *outcome;
    int64_t due_us; /* INT64_MIN = none */
    bool todo;
};

/* Begin. False with err. */
bool stock_open(struct stock *stock, struct db *db, struct stock_range range, struct err *err);

/* The next item. *found false: there is none. False with err. */
bool stock_next(struct stock *stock, struct arena *arena, struct stock_item *item, bool *found,
                struct err *err);

/* Stop before the end; harmless after it. */
void stock_close(struct stock *stock);

/* Cut all ids into `count` ranges of about as many items each: the `index`th. */
struct stock_range stock_part(unsigned index, unsigned count);

#endif
