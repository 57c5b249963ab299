/*
 * nearby: which types have a keyword near a place, and in the header of its column.
 * Owns: its lists, reused from window to window.
 */
#ifndef LABELD_CLASSIFIERS_NEARBY_H
#define LABELD_CLASSIFIERS_NEARBY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nearby;

/* Where to look around [start, end). */
struct nearby_query {
    const char *text;
    size_t length;
    size_t start, end;
    uint32_t characters; /* before or after */
    bool before_only;
    bool same_row; /* no further than the line */
};

/* For keywords of `slots` kinds. NULL when memory is out. */
struct nearby *nearby_open(size_t slots);
void nearby_close(struct nearby *nearby);

/* Forget the hits, keep the memory. */
void nearby_reset(struct nearby *nearby);

/* A hit of a slot. False when memory is out. */
bool nearby_add(struct nearby *nearby, uint32_t slot, uint32_t start, uint32_t end);

/* All hits are there: sort them. */
void nearby_ready(struct nearby *nearby);

/* Whether a hit of the slot is as near as asked. */
bool nearby_has(const struct nearby *nearby, uint32_t slot, const struct nearby_query *query);

/* Headers of a table: forget them, note one, ask. Columns above 65535 are not kept. */
void nearby_forget_headers(struct nearby *nearby);
bool nearby_add_header(struct nearby *nearby, uint64_t column, uint32_t slot);
bool nearby_in_header(const struct nearby *nearby, uint64_t column, uint32_t slot);

/* Each slot that stands in a header, with its column. False: `each` said so and ended it. */
bool nearby_each_header(const struct nearby *nearby,
                        bool (*each)(void *context, uint64_t column, uint32_t slot), void *context);

#endif
