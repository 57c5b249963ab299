/*
 * types_read: one type file into rows, with every mistake told at its place.
 */
#ifndef LABELD_CLASSIFIERS_TYPES_READ_H
#define LABELD_CLASSIFIERS_TYPES_READ_H
#include "base/yaml.h"
#include "types.h"

struct types_reader {
    struct types *types;
    const char *file; /* as told to people */
    const char *dir;  /* words_file: is looked for here */
    bool builtin;
    struct buf *problems;
    struct err *err; /* the first problem */
    unsigned faults;
};

/* Note a mistake: "FILE:LINE:COL: error: MESSAGE". */
void types_read_fault(struct types_reader *reader, unsigned line, unsigned column,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* " (did you mean 'x'?)", or "" when no word is near. In `out`, 128 bytes. */
const char *types_read_hint(const char *word, const char *const *words, size_t count,
                            char out[static 128]);

/* Read a file's text: types and bundles are appended. */
void types_read_text(struct types_reader *reader, const char *text, size_t length);

#endif
