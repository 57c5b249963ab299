/*
 * anchor: the fixed text in an expression by which it can be looked for cheaply.
 * Three forms are seen: expressions that begin with fixed text ("\bAKIA[0-9A-Z]{16}", also with a
 * few alternatives), those that have it behind a class ("[a-z0-9.]{1,64}@..."), and those that have
 * none but begin with many letters or digits ("\b[13][1-9A-Za-z]{25,34}\b").
 */
#ifndef LABELD_CLASSIFIERS_ANCHOR_H
#define LABELD_CLASSIFIERS_ANCHOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { anchor_most_literals = 64, anchor_most_length = 32, anchor_most_head = 24 };

struct anchor {
    struct {
        char bytes[anchor_most_length];
        uint8_t length;
    } literals[anchor_most_literals];
    size_t count;       /* 0: there is no usable fixed text */
    uint64_t left[4];   /* bytes that may stand between the match's start and the literal */
    uint32_t left_most; /* at most so many; 0: the literal begins the match */
    uint32_t run;       /* no fixed text: the match begins a run of so many bytes at least that are
                           ASCII letters, digits or `extra`; 0: there is no such form either */
    char extra;         /* of `run`; 0: none */
    uint64_t head[anchor_most_head][4]; /* of `run`: what each of the first bytes may be */
    size_t head_count;
    bool boundary; /* a word boundary stands in front */
    bool caseless; /* the expression itself says (?i) */
};

/* Look for an anchor in an expression of Hyperscan's syntax. */
void anchor_find(const char *expression, struct anchor *anchor);

/* The part of an expression before its first large repeat, which can be looked for with the start
 * of its match where the whole expression is too large for that. Its length; 0: there is none. */
size_t anchor_prefix(const char *expression);

#endif
