/*
 * gather: read a file's bytes through the format table and keep what the sink gets. Parts are
 * written as "[path]" or, tables, "[path|]" in front of their text; the part "" without a table
 * as nothing. Each piece must be valid UTF-8 by itself.
 */
#ifndef LABELD_TESTS_GATHER_H
#define LABELD_TESTS_GATHER_H
#include "base/buf.h"
#include "format.h"

struct gather {
    struct limits limits; /* the defaults, unless changed before gather_read */
    struct report report;
    struct arena arena;
    struct buf text;
    int64_t cpu_deadline_us;
    size_t pieces;
    size_t stop_after; /* pieces after which the sink wants no more; 0 = never */
    bool torn;         /* a piece was not valid UTF-8 */
    bool late;         /* something came after the sink had said stop */
    bool ok;           /* what format_read returned */
};

void gather_init(struct gather *gather);
void gather_fini(struct gather *gather);
#define own_gather __attribute__((cleanup(gather_fini)))

/* Read; the text of an earlier reading is forgotten. Returns the text. */
const char *gather_read(struct gather *gather, const void *bytes, size_t length);

#endif
