/*
 * scanner: keywords and dictionaries by the lexicon; anchors and users' patterns by one Hyperscan
 * database. Hits tell where; what a pattern really matched is confirmed around its anchor with a
 * second database in which every expression is tied to the start.
 * Owns: both databases and a scratch; compiled or fetched from the cache before the lock-down.
 */
#ifndef LABELD_CLASSIFIERS_SCANNER_H
#define LABELD_CLASSIFIERS_SCANNER_H
#include "tokens.h"
#include "types.h"

struct scanner;

enum scanner_kind {
    SCANNER_KEYWORD, /* a keyword of a type */
    SCANNER_EXCLUDE, /* a word that drops findings near it */
    SCANNER_VALUE    /* a word of a dictionary, or what a pattern matched */
};

struct scanner_hit {
    uint32_t start, end;
    uint16_t type, find;
    uint8_t kind; /* enum scanner_kind */
};

struct scanner_sink {
    void *context;
    bool (*hit)(void *context, const struct scanner_hit *hit); /* false: memory is out */
};

/* Compile, or fetch from `cache_dir` (NULL: no cache). NULL with err; a pattern that Hyperscan
 * refuses is a line in `problems`. */
struct scanner *scanner_open(const struct types *types, const char *cache_dir, struct buf *problems,
                             struct err *err);
void scanner_close(struct scanner *scanner);

/* Whether the databases came from the cache. */
bool scanner_cached(const struct scanner *scanner);

/* Tell every hit in a text, in no order. A keyword stands between word boundaries. `maps` are those
 * of the text. False: the engine failed or the sink said so. */
bool scanner_scan(const struct scanner *scanner, const char *text, size_t length,
                  const struct tokens_maps *maps, const struct scanner_sink *sink);

/* How many raw hits Hyperscan has in a text: the engine alone, for benchmarks. */
size_t scanner_count(const struct scanner *scanner, const char *text, size_t length);

#endif
