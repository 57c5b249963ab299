#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/place_attributes.h"
#include "base/place_parts.h"

enum { proc_path_bytes = 64 };
static const int64_t back_wait_us = 20000; /* after an exchange is taken back */

struct place {
    int folder; /* borrowed */
    int file;   /* borrowed: the examined file */
    int output;
    char *name;
    char private_name[PLACE_PRIVATE_BYTES];
    bool leased;    /* nobody has had the file open for writing since place_open */
    bool named;     /* the private name exists */
    bool exchanged; /* the private name leads to the displaced file */
    struct place_version examined, made;
    struct timespec changed; /* ctime when the attributes were copied */
};

static int exchange_names(int folder, const char *a, const char *b)
{
    return renameat2(folder, a, folder, b, RENAME_EXCHANGE);
}

/* Begin -------------------------------------------------------------------------------------- */

static int open_output(struct place *place)
{
    int fd = openat(place->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    fd = openat(place->folder, place->private_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    place->named = fd >= 0;
    return fd;
}

static bool changed(const struct place *place, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "%s was changed meanwhile", place->name);
}

/* The bytes that were examined, under their name, and no writer has come since the lease. */
static bool still_examined(const struct place *place, struct err *err)
{
    struct place_version now;
    if (!place_version_of(place->file, &now, err))
        return err_add(err, "%s", place->name);
    if (!place_version_equal(&now, &place->examined) ||
        !place_leads_to_inode(place->folder, place->name, &place->examined) ||
        !place_lease_held(place->file))
        return changed(place, err);
    return true;
}

struct place *place_open(int folder, const char *name, int file,
                         const struct place_version *examined, struct err *err)
{
    if (!place_may_change(file, name, err))
        return NULL;
    struct place *place = mem_zalloc(1, sizeof *place);
    if (!place || !(place->name = mem_strdup(name))) {
        mem_free(place);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    place->folder = folder;
    place->file = file;
    place->examined = *examined;
    place->output = -1;
    place->leased = place_lease_take(file, name, err);
    if (!place->leased || !still_examined(place, err)) {
        place_close(place);
        return NULL;
    }
    if (!place_private_make(place->private_name) || (place->output = open_output(place)) < 0) {
        err_errno(err, "making a file beside %s", name);
        place_close(place);
        return NULL;
    }
    return place;
}

int place_output(const struct place *place)
{
    return place->output;
}

const char *place_private_name(const struct place *place)
{
    return place->private_name;
}

/* A new mtime that differs from the old one also on coarse file systems. */
static bool touch(struct place *place)
{
    int64_t now_ns = clock_now_us() * 1000;
    if (now_ns == place->examined.mtime_ns)
        now_ns++;
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = now_ns / 1000000000, .tv_nsec = now_ns % 1000000000},
    };
    return futimens(place->output, times) == 0;
}

bool place_ready(struct place *place, struct place_version *made, struct err *err)
{
    struct stat st;
    if (fstat(place->file, &st) < 0)
        return err_errno(err, "looking at %s", place->name);
    place->changed = st.st_ctim;
    if (!place_attributes_copy(place->file, place->output, err))
        return err_add(err, "%s", place->name);
    if (!touch(place) || fsync(place->output) < 0)
        return err_errno(err, "writing the new %s", place->name);
    if (!place_version_of(place->output, &place->made, err))
        return false;
    *made = place->made;
    return true;
}

/* Exchange ----------------------------------------------------------------------------------- */

static bool link_private(struct place *place, struct err *err)
{
    char path[proc_path_bytes];
    if (place->named)
        return true;
    snprintf(path, sizeof path, "/proc/self/fd/%d", place->output);
    if (linkat(AT_FDCWD, path, place->folder, place->private_name, AT_SYMLINK_FOLLOW) < 0)
        return err_errno(err, "naming the new %s", place->name);
    place->named = true;
    return true;
}

/* Our own file has lost the name again. Somebody may have opened it while it had it, so it is
 * looked at like any displaced file before it goes. Always false: the edit is in place again. */
static bool remove_ours(int folder, const char *name, const char *private_name,
                        const struct place_version *made, struct err *err)
{
    struct err why = {0};
    clock_sleep_us(back_wait_us);
    own_fd int ours = openat(folder, private_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool leased = ours >= 0 && place_lease_wait(ours, name, &why);
    if (!leased || !place_leads_to(folder, private_name, made))
        return place_keep_both(folder, name, private_name, err);
    if (unlinkat(folder, private_name, 0) < 0)
        return err_errno(err, "removing %s", private_name);
    return err_set(err, ERR_CONFLICT, "%s was changed meanwhile", name);
}

/* The name leads to our new file and the private name to an edit that must not be lost: give it
 * the name back. If the name has gone to yet another edit meanwhile, that one is newer. */
static bool put_back(int folder, const char *name, const char *private_name,
                     const struct place_version *made, struct err *err)
{
    if (exchange_names(folder, private_name, name) < 0) {
        if (errno == ENOENT && renameat2(folder, private_name, folder, name, RENAME_NOREPLACE) == 0)
            return err_set(err, ERR_CONFLICT, "%s was changed meanwhile", name);
        return err_errno(err, "putting %s back", name);
    }
    if (place_leads_to(folder, private_name, made))
        return remove_ours(folder, name, private_name, made, err);
    if (exchange_names(folder, private_name, name) < 0)
        return err_errno(err, "putting %s back", name);
    return place_keep_both(folder, name, private_name, err);
}

/* The change time tells of any change of attributes since they were copied; afterwards the
 * exchange itself sets it. */
static bool same_attributes(const struct place *place, struct err *err)
{
    struct stat st;
    if (fstat(place->file, &st) < 0)
        return err_errno(err, "looking at %s", place->name);
    if (st.st_ctim.tv_sec != place->changed.tv_sec || st.st_ctim.tv_nsec != place->changed.tv_nsec)
        return changed(place, err);
    return true;
}

/* Under the lease: exchange, and look at once whether the displaced file is the examined one. */
static bool exchange_leased(struct place *place, struct err *err)
{
    if (!still_examined(place, err) || !same_attributes(place, err))
        return false;
    if (exchange_names(place->folder, place->private_name, place->name) < 0)
        return errno == ENOENT ? changed(place, err) : err_errno(err, "exchanging %s", place->name);
    bool same = place_leads_to(place->folder, place->private_name, &place->examined) &&
                place_lease_held(place->file);
    close(own_take_fd(&place->output)); /* a lease on our own file needs that nobody writes */
    if (same) {
        place->exchanged = true;
        return true;
    }
    put_back(place->folder, place->name, place->private_name, &place->made, err);
    place->named = false; /* whatever has the private name now is not ours to remove */
    return false;
}

bool place_exchange(struct place *place, struct err *err)
{
    bool ok = link_private(place, err) && exchange_leased(place, err);
    place_lease_drop(place->file); /* writers that were parked go on, with the displaced file */
    place->leased = false;
    if (ok && fsync(place->folder) < 0)
        return err_errno(err, "writing the folder of %s", place->name);
    return ok;
}

/* Settle ------------------------------------------------------------------------------------- */

bool place_settle(struct place *place, int64_t wait_us, struct err *err)
{
    struct err why = {0};
    clock_sleep_us(wait_us);
    if (!place->exchanged)
        return true;
    if (!place_lease_wait(place->file, place->name, &why))
        return err_set(err, why.kind, "%s", why.text);
    struct place_version now;
    bool same =
        place_version_of(place->file, &now, err) && place_version_equal(&now, &place->examined);
    bool ok = same ? unlinkat(place->folder, place->private_name, 0) == 0 ||
                         err_errno(err, "removing the displaced %s", place->name)
                   : put_back(place->folder, place->name, place->private_name, &place->made, err);
    place_lease_drop(place->file);
    place->named = place->exchanged = false;
    return ok;
}

void place_close(struct place *place)
{
    if (!place)
        return;
    if (place->leased)
        place_lease_drop(place->file);
    if (place->named && !place->exchanged &&
        place_leads_to_inode(place->folder, place->private_name, &place->made))
        unlinkat(place->folder, place->private_name, 0);
    else if (place->named && !place->exchanged && place->output >= 0) {
        struct place_version own;
        if (place_version_of(place->output, &own, NULL) &&
            place_leads_to_inode(place->folder, place->private_name, &own))
            unlinkat(place->folder, place->private_name, 0);
    }
    if (place->output >= 0)
        close(place->output);
    mem_free(place->name);
    mem_free(place);
}

/* Recovery ----------------------------------------------------------------------------------- */

/* The exchange has happened: remove the displaced file, or give an edit of it the name back. */
static bool recover_exchanged(int folder, const char *name, const char *private_name,
                              const struct place_version *examined,
                              const struct place_version *made, bool *placed, struct err *err)
{
    own_fd int displaced =
        openat(folder, private_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct place_version now;
    struct err why = {0};
    if (displaced < 0)
        return err_errno(err, "opening %s", private_name);
    if (!place_lease_wait(displaced, name, &why))
        return err_set(err, why.kind, "%s", why.text);
    bool same = place_version_of(displaced, &now, err) && place_version_equal(&now, examined);
    bool ours = place_leads_to_inode(folder, name, made);
    bool ok = true;
    if (same) {
        *placed = ours;
        ok = unlinkat(folder, private_name, 0) == 0 || err_errno(err, "removing %s", private_name);
    } else if (put_back(folder, name, private_name, made, &why) || why.kind == ERR_CONFLICT) {
        *placed = false;
    } else {
        ok = err_set(err, why.kind, "%s", why.text);
    }
    place_lease_drop(displaced);
    return ok;
}

bool place_recover(int folder, const char *name, const char *private_name,
                   const struct place_version *examined, const struct place_version *made,
                   bool *placed, struct err *err)
{
    struct place_version there;
    *placed = false;
    if (!place_version_at(folder, private_name, &there)) {
        *placed = place_leads_to_inode(folder, name, made);
        return true;
    }
    if (there.device == made->device && there.inode == made->inode)
        return unlinkat(folder, private_name, 0) == 0 ||
               err_errno(err, "removing %s", private_name);
    return recover_exchanged(folder, name, private_name, examined, made, placed, err);
}

/* Probe -------------------------------------------------------------------------------------- */

static bool probe_pair(int folder, const char *a, const char *b, int fd,
                       struct place_abilities *abilities)
{
    own_fd int other = openat(folder, b, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (other < 0)
        return false;
    own_fd int reader = openat(folder, a, O_RDONLY | O_CLOEXEC);
    close(fd); /* a lease needs that nobody writes */
    abilities->leases = reader >= 0 && fcntl(reader, F_SETLEASE, F_RDLCK) == 0;
    if (abilities->leases)
        place_lease_drop(reader);
    abilities->exchange = exchange_names(folder, a, b) == 0;
    abilities->xattrs = place_attributes_possible(other);
    return true;
}

bool place_probe(int folder, struct place_abilities *abilities, struct err *err)
{
    char a[PLACE_PRIVATE_BYTES], b[PLACE_PRIVATE_BYTES];
    *abilities = (struct place_abilities){0};
    if (!place_private_make(a) || !place_private_make(b))
        return err_errno(err, "making a name");
    own_fd int unnamed = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    abilities->tmpfile = unnamed >= 0;
    int fd = openat(folder, a, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "making a scratch file");
    bool ok = probe_pair(folder, a, b, fd, abilities);
    if (!ok) {
        err_errno(err, "making a scratch file");
        close(fd);
    }
    unlinkat(folder, a, 0);
    unlinkat(folder, b, 0);
    return ok;
}
