#include "http/doors.h"

#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

enum { secret_max_bytes = 4096, token_least = 16, arena_max_bytes = 16 << 20 };

struct doors {
    struct arena arena; /* tokens */
    struct door *rows;
    size_t count;
};

/* Reading ------------------------------------------------------------------------------------- */

/* A secret's file without the line break at its end; wiped and freed by the caller. */
static char *read_secret(const char *path, struct err *err)
{
    char *text = io_read_file(path, secret_max_bytes, NULL, err);
    if (text)
        text[strcspn(text, "\r\n")] = '\0';
    return text;
}

static void forget(char *text)
{
    if (text)
        ring_wipe(text, strlen(text));
    mem_free(text);
}

static bool read_keys(struct door *door, const struct config_list *files, struct err *err)
{
    if (files->count > RING_KEYS)
        return err_set(err, ERR_CONFIG, "webhook.secret_file: at most two, [new, old]");
    for (size_t i = 0; i < files->count; i++) {
        char *text = read_secret(files->items[i], err);
        bool ok = text && (ring_key_read(text, &door->keys[i], err) ||
                           err_add(err, "%.200s", files->items[i]));
        forget(text);
        if (!ok)
            return false;
        door->key_count++;
    }
    return true;
}

static bool read_token(struct doors *doors, struct door *door, const char *file, struct err *err)
{
    char *text = file ? read_secret(file, err) : NULL;
    if (!file)
        return true;
    size_t length = text ? strlen(text) : 0;
    bool fits = length >= token_least && !strchr(text, '/');
    door->token = fits ? arena_strdup(&doors->arena, text) : NULL;
    forget(text);
    if (text && !fits)
        return err_set(err, ERR_CONFIG,
                       "%.200s: a token has at least %d characters and no slash; make one with: "
                       "openssl rand -hex 32",
                       file, token_least);
    return door->token || !text || err_set(err, ERR_MEMORY, "out of memory");
}

static bool read_all(struct doors *doors, const struct config *config, struct err *err)
{
    doors->rows = arena_alloc(&doors->arena, config->connection_count, sizeof *doors->rows);
    if (!doors->rows && config->connection_count > 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < config->connection_count; i++) {
        const struct config_connection *from = &config->connections[i];
        struct door *door = &doors->rows[doors->count];
        if (from->hook_secrets.count == 0 && !from->hook_token)
            continue;
        door->connection = from->name;
        door->index = (uint32_t)doors->count++;
        if (!read_keys(door, &from->hook_secrets, err) ||
            !read_token(doors, door, from->hook_token, err) || (from->hook_token && !door->token))
            return err_add(err, "webhook of connection %.120s", from->name);
    }
    return true;
}

struct doors *doors_open(const struct config *config, struct err *err)
{
    struct doors *doors = mem_zalloc(1, sizeof *doors);
    if (!doors) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    doors->arena = arena_new(arena_max_bytes);
    if (read_all(doors, config, err))
        return doors;
    doors_close(doors);
    return NULL;
}

void doors_close(struct doors *doors)
{
    if (!doors)
        return;
    for (size_t i = 0; i < doors->count; i++) {
        struct door *door = &doors->rows[i];
        ring_wipe(door->keys, sizeof door->keys);
        if (door->token)
            ring_wipe((char *)(uintptr_t)door->token, strlen(door->token));
    }
    arena_fini(&doors->arena);
    mem_free(doors);
}

size_t doors_count(const struct doors *doors)
{
    return doors->count;
}

/* Finding ------------------------------------------------------------------------------------- */

const struct door *doors_find(const struct doors *doors, const char *path)
{
    size_t length = strcspn(path, "/");
    const char *given = path[length] ? path + length + 1 : "";
    const struct door *found = NULL;
    for (size_t i = 0; i < doors->count; i++) {
        const char *name = doors->rows[i].connection;
        if (strlen(name) == length && memcmp(name, path, length) == 0)
            found = &doors->rows[i];
    }
    /* Compared in any case: the time must not tell which names exist. */
    bool same = ring_same_token(given, found && found->token ? found->token : "");
    return same && (!path[length] || *given) ? found : NULL;
}
