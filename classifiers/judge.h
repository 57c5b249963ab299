/*
 * judge: whether a candidate is a finding, and how sure: edges, guards, checks, keywords,
 * neighbours, confidence.
 * Owns: nothing; looks at one window of text.
 */
#ifndef LABELD_CLASSIFIERS_JUDGE_H
#define LABELD_CLASSIFIERS_JUDGE_H
#include "match.h"
#include "nearby.h"

struct judge {
    const struct types *types;
    const struct nearby *nearby; /* slots: types, then the types' excluding words */
    const char *text;
    size_t length;
    const uint8_t *key; /* 16 bytes for the hashes */
    bool table;
    size_t cursor; /* table: how far columns have been counted, and what came out */
    uint64_t row, column;
};

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
