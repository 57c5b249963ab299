#include "connect/watches.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/own.h"

enum { proc_path_bytes = 64 };

static const uint32_t events = IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM |
                               IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_ONLYDIR |
                               IN_EXCL_UNLINK;

bool watches_open(struct watches *watches, struct err *err)
{
    *watches = (struct watches){.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    return watches->inotify >= 0 || err_errno(err, "starting to watch");
}

void watches_close(struct watches *watches)
{
    if (watches->inotify >= 0)
        close(watches->inotify);
    for (size_t i = 0; i < watches->size; i++)
        mem_free(watches->paths[i]);
    mem_free(watches->paths);
    *watches = (struct watches){.inotify = -1};
}

static bool make_room(struct watches *watches, size_t number)
{
    if (number < watches->size)
        return true;
    size_t size = watches->size ? watches->size : 64;
    while (size <= number)
        size *= 2;
    char **paths = mem_realloc(watches->paths, size, sizeof *paths);
    if (!paths)
        return false;
    memset(paths + watches->size, 0, (size - watches->size) * sizeof *paths);
    watches->paths = paths;
    watches->size = size;
    return true;
}

bool watches_add(struct watches *watches, const struct connection *connection, const char *path,
                 struct err *err)
{
    char proc[proc_path_bytes];
    own_fd int folder = localdir_openat(connection, path, O_PATH | O_DIRECTORY);
    if (folder < 0)
        return err_errno(err, "watching %.200s", path);
    /* through the descriptor: what is watched is what was opened below the root */
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", folder);
    int number = inotify_add_watch(watches->inotify, proc, events);
    if (number < 0 && (errno == ENOSPC || errno == ENOMEM))
        return err_set(err, ERR_LIMIT,
                       "no more folders can be watched; raise fs.inotify.max_user_watches");
    if (number < 0)
        return err_errno(err, "watching %.200s", path);
    char *copy = make_room(watches, (size_t)number) ? mem_strdup(path) : NULL;
    if (!copy)
        return err_set(err, ERR_MEMORY, "watching %.200s: out of memory", path);
    mem_free(watches->paths[number]);
    watches->paths[number] = copy;
    return true;
}

const char *watches_path(const struct watches *watches, int number)
{
    return number >= 0 && (size_t)number < watches->size ? watches->paths[number] : NULL;
}

void watches_forget(struct watches *watches, int number)
{
    if (number < 0 || (size_t)number >= watches->size)
        return;
    mem_free(watches->paths[number]);
    watches->paths[number] = NULL;
}

/* What of `path` follows `folder`: "" for the folder itself, "/rest" below it, else NULL. */
static const char *rest_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    if (!path || strncmp(path, folder, length) != 0)
        return NULL;
    return path[length] == '/' || path[length] == '\0' ? path + length : NULL;
}

bool watches_move(struct watches *watches, const char *from, const char *to)
{
    for (size_t i = 0; i < watches->size; i++) {
        const char *rest = rest_below(watches->paths[i], from);
        if (!rest)
            continue;
        size_t length = strlen(to) + strlen(rest) + 1;
        char *moved = mem_alloc(length);
        if (!moved)
            return false;
        snprintf(moved, length, "%s%s", to, rest);
        mem_free(watches->paths[i]);
        watches->paths[i] = moved;
    }
    return true;
}

void watches_drop(struct watches *watches, const char *path)
{
    for (size_t i = 0; i < watches->size; i++)
        if (rest_below(watches->paths[i], path)) {
            inotify_rm_watch(watches->inotify, (int)i);
            watches_forget(watches, (int)i);
        }
}
