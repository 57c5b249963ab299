#include "policy/intern.h"

#include <stdbool.h>
#include <string.h>

/* FNV-1a, 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv). The names are our own types' ids and
 * those of the compliance team, so nobody gains by collisions. */
static uint32_t hash(const char *name)
{
    uint32_t value = 2166136261u;
    for (; *name; name++)
        value = (value ^ (unsigned char)*name) * 16777619u;
    return value;
}

/* The slot where a name is or would be. */
static uint32_t *slot(const struct intern *intern, const char *name)
{
    uint32_t mask = intern->capacity * 2 - 1;
    uint32_t at = hash(name) & mask;
    while (intern->slots[at] && strcmp(intern->names[intern->slots[at] - 1], name) != 0)
        at = (at + 1) & mask;
    return &intern->slots[at];
}

uint32_t intern_find(const struct intern *intern, const char *name)
{
    if (intern->count == 0)
        return INTERN_NONE;
    uint32_t number = *slot(intern, name);
    return number ? number - 1 : INTERN_NONE;
}

static bool grow(struct intern *intern, struct arena *arena)
{
    struct intern larger = {.capacity = intern->capacity ? intern->capacity * 2 : 64};
    larger.names = arena_alloc(arena, larger.capacity, sizeof *larger.names);
    larger.slots = arena_alloc(arena, (size_t)larger.capacity * 2, sizeof *larger.slots);
    if (!larger.names || !larger.slots)
        return false;
    for (uint32_t i = 0; i < intern->count; i++) {
        larger.names[i] = intern->names[i];
        larger.count = i + 1;
        *slot(&larger, intern->names[i]) = i + 1;
    }
    *intern = larger;
    return true;
}

uint32_t intern_add(struct intern *intern, const char *name, struct arena *arena)
{
    uint32_t found = intern_find(intern, name);
    if (found != INTERN_NONE)
        return found;
    if (intern->count == intern->capacity && !grow(intern, arena))
        return INTERN_NONE;
    uint32_t *free_slot = slot(intern, name);
    intern->names[intern->count] = name;
    *free_slot = ++intern->count;
    return intern->count - 1;
}
