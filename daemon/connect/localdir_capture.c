#include "connect/localdir.h"
#include "connect/localdir_sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "connect/acl.h"

/* The kernel's own bounds (xattr(7)): XATTR_LIST_MAX and XATTR_SIZE_MAX. */
enum {
    list_max_bytes = 64 * 1024,
    value_max_bytes = 64 * 1024,
    frame_bytes = 32 * 1024,
    plain_entries = 3 /* owner, group, others: no ACL beside the mode */
};
static const int64_t ns_in_s = 1000000000;

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_kept(const char *name)
{
    return begins(name, "user.") || begins(name, "security.") || begins(name, "trusted.");
}

/* Capture ------------------------------------------------------------------------------------ */

struct capturing {
    int fd;
    uint64_t room; /* bytes of JSON that attributes may still take */
    struct arena *arena;
    json_t *json;
    json_t *xattrs, *left_out; /* borrowed from json */
    char *value;               /* value_max_bytes */
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

static bool leave_out(struct capturing *capturing, const char *name, const char *why)
{
    json_t *row = json_pack("{s:s, s:s}", "what", name, "why", why);
    return row && json_array_append_new(capturing->left_out, row) == 0;
}

/* The room that names left out take is small beside that of the attributes: the kernel's list of
 * all names is 64 KiB at most, and frame_bytes is kept free. */
static bool capture_value(struct capturing *capturing, const char *name, size_t length)
{
    uint64_t cost = strlen(name) + (length + 2) / 3 * 4 + 8;
    if (cost > capturing->room)
        return leave_out(capturing, name, "over capture_bytes");
    capturing->room -= cost;
    own_buf struct buf text = buf_new(2 * value_max_bytes);
    return buf_base64(&text, capturing->value, length) &&
           json_object_set_new(capturing->xattrs, name, json_string(buf_text(&text))) == 0;
}

static bool capture_xattr(struct capturing *capturing, const char *raw_name)
{
    const char *name = localdir_key(capturing->arena, raw_name);
    if (!name)
        return false;
    ssize_t length = fgetxattr(capturing->fd, raw_name, capturing->value, value_max_bytes);
    if (length < 0 && errno == ENODATA) /* taken away meanwhile */
        return true;
    return length < 0 ? leave_out(capturing, name, strerror(errno))
                      : capture_value(capturing, name, (size_t)length);
}

static bool capture_xattrs(struct capturing *capturing, struct err *err)
{
    own_free char *names = mem_alloc(list_max_bytes);
    if (!names)
        return out_of_memory(err);
    ssize_t length = flistxattr(capturing->fd, names, list_max_bytes);
    if (length < 0)
        return errno == ENOTSUP || err_errno(err, "listing attributes");
    for (const char *name = names; name < names + length; name += strlen(name) + 1)
        if (is_kept(name) && !capture_xattr(capturing, name))
            return out_of_memory(err);
    return true;
}

/* An ACL of three entries is the mode. */
static bool capture_acl(struct capturing *capturing, const struct acl *acl, struct err *err)
{
    char bytes[acl_max_bytes];
    if (acl->count <= plain_entries)
        return true;
    own_buf struct buf text = buf_new(2 * acl_max_bytes);
    return (buf_base64(&text, bytes, acl_bytes(acl, bytes)) &&
            json_object_set_new(capturing->json, "acl", json_string(buf_text(&text))) == 0) ||
           out_of_memory(err);
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * ns_in_s + time.tv_nsec;
}

/* The permission bits that the kernel shows for an ACL: the mask stands for the group. */
static mode_t bits_of(struct acl *acl)
{
    const struct acl_entry *owner = acl_find(acl, ACL_USER_OBJ, 0);
    const struct acl_entry *group = acl_find(acl, ACL_MASK, 0);
    const struct acl_entry *other = acl_find(acl, ACL_OTHER, 0);
    group = group ? group : acl_find(acl, ACL_GROUP_OBJ, 0);
    return (mode_t)owner->perm << 6 | (mode_t)group->perm << 3 | other->perm;
}

static json_t *begin(const struct stat *st, struct acl *acl)
{
    char mode[8];
    snprintf(mode, sizeof mode, "%04o", (unsigned)((st->st_mode & 07000) | bits_of(acl)));
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:{}, s:[]}", "mode", mode, "uid",
                     (json_int_t)st->st_uid, "gid", (json_int_t)st->st_gid, "atime_ns",
                     (json_int_t)nanoseconds(st->st_atim), "mtime_ns",
                     (json_int_t)nanoseconds(st->st_mtim), "xattrs", "left_out");
}

static bool finish(const struct capturing *capturing, uint64_t most_bytes, const char **json,
                   struct err *err)
{
    own_buf struct buf text = buf_new(most_bytes + frame_bytes);
    if (!json_write(capturing->json, &text))
        return out_of_memory(err);
    *json = arena_strdup(capturing->arena, buf_text(&text));
    return *json || out_of_memory(err);
}

bool localdir_capture_open(int fd, uint64_t most_bytes, const struct grants *was,
                           struct arena *arena, const char **json, struct err *err)
{
    struct stat st;
    struct grants grants;
    if (fstat(fd, &st) < 0)
        return err_errno(err, "looking at a file");
    if (!grants_read(fd, &grants, err))
        return false;
    if (was && was->uid == grants.uid && was->gid == grants.gid)
        grants = *was;
    own_free char *value = mem_alloc(value_max_bytes);
    own_json json_t *state = begin(&st, &grants.acl);
    if (!value || !state)
        return out_of_memory(err);
    struct capturing capturing = {.fd = fd,
                                  .room = most_bytes - frame_bytes,
                                  .arena = arena,
                                  .json = state,
                                  .xattrs = json_object_get(state, "xattrs"),
                                  .left_out = json_object_get(state, "left_out"),
                                  .value = value};
    return capture_acl(&capturing, &grants.acl, err) && capture_xattrs(&capturing, err) &&
           finish(&capturing, most_bytes, json, err);
}

bool localdir_capture(struct connection *connection, const char *key, const char *version,
                      const char *grants, struct arena *arena, const char **json, struct err *err)
{
    struct grants was;
    struct place_version wanted, now;
    const char *path = localdir_path(arena, key);
    if (!path)
        return localdir_no_path(key, err);
    if (!localdir_version_read(version, &wanted))
        return err_set(err, ERR_BROKEN, "%.200s: not a version of this connection", key);
    if (grants && *grants && !grants_parse(grants, &was))
        return err_set(err, ERR_BROKEN, "%.200s: not grants of this connection", key);
    own_fd int fd = localdir_openat(connection, path, O_RDONLY);
    if (fd < 0)
        return err_errno(err, "opening %.200s", key);
    if (!localdir_capture_open(fd, connection->limits->capture_bytes,
                               grants && *grants ? &was : NULL, arena, json, err) ||
        !place_version_of(fd, &now, err))
        return err_add(err, "%.200s", key);
    return place_version_equal(&wanted, &now) ||
           err_set(err, ERR_CONFLICT, "%.200s was changed meanwhile", key);
}

/* Apply --------------------------------------------------------------------------------------- */

struct state {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec times[2];
    struct acl acl;
    json_t *xattrs, *left_out; /* borrowed */
};

struct applying {
    int fd;
    const struct state *state;
    struct arena *arena;
    struct connect_restored *restored;
    bool owner, group; /* those of the captured state now */
    bool no_memory;
    int passing; /* errno of what another try may mend; 0 = none */
};

/* `why` NULL: it is as it was. */
static void tell(struct applying *applying, const char *what, const char *why)
{
    const char *copy = arena_strdup(applying->arena, what);
    const char *text = why ? arena_strdup(applying->arena, why) : NULL;
    applying->no_memory = applying->no_memory || !copy || (why && !text);
    applying->restored->parts[applying->restored->count++] =
        (struct connect_part){.what = copy, .lost = text};
}

/* What was answered to one call. A part is lost only for a reason that stays: a full or failing
 * disk is another try's matter. */
static int note(struct applying *applying, int answer)
{
    int why = answer < 0 ? errno : 0;
    if (why == EIO || why == ENOSPC || why == EDQUOT || why == ENOMEM)
        applying->passing = why;
    return why;
}

static void give_owner(struct applying *applying)
{
    const struct state *state = applying->state;
    int why = note(applying, fchown(applying->fd, state->uid, (gid_t)-1));
    int why_group = note(applying, fchown(applying->fd, (uid_t)-1, state->gid));
    struct stat now = {0};
    bool known = fstat(applying->fd, &now) == 0;
    applying->owner = known && now.st_uid == state->uid;
    applying->group = known && now.st_gid == state->gid;
    tell(applying, "owner", applying->owner ? NULL : strerror(why ? why : EIO));
    tell(applying, "group", applying->group ? NULL : strerror(why_group ? why_group : EIO));
}

/* Rights of the group class without the ACL: what the group itself had, never the mask. */
static mode_t group_bits(const struct applying *applying, struct acl *acl)
{
    const struct acl_entry *entry = acl_find(acl, ACL_GROUP_OBJ, 0);
    if (!applying->group)
        return 0;
    return entry ? (mode_t)(entry->perm & acl_mask(acl)) << 3 : applying->state->mode & S_IRWXG;
}

static mode_t safe_mode(const struct applying *applying, struct acl *acl)
{
    mode_t mode = applying->state->mode;
    mode = (mode & ~(mode_t)S_IRWXG) | group_bits(applying, acl);
    if (!applying->owner)
        mode &= ~(mode_t)S_ISUID;
    return applying->group ? mode : mode & ~(mode_t)S_ISGID;
}

static void tell_mode(struct applying *applying, mode_t wanted)
{
    struct stat now;
    if (fstat(applying->fd, &now) < 0)
        tell(applying, "mode", strerror(errno));
    else if ((now.st_mode & 07777) != wanted)
        tell(applying, "mode", "the file system keeps another one");
    else if (!applying->owner && (applying->state->mode & S_ISUID))
        tell(applying, "mode", "set-user-id is left out: the owner is another one");
    else if (!applying->group && (applying->state->mode & (S_IRWXG | S_ISGID)))
        tell(applying, "mode", "rights of the group are left out: the group is another one");
    else
        tell(applying, "mode", NULL);
}

/* An ACL that came from the folder's default is taken away first; the mode is narrow before the
 * ACL opens what it may. */
static void give_mode_and_acl(struct applying *applying)
{
    struct acl acl = applying->state->acl;
    const struct acl none = {0};
    struct err why = {0};
    mode_t mode = safe_mode(applying, &acl);
    struct acl_entry *group = acl_find(&acl, ACL_GROUP_OBJ, 0);
    if (group && !applying->group)
        group->perm = 0;
    bool bare = acl_write(applying->fd, &none, &why);
    int refused = bare ? note(applying, fchmod(applying->fd, mode)) : 0;
    if (!bare || refused) {
        tell(applying, "mode", bare ? strerror(refused) : why.text);
        if (acl.count)
            tell(applying, "acl", "the mode could not be set");
        return;
    }
    bool given = acl.count == 0 || acl_write(applying->fd, &acl, &why);
    if (acl.count && given)
        mode = (mode & ~(mode_t)S_IRWXG) | (applying->state->mode & S_IRWXG);
    tell_mode(applying, mode);
    if (acl.count)
        tell(applying, "acl", given ? NULL : why.text);
}

static void give_xattr(struct applying *applying, const char *name, const char *text)
{
    own_buf struct buf value = buf_new(value_max_bytes);
    const char *raw = localdir_path(applying->arena, name);
    if (!raw || !buf_base64_read(&value, text)) {
        applying->no_memory = true; /* the form was looked at before */
        return;
    }
    bool given = fsetxattr(applying->fd, raw, buf_text(&value), value.length, 0) == 0;
    tell(applying, name, given ? NULL : strerror(errno));
}

static void give_xattrs(struct applying *applying)
{
    const char *name;
    json_t *value, *row;
    size_t i;
    json_object_foreach(applying->state->xattrs, name, value)
        give_xattr(applying, name, json_string_value(value));
    json_array_foreach(applying->state->left_out, i, row)
        tell(applying, json_string_value(json_object_get(row, "what")),
             json_string_value(json_object_get(row, "why")));
}

static bool read_mode(const char *text, mode_t *mode)
{
    if (!text || strlen(text) != 4 || strspn(text, "01234567") != 4)
        return false;
    *mode = (mode_t)strtoul(text, NULL, 8);
    return true;
}

static struct timespec timespec_of(json_int_t ns)
{
    int64_t rest = ns % ns_in_s;
    rest += rest < 0 ? ns_in_s : 0;
    return (struct timespec){.tv_sec = (time_t)((ns - rest) / ns_in_s), .tv_nsec = rest};
}

static bool read_acl(const json_t *json, struct acl *acl)
{
    const char *text = json_string_value(json);
    own_buf struct buf bytes = buf_new(acl_max_bytes);
    acl->count = 0;
    return !json || (text && buf_base64_read(&bytes, text) &&
                     acl_parse(buf_text(&bytes), bytes.length, acl) && acl->count > 0);
}

/* Names are attributes of ours, values base64: all of it, before anything is done. */
static bool read_xattrs(struct state *state, struct arena *arena)
{
    const char *name;
    json_t *value, *row;
    size_t i;
    json_object_foreach(state->xattrs, name, value)
    {
        own_buf struct buf bytes = buf_new(value_max_bytes);
        const char *text = json_string_value(value);
        const char *raw = localdir_path(arena, name);
        if (!raw || !is_kept(raw) || !text || !buf_base64_read(&bytes, text))
            return false;
    }
    json_array_foreach(state->left_out, i,
                       row) if (!json_string_value(json_object_get(row, "what")) ||
                                !json_string_value(json_object_get(row, "why"))) return false;
    return json_is_object(state->xattrs) && json_is_array(state->left_out);
}

static bool read_id(const json_t *json, uint32_t *id)
{
    json_int_t value = json_integer_value(json);
    *id = (uint32_t)value;
    return json_is_integer(json) && value >= 0 && value < UINT32_MAX;
}

static bool read_state(json_t *json, struct state *state, struct arena *arena)
{
    const json_t *atime = json_object_get(json, "atime_ns");
    const json_t *mtime = json_object_get(json, "mtime_ns");
    state->xattrs = json_object_get(json, "xattrs");
    state->left_out = json_object_get(json, "left_out");
    state->times[0] = timespec_of(json_integer_value(atime));
    state->times[1] = timespec_of(json_integer_value(mtime));
    return json_is_integer(atime) && json_is_integer(mtime) &&
           read_id(json_object_get(json, "uid"), &state->uid) &&
           read_id(json_object_get(json, "gid"), &state->gid) &&
           read_mode(json_string_value(json_object_get(json, "mode")), &state->mode) &&
           read_acl(json_object_get(json, "acl"), &state->acl) && read_xattrs(state, arena);
}

bool localdir_apply(int fd, const char *json, struct arena *arena,
                    struct connect_restored *restored, struct err *err)
{
    struct state state = {0};
    own_json json_t *parsed = json_parse(json, strlen(json), err);
    *restored = (struct connect_restored){0};
    if (!parsed || !read_state(parsed, &state, arena))
        return err_set(err, ERR_CORRUPT, "the captured state cannot be read");
    size_t most = 8 + json_object_size(state.xattrs) + json_array_size(state.left_out);
    restored->parts = arena_alloc(arena, most, sizeof *restored->parts);
    if (!restored->parts)
        return out_of_memory(err);
    struct applying applying = {.fd = fd, .state = &state, .arena = arena, .restored = restored};
    give_owner(&applying);
    give_mode_and_acl(&applying);
    give_xattrs(&applying);
    int refused = note(&applying, futimens(fd, state.times));
    tell(&applying, "times", refused ? strerror(refused) : NULL);
    if (applying.passing)
        return err_set(err, ERR_IO, "giving a file what it had: %s", strerror(applying.passing));
    return !applying.no_memory || out_of_memory(err);
}
