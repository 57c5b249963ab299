/*
 * tokens: characters of text as the shapes see them, and bitmaps of where digits and words begin.
 * Full-width and Arabic-Indic digits count as digits, full-width letters as letters, NBSP as
 * space, every dash as hyphen; so offsets stay those of the text and no copy is made.
 */
#ifndef LABELD_CLASSIFIERS_TOKENS_H
#define LABELD_CLASSIFIERS_TOKENS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tokens_kind {
    TOKENS_OTHER,     /* anything that ends a value; code 0 unless ASCII */
    TOKENS_WORD,      /* letter or digit with a code below 256 */
    TOKENS_SEPARATOR, /* space - . / : ( ) [ ] + &: code in plain form */
    TOKENS_BLOCK      /* part of a word, but of no value: _, other letters of spaced scripts */
};

struct tokens_char {
    uint8_t width; /* bytes, at least 1 */
    uint8_t kind;  /* enum tokens_kind */
    uint8_t code;  /* plain form */
};

/* The kinds of ASCII. */
extern const uint8_t tokens_ascii[128];

/* The same as tokens_decode, for a first byte of 0x80 and more. */
void tokens_decode_wide(const char *text, size_t length, struct tokens_char *character);

/* The character at `text`; `length` > 0. A broken byte is TOKENS_OTHER of width 1. */
static inline void tokens_decode(const char *text, size_t length, struct tokens_char *character)
{
    unsigned char first = (unsigned char)*text;
    if (first < 0x80)
        *character = (struct tokens_char){.width = 1, .kind = tokens_ascii[first], .code = first};
    else
        tokens_decode_wide(text, length, character);
}

/* The character that ends at `end`; false at the start of the text. */
bool tokens_before(const char *text, size_t end, struct tokens_char *character);

/* Whether a word of a script with spaces goes on: letter, digit or _. */
static inline bool tokens_wordlike(const struct tokens_char *character)
{
    return character->kind == TOKENS_WORD || character->kind == TOKENS_BLOCK;
}

/* Where kinds of bytes stand in a text: a bit for each byte, bit i of word k for byte 64 k + i.
 * Each map has tokens_map_words(length) words; what lies behind the text is zero. */
struct tokens_maps {
    uint64_t *digits; /* bytes that are or may begin a digit */
    uint64_t *words;  /* ASCII letters and digits */
    uint64_t *leads;  /* first bytes of characters beyond ASCII */
};

static inline size_t tokens_map_words(size_t length)
{
    return length / 64 + 2;
}

/* Fill the maps of a text. */
void tokens_map(const char *text, size_t length, const struct tokens_maps *maps);

/* Where the byte stands among the first `count` <= 64: bit i = byte i. */
uint64_t tokens_where(const char *text, size_t count, char byte);

/* How many bits from `at` on are set; at least 64 when there are more. `at` lies in the text. */
static inline size_t tokens_run(const uint64_t *map, size_t at)
{
    unsigned shift = at % 64;
    uint64_t gap = ~map[at / 64] >> shift, next = ~map[at / 64 + 1];
    if (gap)
        return (size_t)__builtin_ctzll(gap);
    return 64 - shift + (next ? (size_t)__builtin_ctzll(next) : 64);
}

#endif
