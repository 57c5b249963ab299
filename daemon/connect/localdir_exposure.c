#include "connect/localdir.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "connect/acl.h"

enum { why_max_bytes = 32 * 1024 };

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

/* Without an ACL the group bits are the group's; with one they are the mask. */
static void grant_group_and_acl(struct grants *grants, const struct acl *acl, const struct stat *st)
{
    if (acl->count == 0 && (st->st_mode & S_IRGRP))
        grant(grants, FACTS_INTERNAL_PEOPLE, group_name(grants->arena, st->st_gid));
    uint16_t mask = acl_mask(acl);
    for (size_t i = 0; i < acl->count; i++) {
        const struct acl_entry *entry = &acl->entries[i];
        bool reads = entry->perm & mask & ACL_READ;
        if (reads && entry->tag == ACL_USER)
            grant(grants, FACTS_INTERNAL_PEOPLE, user_name(grants->arena, entry->id));
        else if (reads && entry->tag == ACL_GROUP)
            grant(grants, FACTS_INTERNAL_PEOPLE, group_name(grants->arena, entry->id));
        else if (reads && entry->tag == ACL_GROUP_OBJ)
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
                      const struct acl *acl, const struct stat *st)
{
    grant_group_and_acl(grants, acl, st);
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

static bool read_grants(struct connection *connection, const char *path, int fd,
                        const struct stat *st, struct connect_exposure *exposure,
                        struct arena *arena, struct err *err)
{
    struct acl acl;
    struct grants grants = {
        .arena = arena,
        .names = arena_alloc(arena, acl_max_entries + 8, sizeof *grants.names),
        .step = FACTS_PRIVATE,
    };
    if (!acl_read(fd, &acl, err))
        return false;
    if (grants.names)
        grant_all(&grants, connection, path, &acl, st);
    const char *why = grants_why(&grants, st);
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

bool localdir_exposure(struct connection *connection, const char *key, struct arena *arena,
                       struct connect_exposure *exposure, struct err *err)
{
    struct stat st;
    struct err why = {0};
    const char *path = localdir_path(arena, key);
    if (!path)
        return err_set(err, ERR_GONE, "no such file: %.200s", key);
    own_fd int fd = localdir_openat(connection, path, O_PATH); /* also what cannot be read */
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, "opening %.200s", key);
    if (read_grants(connection, path, fd, &st, exposure, arena, &why))
        return true;
    if (why.kind != ERR_CORRUPT)
        return err_set(err, why.kind, "%.200s: %s", key, why.text);
    *exposure = (struct connect_exposure){.step = FACTS_EXPOSURE_UNKNOWN,
                                          .why = arena_strdup(arena, why.text)};
    return exposure->why || err_set(err, ERR_MEMORY, "%s: out of memory", connection->name);
}
