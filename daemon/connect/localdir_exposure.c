#include "connect/localdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "connect/grants.h"

enum { why_max_bytes = 32 * 1024 };

/* Who can read, in the order found. */
struct readers {
    struct arena *arena;
    const char **names;
    size_t count;
    enum facts_exposure step;
    bool failed;
};

static void grant(struct readers *readers, enum facts_exposure step, const char *name)
{
    if (!name || readers->count > acl_max_entries) {
        readers->failed = readers->failed || !name;
        return;
    }
    readers->names[readers->count++] = name;
    if (step > readers->step)
        readers->step = step;
}

/* The mask bounds what users, groups and the file's group have. */
static void grant_all(struct readers *readers, const struct grants *grants)
{
    const struct acl *acl = &grants->acl;
    for (size_t i = 0; i < acl->count; i++) {
        const struct acl_entry *entry = &acl->entries[i];
        bool reads = entry->perm & acl_mask(acl) & ACL_READ;
        if (reads && entry->tag == ACL_USER)
            grant(readers, FACTS_INTERNAL_PEOPLE, grants_user(readers->arena, entry->id));
        else if (reads && entry->tag == ACL_GROUP)
            grant(readers, FACTS_INTERNAL_PEOPLE, grants_group(readers->arena, entry->id));
        else if (reads && entry->tag == ACL_GROUP_OBJ)
            grant(readers, FACTS_INTERNAL_PEOPLE, grants_group(readers->arena, grants->gid));
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

bool localdir_is_public(const struct connection *connection, const char *path)
{
    for (size_t i = 0; i < connection->public_root_count; i++) {
        size_t length = strlen(connection->public_roots[i]);
        if (length == 0 ||
            (strncmp(path, connection->public_roots[i], length) == 0 && path[length] == '/'))
            return true;
    }
    return false;
}

/* The raw grants in words. Any change of who can read changes this text. */
static const char *grants_why(const struct readers *readers, const struct grants *grants,
                              const struct stat *st)
{
    own_buf struct buf why = buf_new(why_max_bytes);
    buf_printf(&why, "mode %04o, owner %s, group %s", (unsigned)st->st_mode & 07777,
               grants_user(readers->arena, grants->uid), grants_group(readers->arena, grants->gid));
    for (size_t i = 0; i < readers->count; i++)
        buf_printf(&why, "%s%s", i ? ", " : "; read by ", readers->names[i]);
    return why.failed ? arena_strdup(readers->arena, "many grants")
                      : arena_strdup(readers->arena, buf_text(&why));
}

static bool read_grants(struct connection *connection, const char *path, int fd,
                        const struct stat *st, struct connect_exposure *exposure,
                        struct arena *arena, struct err *err)
{
    struct grants grants;
    struct readers readers = {
        .arena = arena,
        .names = arena_alloc(arena, acl_max_entries + 8, sizeof *readers.names),
        .step = FACTS_PRIVATE,
    };
    if (!grants_read(fd, &grants, err))
        return false;
    if (readers.names) {
        grant_all(&readers, &grants);
        if ((st->st_mode & S_IROTH) && others_reach(connection, path, arena))
            grant(&readers, FACTS_ORGANISATION, "organisation");
        if (localdir_is_public(connection, path))
            grant(&readers, FACTS_PUBLIC, "public");
    }
    *exposure = (struct connect_exposure){
        .step = readers.step,
        .sharing_known = true,
        .shared_with = readers.names,
        .shared_with_count = readers.count,
        .why = grants_why(&readers, &grants, st),
        .grants = grants_text(&grants, arena),
    };
    return (readers.names && !readers.failed && exposure->why && exposure->grants) ||
           err_set(err, ERR_MEMORY, "%s: out of memory", connection->name);
}

bool localdir_exposure(struct connection *connection, const char *key, struct arena *arena,
                       struct connect_exposure *exposure, struct err *err)
{
    struct stat st;
    struct err why = {0};
    const char *path = localdir_path(arena, key);
    if (!path)
        return localdir_no_path(key, err);
    own_fd int fd = localdir_openat(connection, path, O_PATH); /* also what cannot be read */
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, "opening %.200s", key);
    if (read_grants(connection, path, fd, &st, exposure, arena, &why))
        return true;
    if (why.kind != ERR_CORRUPT)
        return err_set(err, why.kind, "%.200s: %s", key, why.text);
    *exposure = (struct connect_exposure){
        .step = FACTS_EXPOSURE_UNKNOWN, .grants = "", .why = arena_strdup(arena, why.text)};
    return exposure->why || err_set(err, ERR_MEMORY, "%s: out of memory", connection->name);
}
