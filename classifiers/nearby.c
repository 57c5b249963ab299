#include "nearby.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { most_headers = 65536 };

struct span {
    uint32_t start, end;
};

/* The hits of one slot, by end. */
struct hits {
    struct span *list;
    size_t count, capacity;
    bool unsorted;
};

struct nearby {
    struct hits *slots;
    size_t slot_count;
    uint32_t *used; /* slots that hold hits */
    size_t used_count;
    uint64_t *headers; /* column << 32 | slot, sorted once asked */
    size_t header_count, header_capacity;
};

struct nearby *nearby_open(size_t slots)
{
    struct nearby *nearby = mem_zalloc(1, sizeof *nearby);
    if (!nearby)
        return NULL;
    nearby->slot_count = slots;
    nearby->slots = mem_zalloc(slots + 1, sizeof *nearby->slots);
    nearby->used = mem_zalloc(slots + 1, sizeof *nearby->used);
    if (nearby->slots && nearby->used)
        return nearby;
    nearby_close(nearby);
    return NULL;
}

void nearby_close(struct nearby *nearby)
{
    if (!nearby)
        return;
    for (size_t i = 0; nearby->slots && i < nearby->slot_count; i++)
        mem_free(nearby->slots[i].list);
    mem_free(nearby->slots);
    mem_free(nearby->used);
    mem_free(nearby->headers);
    mem_free(nearby);
}

void nearby_reset(struct nearby *nearby)
{
    for (size_t i = 0; i < nearby->used_count; i++) {
        struct hits *hits = &nearby->slots[nearby->used[i]];
        hits->count = 0;
        hits->unsorted = false;
    }
    nearby->used_count = 0;
}

bool nearby_add(struct nearby *nearby, uint32_t slot, uint32_t start, uint32_t end)
{
    struct hits *hits = &nearby->slots[slot];
    if (hits->count == hits->capacity) {
        size_t capacity = hits->capacity ? hits->capacity * 2 : 16;
        struct span *list = mem_realloc(hits->list, capacity, sizeof *list);
        if (!list)
            return false;
        hits->list = list;
        hits->capacity = capacity;
    }
    if (!hits->count)
        nearby->used[nearby->used_count++] = slot;
    else if (hits->list[hits->count - 1].end > end)
        hits->unsorted = true;
    hits->list[hits->count++] = (struct span){start, end};
    return true;
}

static int by_end(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    return left->end < right->end ? -1 : left->end > right->end;
}

void nearby_ready(struct nearby *nearby)
{
    for (size_t i = 0; i < nearby->used_count; i++) {
        struct hits *hits = &nearby->slots[nearby->used[i]];
        if (hits->unsorted)
            qsort(hits->list, hits->count, sizeof *hits->list, by_end);
        hits->unsorted = false;
    }
}

/* How many characters lie in [from, to), which holds no more than the query's `characters`;
 * one more when there are more. Lines end the count for same_row. */
static bool within(const struct nearby_query *query, size_t from, size_t to)
{
    size_t characters = 0;
    if (to - from > (size_t)query->characters * 4)
        return false;
    if (query->same_row && memchr(query->text + from, '\n', to - from))
        return false;
    if (to - from <= query->characters)
        return true;
    for (size_t i = from; i < to; i++)
        characters += ((unsigned char)query->text[i] & 0xc0) != 0x80;
    return characters <= query->characters;
}

/* The first hit that ends after `place`. */
static size_t first_after(const struct hits *hits, size_t place)
{
    size_t low = 0, high = hits->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hits->list[middle].end <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool nearby_has(const struct nearby *nearby, uint32_t slot, const struct nearby_query *query)
{
    const struct hits *hits = &nearby->slots[slot];
    if (!hits->count)
        return false;
    size_t at = first_after(hits, query->start);
    if (at > 0 && within(query, hits->list[at - 1].end, query->start))
        return true;
    if (query->before_only)
        return false;
    /* hits inside the value or across its edge are no keywords of it */
    size_t reach = query->end + (size_t)query->characters * 4;
    for (at = first_after(hits, query->end); at < hits->count; at++) {
        if (hits->list[at].start >= query->end)
            return within(query, query->end, hits->list[at].start);
        if (hits->list[at].start > reach)
            return false;
    }
    return false;
}

void nearby_forget_headers(struct nearby *nearby)
{
    nearby->header_count = 0;
}

bool nearby_add_header(struct nearby *nearby, uint64_t column, uint32_t slot)
{
    uint64_t entry = column << 32 | slot;
    if (column > UINT16_MAX || nearby->header_count == most_headers)
        return true;
    if (nearby->header_count == nearby->header_capacity) {
        size_t capacity = nearby->header_capacity ? nearby->header_capacity * 2 : 64;
        uint64_t *headers = mem_realloc(nearby->headers, capacity, sizeof *headers);
        if (!headers)
            return false;
        nearby->headers = headers;
        nearby->header_capacity = capacity;
    }
    size_t at = nearby->header_count++;
    for (; at > 0 && nearby->headers[at - 1] > entry; at--)
        nearby->headers[at] = nearby->headers[at - 1];
    nearby->headers[at] = entry;
    return true;
}

bool nearby_in_header(const struct nearby *nearby, uint64_t column, uint32_t slot)
{
    uint64_t wanted = column << 32 | slot;
    size_t low = 0, high = nearby->header_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (nearby->headers[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low < nearby->header_count && nearby->headers[low] == wanted;
}

bool nearby_each_header(const struct nearby *nearby,
                        bool (*each)(void *context, uint64_t column, uint32_t slot), void *context)
{
    for (size_t i = 0; i < nearby->header_count; i++)
        if (!each(context, nearby->headers[i] >> 32, (uint32_t)nearby->headers[i]))
            return false;
    return true;
}
