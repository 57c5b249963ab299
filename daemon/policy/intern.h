/*
 * intern: names as small numbers, so that deciding compares numbers and not texts.
 * Owns: nothing; table and names lie in the arena. Constant once filled: threads may share it.
 */
#ifndef LABELD_POLICY_INTERN_H
#define LABELD_POLICY_INTERN_H
#include <stdint.h>

#include "base/arena.h"

#define INTERN_NONE UINT32_MAX

struct intern {
    const char **names;
    uint32_t *slots;          /* number + 1; 0 = free */
    uint32_t count, capacity; /* slots are twice the capacity */
};

/* The number of a name, or INTERN_NONE. */
uint32_t intern_find(const struct intern *intern, const char *name);

/* The number of a name, made if need be; `name` must outlive the table. INTERN_NONE when memory is
 * out. */
uint32_t intern_add(struct intern *intern, const char *name, struct arena *arena);

#endif
