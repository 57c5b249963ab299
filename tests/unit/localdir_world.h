/* localdir_world: a connection of kind `directory` on a scratch folder. */
#ifndef LABELD_TESTS_LOCALDIR_WORLD_H
#define LABELD_TESTS_LOCALDIR_WORLD_H
#include "check.h"
#include "connect/localdir.h"
#include "scratch.h"

static const struct limits localdir_world_limits = {.fetch_bytes = 1u << 20};

static inline struct connection *localdir_on(const struct scratch *scratch,
                                             const char *const *exclude, size_t exclude_count)
{
    struct err err = {0};
    const struct connect_settings settings = {
        .name = "team",
        .path = scratch->path,
        .exclude = exclude,
        .exclude_count = exclude_count,
        .memory_max = 1u << 20,
        .limits = &localdir_world_limits,
    };
    struct connection *connection = localdir_connector.open(&settings, &err);
    if (!connection)
        fail_msg("%s", err.text);
    return connection;
}

#endif
