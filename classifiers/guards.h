/*
 * guards: what looks like a number of some type but is not (detectors.md §1.6).
 * Pure functions over the text around a candidate.
 */
#ifndef LABELD_CLASSIFIERS_GUARDS_H
#define LABELD_CLASSIFIERS_GUARDS_H
#include <stdbool.h>
#include <stddef.h>

/* Whether nothing of a longer number, word, path or amount goes on at the edges of
 * [start, end). */
bool guards_edges(const char *text, size_t length, size_t start, size_t end);

/* Whether a long run of [0-9A-Za-z+/_-] reaches beyond the candidate: hash, UUID, base64. */
bool guards_in_run(const char *text, size_t length, size_t start, size_t end);

/* Whether the plain value is all one digit, of a short period, or counts up or down. */
bool guards_dull(const char *value, size_t length);

/* Whether a bare number is an epoch time (10 or 13 digits), or an ISBN. */
bool guards_timestamp(const char *value, size_t length);
bool guards_isbn(const char *value, size_t length);

/* Whether a secret is a placeholder: "xxxx", "your_key", "${...}", "EXAMPLE". */
bool guards_placeholder(const char *text, size_t length);

#endif
