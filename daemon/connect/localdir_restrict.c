#include "connect/localdir.h"
#include "connect/localdir_sharing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "connect/grants.h"

enum { work_max_bytes = 256 * 1024, text_max_bytes = 32 * 1024 };

/* A file with another name may be one of another place, outside of this root: its mode and ACL
 * belong to all of its names, so they are left alone (as labels are: place_open). */
static bool has_one_name(int fd, const char *key, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, "looking at %.200s", key);
    return st.st_nlink == 1 ||
           err_set(err, ERR_REFUSED,
                   "%.200s has %lu hard links: its sharing is that of all of them", key,
                   (unsigned long)st.st_nlink);
}

/* The file, at that version. -1 with err. */
static int open_at(const struct connection *connection, const char *path, const char *key,
                   const char *version, struct err *err)
{
    struct stat st;
    struct place_version wanted, now;
    if (!path) {
        localdir_no_path(key, err);
        return -1;
    }
    if (!localdir_version_read(version, &wanted)) {
        err_set(err, ERR_BROKEN, "%.200s: not a key and version of this connection", key);
        return -1;
    }
    own_fd int fd = localdir_openat(connection, path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0)
        err_errno(err, "opening %.200s", key);
    else if (!S_ISREG(st.st_mode))
        err_set(err, ERR_GONE, "%.200s is not a regular file", key);
    else if (!place_version_of(fd, &now, err))
        err_add(err, "%.200s", key);
    else if (!place_version_equal(&wanted, &now))
        err_set(err, ERR_CONFLICT, "%.200s was changed meanwhile", key);
    else
        return own_take_fd(&fd);
    return -1;
}

/* Planning ------------------------------------------------------------------------------------- */

static bool compile(const struct connect_wish *wish, struct arena *arena,
                    struct grants_wish *compiled, struct err *err)
{
    struct glob *globs = arena_alloc(arena, wish->remove_count + 1, sizeof *globs);
    *compiled = (struct grants_wish){.bounded = wish->bounded,
                                     .to = wish->to,
                                     .remove = globs,
                                     .remove_count = wish->remove_count};
    for (size_t i = 0; globs && i < wish->remove_count; i++)
        if (!glob_compile(&globs[i], wish->remove[i], false, arena))
            return err_set(err, ERR_BROKEN, "\"%.80s\" is not a pattern", wish->remove[i]);
    return globs || err_set(err, ERR_MEMORY, "out of memory");
}

static const char *what_stays(const struct connection *connection, const char *path,
                              const struct grants_wish *wish)
{
    const char *word = facts_exposure_word(FACTS_PUBLIC);
    bool wider = wish->bounded && wish->to < FACTS_PUBLIC;
    for (size_t i = 0; i < wish->remove_count; i++)
        wider = wider || glob_match(&wish->remove[i], word);
    return wider && localdir_is_public(connection, path)
               ? "it lies below a public root, which makes all in it public"
               : NULL;
}

static bool write_text(const struct connect_restriction *restriction, struct arena *arena,
                       const char **text, struct err *err)
{
    own_json json_t *json =
        json_pack("{s:s, s:s}", "before", restriction->before, "after", restriction->after);
    own_buf struct buf out = buf_new(text_max_bytes);
    *text = json && json_write(json, &out) ? arena_strdup(arena, buf_text(&out)) : NULL;
    return *text || err_set(err, ERR_MEMORY, "out of memory");
}

bool localdir_restrict_plan(struct connection *connection, const char *key,
                            const struct connect_wish *wish, struct arena *arena,
                            struct connect_restriction *restriction, struct err *err)
{
    struct grants before, after;
    struct grants_wish compiled;
    const char *path = localdir_path(arena, key);
    own_fd int fd = open_at(connection, path, key, wish->version, err);
    if (fd < 0 || !grants_read(fd, &before, err) || !compile(wish, arena, &compiled, err))
        return false;
    *restriction = (struct connect_restriction){.before = grants_text(&before, arena),
                                                .stays = what_stays(connection, path, &compiled)};
    if (!restriction->before || !grants_narrow(&before, &compiled, arena, &after))
        return err_set(err, ERR_MEMORY, "out of memory");
    if (strcmp(restriction->before, wish->grants) != 0)
        return err_set(err, ERR_CONFLICT, "who reaches %.200s was changed meanwhile", key);
    restriction->nothing = grants_equal(&before, &after);
    restriction->after = grants_text(&after, arena);
    if (!restriction->after)
        return err_set(err, ERR_MEMORY, "out of memory");
    return (restriction->nothing || has_one_name(fd, key, err)) &&
           write_text(restriction, arena, &restriction->text, err);
}

/* Carrying out --------------------------------------------------------------------------------- */

struct taken {
    struct grants before, after;
};

static bool read_text(const char *text, const char *key, struct taken *taken, struct err *err)
{
    own_json json_t *json = json_parse(text, strlen(text), err);
    const char *before = json_string_value(json_object_get(json, "before"));
    const char *after = json_string_value(json_object_get(json, "after"));
    return (before && after && grants_parse(before, &taken->before) &&
            grants_parse(after, &taken->after)) ||
           err_set(err, ERR_CORRUPT, "%.200s: what was taken away cannot be read", key);
}

/* The kernel has no compare-and-set for a mode: what somebody sets between the look and the
 * change is seen only when the change did not win. */
static bool change(int fd, const struct grants *wanted, const char *key, struct err *err)
{
    struct grants now;
    if (!grants_write(fd, wanted, err) || !grants_read(fd, &now, err))
        return err_add(err, "%.200s", key);
    return grants_equal(&now, wanted) ||
           err_set(err, ERR_CONFLICT, "who reaches %.200s was changed meanwhile", key);
}

static bool make_durable(int fd, const char *key, struct err *err)
{
    return fsync(fd) == 0 || err_errno(err, "writing %.200s", key);
}

bool localdir_restrict_take(struct connection *connection, const char *key, const char *version,
                            const char *text, struct err *err)
{
    struct taken taken;
    struct grants now;
    own_arena struct arena arena = arena_new(work_max_bytes);
    if (!read_text(text, key, &taken, err))
        return false;
    own_fd int fd = open_at(connection, localdir_path(&arena, key), key, version, err);
    if (fd < 0 || !grants_read(fd, &now, err))
        return false;
    if (grants_equal(&now, &taken.after))
        return make_durable(fd, key, err);
    if (!grants_equal(&now, &taken.before))
        return err_set(err, ERR_CONFLICT, "who reaches %.200s was changed meanwhile", key);
    return has_one_name(fd, key, err) && change(fd, &taken.after, key, err) &&
           make_durable(fd, key, err);
}

/* Done: in the file that it was planned for, something stands as it would be left. */
bool localdir_restrict_done(struct connection *connection, const char *key, const char *version,
                            const char *text, bool *done, struct err *err)
{
    struct taken taken;
    struct grants now, back;
    struct place_version planned, there;
    struct connect_restored restored;
    own_arena struct arena arena = arena_new(work_max_bytes);
    const char *path = localdir_path(&arena, key);
    if (!path)
        return localdir_no_path(key, err);
    if (!localdir_version_read(version, &planned))
        return err_set(err, ERR_BROKEN, "%.200s: not a key and version of this connection", key);
    if (!read_text(text, key, &taken, err))
        return false;
    own_fd int fd = localdir_openat(connection, path, O_RDONLY);
    if (fd < 0)
        return err_errno(err, "opening %.200s", key);
    if (!place_version_of(fd, &there, err) || !grants_read(fd, &now, err))
        return false;
    back = now;
    if (!grants_restore(&taken.before, &taken.after, &back, &arena, &restored))
        return err_set(err, ERR_MEMORY, "out of memory");
    *done = there.device == planned.device && there.inode == planned.inode &&
            !grants_equal(&now, &back);
    return !*done || make_durable(fd, key, err);
}

bool localdir_unrestrict(struct connection *connection, const char *key, const char *version,
                         const char *text, bool look, struct arena *arena,
                         struct connect_restored *restored, struct err *err)
{
    struct taken taken;
    struct grants now, wanted;
    if (!read_text(text, key, &taken, err))
        return false;
    own_fd int fd = open_at(connection, localdir_path(arena, key), key, version, err);
    if (fd < 0 || !grants_read(fd, &now, err))
        return false;
    wanted = now;
    if (!grants_restore(&taken.before, &taken.after, &wanted, arena, restored))
        return err_set(err, ERR_MEMORY, "out of memory");
    if (look || !has_one_name(fd, key, err))
        return look;
    return (grants_equal(&now, &wanted) || change(fd, &wanted, key, err)) &&
           make_durable(fd, key, err);
}
