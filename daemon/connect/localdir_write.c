#include "connect/localdir.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "sandbox/copy.h"

static const size_t work_max_bytes = 64 * 1024;

struct connect_replacing {
    int folder, file;
    struct place *place;
    struct place_version examined;
};

/* Under the lease of place_open: the bytes that were examined are those that stand there. */
static bool is_examined(const struct connect_replacing *replacing,
                        const struct connect_copy *examined, struct err *err)
{
    struct copy_facts facts;
    if (!copy_hashed(replacing->file, -1, UINT64_MAX, &facts, err))
        return false;
    if (memcmp(facts.sha256, examined->sha256, sizeof facts.sha256) != 0)
        return err_set(err, ERR_CONFLICT, "%.200s was changed meanwhile", examined->stat.key);
    return true;
}

static bool begin(struct connect_replacing *replacing, struct connection *connection,
                  const struct connect_copy *examined, struct err *err)
{
    const char *name;
    const char *key = examined->stat.key;
    own_arena struct arena arena = arena_new(work_max_bytes);
    char *path = localdir_path(&arena, key);
    if (!path)
        return localdir_no_path(key, err);
    if (!localdir_version_read(examined->stat.version, &replacing->examined))
        return err_set(err, ERR_BROKEN, "%.200s: not a key and version of this connection", key);
    replacing->folder = localdir_open_folder(connection, path, &name);
    if (replacing->folder < 0)
        return err_errno(err, "opening the folder of %.200s", key);
    replacing->file = localdir_openat(connection, path, O_RDONLY);
    if (replacing->file < 0)
        return err_errno(err, "opening %.200s", key);
    replacing->place =
        place_open(replacing->folder, name, replacing->file, &replacing->examined, err);
    return replacing->place && is_examined(replacing, examined, err);
}

struct connect_replacing *localdir_replace_open(struct connection *connection,
                                                const struct connect_copy *examined, int *output,
                                                struct err *err)
{
    struct connect_replacing *replacing = mem_zalloc(1, sizeof *replacing);
    if (!replacing) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    replacing->folder = replacing->file = -1;
    if (!begin(replacing, connection, examined, err)) {
        localdir_replace_close(replacing);
        return NULL;
    }
    *output = place_output(replacing->place);
    return replacing;
}

/* What a replay must know, as text for the store. */
static const char *intent_text(const struct connect_replacing *replacing, struct arena *arena,
                               const char *made)
{
    const char *examined = localdir_version(arena, &replacing->examined);
    if (!examined || !made)
        return NULL;
    own_json json_t *json =
        json_pack("{s:s, s:s, s:s}", "private", place_private_name(replacing->place), "examined",
                  examined, "made", made);
    own_buf struct buf text = buf_new(4096);
    if (!json || !json_write(json, &text))
        return NULL;
    return arena_strdup(arena, buf_text(&text));
}

bool localdir_replace_ready(struct connect_replacing *replacing, struct arena *arena,
                            struct connect_intent *intent, struct err *err)
{
    struct place_version made;
    if (!place_ready(replacing->place, &made, err))
        return false;
    intent->new_version = localdir_version(arena, &made);
    intent->text = intent_text(replacing, arena, intent->new_version);
    return intent->text || err_set(err, ERR_MEMORY, "out of memory");
}

bool localdir_replace_place(struct connect_replacing *replacing, struct err *err)
{
    return place_exchange(replacing->place, err);
}

bool localdir_replace_settle(struct connect_replacing *replacing, struct err *err)
{
    return place_settle(replacing->place, 0, err);
}

void localdir_replace_close(struct connect_replacing *replacing)
{
    if (!replacing)
        return;
    place_close(replacing->place);
    if (replacing->file >= 0)
        close(replacing->file);
    if (replacing->folder >= 0)
        close(replacing->folder);
    mem_free(replacing);
}

bool localdir_replace_recover(struct connection *connection, const char *key, const char *intent,
                              bool *placed, struct err *err)
{
    const char *name;
    struct place_version examined, made;
    own_arena struct arena arena = arena_new(work_max_bytes);
    own_json json_t *json = json_parse(intent, strlen(intent), err);
    const char *private_name = json_string_value(json_object_get(json, "private"));
    const char *from = json_string_value(json_object_get(json, "examined"));
    const char *to = json_string_value(json_object_get(json, "made"));
    char *path = localdir_path(&arena, key);
    *placed = false;
    if (!path)
        return localdir_no_path(key, err);
    if (!private_name || !place_is_private(private_name) || !from || !to ||
        !localdir_version_read(from, &examined) || !localdir_version_read(to, &made))
        return err_set(err, ERR_CORRUPT, "%.200s: the stored intent cannot be read", key);
    own_fd int folder = localdir_open_folder(connection, path, &name);
    if (folder < 0)
        return err_errno(err, "opening the folder of %.200s", key);
    return place_recover(folder, name, private_name, &examined, &made, placed, err);
}
