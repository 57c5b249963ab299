#include "connect/acl.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

enum { version_bytes = 4, entry_bytes = 8, known_version = 2, proc_path_bytes = 64 };

static const char attribute[] = "system.posix_acl_access";

static const struct {
    uint16_t tag;
    bool named; /* has an id, may come again */
    bool must;
} tags[] = {
    {ACL_USER_OBJ, false, true}, {ACL_USER, true, false},  {ACL_GROUP_OBJ, false, true},
    {ACL_GROUP, true, false},    {ACL_MASK, false, false}, {ACL_OTHER, false, true},
};

/* The order in which the kernel wants them, each that is not named once, a mask where there are
 * named ones (fs/posix_acl.c, posix_acl_valid). */
static bool is_valid(const struct acl *acl)
{
    size_t at = 0;
    bool named = false, masked = false;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        size_t from = at;
        while (at < acl->count && acl->entries[at].tag == tags[i].tag)
            at++;
        if ((!tags[i].named && at - from > 1) || (tags[i].must && at == from))
            return false;
        named = named || (tags[i].named && at > from);
        masked = masked || (tags[i].tag == ACL_MASK && at > from);
    }
    return at == acl->count && (masked || !named);
}

bool acl_parse(const void *bytes, size_t length, struct acl *acl)
{
    uint32_t version;
    acl->count = 0;
    if (length < version_bytes || (length - version_bytes) % entry_bytes != 0 ||
        length > acl_max_bytes)
        return false;
    memcpy(&version, bytes, sizeof version);
    size_t count = (length - version_bytes) / entry_bytes;
    for (size_t i = 0; i < count; i++) {
        struct acl_entry *entry = &acl->entries[i];
        memcpy(entry, (const char *)bytes + version_bytes + i * entry_bytes, entry_bytes);
        entry->tag = le16toh(entry->tag);
        entry->perm = le16toh(entry->perm);
        entry->id = le32toh(entry->id);
        if (entry->perm > 07)
            return false;
    }
    acl->count = count;
    if (le32toh(version) == known_version && (count == 0 || is_valid(acl)))
        return true;
    acl->count = 0;
    return false;
}

size_t acl_bytes(const struct acl *acl, void *bytes)
{
    const uint32_t version = htole32(known_version);
    memcpy(bytes, &version, sizeof version);
    for (size_t i = 0; i < acl->count; i++) {
        const struct acl_entry entry = {.tag = htole16(acl->entries[i].tag),
                                        .perm = htole16(acl->entries[i].perm),
                                        .id = htole32(acl->entries[i].id)};
        memcpy((char *)bytes + version_bytes + i * entry_bytes, &entry, entry_bytes);
    }
    return version_bytes + acl->count * entry_bytes;
}

uint16_t acl_mask(const struct acl *acl)
{
    for (size_t i = 0; i < acl->count; i++)
        if (acl->entries[i].tag == ACL_MASK)
            return acl->entries[i].perm;
    return ACL_READ | ACL_WRITE | ACL_EXECUTE;
}

struct acl_entry *acl_find(struct acl *acl, enum acl_tag tag, uint32_t id)
{
    for (size_t i = 0; i < acl->count; i++) {
        struct acl_entry *entry = &acl->entries[i];
        bool named = tag == ACL_USER || tag == ACL_GROUP;
        if (entry->tag == tag && (!named || entry->id == id))
            return entry;
    }
    return NULL;
}

bool acl_read(int fd, struct acl *acl, struct err *err)
{
    char bytes[acl_max_bytes], path[proc_path_bytes];
    acl->count = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* fd may be O_PATH */
    ssize_t length = getxattr(path, attribute, bytes, sizeof bytes);
    if (length < 0 && (errno == ENODATA || errno == ENOTSUP))
        return true;
    if (length < 0)
        return err_errno(err, "reading the ACL");
    return acl_parse(bytes, (size_t)length, acl) ||
           err_set(err, ERR_CORRUPT, "the ACL is of an unknown form");
}

bool acl_write(int fd, const struct acl *acl, struct err *err)
{
    char bytes[acl_max_bytes];
    if (acl->count == 0)
        return fremovexattr(fd, attribute) == 0 || errno == ENODATA || errno == ENOTSUP ||
               err_errno(err, "removing the ACL");
    return fsetxattr(fd, attribute, bytes, acl_bytes(acl, bytes), 0) == 0 ||
           err_errno(err, "writing the ACL");
}
