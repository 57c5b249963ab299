/*
 * limits: the one table of limits (limits.def) as a struct.
 * Owns: nothing; a plain value that travels with each request to the parse host.
 */
#ifndef LABELD_BASE_LIMITS_H
#define LABELD_BASE_LIMITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limits {
#define LIMIT(name, standard, least, most, unit, sentence) uint64_t name;
#include "base/limits.def"
#undef LIMIT
};

/* One row of the table. */
struct limits_row {
    const char *name;
    const char *unit;
    const char *sentence;
    uint64_t standard, least, most;
    size_t offset; /* of the field in struct limits */
};

/* The defaults. */
struct limits limits_default(void);

/* The table: `*count` rows. */
const struct limits_row *limits_rows(size_t *count);

/* The row of that name, or NULL. */
const struct limits_row *limits_find(const char *name);

/* Set a field through its row. False when the value is outside the row's bounds. */
bool limits_set(struct limits *limits, const struct limits_row *row, uint64_t value);

/* Read a field through its row. */
uint64_t limits_get(const struct limits *limits, const struct limits_row *row);

#endif
