#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(start, bytes)   ASAN_POISON_MEMORY_REGION(start, bytes)
#define UNPOISON(start, bytes) ASAN_UNPOISON_MEMORY_REGION(start, bytes)
#else
#define POISON(start, bytes)   ((void)(start), (void)(bytes))
#define UNPOISON(start, bytes) ((void)(start), (void)(bytes))
#endif

static const size_t block_bytes = 16 * 1024;

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static size_t aligned(size_t bytes)
{
    return (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

struct arena arena_new(size_t max_bytes)
{
    return (struct arena){.max_bytes = max_bytes};
}

static void free_from(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        UNPOISON(block->bytes, block->size);
        mem_free(block);
        block = next;
    }
}

void arena_fini(struct arena *arena)
{
    free_from(arena->blocks);
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *first = arena->blocks;
    if (!first || first->size > block_bytes) {
        arena_fini(arena);
        return;
    }
    free_from(first->next);
    first->next = NULL;
    first->used = 0;
    POISON(first->bytes, first->size);
    arena->used_bytes = 0;
}

static struct arena_block *block_with_room(struct arena *arena, size_t bytes)
{
    struct arena_block *first = arena->blocks;
    if (first && first->size - first->used >= bytes)
        return first;
    size_t size = bytes > block_bytes ? bytes : block_bytes;
    struct arena_block *block = mem_alloc(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (struct arena_block){.next = first, .size = size};
    POISON(block->bytes, size);
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t bytes)
{
    if (bytes != 0 && count > (SIZE_MAX / 2) / bytes)
        return NULL;
    size_t asked = count * bytes;
    size_t want = aligned(asked > 0 ? asked : 1);
    if (want > arena->max_bytes || arena->used_bytes > arena->max_bytes - want)
        return NULL;
    struct arena_block *block = block_with_room(arena, want);
    if (!block)
        return NULL;
    char *start = block->bytes + block->used;
    block->used += want;
    arena->used_bytes += want;
    UNPOISON(start, asked > 0 ? asked : 1);
    memset(start, 0, asked);
    return start;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1, 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
