#include "base/place_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { settle_tries = 40 };
static const int64_t settle_pause_us = 25000;
static const char private_prefix[] = ".labeld-";
static const char private_suffix[] = ".tmp";

/* Versions ----------------------------------------------------------------------------------- */

static struct place_version version_of_stat(const struct stat *st)
{
    return (struct place_version){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
    };
}

bool place_version_of(int fd, struct place_version *version, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, "looking at a file");
    *version = version_of_stat(&st);
    return true;
}

bool place_version_equal(const struct place_version *a, const struct place_version *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

/* The version that a name leads to; false when it leads nowhere or to no regular file. */
bool place_version_at(int folder, const char *name, struct place_version *version)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return false;
    *version = version_of_stat(&st);
    return true;
}

bool place_leads_to(int folder, const char *name, const struct place_version *wanted)
{
    struct place_version there;
    return place_version_at(folder, name, &there) && place_version_equal(&there, wanted);
}

bool place_leads_to_inode(int folder, const char *name, const struct place_version *wanted)
{
    struct place_version there;
    return place_version_at(folder, name, &there) && there.device == wanted->device &&
           there.inode == wanted->inode;
}

/* Private names ------------------------------------------------------------------------------ */

bool place_private_make(char name[static PLACE_PRIVATE_BYTES])
{
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return false;
    snprintf(name, PLACE_PRIVATE_BYTES, "%s%016llx%s", private_prefix, (unsigned long long)random,
             private_suffix);
    return true;
}

void place_private_of(const struct place_version *version, char name[static PLACE_PRIVATE_BYTES])
{
    const uint64_t parts[] = {version->device, version->inode, version->size,
                              (uint64_t)version->mtime_ns};
    uint64_t mixed = 1469598103934665603u; /* FNV-1a, over words */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        mixed = (mixed ^ parts[i]) * 1099511628211u;
    snprintf(name, PLACE_PRIVATE_BYTES, "%s%016llx%s", private_prefix, (unsigned long long)mixed,
             private_suffix);
}

bool place_is_private(const char *name)
{
    size_t length = strlen(name);
    size_t front = sizeof private_prefix - 1, back = sizeof private_suffix - 1;
    if (length != front + 16 + back || strncmp(name, private_prefix, front) != 0 ||
        strcmp(name + length - back, private_suffix) != 0)
        return false;
    return strspn(name + front, "0123456789abcdef") == 16;
}

/* Leases ------------------------------------------------------------------------------------- */

bool place_lease_take(int file, const char *name, struct err *err)
{
    if (fcntl(file, F_SETLEASE, F_RDLCK) == 0)
        return true;
    if (errno == EAGAIN || errno == EBUSY)
        return err_set(err, ERR_BUSY, "%s is open for writing", name);
    if (errno == EINVAL || errno == ENOTSUP || errno == ENOSYS) /* a mount of another kind */
        return err_set(err, ERR_REFUSED,
                       "%s: its file system has no leases, so it cannot be changed safely", name);
    if (errno == EACCES)
        return err_set(err, ERR_REFUSED,
                       "%s: only its owner or root may take the lease that a safe change needs",
                       name);
    return err_errno(err, "%s: no lease", name);
}

void place_lease_drop(int file)
{
    fcntl(file, F_SETLEASE, F_UNLCK);
}

bool place_lease_held(int file)
{
    return fcntl(file, F_GETLEASE) == F_RDLCK;
}

/* Give a file that lost its name to a newer edit a name that people see. */
bool place_keep_both(int folder, const char *name, const char *private_name, struct err *err)
{
    char kept[512];
    snprintf(kept, sizeof kept, "%.200s.labeld-kept-%.16s", name,
             private_name + sizeof private_prefix - 1);
    if (renameat2(folder, private_name, folder, kept, RENAME_NOREPLACE) < 0)
        return err_errno(err, "%s was edited twice at once; the earlier edit is in %s", name,
                         private_name);
    return err_set(err, ERR_CONFLICT, "%s was edited twice at once; the earlier edit is kept as %s",
                   name, kept);
}

/* A lease on the file that lost its name, waiting for writers that are under way. */
bool place_lease_wait(int file, const char *name, struct err *err)
{
    for (int i = 0; i < settle_tries; i++) {
        if (place_lease_take(file, name, err))
            return true;
        if (err->kind != ERR_BUSY)
            return false;
        clock_sleep_us(settle_pause_us);
    }
    return false;
}

bool place_may_change(int file, const char *name, struct err *err)
{
    struct stat st;
    if (fstat(file, &st) < 0)
        return err_errno(err, "looking at %s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_REFUSED, "%s is not a regular file", name);
    if (st.st_nlink > 1)
        return err_set(err, ERR_REFUSED,
                       "%s has %lu hard links: a changed copy would part from the other names",
                       name, (unsigned long)st.st_nlink);
    return true;
}
