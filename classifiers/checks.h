/*
 * checks: what a candidate must pass to be a finding: check digits, dates, ranges, by name.
 * Owns: nothing; constant tables. No allocation, time linear in the candidate's length.
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
    uint32_t one_in; /* passes about one in so many random values of its shape */
    bool (*pass)(const struct checks_row *row, const struct checks_input *input);
    const void *rule; /* what `pass` reads: weights, ranges; may be NULL */
};

/* The check of that name, or NULL. */
const struct checks_row *checks_find(const char *name);

/* The checks in order, NULL after the last. */
const struct checks_row *checks_at(size_t index);

/* Whether the candidate passes. Any bytes of any length are fine. */
static inline bool checks_pass(const struct checks_row *row, const struct checks_input *input)
{
    return row->pass(row, input);
}

#endif
