/*
 * known: the facts of an item of the catalogue as rules see them, from the store alone.
 */
#ifndef LABELD_JOBS_KNOWN_H
#define LABELD_JOBS_KNOWN_H
#include "policy/policy.h"
#include "store/stock.h"

/* The facts of `item` for `policy`: whose label is "ours" depends on its tenant; when the columns
 * tell of another one, the stored report is read. Texts as in the item, or in the arena. */
bool known_facts(struct db *db, const struct stock_item *item, const struct policy *policy,
                 struct arena *arena, struct facts *facts, struct err *err);

#endif
