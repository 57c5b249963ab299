/*
 * picture: a number's picture ("999_99_9999") read into templates.
 * A template is a fixed count of places, each with the characters that may stand there, and what
 * separators may or must stand between them. Characters are code points below 256, separators in
 * tokens.h's plain form (NBSP is a space, every dash a hyphen).
 * Owns: nothing; templates live in the caller's arena.
 */
#ifndef LABELD_CLASSIFIERS_PICTURE_H
#define LABELD_CLASSIFIERS_PICTURE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { picture_most_templates = 256, picture_most_places = 64, picture_most_marks = 4 };

/* A set of characters U+0000 to U+00FF. */
struct picture_set {
    uint64_t bits[4];
};

/* One separator between two places. */
struct picture_mark {
    struct picture_set set;
    bool optional;
    bool alike; /* written `_`: all that are filled hold the same character */
};

struct picture_gap {
    uint8_t count;
    struct picture_mark marks[picture_most_marks];
};

struct picture_template {
    uint8_t length;             /* places */
    bool must_separate;         /* holds a separator that must be there */
    struct picture_set *places; /* `length` of them */
    struct picture_gap *gaps;   /* length + 1: before the first place, ..., after the last */
};

struct picture {
    struct picture_template *templates;
    size_t count;
};

/* Read a picture (types.md: the row "picture"). `exact`: letters keep their case. False with a
 * sentence that says what is wrong and at which character. */
bool picture_read(const char *text, bool exact, struct arena *arena, struct picture *picture,
                  struct err *err);

/* Whether the set holds the character. */
static inline bool picture_has(const struct picture_set *set, unsigned character)
{
    return character < 256 && (set->bits[character / 64] >> (character % 64) & 1);
}

#endif
