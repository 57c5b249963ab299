#include "connect/localdir.h"
#include "connect/localdir_sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

static const size_t settings_max_bytes = 1u << 20;
static const int64_t standard_poll_us = 60000000;

/* Opening ------------------------------------------------------------------------------------ */

/* Absolute folders that lie below the root (or hold it), as paths below it. */
static bool relative_folders(struct connection *connection, const char *root,
                             const char *const *folders, size_t count, const char ***relative,
                             size_t *found)
{
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    *relative = arena_alloc(&connection->arena, count, sizeof **relative);
    *found = 0;
    if (!*relative)
        return false;
    for (size_t i = 0; i < count; i++) {
        char real[PATH_MAX];
        if (!realpath(folders[i], real))
            continue; /* not there: it can hide or publish nothing */
        size_t folder = strcmp(real, "/") == 0 ? 0 : strlen(real);
        const char *inner = NULL;
        if (strncmp(real, root, length) == 0 && real[length] == '/')
            inner = arena_strdup(&connection->arena, real + length + 1);
        else if (strncmp(root, real, folder) == 0 && (root[folder] == '/' || root[folder] == '\0'))
            inner = "";
        if (inner)
            (*relative)[(*found)++] = inner;
    }
    return true;
}

static bool compile_excludes(struct connection *connection, const struct connect_settings *settings,
                             struct err *err)
{
    connection->exclude =
        arena_alloc(&connection->arena, settings->exclude_count, sizeof *connection->exclude);
    for (size_t i = 0; i < settings->exclude_count; i++) {
        const char *text = settings->exclude[i];
        if (text[0] != '/' && strncmp(text, "**/", 3) != 0)
            return err_set(err, ERR_CONFIG,
                           "connection %s: exclude \"%.80s\" must begin with \"/\" or \"**/\"",
                           connection->name, text);
        if (!connection->exclude ||
            !glob_compile(&connection->exclude[i], text, true, &connection->arena))
            return err_set(err, ERR_CONFIG, "connection %s: exclude \"%.80s\" is too long",
                           connection->name, text);
    }
    connection->exclude_count = settings->exclude_count;
    return true;
}

/* The root may come later than the settings are there. */
static bool keep_folders(struct connection *connection, const struct connect_settings *settings)
{
    size_t count = settings->hidden_count + settings->public_root_count;
    connection->folders = arena_alloc(&connection->arena, count, sizeof *connection->folders);
    connection->hidden_given = settings->hidden_count;
    connection->public_given = settings->public_root_count;
    for (size_t i = 0; connection->folders && i < count; i++) {
        const char *folder = i < settings->hidden_count
                                 ? settings->hidden[i]
                                 : settings->public_roots[i - settings->hidden_count];
        connection->folders[i] = arena_strdup(&connection->arena, folder);
        if (!connection->folders[i])
            return false;
    }
    return connection->folders != NULL;
}

static bool not_there(struct connection *connection, const char *path, struct err *err)
{
    atomic_store(&connection->root_errno, errno);
    return err_errno(err, "connection %s: %s", connection->name, path);
}

bool localdir_open_root(struct connection *connection, struct err *err)
{
    char path[PATH_MAX];
    if (!realpath(connection->path, path))
        return not_there(connection, connection->path, err);
    own_fd int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return not_there(connection, path, err);
    if (!relative_folders(connection, path, connection->folders, connection->hidden_given,
                          &connection->hidden, &connection->hidden_count) ||
        !relative_folders(connection, path, connection->folders + connection->hidden_given,
                          connection->public_given, &connection->public_roots,
                          &connection->public_root_count))
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < connection->hidden_count; i++)
        if (!*connection->hidden[i]) {
            atomic_store(&connection->root_errno, EINVAL);
            return err_set(err, ERR_CONFIG,
                           "connection %s: %s lies in the daemon's own state folder",
                           connection->name, path);
        }
    struct err why = {0};
    connection->abilities_known = place_probe(root, &connection->abilities, &why);
    atomic_store(&connection->root, own_take_fd(&root)); /* what is above is seen by who sees it */
    return true;
}

/* A folder that is not there stops nothing: it may be mounted later. */
static bool open_folders(struct connection *connection, const struct connect_settings *settings,
                         struct err *err)
{
    struct err why = {0};
    if (settings->spool) {
        connection->spool = open(settings->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (connection->spool < 0)
            return err_errno(err, "opening the spool %s", settings->spool);
    }
    if (!keep_folders(connection, settings))
        return err_set(err, ERR_MEMORY, "out of memory");
    if (localdir_open_root(connection, &why) || (why.kind != ERR_CONFIG && why.kind != ERR_MEMORY))
        return true;
    return err_set(err, why.kind, "%s", why.text);
}

static void localdir_close(struct connection *connection)
{
    if (!connection)
        return;
    if (connection->root >= 0)
        close(connection->root);
    if (connection->spool >= 0)
        close(connection->spool);
    arena_fini(&connection->arena);
    mem_free(connection);
}

static struct connection *localdir_open(const struct connect_settings *settings, struct err *err)
{
    struct connection *connection = mem_zalloc(1, sizeof *connection);
    if (!connection) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&connection->root, -1);
    atomic_init(&connection->root_errno, 0);
    connection->spool = -1;
    connection->arena = arena_new(settings_max_bytes);
    connection->name = arena_strdup(&connection->arena, settings->name);
    connection->path = arena_strdup(&connection->arena, settings->path);
    connection->limits = settings->limits;
    connection->memory_max = settings->memory_max;
    connection->poll_us = settings->poll_us > 0 ? settings->poll_us : standard_poll_us;
    atomic_init(&connection->polling, false);
    atomic_init(&connection->unreadable, 0);
    bool ok = (connection->name && connection->path) || err_set(err, ERR_MEMORY, "out of memory");
    if (!ok || !compile_excludes(connection, settings, err) ||
        !open_folders(connection, settings, err)) {
        localdir_close(connection);
        return NULL;
    }
    return connection;
}

static unsigned localdir_caps(struct connection *connection, struct arena *arena,
                              const char **notes)
{
    const struct place_abilities *can = &connection->abilities;
    char why[128];
    if (atomic_load(&connection->root) < 0) {
        int number = atomic_load(&connection->root_errno);
        *notes = arena_printf(arena, "waiting for the folder %s: %s", connection->path,
                              strerror_r(number, why, sizeof why));
        *notes = *notes ? *notes : "waiting for the folder";
        return CONNECT_WATCH | CONNECT_EXPOSURE;
    }
    bool replace = connection->abilities_known && can->leases && can->exchange;
    bool polling = atomic_load(&connection->polling);
    unsigned unreadable = atomic_load(&connection->unreadable);
    const char *folders =
        unreadable ? arena_printf(arena, "%u folders cannot be read by this user. ", unreadable)
                   : "";
    *notes = arena_printf(
        arena, "%s%s%s%s%s",
        replace ? "" : "report only: labels cannot be written safely here, because ",
        replace                        ? ""
        : !connection->abilities_known ? "the folder cannot be written to. "
        : !can->leases                 ? "the file system or this user has no file leases. "
                                       : "the file system cannot exchange names. ",
        can->xattrs || !connection->abilities_known ? "" : "no extended attributes here. ",
        polling ? "polling: too many folders to watch (raise fs.inotify.max_user_watches). " : "",
        folders ? folders : "");
    if (!*notes)
        *notes = "";
    unsigned write = replace ? CONNECT_REPLACE | CONNECT_REMOVE | CONNECT_CREATE : 0u;
    return write | (polling ? 0u : CONNECT_WATCH) | CONNECT_EXPOSURE | CONNECT_RESTRICT;
}

static bool localdir_stat_key(struct connection *connection, const char *key, struct arena *arena,
                              struct connect_stat *stat, struct err *err)
{
    struct stat st;
    const char *path = localdir_path(arena, key);
    if (!path)
        return localdir_no_path(key, err);
    own_fd int fd = localdir_openat(connection, path, O_PATH);
    if (fd < 0 || fstat(fd, &st) < 0) {
        err_errno(err, "looking at %.200s", key);
        if (err && err->kind == ERR_REFUSED) /* a link stands there now: not this item */
            err->kind = ERR_GONE;
        return false;
    }
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_GONE, "%.200s is not a regular file", key);
    return localdir_stat(connection, path, &st, arena, stat, err);
}

const struct connector localdir_connector = {
    .kind = "directory",
    .open = localdir_open,
    .close = localdir_close,
    .caps = localdir_caps,
    .stat = localdir_stat_key,
    .exposure = localdir_exposure,
    .fetch = localdir_fetch,
    .walk = localdir_walk,
    .watch = localdir_watch,
    .replace_open = localdir_replace_open,
    .replace_ready = localdir_replace_ready,
    .replace_place = localdir_replace_place,
    .replace_settle = localdir_replace_settle,
    .replace_close = localdir_replace_close,
    .capture = localdir_capture,
    .restrict_plan = localdir_restrict_plan,
    .restrict_take = localdir_restrict_take,
    .restrict_done = localdir_restrict_done,
    .unrestrict = localdir_unrestrict,
    .replace_recover = localdir_replace_recover,
    .remove_open = localdir_remove_open,
    .remove_ready = localdir_remove_ready,
    .remove_take = localdir_remove_take,
    .remove_close = localdir_remove_close,
    .remove_settle = localdir_remove_settle,
    .create_open = localdir_create_open,
    .create_ready = localdir_create_ready,
    .create_place = localdir_create_place,
    .create_close = localdir_create_close,
    .create_placed = localdir_create_placed,
    .discard = localdir_discard,
};
