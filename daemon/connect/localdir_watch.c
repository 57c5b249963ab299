#include "connect/localdir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "connect/pending.h"
#include "connect/watches.h"

enum { max_depth = 200, buffer_bytes = 256 * 1024, moves = 64 };
static const int look_again_ms = 2000;
static const int64_t move_wait_us = 300000, sweep_every_us = 1000000, longest_wait_us = 1000000;
static const size_t path_max_bytes = 64 * 1024;

/* Half of a rename: where from, until the other half comes. */
struct move {
    uint32_t cookie;
    char *path;
    bool folder;
    int64_t until_us;
};

struct watch {
    struct connection *connection;
    const struct connect_changes *changes;
    struct watches watches;
    struct pending *pending;
    struct move moves[moves];
    bool lost;          /* something was missed: a walk of everything is due */
    int64_t poll_at_us; /* while polling */
    int64_t sweep_at_us;
    char *buffer;
};

/* Small parts -------------------------------------------------------------------------------- */

static void note(struct watch *watch, const char *path, const char *from, enum connect_event event)
{
    if (!pending_add(watch->pending, path, from, event, clock_now_us()))
        watch->lost = true;
}

/* Closing it will be told; until then it counts when it is quiet, or has changed for long. */
static void written(struct watch *watch, const char *path)
{
    if (!pending_written(watch->pending, path, clock_now_us()))
        watch->lost = true;
}

static char *join(struct arena *arena, const char *folder, const char *name)
{
    return arena_printf(arena, "%s%s%s", folder, *folder ? "/" : "", name);
}

static bool is_item_path(const struct watch *watch, const char *path)
{
    const char *slash = strrchr(path, '/');
    return localdir_is_item_name(slash ? slash + 1 : path) &&
           !localdir_is_excluded(watch->connection, path, false);
}

/* Folders ------------------------------------------------------------------------------------ */

/* Watch a folder and all below it; its files are told as changes if `tell`, for they may have
 * come before the watch. `from`: the folder's old path, when it was renamed. */
static void watch_folder(struct watch *watch, const char *path, const char *from, bool tell,
                         unsigned depth);

static void watch_entry(struct watch *watch, const char *folder, const char *old_folder,
                        const char *name, bool tell, unsigned depth)
{
    own_arena struct arena arena = arena_new(path_max_bytes);
    struct stat st;
    const char *path = join(&arena, folder, name);
    const char *from = old_folder ? join(&arena, old_folder, name) : NULL;
    own_fd int fd = path ? localdir_openat(watch->connection, path, O_PATH) : -1;
    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    if (S_ISDIR(st.st_mode))
        watch_folder(watch, path, from, tell, depth + 1);
    else if (tell && S_ISREG(st.st_mode) && is_item_path(watch, path))
        note(watch, path, from, from ? CONNECT_MOVED : CONNECT_CHANGED);
}

static void watch_folder(struct watch *watch, const char *path, const char *from, bool tell,
                         unsigned depth)
{
    struct err err = {0};
    struct localdir_names names;
    if (depth > max_depth || localdir_is_excluded(watch->connection, path, true))
        return;
    if (!watches_add(&watch->watches, watch->connection, path, &err)) {
        if (err.kind == ERR_LIMIT && !atomic_exchange(&watch->connection->polling, true))
            watch->poll_at_us = clock_steady_us() + watch->connection->poll_us;
        watch->lost = watch->lost || err.kind == ERR_LIMIT || err.kind == ERR_MEMORY;
        if (err.kind != ERR_LIMIT)
            return;
    }
    int folder = localdir_openat(watch->connection, path, O_RDONLY | O_DIRECTORY);
    if (folder < 0)
        return;
    if (!localdir_names_read(folder, &names, &err))
        watch->lost = true;
    for (size_t i = 0; i < names.count; i++)
        watch_entry(watch, path, from, names.items[i], tell, depth);
    localdir_names_free(&names);
}

/* Renames ------------------------------------------------------------------------------------ */

static void forget_move(struct move *move)
{
    mem_free(move->path);
    *move = (struct move){0};
}

/* The other half did not come: it left the tree. */
static void left_tree(struct watch *watch, struct move *move)
{
    if (move->folder) {
        watches_drop(&watch->watches, move->path);
        watch->lost = true; /* which items were in it, only a walk can tell */
    } else if (is_item_path(watch, move->path)) {
        note(watch, move->path, NULL, CONNECT_GONE);
    }
    forget_move(move);
}

static void move_from(struct watch *watch, uint32_t cookie, const char *path, bool folder)
{
    struct move *oldest = &watch->moves[0];
    for (size_t i = 0; i < moves; i++) {
        struct move *move = &watch->moves[i];
        if (!move->path || move->until_us < oldest->until_us)
            oldest = move;
        if (!move->path)
            break;
    }
    if (oldest->path)
        left_tree(watch, oldest);
    oldest->path = mem_strdup(path);
    oldest->cookie = cookie;
    oldest->folder = folder;
    oldest->until_us = clock_steady_us() + move_wait_us;
    watch->lost = watch->lost || !oldest->path;
}

static void move_to(struct watch *watch, uint32_t cookie, const char *path, bool folder)
{
    struct move *move = NULL;
    for (size_t i = 0; i < moves && !move; i++)
        if (watch->moves[i].path && watch->moves[i].cookie == cookie)
            move = &watch->moves[i];
    if (folder) {
        if (move && !watches_move(&watch->watches, move->path, path))
            watch->lost = true;
        watch_folder(watch, path, move ? move->path : NULL, true, 0);
    } else if (is_item_path(watch, path)) {
        /* from a name that is no item (an atomic save), the content is new under an old name */
        bool moved = move && is_item_path(watch, move->path);
        note(watch, path, moved ? move->path : NULL, moved ? CONNECT_MOVED : CONNECT_CHANGED);
    } else if (move && is_item_path(watch, move->path)) {
        /* to a backup's name, or our own exchange: whether it is gone, a look will tell */
        note(watch, move->path, NULL, CONNECT_CHANGED);
    }
    if (move)
        forget_move(move);
}

static void expire_moves(struct watch *watch, int64_t now_us)
{
    for (size_t i = 0; i < moves; i++)
        if (watch->moves[i].path && watch->moves[i].until_us <= now_us)
            left_tree(watch, &watch->moves[i]);
}

static bool moves_wait(const struct watch *watch)
{
    for (size_t i = 0; i < moves; i++)
        if (watch->moves[i].path)
            return true;
    return false;
}

/* Events ------------------------------------------------------------------------------------- */

static void on_named_event(struct watch *watch, const struct inotify_event *event, const char *path)
{
    bool folder = event->mask & IN_ISDIR;
    if (event->mask & IN_MOVED_FROM)
        move_from(watch, event->cookie, path, folder);
    else if (event->mask & IN_MOVED_TO)
        move_to(watch, event->cookie, path, folder);
    else if (folder && (event->mask & IN_CREATE))
        watch_folder(watch, path, NULL, true, 0);
    else if (folder && (event->mask & IN_ATTRIB))
        watch->lost = true; /* who may pass the folder has changed for all below it */
    else if (!folder && (event->mask & IN_DELETE) && is_item_path(watch, path))
        note(watch, path, NULL, CONNECT_GONE);
    else if (!folder && (event->mask & IN_MODIFY) && is_item_path(watch, path))
        written(watch, path);
    else if (!folder && (event->mask & (IN_CLOSE_WRITE | IN_ATTRIB)) && is_item_path(watch, path))
        note(watch, path, NULL, CONNECT_CHANGED);
    else if (!folder && (event->mask & IN_CREATE) && is_item_path(watch, path)) {
        /* a hard link is made without being written; others close, and are told then */
        struct stat st;
        own_fd int fd = localdir_openat(watch->connection, path, O_PATH);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink > 1)
            note(watch, path, NULL, CONNECT_CHANGED);
    }
}

static void on_event(struct watch *watch, const struct inotify_event *event)
{
    if (event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) {
        watch->lost = true;
        watch_folder(watch, "", NULL, false, 0); /* folders made meanwhile have no watch yet */
        return;
    }
    if (event->mask & IN_IGNORED) {
        watches_forget(&watch->watches, event->wd);
        return;
    }
    const char *folder = watches_path(&watch->watches, event->wd);
    if (!folder || event->len == 0 || place_is_private(event->name))
        return;
    own_arena struct arena arena = arena_new(path_max_bytes);
    const char *path = join(&arena, folder, event->name);
    if (path)
        on_named_event(watch, event, path);
    else
        watch->lost = true;
}

static bool read_events(struct watch *watch, struct err *err)
{
    ssize_t got = read(watch->watches.inotify, watch->buffer, buffer_bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got < 0)
        return err_errno(err, "%s: reading changes", watch->connection->name);
    for (ssize_t at = 0; at < got;) { /* the kernel keeps records aligned (inotify(7)) */
        const struct inotify_event *event = (const void *)(watch->buffer + at);
        on_event(watch, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return true;
}

/* The loop ----------------------------------------------------------------------------------- */

/* Milliseconds until something is due again. */
static int tell(struct watch *watch)
{
    int64_t now = clock_now_us(), next;
    if (!pending_tell(watch->pending, watch->changes, now, &next))
        watch->lost = true;
    int64_t wait = next == INT64_MAX ? longest_wait_us : next - now;
    if (moves_wait(watch))
        wait = wait < move_wait_us / 3 ? wait : move_wait_us / 3;
    int wait_ms = (int)((wait < longest_wait_us ? wait : longest_wait_us) / 1000 + 1);
    if (!watch->lost)
        return wait_ms;
    const struct connect_change overflow = {
        .event = CONNECT_OVERFLOW, .due_us = now, .seen_us = now};
    watch->changes->change(watch->changes->context, &overflow);
    watch->lost = false;
    return wait_ms;
}

static void keep_time(struct watch *watch)
{
    int64_t now = clock_steady_us();
    expire_moves(watch, now);
    if (now >= watch->sweep_at_us) {
        pending_sweep(watch->pending, clock_now_us());
        watch->sweep_at_us = now + sweep_every_us;
    }
    if (atomic_load(&watch->connection->polling) && now >= watch->poll_at_us) {
        watch->lost = true;
        watch->poll_at_us = now + watch->connection->poll_us;
    }
}

static bool run(struct watch *watch, int stop, struct err *err)
{
    struct pollfd fds[] = {{.fd = watch->watches.inotify, .events = POLLIN},
                           {.fd = stop, .events = POLLIN}};
    if (watch->watches.inotify >= 0)
        watch_folder(watch, "", NULL, false, 0);
    for (;;) {
        if (poll(fds, 2, tell(watch)) < 0 && errno != EINTR)
            return err_errno(err, "%s: waiting for changes", watch->connection->name);
        if (fds[1].revents)
            return true;
        if ((fds[0].revents & POLLIN) && !read_events(watch, err))
            return false;
        keep_time(watch);
    }
}

/* Until the root is there. False: stop. */
static bool wait_for_root(struct watch *watch, int stop)
{
    struct pollfd fds[] = {{.fd = stop, .events = POLLIN}};
    while (atomic_load(&watch->connection->root) < 0) {
        if (localdir_open_root(watch->connection, NULL)) {
            watch->lost = true; /* all of it is new */
            return true;
        }
        if (poll(fds, 1, look_again_ms) > 0)
            return false;
    }
    return true;
}

bool localdir_watch(struct connection *connection, const struct connect_changes *changes, int stop,
                    struct err *err)
{
    struct watch watch = {.connection = connection, .changes = changes};
    if (!wait_for_root(&watch, stop))
        return true;
    if (!watches_open(&watch.watches, err)) { /* no inotify for this user: everything is polled */
        atomic_store(&connection->polling, true);
        watch.poll_at_us = clock_steady_us() + connection->poll_us;
    }
    watch.pending = pending_open();
    watch.buffer = mem_alloc(buffer_bytes);
    bool ok = watch.pending && watch.buffer ? run(&watch, stop, err)
                                            : err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < moves; i++)
        forget_move(&watch.moves[i]);
    mem_free(watch.buffer);
    pending_close(watch.pending);
    watches_close(&watch.watches);
    return ok;
}
