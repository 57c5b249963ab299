#include "jobs/leftover.h"

#include <string.h>

#include "base/log.h"
#include "jobs/custodian.h"
#include "jobs/take.h"
#include "vault/vault.h"

enum { entry_max_bytes = 8 << 20 };

struct leftover {
    const struct visit_world *world;
    int64_t after;
    struct arena *arena;
    struct entry entry;
    bool found;
};

static bool is_ended(enum entry_state state)
{
    return state == ENTRY_RELEASED || state == ENTRY_DELETED || state == ENTRY_CANCELLED;
}

static void tell_left(int64_t entry, const struct err *err)
{
    LOG(LOG_LEVEL_WARN, "copy-left", LOG_NUMBER(entry, entry), LOG_TEXT(error, err->text));
}

/* In the vault --------------------------------------------------------------------------------- */

/* Through the writer: it also knows what is not committed yet. */
static bool get_entry(struct db *db, void *context, struct err *err)
{
    struct leftover *leftover = context;
    return entry_get(db, leftover->after, leftover->arena, &leftover->entry, &leftover->found, err);
}

static void look_at_copy(void *context, int64_t id)
{
    struct err err = {0};
    const struct visit_world *world = context;
    own_arena struct arena arena = arena_new(entry_max_bytes);
    struct leftover leftover = {.world = world, .after = id, .arena = &arena};
    const struct store_unit unit = {get_entry, &leftover};
    struct vault *vault = world->custodian->vault;
    bool ok = store_write(world->store, STORE_RAN, unit, &err);
    if (ok && leftover.found && is_ended(leftover.entry.state))
        ok = vault_remove(vault, id, &err);
    if (ok && !leftover.found) {
        ok = vault_aside(vault, id, &err);
        LOG(LOG_LEVEL_WARN, "copy-unknown", LOG_NUMBER(entry, id),
            LOG_TEXT(what, "moved aside in the vault: no entry has this number"));
    }
    if (!ok)
        tell_left(id, &err);
}

/* Beside where a file was ---------------------------------------------------------------------- */

static bool next_beside(struct db *db, void *context, struct err *err)
{
    struct leftover *leftover = context;
    return entry_next_beside(db, leftover->after, leftover->arena, &leftover->entry,
                             &leftover->found, err);
}

static bool store_dropped(struct db *db, void *context, struct err *err)
{
    struct leftover *leftover = context;
    leftover->entry.made = leftover->entry.copy_version = NULL;
    return entry_save(db, &leftover->entry, err);
}

/* Gone, or another file by now: not ours to remove. */
static bool drop_beside(const struct leftover *leftover, const struct visit_link *link,
                        struct err *err)
{
    return take_beside.drop(leftover->world, link, &leftover->entry, err) ||
           err->kind == ERR_GONE || err->kind == ERR_CONFLICT;
}

static const struct visit_link *find_link(const struct visit_link *links, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(links[i].name, name) == 0)
            return &links[i];
    return NULL;
}

static void look_beside(struct leftover *leftover, const struct visit_link *link)
{
    struct err err = {0};
    const struct store_unit unit = {store_dropped, leftover};
    if (link && (!drop_beside(leftover, link, &err) ||
                 !store_write(leftover->world->store, STORE_COMMITTED, unit, &err)))
        tell_left(leftover->after, &err);
}

void leftover_sweep(const struct visit_world *world, const struct visit_link *links, size_t count)
{
    struct err err = {0};
    struct leftover leftover = {.world = world, .found = true};
    const struct store_unit unit = {next_beside, &leftover};
    if (!world->custodian)
        return;
    if (!vault_list(world->custodian->vault, look_at_copy, (void *)(uintptr_t)world, &err))
        LOG(LOG_LEVEL_WARN, "copy-left", LOG_TEXT(error, err.text));
    while (leftover.found) {
        own_arena struct arena arena = arena_new(entry_max_bytes);
        leftover.arena = &arena;
        if (!store_write(world->store, STORE_RAN, unit, &err) || !leftover.found)
            break;
        leftover.after = leftover.entry.id;
        look_beside(&leftover, find_link(links, count, leftover.entry.connection));
    }
}
