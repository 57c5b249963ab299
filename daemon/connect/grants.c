#include "connect/grants.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/own.h"
#include "base/text.h"

static const struct {
    enum acl_tag tag;
    char letter;
    bool named;
} kinds[] = {{ACL_USER_OBJ, 'u', false}, {ACL_USER, 'u', true},  {ACL_GROUP_OBJ, 'g', false},
             {ACL_GROUP, 'g', true},     {ACL_MASK, 'm', false}, {ACL_OTHER, 'o', false}};
enum { kind_count = sizeof kinds / sizeof *kinds, all_rights = ACL_READ | ACL_WRITE | ACL_EXECUTE };

static bool is_named(const struct acl_entry *entry)
{
    return entry->tag == ACL_USER || entry->tag == ACL_GROUP;
}

/* Files ---------------------------------------------------------------------------------------- */

static void add(struct acl *acl, enum acl_tag tag, unsigned perm)
{
    acl->entries[acl->count++] =
        (struct acl_entry){.tag = (uint16_t)tag, .perm = (uint16_t)(perm & all_rights)};
}

bool grants_read(int fd, struct grants *grants, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, "looking at a file");
    grants->uid = st.st_uid;
    grants->gid = st.st_gid;
    if (!acl_read(fd, &grants->acl, err))
        return false;
    if (grants->acl.count)
        return true;
    add(&grants->acl, ACL_USER_OBJ, st.st_mode >> 6);
    add(&grants->acl, ACL_GROUP_OBJ, st.st_mode >> 3);
    add(&grants->acl, ACL_OTHER, st.st_mode);
    return true;
}

bool grants_write(int fd, const struct grants *grants, struct err *err)
{
    struct stat st;
    struct acl present;
    bool plain = grants->acl.count == 3;
    if (!plain)
        return acl_write(fd, &grants->acl, err);
    if (fstat(fd, &st) < 0)
        return err_errno(err, "looking at a file");
    if (!acl_read(fd, &present, err))
        return false;
    if (present.count) /* an ACL of three entries becomes the mode, and the ACL goes */
        return acl_write(fd, &grants->acl, err);
    mode_t mode = st.st_mode & 07000;
    for (size_t i = 0; i < 3; i++)
        mode |= (mode_t)grants->acl.entries[i].perm << (6 - 3 * i);
    return fchmod(fd, mode) == 0 || err_errno(err, "changing the mode");
}

static bool same_entry(const struct acl_entry *a, const struct acl_entry *b)
{
    return a->tag == b->tag && a->perm == b->perm && (!is_named(a) || a->id == b->id);
}

bool grants_equal(const struct grants *a, const struct grants *b)
{
    bool same = a->uid == b->uid && a->gid == b->gid && a->acl.count == b->acl.count;
    for (size_t i = 0; same && i < a->acl.count; i++)
        same = same_entry(&a->acl.entries[i], &b->acl.entries[i]);
    return same;
}

/* Text ----------------------------------------------------------------------------------------- */

static void print_entry(struct buf *text, const struct acl_entry *entry)
{
    size_t kind = 0;
    while (kind + 1 < kind_count && kinds[kind].tag != entry->tag)
        kind++;
    buf_printf(text, " %c:", kinds[kind].letter);
    if (is_named(entry))
        buf_printf(text, "%u", entry->id);
    buf_printf(text, ":%c%c%c", entry->perm & ACL_READ ? 'r' : '-',
               entry->perm & ACL_WRITE ? 'w' : '-', entry->perm & ACL_EXECUTE ? 'x' : '-');
}

const char *grants_text(const struct grants *grants, struct arena *arena)
{
    own_buf struct buf text = buf_new(grants_max_bytes);
    buf_printf(&text, "%u:%u", grants->uid, grants->gid);
    for (size_t i = 0; i < grants->acl.count; i++)
        print_entry(&text, &grants->acl.entries[i]);
    return text.failed ? NULL : arena_strdup(arena, buf_text(&text));
}

/* A decimal number that fits, up to `end`; *at moves behind it. */
static bool read_number(const char **at, char end, uint32_t *value)
{
    char *stop;
    if (**at < '0' || **at > '9')
        return false;
    unsigned long number = strtoul(*at, &stop, 10);
    if (*stop != end || number > UINT32_MAX || stop - *at > 10)
        return false;
    *value = (uint32_t)number;
    *at = stop + (end != '\0');
    return true;
}

static bool read_rights(const char **at, uint16_t *perm)
{
    static const char letters[] = "rwx";
    *perm = 0;
    for (size_t i = 0; i < 3; i++, (*at)++) {
        if (**at != letters[i] && **at != '-')
            return false;
        *perm = (uint16_t)(*perm | (**at == '-' ? 0 : ACL_READ >> i));
    }
    return true;
}

static bool read_entry(const char **at, struct acl_entry *entry)
{
    const char letter = **at;
    if (!letter || (*at)[1] != ':')
        return false;
    *at += 2;
    bool named = **at != ':';
    *entry = (struct acl_entry){0};
    for (size_t i = 0; i < kind_count; i++)
        if (kinds[i].letter == letter && kinds[i].named == named)
            entry->tag = (uint16_t)kinds[i].tag;
    if (!entry->tag || (named && !read_number(at, ':', &entry->id)))
        return false;
    *at += !named;
    return read_rights(at, &entry->perm);
}

bool grants_parse(const char *text, struct grants *grants)
{
    char bytes[acl_max_bytes];
    const char *at = text;
    struct acl acl = {0};
    if (!read_number(&at, ':', &grants->uid) || !read_number(&at, ' ', &grants->gid))
        return false;
    for (bool more = true; more; at += more) {
        if (acl.count == acl_max_entries || !read_entry(&at, &acl.entries[acl.count++]) ||
            (*at && *at != ' '))
            return false;
        more = *at == ' ';
    }
    return acl_parse(bytes, acl_bytes(&acl, bytes), &grants->acl);
}

/* Names ---------------------------------------------------------------------------------------- */

const char *grants_user(struct arena *arena, uid_t uid)
{
    char room[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found)
        return arena_strdup(arena, entry.pw_name);
    return arena_printf(arena, "uid:%u", (unsigned)uid);
}

const char *grants_group(struct arena *arena, gid_t gid)
{
    char room[8192];
    struct group entry, *found = NULL;
    if (getgrgid_r(gid, &entry, room, sizeof room, &found) == 0 && found)
        return arena_strdup(arena, entry.gr_name);
    return arena_printf(arena, "gid:%u", (unsigned)gid);
}

static const char *entry_name(const struct grants *grants, const struct acl_entry *entry,
                              struct arena *arena)
{
    switch (entry->tag) {
    case ACL_USER: return grants_user(arena, entry->id);
    case ACL_GROUP: return grants_group(arena, entry->id);
    case ACL_GROUP_OBJ: return grants_group(arena, grants->gid);
    default: return facts_exposure_word(FACTS_ORGANISATION);
    }
}

/* Narrowing ------------------------------------------------------------------------------------ */

static bool is_removed(const struct grants_wish *wish, const char *name, struct arena *arena,
                       bool *removed)
{
    const char *folded = name ? text_fold(arena, name) : NULL;
    *removed = false;
    for (size_t i = 0; folded && i < wish->remove_count; i++)
        *removed = *removed || glob_match(&wish->remove[i], folded);
    return folded != NULL;
}

/* No rights for what is removed by name. */
static bool remove_names(struct grants *grants, const struct grants_wish *wish, struct arena *arena)
{
    for (size_t i = 0; wish->remove_count && i < grants->acl.count; i++) {
        bool removed;
        struct acl_entry *entry = &grants->acl.entries[i];
        if (entry->tag == ACL_USER_OBJ || entry->tag == ACL_MASK)
            continue;
        if (!is_removed(wish, entry_name(grants, entry, arena), arena, &removed))
            return false;
        entry->perm = removed ? 0 : entry->perm;
    }
    return true;
}

bool grants_narrow(const struct grants *before, const struct grants_wish *wish, struct arena *arena,
                   struct grants *after)
{
    *after = *before;
    if (!remove_names(after, wish, arena))
        return false;
    struct acl *acl = &after->acl;
    if (wish->bounded && wish->to < FACTS_ORGANISATION)
        acl_find(acl, ACL_OTHER, 0)->perm = 0;
    if (!wish->bounded || wish->to >= FACTS_INTERNAL_PEOPLE)
        return true;
    size_t kept = 0;
    for (size_t i = 0; i < acl->count; i++)
        if (!is_named(&acl->entries[i]) && acl->entries[i].tag != ACL_MASK)
            acl->entries[kept++] = acl->entries[i];
    acl->count = kept;
    acl_find(acl, ACL_GROUP_OBJ, 0)->perm = 0;
    return true;
}

/* Restoring ------------------------------------------------------------------------------------ */

static const char changed_since[] = "was changed since";

struct restoring {
    struct grants *now;
    struct arena *arena;
    struct connect_restored *restored;
    bool no_memory;
};

static void tell(struct restoring *restoring, const char *what, const char *lost)
{
    restoring->no_memory = restoring->no_memory || !what;
    restoring->restored->parts[restoring->restored->count++] =
        (struct connect_part){.what = what, .lost = lost};
}

static const char *part_name(const struct restoring *restoring, const struct grants *before,
                             const struct acl_entry *entry)
{
    const char *name = entry_name(before, entry, restoring->arena);
    if (entry->tag == ACL_OTHER)
        return "others";
    return name ? arena_printf(restoring->arena, "%s %s", entry->tag == ACL_USER ? "user" : "group",
                               name)
                : NULL;
}

/* Where an entry belongs: by tag in the kernel's order, by id within one. */
static void insert(struct acl *acl, const struct acl_entry *entry)
{
    size_t at = 0;
    while (at < acl->count &&
           (acl->entries[at].tag < entry->tag ||
            (acl->entries[at].tag == entry->tag && acl->entries[at].id < entry->id)))
        at++;
    memmove(&acl->entries[at + 1], &acl->entries[at], (acl->count - at) * sizeof *entry);
    acl->entries[at] = *entry;
    acl->count++;
}

static void restore_entry(struct restoring *restoring, const struct grants *before,
                          const struct acl_entry *was, struct acl *left)
{
    struct acl *acl = &restoring->now->acl;
    const struct acl_entry *as_left = acl_find(left, (enum acl_tag)was->tag, was->id);
    struct acl_entry *is = acl_find(acl, (enum acl_tag)was->tag, was->id);
    if (as_left && as_left->perm == was->perm)
        return; /* was not taken */
    bool back = is && is->perm == was->perm;
    bool untouched = is ? as_left && is->perm == as_left->perm : !as_left;
    bool full = !is && acl->count == acl_max_entries;
    const char *lost = back || (untouched && !full) ? NULL : changed_since;
    if (!lost && is)
        is->perm = was->perm;
    else if (!lost)
        insert(acl, was);
    tell(restoring, part_name(restoring, before, was), lost);
}

/* Entries that are named need a mask; one that somebody has set since stays. */
static void restore_mask(struct restoring *restoring, struct acl *was)
{
    struct acl *acl = &restoring->now->acl;
    const struct acl_entry *mask = acl_find(was, ACL_MASK, 0);
    const struct acl_entry *is = acl_find(acl, ACL_MASK, 0);
    bool named = false;
    for (size_t i = 0; i < acl->count; i++)
        named = named || is_named(&acl->entries[i]);
    if (!is && named && mask)
        insert(acl, mask);
    else if (is && mask && is->perm != mask->perm)
        tell(restoring, "mask", changed_since);
}

bool grants_restore(const struct grants *before, const struct grants *after, struct grants *now,
                    struct arena *arena, struct connect_restored *restored)
{
    struct acl was = before->acl, left = after->acl;
    struct restoring restoring = {.now = now, .arena = arena, .restored = restored};
    *restored = (struct connect_restored){
        .parts = arena_alloc(arena, was.count + 2, sizeof *restored->parts)};
    if (!restored->parts)
        return false;
    if (now->uid != before->uid || now->gid != before->gid) {
        tell(&restoring, "sharing", "the file belongs to another user or group now");
        return true;
    }
    for (size_t i = 0; i < was.count; i++)
        if (was.entries[i].tag != ACL_USER_OBJ && was.entries[i].tag != ACL_MASK)
            restore_entry(&restoring, before, &was.entries[i], &left);
    restore_mask(&restoring, &was);
    return !restoring.no_memory;
}
