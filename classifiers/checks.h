/*
 * checks: what a candidate must pass to be a finding: check digits, dates, ranges, by name.
 * Owns: nothing; a constant table.
 */
#ifndef LABELD_CLASSIFIERS_CHECKS_H
#define LABELD_CLASSIFIERS_CHECKS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One candidate. `value` is normalised: separators removed, ASCII upper case unless the type is
 * case exact. `raw` is how it stands in the text, with the type's `capture` bytes around it. */
struct checks_input {
    const char *value;
    size_t length;
    const char *raw;
    size_t raw_length;
};

struct checks_row {
    const char *name;
    bool (*pass)(const struct checks_input *input);
    uint32_t one_in; /* passes about one in so many random values of its shape */
};

/* The check of that name, or NULL. */
const struct checks_row *checks_find(const char *name);

/* All checks: `*count` rows. */
const struct checks_row *checks_rows(size_t *count);

#endif
