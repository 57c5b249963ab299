#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/own.h"

static const size_t copy_block_bytes = 256 * 1024;

ssize_t io_read(int fd, void *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = read(fd, (char *)bytes + done, length - done);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

ssize_t io_read_at(int fd, void *bytes, size_t length, uint64_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = pread(fd, (char *)bytes + done, length - done, (off_t)(offset + done));
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

bool io_write(int fd, const void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t put = write(fd, (const char *)bytes + done, length - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

bool io_write_at(int fd, const void *bytes, size_t length, uint64_t offset)
{
    for (size_t done = 0; done < length;) {
        ssize_t put = pwrite(fd, (const char *)bytes + done, length - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

static bool copy_by_hand(int in, uint64_t offset, uint64_t length, int out, struct err *err)
{
    own_free char *block = mem_alloc(copy_block_bytes);
    if (!block)
        return err_set(err, ERR_MEMORY, "copying a file: out of memory");
    while (length > 0) {
        size_t want = length < copy_block_bytes ? (size_t)length : copy_block_bytes;
        ssize_t got = io_read_at(in, block, want, offset);
        if (got < 0)
            return err_errno(err, "reading at byte %llu", (unsigned long long)offset);
        if (got == 0)
            return err_set(err, ERR_CORRUPT, "the file ends at byte %llu, too early",
                           (unsigned long long)offset);
        if (!io_write(out, block, (size_t)got))
            return err_errno(err, "writing");
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return true;
}

bool io_copy(int in, uint64_t offset, uint64_t length, int out, struct err *err)
{
    off_t at = (off_t)offset;
    while (length > 0) {
        size_t want = length > SSIZE_MAX / 2 ? SSIZE_MAX / 2 : (size_t)length;
        ssize_t put = copy_file_range(in, &at, out, NULL, want, 0);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) /* another file system, a memfd, or the end: the plain way tells which */
            return copy_by_hand(in, (uint64_t)at, length, out, err);
        length -= (uint64_t)put;
    }
    return true;
}

int io_memfd(const char *name, struct err *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        err_errno(err, "making a file in memory");
    return fd;
}

bool io_seal(int fd, struct err *err)
{
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return err_errno(err, "sealing a file in memory");
    return true;
}

char *io_read_file(const char *path, size_t max, size_t *length, struct err *err)
{
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_errno(err, "opening %s", path);
        return NULL;
    }
    struct stat st;
    if (fstat(fd, &st) < 0) {
        err_errno(err, "looking at %s", path);
        return NULL;
    }
    if (S_ISDIR(st.st_mode)) {
        err_set(err, ERR_USAGE, "%s is a folder", path);
        return NULL;
    }
    size_t room = st.st_size > 0 && (uintmax_t)st.st_size < max ? (size_t)st.st_size : max;
    own_free char *bytes = mem_alloc(room + 2);
    if (!bytes) {
        err_set(err, ERR_MEMORY, "reading %s: out of memory", path);
        return NULL;
    }
    ssize_t got = io_read(fd, bytes, room + 1);
    if (got < 0) {
        err_errno(err, "reading %s", path);
        return NULL;
    }
    if ((size_t)got > room) {
        err_set(err, ERR_LIMIT, "%s is over %zu bytes", path, max);
        return NULL;
    }
    bytes[got] = '\0';
    if (length)
        *length = (size_t)got;
    return own_take(&bytes);
}

static bool sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return false;
    own_fd int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

bool io_write_file(const char *path, const void *bytes, size_t length, mode_t mode, struct err *err)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return err_set(err, ERR_LIMIT, "%s: the path is too long", path);
    unlink(temporary);
    own_fd int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(err, "making %s", temporary);
    if (fchmod(fd, mode) < 0 || !io_write(fd, bytes, length) || fsync(fd) < 0 ||
        rename(temporary, path) < 0 || !sync_folder_of(path)) {
        err_errno(err, "writing %s", path);
        unlink(temporary);
        return false;
    }
    return true;
}
