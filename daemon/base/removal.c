#include "base/removal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/place_parts.h"

struct removal {
    int folder, file; /* borrowed */
    char *name;
    char private_name[PLACE_PRIVATE_BYTES];
    bool leased;
    struct place_version examined;
};

static bool changed(const char *name, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "%s was changed meanwhile", name);
}

static bool still_examined(const struct removal *removal, struct err *err)
{
    struct place_version now;
    if (!place_version_of(removal->file, &now, err))
        return err_add(err, "%s", removal->name);
    if (!place_version_equal(&now, &removal->examined) ||
        !place_leads_to_inode(removal->folder, removal->name, &removal->examined) ||
        !place_lease_held(removal->file))
        return changed(removal->name, err);
    return true;
}

struct removal *removal_open(int folder, const char *name, int file,
                             const struct place_version *examined, struct err *err)
{
    if (!place_may_change(file, name, err))
        return NULL;
    struct removal *removal = mem_zalloc(1, sizeof *removal);
    if (!removal || !(removal->name = mem_strdup(name)) ||
        !place_private_make(removal->private_name)) {
        removal_close(removal);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    removal->folder = folder;
    removal->file = file;
    removal->examined = *examined;
    removal->leased = place_lease_take(file, name, err);
    if (!removal->leased || !still_examined(removal, err)) {
        removal_close(removal);
        return NULL;
    }
    return removal;
}

const char *removal_private_name(const struct removal *removal)
{
    return removal->private_name;
}

/* What has the private name is not what was meant: its name back, unless that has gone to
 * something newer. Always false. */
static bool give_back(int folder, const char *name, const char *private_name, struct err *err)
{
    if (renameat2(folder, private_name, folder, name, RENAME_NOREPLACE) == 0)
        return changed(name, err);
    if (errno == EEXIST)
        return place_keep_both(folder, name, private_name, err);
    return err_errno(err, "giving %s its name back", name);
}

static bool take_leased(struct removal *removal, struct err *err)
{
    if (!still_examined(removal, err))
        return false;
    if (renameat2(removal->folder, removal->name, removal->folder, removal->private_name,
                  RENAME_NOREPLACE) < 0)
        return errno == ENOENT ? changed(removal->name, err)
                               : err_errno(err, "taking %s away", removal->name);
    if (place_leads_to(removal->folder, removal->private_name, &removal->examined) &&
        place_lease_held(removal->file))
        return true;
    return give_back(removal->folder, removal->name, removal->private_name, err);
}

bool removal_take(struct removal *removal, struct err *err)
{
    bool ok = take_leased(removal, err);
    place_lease_drop(removal->file); /* writers that were parked go on, with the private name */
    removal->leased = false;
    if (ok && fsync(removal->folder) < 0)
        return err_errno(err, "writing the folder of %s", removal->name);
    return ok;
}

void removal_close(struct removal *removal)
{
    if (!removal)
        return;
    if (removal->leased)
        place_lease_drop(removal->file);
    mem_free(removal->name);
    mem_free(removal);
}

/* Under the lease: nobody writes now, so what is compared is what is unlinked. */
static bool settle_leased(int folder, const char *name, const char *private_name, int file,
                          const struct place_version *examined, const struct removal_check *check,
                          enum removal_end *end, struct err *err)
{
    struct err why = {0};
    struct place_version now;
    if (!place_version_of(file, &now, err))
        return false;
    bool same = place_version_equal(&now, examined) && check->same(check->context, file, &why);
    if (!same && why.kind != ERR_NONE)
        return err_set(err, why.kind, "%s", why.text);
    if (same) {
        *end = REMOVAL_DONE;
        if (unlinkat(folder, private_name, 0) < 0)
            return err_errno(err, "removing %s", private_name);
        return fsync(folder) == 0 || err_errno(err, "writing the folder of %s", name);
    }
    *end = REMOVAL_UNDONE;
    give_back(folder, name, private_name, err);
    return err->kind == ERR_CONFLICT;
}

bool removal_settle(int folder, const char *name, const char *private_name,
                    const struct place_version *examined, const struct removal_check *check,
                    enum removal_end *end, struct err *err)
{
    own_fd int file = openat(folder, private_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) {
        *end = place_leads_to_inode(folder, name, examined) ? REMOVAL_NOT_MADE : REMOVAL_DONE;
        return true;
    }
    if (file < 0)
        return err_errno(err, "opening %s", private_name);
    if (!place_lease_wait(file, name, err))
        return false;
    bool ok = settle_leased(folder, name, private_name, file, examined, check, end, err);
    place_lease_drop(file);
    return ok;
}
