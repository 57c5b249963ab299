#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/place_parts.h"
#include "base/removal.h"
#include "connect/localdir.h"
#include "sandbox/copy.h"

static const size_t work_max_bytes = 64 * 1024;

struct connect_removing {
    int folder, file;
    struct removal *removal;
    struct place_version examined;
};

static bool begin(struct connect_removing *removing, struct connection *connection,
                  const struct connect_stat *stat, struct err *err)
{
    const char *name;
    own_arena struct arena arena = arena_new(work_max_bytes);
    char *path = localdir_path(&arena, stat->key);
    if (!path)
        return localdir_no_path(stat->key, err);
    if (!localdir_version_read(stat->version, &removing->examined))
        return err_set(err, ERR_BROKEN, "%.200s: not a key and version of this connection",
                       stat->key);
    removing->folder = localdir_open_folder(connection, path, &name);
    if (removing->folder < 0)
        return err_errno(err, "opening the folder of %.200s", stat->key);
    removing->file = localdir_openat(connection, path, O_RDONLY);
    if (removing->file < 0)
        return err_errno(err, "opening %.200s", stat->key);
    removing->removal =
        removal_open(removing->folder, name, removing->file, &removing->examined, err);
    return removing->removal;
}

struct connect_removing *localdir_remove_open(struct connection *connection,
                                              const struct connect_stat *stat, int *input,
                                              struct err *err)
{
    struct connect_removing *removing = mem_zalloc(1, sizeof *removing);
    if (!removing) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    removing->folder = removing->file = -1;
    if (!begin(removing, connection, stat, err)) {
        localdir_remove_close(removing);
        return NULL;
    }
    *input = removing->file;
    return removing;
}

bool localdir_remove_ready(struct connect_removing *removing, struct arena *arena,
                           struct connect_intent *intent, struct err *err)
{
    own_buf struct buf text = buf_new(4096);
    const char *examined = localdir_version(arena, &removing->examined);
    own_json json_t *json =
        examined ? json_pack("{s:s, s:s}", "private", removal_private_name(removing->removal),
                             "examined", examined)
                 : NULL;
    *intent = (struct connect_intent){0};
    if (json && json_write(json, &text))
        intent->text = arena_strdup(arena, buf_text(&text));
    return intent->text || err_set(err, ERR_MEMORY, "out of memory");
}

bool localdir_remove_take(struct connect_removing *removing, struct err *err)
{
    return removal_take(removing->removal, err);
}

void localdir_remove_close(struct connect_removing *removing)
{
    if (!removing)
        return;
    removal_close(removing->removal);
    if (removing->file >= 0)
        close(removing->file);
    if (removing->folder >= 0)
        close(removing->folder);
    mem_free(removing);
}

/* The time stamp alone does not prove that the bytes are those that were read. */
static bool same_bytes(void *context, int file, struct err *err)
{
    struct copy_facts facts;
    const uint8_t *sha256 = context;
    return copy_hashed(file, -1, UINT64_MAX, &facts, err) &&
           memcmp(facts.sha256, sha256, sizeof facts.sha256) == 0;
}

static enum connect_removed end_of(enum removal_end end)
{
    return end == REMOVAL_DONE     ? CONNECT_REMOVED
           : end == REMOVAL_UNDONE ? CONNECT_UNDONE
                                   : CONNECT_NOT_REMOVED;
}

bool localdir_remove_settle(struct connection *connection, const char *key, const char *intent,
                            const uint8_t sha256[32], enum connect_removed *end, struct err *err)
{
    const char *name;
    enum removal_end how;
    struct place_version examined;
    uint8_t wanted[32];
    own_arena struct arena arena = arena_new(work_max_bytes);
    own_json json_t *json = json_parse(intent, strlen(intent), err);
    const char *private_name = json_string_value(json_object_get(json, "private"));
    const char *version = json_string_value(json_object_get(json, "examined"));
    char *path = localdir_path(&arena, key);
    if (!path)
        return localdir_no_path(key, err);
    if (!private_name || !place_is_private(private_name) || !version ||
        !localdir_version_read(version, &examined))
        return err_set(err, ERR_CORRUPT, "%.200s: the stored intent cannot be read", key);
    own_fd int folder = localdir_open_folder(connection, path, &name);
    if (folder < 0)
        return err_errno(err, "opening the folder of %.200s", key);
    memcpy(wanted, sha256, sizeof wanted);
    const struct removal_check check = {same_bytes, wanted};
    bool ok = removal_settle(folder, name, private_name, &examined, &check, &how, err);
    *end = ok ? end_of(how) : CONNECT_NOT_REMOVED;
    return ok;
}

/* The private name is made from the version, so that a try that was cut is gone on with. */
static bool discard_in(int folder, const char *name, const char *key,
                       const struct place_version *version, struct err *err)
{
    char private_name[PLACE_PRIVATE_BYTES];
    struct place_version there;
    place_private_of(version, private_name);
    if (!place_leads_to(folder, private_name, version)) {
        if (!place_version_at(folder, name, &there))
            return err_set(err, ERR_GONE, "no such file: %.200s", key);
        if (!place_version_equal(&there, version))
            return err_set(err, ERR_CONFLICT, "%.200s was changed meanwhile", key);
        if (renameat2(folder, name, folder, private_name, RENAME_NOREPLACE) < 0)
            return err_errno(err, "taking %.200s away", key);
    }
    if (!place_leads_to(folder, private_name, version)) { /* another came between */
        renameat2(folder, private_name, folder, name, RENAME_NOREPLACE);
        return err_set(err, ERR_CONFLICT, "%.200s was changed meanwhile", key);
    }
    if (unlinkat(folder, private_name, 0) < 0)
        return err_errno(err, "removing %.200s", key);
    return fsync(folder) == 0 || err_errno(err, "writing the folder of %.200s", key);
}

bool localdir_discard(struct connection *connection, const char *key, const char *version,
                      struct err *err)
{
    const char *name;
    struct place_version wanted;
    own_arena struct arena arena = arena_new(work_max_bytes);
    char *path = localdir_path(&arena, key);
    if (!path)
        return localdir_no_path(key, err);
    if (!localdir_version_read(version, &wanted))
        return err_set(err, ERR_BROKEN, "%.200s: not a key and version of this connection", key);
    own_fd int folder = localdir_open_folder(connection, path, &name);
    if (folder < 0)
        return err_errno(err, "opening the folder of %.200s", key);
    return discard_in(folder, name, key, &wanted, err);
}
