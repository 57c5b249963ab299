/*
 * match: one accepted candidate of a window, and how matches that overlap are settled.
 */
#ifndef LABELD_CLASSIFIERS_MATCH_H
#define LABELD_CLASSIFIERS_MATCH_H
#include "types.h"

enum { match_most_alternatives = 12 };

struct match {
    uint32_t start, end; /* in the window */
    uint64_t hash;       /* of the plain value, keyed */
    uint16_t type, find;
    uint8_t level; /* enum types_level; LEVEL_NONE: settled against it */
    bool keyword, test, shape;
    uint8_t alternative_count;
    uint16_t alternatives[match_most_alternatives];
};

struct match_list {
    struct match *list;
    size_t count, capacity;
};

/* Add one; false when memory is out. A list holds at most `most` and drops what is beyond. */
bool match_add(struct match_list *matches, const struct match *match, size_t most);

/* Sort by start, then end. */
void match_sort(struct match_list *matches);

/* Settle overlaps by detectors.md §1.4 in a sorted list: losers get LEVEL_NONE. `taken` is a
 * zeroed bitmap with a bit for each byte of the window. */
void match_settle(const struct types *types, struct match_list *matches, uint64_t *taken);

#endif
