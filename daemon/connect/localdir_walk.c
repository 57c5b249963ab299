#include "connect/localdir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

enum { max_depth = 200, cursor_every = 500 };
static const size_t item_max_bytes = 64 * 1024;

/* One walk under way. The order is depth first, names bytewise: a cursor is the last path told. */
struct walk {
    struct connection *connection;
    const struct connect_found *found;
    struct err *err;
    uint64_t seen, told;
    bool stopped;
};

static bool tell_cursor(struct walk *walk, const char *path)
{
    own_arena struct arena arena = arena_new(item_max_bytes);
    const char *key = localdir_key(&arena, path);
    walk->told = walk->seen;
    if (!walk->found->cursor || !key)
        return true;
    if (!walk->found->cursor(walk->found->context, key, walk->seen, 0))
        walk->stopped = true;
    return !walk->stopped;
}

static bool tell_item(struct walk *walk, const char *path, const struct stat *st)
{
    own_arena struct arena arena = arena_new(item_max_bytes);
    struct connect_stat stat;
    if (!localdir_stat(walk->connection, path, st, &arena, &stat, walk->err))
        return false;
    if (!stat.regular)
        return true;
    walk->seen++;
    if (!walk->found->item(walk->found->context, &stat))
        walk->stopped = true;
    if (!walk->stopped && walk->seen - walk->told >= cursor_every)
        return tell_cursor(walk, path);
    return true;
}

/* Compare `name` with the first part of the cursor. *rest: what follows it, or NULL. */
static int against_cursor(const char *name, const char *cursor, const char **rest)
{
    size_t part = strcspn(cursor, "/");
    size_t length = strlen(name);
    *rest = NULL;
    int order = strncmp(name, cursor, length < part ? length : part);
    if (order == 0)
        order = length < part ? -1 : length > part ? 1 : 0;
    if (order == 0 && cursor[part] == '/')
        *rest = cursor + part + 1;
    return order;
}

static bool walk_folder(struct walk *walk, int folder, const char *prefix, const char *cursor,
                        unsigned depth);

static bool visit_name(struct walk *walk, const char *prefix, const char *name, const char *cursor,
                       unsigned depth)
{
    const char *rest = NULL;
    struct stat st;
    own_arena struct arena arena = arena_new(item_max_bytes);
    int order = cursor ? against_cursor(name, cursor, &rest) : 1;
    if (order < 0)
        return true;
    const char *path = arena_printf(&arena, "%s%s%s", prefix, *prefix ? "/" : "", name);
    if (!path)
        return true; /* longer than any path can be */
    own_fd int fd = localdir_openat(walk->connection, path, O_PATH);
    if (fd < 0 || fstat(fd, &st) < 0)
        return true; /* gone, or a link: never followed */
    if (S_ISDIR(st.st_mode)) {
        if (depth >= max_depth || localdir_is_excluded(walk->connection, path, true))
            return true;
        int inner = localdir_openat(walk->connection, path, O_RDONLY | O_DIRECTORY);
        if (inner < 0 && errno == EACCES)
            atomic_fetch_add(&walk->connection->unreadable, 1);
        return inner < 0 || walk_folder(walk, inner, path, order == 0 ? rest : NULL, depth + 1);
    }
    if (order == 0 || !S_ISREG(st.st_mode)) /* order 0: told before the cursor was stored */
        return true;
    return tell_item(walk, path, &st);
}

/* `folder` is taken over. */
static bool walk_folder(struct walk *walk, int folder, const char *prefix, const char *cursor,
                        unsigned depth)
{
    struct localdir_names names;
    bool ok = localdir_names_read(folder, &names, walk->err);
    for (size_t i = 0; ok && !walk->stopped && i < names.count; i++)
        ok = visit_name(walk, prefix, names.items[i], cursor, depth);
    localdir_names_free(&names);
    return ok;
}

bool localdir_walk(struct connection *connection, const char *cursor,
                   const struct connect_found *found, struct err *err)
{
    own_arena struct arena arena = arena_new(item_max_bytes);
    struct walk walk = {.connection = connection, .found = found, .err = err};
    const char *from = localdir_path(&arena, cursor);
    if (!from || !*from)
        atomic_store(&connection->unreadable, 0);
    int root = localdir_openat(connection, "", O_RDONLY | O_DIRECTORY);
    if (root < 0)
        return err_errno(err, "listing %s", connection->path);
    if (!walk_folder(&walk, root, "", from && *from ? from : NULL, 0))
        return err_add(err, "listing %s", connection->path);
    if (walk.stopped)
        return err_set(err, ERR_STOPPED, "listing %s was stopped", connection->path);
    return true;
}
