#include "mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tokens.h"

enum { most_matches = 20000, most_masked = 160, least_shown = 8 };

struct kept {
    uint64_t offset;
    uint32_t part, length;
    const char *type, *masked;
    uint8_t level;
};

struct masks {
    struct arena arena;
    struct kept *list;
    size_t count, capacity;
};

struct masks *masks_open(void)
{
    struct masks *masks = mem_zalloc(1, sizeof *masks);
    if (masks)
        masks->arena = arena_new((size_t)most_matches * (most_masked + 32));
    return masks;
}

void masks_close(struct masks *masks)
{
    if (!masks)
        return;
    arena_fini(&masks->arena);
    mem_free(masks->list);
    mem_free(masks);
}

static bool shows(const struct tokens_char *c)
{
    return c->kind == TOKENS_SEPARATOR && c->code != '&';
}

static size_t count_hidden(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        struct tokens_char c;
        tokens_decode(text + at, length - at, &c);
        count += !shows(&c);
        at += c.width;
    }
    return count;
}

/* Separators stay, so that the reader sees how the value was written. */
static size_t mask(const struct masks_match *match, char out[static most_masked])
{
    size_t total = count_hidden(match->text, match->length), seen = 0, used = 0;
    bool card = strcmp(match->row->category, "card") == 0 && total >= 12;
    size_t head = card ? 6 : 2, tail = card ? 4 : 2;
    if (total < least_shown)
        head = tail = total > 4 ? 1 : 0;
    for (size_t at = 0; at < match->length && used + 4 < most_masked;) {
        struct tokens_char c;
        tokens_decode(match->text + at, match->length - at, &c);
        bool plain = shows(&c) || seen < head || seen + tail >= total;
        if (!shows(&c))
            seen++;
        if (plain)
            memcpy(out + used, match->text + at, c.width);
        else
            out[used] = '*';
        used += plain ? c.width : 1;
        at += c.width;
    }
    return used;
}

bool masks_add(struct masks *masks, const struct masks_match *match)
{
    char masked[most_masked];
    if (masks->count == most_matches)
        return true;
    if (masks->count == masks->capacity) {
        size_t capacity = masks->capacity ? masks->capacity * 2 : 64;
        struct kept *list = mem_realloc(masks->list, capacity, sizeof *list);
        if (!list)
            return false;
        masks->list = list;
        masks->capacity = capacity;
    }
    const char *copy = arena_strndup(&masks->arena, masked, mask(match, masked));
    if (copy)
        masks->list[masks->count++] = (struct kept){
            match->offset, match->part, match->length, match->type, copy, (uint8_t)match->level};
    return copy;
}

bool masks_list(const struct masks *masks, const char *const *parts, struct arena *arena,
                struct masked_list *list)
{
    list->matches_count = 0;
    list->matches = arena_alloc(arena, masks->count, sizeof *list->matches);
    for (size_t i = 0; list->matches && i < masks->count; i++) {
        const struct kept *kept = &masks->list[i];
        const char *masked = arena_strdup(arena, kept->masked);
        if (!masked)
            return false;
        list->matches[list->matches_count++] = (struct masked_match){
            .type = kept->type,
            .confidence = (enum report_confidence)(kept->level - 1),
            .where = {parts[kept->part], kept->offset, kept->length},
            .masked = masked,
        };
    }
    return list->matches;
}
