#include "connect/localdir.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"

/* system.posix_acl_access as the kernel keeps it (linux/posix_acl_xattr.h): a version, then
 * entries, little endian. */
struct acl_entry {
    uint16_t tag, perm;
    uint32_t id;
};
enum { acl_version = 2, acl_max_entries = 500 };
enum acl_tag {
    ACL_USER_OBJ = 0x01,
    ACL_USER = 0x02,
    ACL_GROUP_OBJ = 0x04,
    ACL_GROUP = 0x08,
    ACL_MASK = 0x10,
    ACL_OTHER = 0x20
};
enum { ACL_READ = 4, why_max_bytes = 32 * 1024, proc_path_bytes = 64 };

/* Who can read, in the order found. */
struct grants {
    struct arena *arena;
    const char **names;
    size_t count;
    enum facts_exposure step;
    bool failed;
};

static void grant(struct grants *grants, enum facts_exposure step, const char *name)
{
    if (!name || grants->count > acl_max_entries) {
        grants->failed = grants->failed || !name;
        return;
    }
    grants->names[grants->count++] = name;
    if (step > grants->step)
        grants->step = step;
}

static const char *user_name(struct arena *arena, uid_t uid)
{
    char room[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found)
        return arena_strdup(arena, entry.pw_name);
    return arena_printf(arena, "uid:%u", (unsigned)uid);
}

static const char *group_name(struct arena *arena, gid_t gid)
{
    char room[8192];
    struct group entry, *found = NULL;
    if (getgrgid_r(gid, &entry, room, sizeof room, &found) == 0 && found)
        return arena_strdup(arena, entry.gr_name);
    return arena_printf(arena, "gid:%u", (unsigned)gid);
}

/* The entries of an ACL, or 0 when there is none beside the mode. */
static size_t read_acl(int fd, struct acl_entry *entries)
{
    char bytes[4 + acl_max_entries * sizeof *entries], path[proc_path_bytes];
    uint32_t version;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* fd is O_PATH */
    ssize_t length = getxattr(path, "system.posix_acl_access", bytes, sizeof bytes);
    if (length < (ssize_t)sizeof version)
        return 0;
    memcpy(&version, bytes, sizeof version);
    size_t count = ((size_t)length - sizeof version) / sizeof *entries;
    if (version != acl_version)
        return 0;
    memcpy(entries, bytes + sizeof version, count * sizeof *entries);
    return count;
}

static uint16_t mask_of(const struct acl_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].tag == ACL_MASK)
            return entries[i].perm;
    return 07;
}

/* Without an ACL the group bits are the group's; with one they are the mask. */
static void grant_group_and_acl(struct grants *grants, int fd, const struct stat *st)
{
    struct acl_entry entries[acl_max_entries];
    size_t count = read_acl(fd, entries);
    if (count == 0 && (st->st_mode & S_IRGRP))
        grant(grants, FACTS_INTERNAL_PEOPLE, group_name(grants->arena, st->st_gid));
    uint16_t mask = mask_of(entries, count);
    for (size_t i = 0; i < count; i++) {
        bool reads = entries[i].perm & mask & ACL_READ;
        if (reads && entries[i].tag == ACL_USER)
            grant(grants, FACTS_INTERNAL_PEOPLE, user_name(grants->arena, entries[i].id));
        else if (reads && entries[i].tag == ACL_GROUP)
            grant(grants, FACTS_INTERNAL_PEOPLE, group_name(grants->arena, entries[i].id));
        else if (reads && entries[i].tag == ACL_GROUP_OBJ)
            grant(grants, FACTS_INTERNAL_PEOPLE, group_name(grants->arena, st->st_gid));
    }
}

/* Whether others may pass every folder from the root to the file. */
static bool others_reach(const struct connection *connection, const char *path, struct arena *arena)
{
    char *walk = arena_strdup(arena, path);
    struct stat st;
    if (!walk || fstat(connection->root, &st) < 0 || !(st.st_mode & S_IXOTH))
        return false;
    for (char *slash = strchr(walk, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        own_fd int folder = localdir_openat(connection, walk, O_PATH | O_DIRECTORY);
        if (folder < 0 || fstat(folder, &st) < 0 || !(st.st_mode & S_IXOTH))
            return false;
        *slash = '/';
    }
    return true;
}

static bool is_public(const struct connection *connection, const char *path)
{
    for (size_t i = 0; i < connection->public_root_count; i++) {
        size_t length = strlen(connection->public_roots[i]);
        if (length == 0 ||
            (strncmp(path, connection->public_roots[i], length) == 0 && path[length] == '/'))
            return true;
    }
    return false;
}

static void grant_all(struct grants *grants, const struct connection *connection, const char *path,
                      int fd, const struct stat *st)
{
    grant_group_and_acl(grants, fd, st);
    if ((st->st_mode & S_IROTH) && others_reach(connection, path, grants->arena))
        grant(grants, FACTS_ORGANISATION, "organisation");
    if (is_public(connection, path))
        grant(grants, FACTS_PUBLIC, "public");
}

/* The raw grants in words. Any change of who can read changes this text. */
static const char *grants_why(const struct grants *grants, const struct stat *st)
{
    own_buf struct buf why = buf_new(why_max_bytes);
    buf_printf(&why, "mode %04o, owner %s, group %s", (unsigned)st->st_mode & 07777,
               user_name(grants->arena, st->st_uid), group_name(grants->arena, st->st_gid));
    for (size_t i = 0; i < grants->count; i++)
        buf_printf(&why, "%s%s", i ? ", " : "; read by ", grants->names[i]);
    return why.failed ? arena_strdup(grants->arena, "many grants")
                      : arena_strdup(grants->arena, buf_text(&why));
}

bool localdir_exposure(struct connection *connection, const char *key, struct arena *arena,
                       struct connect_exposure *exposure, struct err *err)
{
    struct stat st;
    const char *path = localdir_path(arena, key);
    if (!path)
        return err_set(err, ERR_GONE, "no such file: %.200s", key);
    own_fd int fd = localdir_openat(connection, path, O_PATH); /* also what cannot be read */
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, "opening %.200s", key);
    struct grants grants = {
        .arena = arena,
        .names = arena_alloc(arena, acl_max_entries + 8, sizeof *grants.names),
        .step = FACTS_PRIVATE,
    };
    if (grants.names)
        grant_all(&grants, connection, path, fd, &st);
    const char *why = grants_why(&grants, &st);
    if (!grants.names || grants.failed || !why)
        return err_set(err, ERR_MEMORY, "%s: out of memory", connection->name);
    *exposure = (struct connect_exposure){
        .step = grants.step,
        .sharing_known = true,
        .shared_with = grants.names,
        .shared_with_count = grants.count,
        .why = why,
    };
    return true;
}
