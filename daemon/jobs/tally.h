/*
 * tally: what rules would do with many items, counted: of each rule how many it matches and would
 * act on, and how the plan differs from that of the rules in force. Decides with plan_as, as every
 * visit does. One tally a thread; tally_merge adds them up.
 * Owns: its counts; policies are borrowed.
 */
#ifndef LABELD_JOBS_TALLY_H
#define LABELD_JOBS_TALLY_H
#include "policy/intern.h"
#include "policy/ruleset.h"
#include "store/difference.h"
#include "store/stock.h"

enum { TALLY_SAMPLES = 20 };

/* What is compared; constant. */
struct tally_with {
    const struct policy *policy; /* the rules that are tried */
    const struct policy *now;    /* those in force; NULL = none */
    const bool *now_held;        /* of their rules, the brake's; NULL = none */
    const bool *is_new;          /* of the tried rules: not as they are in force */
    int64_t now_us;
};

struct tally_rule {
    uint64_t matched, would_act, undecided, excepted;
    uint64_t fresh; /* items that it would change, being enforced, and did not until now */
    int64_t samples[TALLY_SAMPLES];
    size_t sample_count;
};

/* "+ label Confidential": on how many items, as the rules stand and if all were enforced. */
struct tally_change {
    uint64_t items, if_enforced;
};

struct tally {
    const struct tally_with *with;
    uint64_t items;
    struct tally_rule *rules; /* in the order of the file */
    size_t rule_count;
    struct intern changes, names; /* of changes, and of rules in the difference */
    struct tally_change *counts;  /* of changes */
    size_t count_room;
    struct difference_row *rows;
    size_t row_count, row_room;

    struct arena arena, work;                /* names; the item in hand */
    uint32_t *change_numbers, *name_numbers; /* merged: numbers in the sum */
    size_t change_merged, name_merged;
};

/* NULL with err. */
struct tally *tally_new(const struct tally_with *with, struct err *err);
void tally_free(struct tally *tally);

/* Decide one more item and count it. */
bool tally_add(struct tally *tally, struct db *db, const struct stock_item *item, struct err *err);

/* Add `part`'s counts to `sum` and begin it anew; its rows then have the sum's numbers, and are the
 * caller's to write and to forget (row_count = 0). */
bool tally_merge(struct tally *sum, struct tally *part, struct err *err);

/* Whether a step changes the file or its sharing. */
bool tally_is_change(enum plan_do what);

#endif
