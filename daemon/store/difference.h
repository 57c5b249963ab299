/*
 * difference: which items a simulation would change, in a file: rows of 16 bytes, written in parts
 * in any order and read in the order of items, page by page. The file is this daemon's own and
 * lives an hour; words for the numbers in it are the simulation's result.
 * Owns: nothing; descriptors are the caller's.
 */
#ifndef LABELD_STORE_DIFFERENCE_H
#define LABELD_STORE_DIFFERENCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DIFFERENCE_PARTS = 64 };

/* Why one item is in the difference; the rows of an item stand together, items ascend. */
struct difference_row {
    int64_t item;
    uint32_t change; /* which; `only_enforced` in the highest bit */
    uint32_t rule;   /* that asks for it */
};

/* It is so only if every rule were enforced. */
#define DIFFERENCE_ONLY_ENFORCED 0x80000000u

/* Being written. Calls must not run at the same time. */
struct difference {
    int fd;
    uint64_t end;
    struct {
        uint64_t offset, rows;
    } parts[DIFFERENCE_PARTS];
};

/* Write one part's rows; once a part. False with err. */
bool difference_part(struct difference *difference, unsigned part,
                     const struct difference_row *rows, size_t count, struct err *err);

/* All parts are there. False with err. */
bool difference_end(struct difference *difference, struct err *err);

/* Call `row` with the rows of items above `after`, until it says false. False with err: the file
 * is none, or cannot be read. */
bool difference_read(int fd, int64_t after,
                     bool (*row)(void *context, const struct difference_row *row), void *context,
                     struct err *err);

#endif
