#include "connect/localdir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "base/utf8.h"
#include "connect/grants.h"
#include "sandbox/copy.h"

int localdir_openat(const struct connection *connection, const char *path, int flags)
{
    int root = atomic_load(&connection->root);
    if (root < 0) { /* not there yet: nothing in it is gone for that */
        errno = EAGAIN;
        return -1;
    }
    int quiet = flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY; /* no device may hold us up */
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | quiet | O_CLOEXEC | O_NOFOLLOW),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
}

int localdir_open_folder(const struct connection *connection, char *path, const char **name)
{
    char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (!slash)
        return localdir_openat(connection, "", O_RDONLY | O_DIRECTORY);
    *slash = '\0';
    int folder = localdir_openat(connection, path, O_RDONLY | O_DIRECTORY);
    *slash = '/';
    return folder;
}

char *localdir_version(struct arena *arena, const struct place_version *version)
{
    return arena_printf(arena, "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRId64, version->device,
                        version->inode, version->size, version->mtime_ns);
}

/* A decimal number up to `end`; *at moves behind it. */
static bool read_number(const char **at, char end, uint64_t *value)
{
    const char *start = *at;
    for (*value = 0; **at >= '0' && **at <= '9' && *value < UINT64_MAX / 10 - 1; (*at)++)
        *value = *value * 10 + (uint64_t)(**at - '0');
    if (*at == start || **at != end)
        return false;
    *at += end != '\0';
    return true;
}

bool localdir_version_read(const char *text, struct place_version *version)
{
    uint64_t mtime = 0;
    const char *at = text;
    bool ok = read_number(&at, ':', &version->device) && read_number(&at, ':', &version->inode) &&
              read_number(&at, ':', &version->size);
    bool negative = ok && *at == '-';
    at += negative;
    ok = ok && read_number(&at, '\0', &mtime) && mtime <= INT64_MAX;
    version->mtime_ns = negative ? -(int64_t)mtime : (int64_t)mtime;
    return ok;
}

/* For people: bytes that are not UTF-8 become U+FFFD. */
static char *shown_path(struct arena *arena, const char *path)
{
    size_t length = strlen(path);
    own_buf struct buf text = buf_new(length * 3 + 2);
    buf_putc(&text, '/');
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t width = utf8_decode(path + at, length - at, &character);
        buf_append(&text, width ? path + at : "\xef\xbf\xbd", width ? width : 3);
        at += width ? width : 1;
    }
    return text.failed ? NULL : arena_strndup(arena, buf_text(&text), text.length);
}

/* The birth time, where the file system keeps one. */
static struct facts_time birth_time(const struct connection *connection, const char *path)
{
    struct statx stx;
    own_fd int fd = localdir_openat(connection, path, O_PATH);
    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) < 0 ||
        !(stx.stx_mask & STATX_BTIME))
        return (struct facts_time){0};
    return (struct facts_time){true, stx.stx_btime.tv_sec * 1000000 + stx.stx_btime.tv_nsec / 1000};
}

bool localdir_stat(const struct connection *connection, const char *path, const struct stat *st,
                   struct arena *arena, struct connect_stat *stat, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const struct place_version version = {st->st_dev, st->st_ino, (uint64_t)st->st_size,
                                          (int64_t)st->st_mtim.tv_sec * 1000000000 +
                                              st->st_mtim.tv_nsec};
    *stat = (struct connect_stat){
        .key = localdir_key(arena, path),
        .path = shown_path(arena, path),
        .version = localdir_version(arena, &version),
        .size = (uint64_t)st->st_size,
        .owner = grants_user(arena, st->st_uid),
        .created = birth_time(connection, path),
        .modified = {true, version.mtime_ns / 1000},
        .links = (uint32_t)st->st_nlink,
        .regular = S_ISREG(st->st_mode) && localdir_is_item_name(slash ? slash + 1 : path) &&
                   !localdir_is_excluded(connection, path, false),
    };
    if (!stat->key || !stat->path || !stat->version || !stat->owner)
        return err_set(err, ERR_MEMORY, "%s: out of memory", connection->name);
    return true;
}

/* Fetch -------------------------------------------------------------------------------------- */

static int spool_file(const struct connection *connection, struct err *err)
{
    int fd = openat(connection->spool, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        err_errno(err, "making a file in the spool");
    return fd;
}

/* A copy nobody else can change: sealed in memory, or an unlinked file of ours. */
static int copy_bytes(const struct connection *connection, int in, uint64_t size,
                      struct copy_facts *facts, struct err *err)
{
    uint64_t most = connection->limits->fetch_bytes;
    if (connection->spool < 0 || size <= connection->memory_max)
        return copy_sealed(in, most, facts, err);
    own_fd int out = spool_file(connection, err);
    if (out < 0 || !copy_hashed(in, out, most, facts, err))
        return -1;
    return own_take_fd(&out);
}

bool localdir_fetch(struct connection *connection, const char *key, struct arena *arena,
                    struct connect_copy *copy, struct err *err)
{
    struct stat before, after;
    struct copy_facts facts;
    const char *path = localdir_path(arena, key);
    copy->fd = -1;
    if (!path)
        return localdir_no_path(key, err);
    own_fd int in = localdir_openat(connection, path, O_RDONLY);
    if (in < 0 || fstat(in, &before) < 0)
        return err_errno(err, "opening %.200s", key);
    if (!S_ISREG(before.st_mode))
        return err_set(err, ERR_GONE, "%.200s is not a regular file", key);
    if (!localdir_stat(connection, path, &before, arena, &copy->stat, err))
        return false;
    if (copy->stat.size > connection->limits->fetch_bytes)
        return err_set(err, ERR_LIMIT, "%.200s is over %llu bytes", key,
                       (unsigned long long)connection->limits->fetch_bytes);
    own_fd int out = copy_bytes(connection, in, copy->stat.size, &facts, err);
    if (out < 0)
        return err_add(err, "%.200s", key);
    if (fstat(in, &after) < 0)
        return err_errno(err, "looking at %.200s", key);
    if (after.st_size != before.st_size || (uint64_t)after.st_size != facts.size ||
        after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        return err_set(err, ERR_CONFLICT, "%.200s changed while it was read", key);
    memcpy(copy->sha256, facts.sha256, sizeof copy->sha256);
    copy->fd = own_take_fd(&out);
    return true;
}
