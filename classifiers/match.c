#include "match.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { strong_check = 100 };

bool match_add(struct match_list *matches, const struct match *match, size_t most)
{
    if (matches->count >= most)
        return true;
    if (matches->count == matches->capacity) {
        size_t capacity = matches->capacity ? matches->capacity * 2 : 256;
        struct match *list = mem_realloc(matches->list, capacity, sizeof *list);
        if (!list)
            return false;
        matches->list = list;
        matches->capacity = capacity;
    }
    matches->list[matches->count++] = *match;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct match *left = a, *right = b;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    if (left->end != right->end)
        return left->end < right->end ? -1 : 1;
    if (left->type != right->type)
        return left->type < right->type ? -1 : 1;
    return left->level > right->level ? -1 : left->level < right->level;
}

/* Move each to its place among those before it, which is near for matches found in order. False
 * when that would take too long; the list is then partly sorted. */
static bool insert_all(struct match_list *matches)
{
    size_t moves = matches->count * 8;
    for (size_t i = 1; i < matches->count; i++) {
        struct match *list = matches->list, held = list[i];
        size_t at = i;
        for (; at > 0 && by_place(&list[at - 1], &held) > 0; at--, moves--) {
            if (moves == 0) {
                list[at] = held;
                return false;
            }
            list[at] = list[at - 1];
        }
        if (at < i)
            list[at] = held;
    }
    return true;
}

void match_sort(struct match_list *matches)
{
    if (!insert_all(matches))
        qsort(matches->list, matches->count, sizeof *matches->list, by_place);
}

static unsigned depth_of(const struct types *types, uint16_t type)
{
    unsigned depth = 0;
    for (; types->rows[type].parent != types_none; type = types->rows[type].parent)
        depth++;
    return depth;
}

/* -1: `a` goes first. The order of preference of detectors.md §1.4. */
static int prefer(const struct types *types, const struct match *a, const struct match *b)
{
    const struct types_row *row_a = &types->rows[a->type], *row_b = &types->rows[b->type];
    uint32_t size_a = a->end - a->start, size_b = b->end - b->start;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    if (row_a->one_in != row_b->one_in)
        return row_a->one_in > row_b->one_in ? -1 : 1;
    if (size_a != size_b)
        return size_a > size_b ? -1 : 1;
    if (row_a->raised != row_b->raised)
        return row_a->raised ? -1 : 1;
    unsigned depth_a = depth_of(types, a->type), depth_b = depth_of(types, b->type);
    if (depth_a != depth_b)
        return depth_a > depth_b ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* A parent and its child at one place are one: the child, as sure as the surer of both. */
static void fold_family(const struct types *types, struct match *group, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            struct match *child = &group[i], *other = &group[k];
            if (i == k || child->level == LEVEL_NONE || other->level == LEVEL_NONE ||
                !types_is(types, child->type, other->type))
                continue;
            if (other->level > child->level)
                child->level = other->level;
            child->keyword = child->keyword || other->keyword;
            child->test = child->test || other->test;
            other->level = LEVEL_NONE;
        }
}

static void add_alternative(const struct types *types, struct match *winner, uint16_t type)
{
    uint16_t root = types_root(types, type);
    for (size_t i = 0; i < winner->alternative_count; i++)
        if (winner->alternatives[i] == root)
            return;
    if (winner->alternative_count < match_most_alternatives &&
        root != types_root(types, winner->type))
        winner->alternatives[winner->alternative_count++] = root;
}

/* Types of equal shape at one place: the one with a keyword; else the strong ones; else a low
 * finding that names the others. */
static void settle_equals(const struct types *types, struct match *group, size_t count)
{
    struct match *winner = NULL;
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (group[i].level == LEVEL_NONE)
            continue;
        left++;
        if (!winner || group[i].keyword > winner->keyword ||
            (group[i].keyword == winner->keyword && prefer(types, &group[i], winner) < 0))
            winner = &group[i];
    }
    if (left < 2)
        return;
    uint64_t strength = types->rows[winner->type].one_in;
    bool strong = strength >= strong_check;
    for (size_t i = 0; i < count; i++) {
        struct match *other = &group[i];
        if (other == winner || other->level == LEVEL_NONE)
            continue;
        bool rival = winner->keyword ? other->keyword && other->level == winner->level
                                     : !strong || types->rows[other->type].one_in >= strong_check;
        if (rival && winner->shape && other->shape)
            add_alternative(types, winner, other->type);
        other->level = LEVEL_NONE;
    }
    if (!winner->keyword && !strong && winner->alternative_count)
        winner->level = LEVEL_LOW;
}

static bool is_taken(const uint64_t *taken, uint32_t start, uint32_t end)
{
    for (uint32_t at = start; at < end; at++)
        if (taken[at / 64] >> (at % 64) & 1)
            return true;
    return false;
}

static void take(uint64_t *taken, uint32_t start, uint32_t end)
{
    for (uint32_t at = start; at < end; at++)
        taken[at / 64] |= 1ull << (at % 64);
}

/* qsort has no context, so clusters are ordered by insertion into a heap of their own. */
static void sift(const struct types *types, struct match **heap, size_t at, size_t count)
{
    for (;;) {
        size_t best = at;
        for (size_t child = at * 2 + 1; child <= at * 2 + 2 && child < count; child++)
            if (prefer(types, heap[child], heap[best]) > 0)
                best = child;
        if (best == at)
            return;
        struct match *held = heap[at];
        heap[at] = heap[best];
        heap[best] = held;
        at = best;
    }
}

static void order(const struct types *types, struct match **list, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(types, list, i, count);
    for (size_t left = count; left-- > 1;) {
        struct match *held = list[0];
        list[0] = list[left];
        list[left] = held;
        sift(types, list, 0, left);
    }
}

enum { batch = 512 };

static bool overlap(const struct match *a, const struct match *b)
{
    return a->start < b->end && b->start < a->end;
}

/* A type that says only what kind of thing stands there gives way to one that names it: a
 * provider's token wins over "some secret". */
static void drop_fallbacks(const struct types *types, struct match *group, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct types_row *row = &types->rows[group[i].type];
        for (size_t k = 0; row->fallback && k < count; k++) {
            const struct types_row *other = &types->rows[group[k].type];
            if (group[k].level != LEVEL_NONE && group[k].level >= group[i].level &&
                !other->fallback && strcmp(row->category, other->category) == 0 &&
                overlap(&group[i], &group[k]))
                group[i].level = LEVEL_NONE;
        }
    }
}

/* Matches that overlap one another directly or through others: the preferred ones stay. A
 * cluster over the batch's size is settled in pieces. */
static void settle_cluster(const struct types *types, struct match *first, size_t count,
                           uint64_t *taken)
{
    while (count) {
        struct match *list[batch];
        size_t size = count < batch ? count : batch, live = 0;
        drop_fallbacks(types, first, size);
        for (size_t i = 0; i < size; i++)
            if (first[i].level != LEVEL_NONE)
                list[live++] = &first[i];
        order(types, list, live);
        for (size_t i = 0; i < live; i++)
            if (is_taken(taken, list[i]->start, list[i]->end))
                list[i]->level = LEVEL_NONE;
            else
                take(taken, list[i]->start, list[i]->end);
        first += size;
        count -= size;
    }
}

void match_settle(const struct types *types, struct match_list *matches, uint64_t *taken)
{
    struct match *list = matches->list;
    for (size_t i = 0, next; i < matches->count; i = next) {
        next = i + 1;
        while (next < matches->count && list[next].start == list[i].start &&
               list[next].end == list[i].end)
            next++;
        if (next - i < 2)
            continue;
        fold_family(types, list + i, next - i);
        settle_equals(types, list + i, next - i);
    }
    for (size_t i = 0, next; i < matches->count; i = next) {
        uint32_t end = list[i].end;
        for (next = i + 1; next < matches->count && list[next].start < end; next++)
            if (list[next].end > end)
                end = list[next].end;
        if (next - i > 1)
            settle_cluster(types, list + i, next - i, taken);
    }
}
