/*
 * text: comparing text the way people do, on libutf8proc (Unicode simple case folding, NFC).
 */
#ifndef LABELD_BASE_TEXT_H
#define LABELD_BASE_TEXT_H
#include <stdbool.h>

#include "base/arena.h"

/* `text` folded for comparison: NFC and case-folded. Bytes that are not UTF-8 become U+FFFD.
 * In the arena; NULL when memory is out. */
char *text_fold(struct arena *arena, const char *text);

/* The nearest of `words` to `word` by edit distance with transpositions: at most 2, at most 1
 * for words under 5 letters (rules.md: suggestions). NULL when none is near. */
const char *text_nearest(const char *word, const char *const *words, size_t count);

#endif
