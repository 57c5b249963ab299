/*
 * scanner_parts: what the scanner's files share: the uses that types make of words and patterns,
 * and the databases compiled from them. Only scanner*.c include it.
 */
#ifndef LABELD_CLASSIFIERS_SCANNER_PARTS_H
#define LABELD_CLASSIFIERS_SCANNER_PARTS_H
#include <hs.h>

#include "anchor.h"
#include "lexicon.h"
#include "scanner.h"
#include "scanner_cache.h"

/* Who looks for it. */
enum scanner_engine { SCANNER_LEXICON, SCANNER_LITERAL, SCANNER_EXPRESSION, SCANNER_RUN };

/* One word, literal or pattern for one find of one type. */
struct scanner_use {
    const char *text; /* literal bytes, or the expression */
    uint16_t length;  /* of the literal */
    uint16_t type, find;
    uint8_t engine; /* enum scanner_engine */
    uint8_t kind;   /* enum scanner_kind: what to tell */
    bool caseless;
    bool anchor;      /* what was found must be confirmed */
    uint32_t confirm; /* anchor: row of `confirms` */
};

/* An expression tied to its start. */
struct scanner_confirm {
    uint16_t type, find;
    uint32_t width; /* the most bytes it can match */
    struct anchor anchor;
};

/* One word or expression: its uses are uses[first .. first + count). */
struct scanner_entry {
    uint32_t first, count;
};

/* One pass over a text for expressions that begin with a run. */
struct scanner_pass {
    char extra;     /* as the anchors have it */
    bool bounded;   /* all begin at a word boundary */
    uint32_t least; /* the shortest run */
};

enum { scanner_most_passes = 4 };

struct scanner {
    struct arena arena;
    hs_database_t *databases[scanner_cache_databases]; /* main, confirm */
    hs_scratch_t *scratch, *confirm_scratch;
    struct lexicon *lexicon;
    struct scanner_use *uses; /* by engine */
    size_t use_count, use_capacity;
    struct scanner_entry *entries;
    size_t entry_count;
    size_t first_run; /* uses from here on are SCANNER_RUN */
    struct scanner_pass passes[scanner_most_passes];
    size_t pass_count;
    struct scanner_confirm *confirms;
    size_t confirm_count;
    bool cached;
};

/* Gather what the types look for into uses and entries. False when memory is out. */
bool scanner_collect(struct scanner *scanner, const struct types *types);

/* Make the lexicon and the databases, or fetch these from the cache. False with err; a pattern
 * that cannot be searched is a line in `problems`. */
bool scanner_compile(struct scanner *scanner, const struct types *types, const char *cache_dir,
                     struct buf *problems, struct err *err);

#endif
