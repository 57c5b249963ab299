/*
 * acl: the POSIX access ACL of a file, as the kernel keeps it in system.posix_acl_access
 * (linux/posix_acl_xattr.h: a version, then entries of tag, permissions and id, little endian).
 * Pure but for the three functions that take a descriptor.
 */
#ifndef LABELD_CONNECT_ACL_H
#define LABELD_CONNECT_ACL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum acl_tag {
    ACL_USER_OBJ = 0x01, /* the owner */
    ACL_USER = 0x02,
    ACL_GROUP_OBJ = 0x04, /* the file's group */
    ACL_GROUP = 0x08,
    ACL_MASK = 0x10,
    ACL_OTHER = 0x20
};

enum acl_perm { ACL_EXECUTE = 1, ACL_WRITE = 2, ACL_READ = 4 };

/* acl_max_entries is more than any file system keeps in one attribute (ext4: 32 a block of it). */
enum { acl_max_entries = 500, acl_max_bytes = 4 + 8 * acl_max_entries };

struct acl_entry {
    uint16_t tag, perm;
    uint32_t id; /* ACL_USER and ACL_GROUP */
};

/* No entries: there is no ACL beside the mode. */
struct acl {
    size_t count;
    struct acl_entry entries[acl_max_entries];
};

/* Read the attribute's bytes; false when they are not an ACL that the kernel would take. */
bool acl_parse(const void *bytes, size_t length, struct acl *acl);

/* The bytes of the attribute, at most acl_max_bytes; their number. */
size_t acl_bytes(const struct acl *acl, void *bytes);

/* The permissions that the mask leaves; all when there is no mask. */
uint16_t acl_mask(const struct acl *acl);

/* The first entry of a tag and id (0 for tags without); NULL = none. */
struct acl_entry *acl_find(struct acl *acl, enum acl_tag tag, uint32_t id);

/* Read that of an open file (O_PATH too). A file system without ACLs has none. */
bool acl_read(int fd, struct acl *acl, struct err *err);

/* Give an open file this ACL, without entries: take its ACL away. It also sets the mode bits. */
bool acl_write(int fd, const struct acl *acl, struct err *err);

#endif
