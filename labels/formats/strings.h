/*
 * strings: the shared strings of a workbook, by number, in bounded memory (ECMA-376 part 1,
 * 18.4.9 sst). What does not fit is not kept; the caller sends it on as text, so that nothing is
 * lost but its place in the table.
 * Owns: its texts.
 */
#ifndef LABELD_LABELS_FORMATS_STRINGS_H
#define LABELD_LABELS_FORMATS_STRINGS_H
#include <stdint.h>

#include "base/buf.h"

struct strings {
    struct buf texts;
    struct buf ends; /* uint32_t: where each text ends; its top bit: it was used */
    bool full;       /* from here on nothing is kept */
};

/* Keeps at most `most_bytes` of texts and half as many of numbers, four for each string. */
struct strings strings_new(size_t most_bytes);
void strings_fini(struct strings *strings);

/* Add the next string. False when it is not kept: memory is out, or `full` is set. */
bool strings_add(struct strings *strings, const char *text, size_t length);

/* How many are kept. */
size_t strings_count(const struct strings *strings);

/* A string by number, marked as used if `use`; false when there is none. */
bool strings_get(struct strings *strings, size_t index, bool use, const char **text,
                 size_t *length);

/* Whether a cell asked for it. */
bool strings_used(const struct strings *strings, size_t index);

#endif
