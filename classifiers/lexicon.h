/*
 * lexicon: words and phrases looked for all at once, by the letters that each begins with.
 * Keywords stand between word boundaries, so only where a run of letters begins is anything looked
 * up: its length and first letters in a small filter, which almost every other word fails. The
 * cost does not grow with the number of words.
 * Owns: nothing; lives in the caller's arena.
 */
#ifndef LABELD_CLASSIFIERS_LEXICON_H
#define LABELD_CLASSIFIERS_LEXICON_H
#include "base/arena.h"
#include "tokens.h"

struct lexicon;

/* A word in UTF-8; ASCII letters of the text may have either case, all others are as written. */
struct lexicon_word {
    const char *text;
    uint32_t length;
    uint32_t id;
};

struct lexicon_sink {
    void *context;
    /* False ends the search. */
    bool (*found)(void *context, uint32_t id, uint32_t start, uint32_t end);
};

/* Whether the word has a letter by which it can be looked for. */
bool lexicon_takes(const char *text, size_t length);

/* Whether no letter stands before or behind [start, end) where a letter of its own begins or ends
 * it; `_` and digits may: card_no, ssn1. */
bool lexicon_alone(const char *text, size_t length, size_t start, size_t end);

/* For words that lexicon_takes. Their texts are copied. NULL when memory is out. */
struct lexicon *lexicon_open(const struct lexicon_word *words, size_t count, struct arena *arena);

/* Tell every word that stands alone in the text. `maps` are those of the text. False: the sink
 * said so. */
bool lexicon_scan(const struct lexicon *lexicon, const char *text, size_t length,
                  const struct tokens_maps *maps, const struct lexicon_sink *sink);

#endif
