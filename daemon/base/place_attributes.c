#include "base/place_attributes.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/own.h"

/* The kernel's own bounds (xattr(7)): XATTR_LIST_MAX and XATTR_SIZE_MAX. */
enum { list_max_bytes = 64 * 1024, value_max_bytes = 64 * 1024 };

static const char acl_name[] = "system.posix_acl_access";

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Attributes without which the file would not be the same to a person. */
static bool must_keep(const char *name)
{
    return begins(name, "user.") || strcmp(name, acl_name) == 0;
}

static bool may_keep(const char *name)
{
    return begins(name, "security.") || begins(name, "trusted.");
}

static bool copy_one(int from, int to, const char *name, char *value, struct err *err)
{
    ssize_t length = fgetxattr(from, name, value, value_max_bytes);
    if (length < 0 && (errno == ENODATA || !must_keep(name)))
        return true;
    if (length < 0)
        return err_errno(err, "reading attribute %.100s", name);
    if (fsetxattr(to, name, value, (size_t)length, 0) == 0 || !must_keep(name))
        return true;
    return err_errno(err, "keeping attribute %.100s", name);
}

static bool copy_xattrs(int from, int to, struct err *err)
{
    own_free char *names = mem_alloc(list_max_bytes);
    own_free char *value = mem_alloc(value_max_bytes);
    if (!names || !value)
        return err_set(err, ERR_MEMORY, "out of memory");
    ssize_t length = flistxattr(from, names, list_max_bytes);
    if (length < 0)
        return errno == ENOTSUP ? true : err_errno(err, "listing attributes");
    for (const char *name = names; name < names + length; name += strlen(name) + 1)
        if ((must_keep(name) || may_keep(name)) && !copy_one(from, to, name, value, err))
            return false;
    return true;
}

bool place_attributes_copy(int from, int to, struct err *err)
{
    struct stat old, new;
    if (fstat(from, &old) < 0 || fstat(to, &new) < 0)
        return err_errno(err, "looking at the file");
    if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) &&
        fchown(to, old.st_uid, old.st_gid) < 0)
        return err_errno(err, "keeping the owner (user %u, group %u)", old.st_uid, old.st_gid);
    if (fchmod(to, old.st_mode & 07777) < 0) /* after the owner, which clears set-id bits */
        return err_errno(err, "keeping the mode");
    return copy_xattrs(from, to, err); /* after the mode, which would change an ACL's mask */
}

bool place_attributes_possible(int fd)
{
    return fsetxattr(fd, "user.labeld.probe", "1", 1, 0) == 0;
}
