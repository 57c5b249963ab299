#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/place_parts.h"
#include "connect/localdir.h"
#include "connect/localdir_sharing.h"

static const size_t work_max_bytes = 64 * 1024;
enum { plain_mode = 0644, proc_path_bytes = 64 };

struct connect_creating {
    int folder, output;
    char *name;
    char private_name[PLACE_PRIVATE_BYTES]; /* where unnamed files cannot be had */
    bool named, placed;
};

static bool taken(const char *name, struct err *err)
{
    return err_set(err, ERR_TAKEN, "%.200s: a file of this name stands there already", name);
}

static bool open_output(struct connect_creating *creating, struct err *err)
{
    creating->output = openat(creating->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (creating->output >= 0)
        return true;
    creating->output = openat(creating->folder, creating->private_name,
                              O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    creating->named = creating->output >= 0;
    return creating->named || err_errno(err, "making a file beside %.200s", creating->name);
}

static bool begin(struct connect_creating *creating, struct connection *connection, const char *key,
                  struct err *err)
{
    const char *name;
    struct stat st;
    own_arena struct arena arena = arena_new(work_max_bytes);
    char *path = localdir_path(&arena, key);
    if (!path)
        return localdir_no_path(key, err);
    if (!*path)
        return err_set(err, ERR_USAGE, "%.200s: not a path of this connection", key);
    creating->folder = localdir_open_folder(connection, path, &name);
    if (creating->folder < 0)
        return err_errno(err, "opening the folder of %.200s", key);
    if (fstatat(creating->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return taken(key, err);
    creating->name = mem_strdup(name);
    if (!creating->name || !place_private_make(creating->private_name))
        return err_set(err, ERR_MEMORY, "out of memory");
    return open_output(creating, err);
}

struct connect_creating *localdir_create_open(struct connection *connection, const char *key,
                                              int *output, struct err *err)
{
    struct connect_creating *creating = mem_zalloc(1, sizeof *creating);
    if (!creating) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    creating->folder = creating->output = -1;
    if (!begin(creating, connection, key, err)) {
        localdir_create_close(creating);
        return NULL;
    }
    *output = creating->output;
    return creating;
}

static const char *intent_text(struct arena *arena, const char *made)
{
    own_buf struct buf text = buf_new(4096);
    own_json json_t *json = made ? json_pack("{s:s}", "made", made) : NULL;
    return json && json_write(json, &text) ? arena_strdup(arena, buf_text(&text)) : NULL;
}

bool localdir_create_ready(struct connect_creating *creating, const char *captured,
                           struct arena *arena, struct connect_intent *intent,
                           struct connect_restored *restored, struct err *err)
{
    struct place_version made;
    *restored = (struct connect_restored){0};
    bool ok = captured ? localdir_apply(creating->output, captured, arena, restored, err)
                       : fchmod(creating->output, plain_mode) == 0 ||
                             err_errno(err, "setting the mode of %.200s", creating->name);
    if (!ok)
        return false;
    if (fsync(creating->output) < 0)
        return err_errno(err, "writing %.200s", creating->name);
    if (!place_version_of(creating->output, &made, err))
        return false;
    intent->new_version = localdir_version(arena, &made);
    intent->text = intent_text(arena, intent->new_version);
    return intent->text || err_set(err, ERR_MEMORY, "out of memory");
}

bool localdir_create_place(struct connect_creating *creating, struct err *err)
{
    char path[proc_path_bytes];
    snprintf(path, sizeof path, "/proc/self/fd/%d", creating->output);
    int failed = creating->named
                     ? renameat2(creating->folder, creating->private_name, creating->folder,
                                 creating->name, RENAME_NOREPLACE)
                     : linkat(AT_FDCWD, path, creating->folder, creating->name, AT_SYMLINK_FOLLOW);
    if (failed && errno == EEXIST)
        return taken(creating->name, err);
    if (failed)
        return err_errno(err, "naming %.200s", creating->name);
    creating->placed = true;
    return fsync(creating->folder) == 0 ||
           err_errno(err, "writing the folder of %.200s", creating->name);
}

void localdir_create_close(struct connect_creating *creating)
{
    if (!creating)
        return;
    if (creating->named && !creating->placed)
        unlinkat(creating->folder, creating->private_name, 0);
    if (creating->output >= 0)
        close(creating->output);
    if (creating->folder >= 0)
        close(creating->folder);
    mem_free(creating->name);
    mem_free(creating);
}

bool localdir_create_placed(struct connection *connection, const char *key, const char *intent,
                            bool *placed, struct err *err)
{
    const char *name;
    struct place_version made;
    own_arena struct arena arena = arena_new(work_max_bytes);
    own_json json_t *json = json_parse(intent, strlen(intent), err);
    const char *version = json_string_value(json_object_get(json, "made"));
    char *path = localdir_path(&arena, key);
    if (!path)
        return localdir_no_path(key, err);
    if (!version || !localdir_version_read(version, &made))
        return err_set(err, ERR_CORRUPT, "%.200s: the stored intent cannot be read", key);
    own_fd int folder = localdir_open_folder(connection, path, &name);
    *placed = folder >= 0 && place_leads_to_inode(folder, name, &made);
    return folder >= 0 || err_errno(err, "opening the folder of %.200s", key);
}
