/*
 * arena: memory that lives and dies with one piece of work (a visit, a request, a rules file).
 * Owns: its blocks. Everything taken from it is freed at once by arena_fini.
 */
#ifndef LABELD_BASE_ARENA_H
#define LABELD_BASE_ARENA_H
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes; /* handed out so far */
    size_t max_bytes;  /* more than this is refused */
};

#define own_arena __attribute__((cleanup(arena_fini)))

/* An empty arena that hands out at most max_bytes; allocates nothing yet. */
struct arena arena_new(size_t max_bytes);

/* Free everything. The arena may be used again. */
void arena_fini(struct arena *arena);

/* Empty it for the next of many pieces of work; keeps one block, so that a small one allocates
 * nothing. */
void arena_reset(struct arena *arena);

/* Zeroed memory for `count` things of `bytes` each, aligned for any type.
 * NULL when memory is out or the arena's maximum is reached. */
void *arena_alloc(struct arena *arena, size_t count, size_t bytes);

/* Copies with a NUL added. NULL as arena_alloc. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);

/* A formatted string. NULL as arena_alloc. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
