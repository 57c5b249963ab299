/*
 * distinct: values told apart by keyed hash and counted, each in the row of its highest
 * confidence; never the values themselves. Capped sets, first places only.
 * Owns: its tables.
 */
#ifndef LABELD_CLASSIFIERS_DISTINCT_H
#define LABELD_CLASSIFIERS_DISTINCT_H
#include "base/report.h"
#include "match.h"

struct distinct;

/* Where an occurrence stands. */
struct distinct_place {
    uint64_t offset;
    uint32_t length, part;
};

/* NULL when memory is out. */
struct distinct *distinct_open(const struct types *types, const struct limits *limits);
void distinct_close(struct distinct *distinct);

/* SipHash-2-4 (Aumasson and Bernstein) of a plain value under a key. */
uint64_t distinct_hash(const uint8_t key[static 16], const void *bytes, size_t length);

/* An occurrence will be counted soon: its place in the tables is fetched. */
void distinct_expect(const struct distinct *distinct, const struct match *match);

/* Count an occurrence. False when memory is out. */
bool distinct_add(struct distinct *distinct, const struct match *match,
                  const struct distinct_place *place);

/* The findings: rows sorted by type, then confidence, highest first. `parts` are the paths that
 * places index. False when memory is out. */
bool distinct_report(const struct distinct *distinct, const char *const *parts, struct arena *arena,
                     struct report *report);

#endif
