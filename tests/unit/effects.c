#include "effects.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct {
    atomic_uint calls;
    atomic_bool on;
    unsigned nth;
    enum effects_how how;
    int error;
} effects;

void effects_begin(unsigned nth, enum effects_how how, int error)
{
    effects.nth = nth;
    effects.how = how;
    effects.error = error;
    atomic_store(&effects.calls, 0);
    atomic_store(&effects.on, true);
}

unsigned effects_end(void)
{
    atomic_store(&effects.on, false);
    return atomic_load(&effects.calls);
}

/* Whether this one is struck: before it is done, or (`after`) when it is. */
static bool is_struck(unsigned call, bool after)
{
    if (call == 0 || call != effects.nth)
        return false;
    bool dies = effects.how == EFFECTS_DIE_BEFORE || effects.how == EFFECTS_DIE_AFTER;
    bool late = effects.how == EFFECTS_DIE_AFTER || effects.how == EFFECTS_LOSE_ANSWER;
    if (late != after)
        return false;
    if (dies)
        kill(getpid(), SIGKILL);
    errno = effects.error;
    return true;
}

static unsigned count(void)
{
    return atomic_load(&effects.on) ? atomic_fetch_add(&effects.calls, 1) + 1 : 0;
}

/* EFFECT(type of answer, name, parameters, arguments): the answer -1 is failure. */
#define EFFECT(type, name, parameters, arguments)                                                  \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        unsigned call = count();                                                                   \
        if (is_struck(call, false))                                                                \
            return -1;                                                                             \
        type answer = __real_##name arguments;                                                     \
        return is_struck(call, true) ? -1 : answer;                                                \
    }

EFFECT(ssize_t, write, (int fd, const void *bytes, size_t length), (fd, bytes, length))
EFFECT(ssize_t, pwrite, (int fd, const void *bytes, size_t length, off_t at),
       (fd, bytes, length, at))
EFFECT(ssize_t, copy_file_range,
       (int in, off_t *from, int out, off_t *to, size_t length, unsigned flags),
       (in, from, out, to, length, flags))
EFFECT(int, fsync, (int fd), (fd))
EFFECT(int, fchmod, (int fd, mode_t mode), (fd, mode))
EFFECT(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
EFFECT(int, futimens, (int fd, const struct timespec times[2]), (fd, times))
EFFECT(int, linkat, (int from, const char *old, int to, const char *new, int flags),
       (from, old, to, new, flags))
EFFECT(int, unlinkat, (int folder, const char *name, int flags), (folder, name, flags))
EFFECT(int, renameat2, (int from, const char *old, int to, const char *new, unsigned flags),
       (from, old, to, new, flags))

/* Only what makes a file counts. A descriptor whose answer was lost would leak: not so struck. */
int __real_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    mode_t mode = makes ? va_arg(list, mode_t) : 0;
    va_end(list);
    unsigned call = makes ? count() : 0;
    if (effects.how != EFFECTS_LOSE_ANSWER && is_struck(call, false))
        return -1;
    int fd = __real_openat(folder, name, flags, mode);
    if (effects.how == EFFECTS_DIE_AFTER)
        is_struck(call, true);
    return fd;
}
