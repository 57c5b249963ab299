/*
 * judge: whether a candidate is a finding, and how sure: edges, guards, checks, keywords,
 * neighbours, confidence.
 * Owns: nothing; looks at one window of text.
 */
#ifndef LABELD_CLASSIFIERS_JUDGE_H
#define LABELD_CLASSIFIERS_JUDGE_H
#include "match.h"
#include "nearby.h"

enum { judge_most_value = 512, judge_most_memos = 64 };

/* A value in one plain form. */
struct judge_form {
    char text[judge_most_value];
    uint32_t length;
    bool known, hashed;
    uint64_t hash;
};

/* What has been found out about the span judged last: many types try one span. Every answer is
 * sought once. */
struct judge_span {
    uint32_t start, end;
    bool known, clean;
    int8_t bare, in_run, dull;  /* -1: not asked yet */
    struct judge_form forms[2]; /* caseless, exact */
    uint32_t stamp;             /* counts spans; a memo of another one is void */
    struct {
        const struct checks_row *check;
        uint32_t stamp;
        bool exact, passes;
    } memos[judge_most_memos];
};

struct judge {
    const struct types *types;
    const struct nearby *nearby; /* slots: types, then the types' excluding words */
    const char *text;
    size_t length;
    const uint8_t *key; /* 16 bytes for the hashes */
    bool table;
    size_t cursor; /* table: how far columns have been counted, and what came out */
    uint64_t row, column;
    struct judge_span span;
};

/* Another window: nothing is known any more. */
void judge_forget(struct judge *judge);

struct judge_candidate {
    uint32_t start, end;
    uint16_t type, find;
    bool loose;
};

/* Judge one candidate. False: no finding. Candidates of a table come in order of start, or the
 * cursor goes back to the window's beginning. */
bool judge_candidate(struct judge *judge, const struct judge_candidate *candidate,
                     struct match *match);

/* Row and column of a place in a table. */
void judge_locate(struct judge *judge, size_t place);

/* Types that want another finding near: those without one get LEVEL_NONE. The list is sorted. */
void judge_neighbours(const struct judge *judge, struct match_list *matches);

#endif
