#include "ctl/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

static bool taken(const char *path, struct err *err)
{
    return err_set(err, ERR_TAKEN, "%s is there already, and is not overwritten", path);
}

static bool folder_of(const char *path, char folder[PATH_MAX])
{
    char copy[PATH_MAX];
    return snprintf(copy, sizeof copy, "%s", path) < (int)sizeof copy &&
           snprintf(folder, PATH_MAX, "%s", dirname(copy)) < PATH_MAX;
}

/* Without unnamed files: one that only its owner reads, beside where it will be. */
static bool open_named(struct newfile *file, struct err *err)
{
    if (snprintf(file->temporary, sizeof file->temporary, "%s.labelctl-XXXXXX", file->path) >=
        (int)sizeof file->temporary)
        return err_set(err, ERR_LIMIT, "%s: the path is too long", file->path);
    file->fd = mkostemp(file->temporary, O_CLOEXEC);
    if (file->fd < 0)
        file->temporary[0] = '\0';
    return file->fd >= 0 || err_errno(err, "making %s", file->path);
}

bool newfile_open(struct newfile *file, const char *path, struct err *err)
{
    char folder[PATH_MAX];
    struct stat st;
    *file = (struct newfile){.fd = -1};
    if (snprintf(file->path, sizeof file->path, "%s", path) >= (int)sizeof file->path ||
        !folder_of(path, folder))
        return err_set(err, ERR_LIMIT, "%s: the path is too long", path);
    if (lstat(path, &st) == 0)
        return taken(path, err);
    file->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        return true;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return err_errno(err, "making %s", path);
    return open_named(file, err);
}

bool newfile_nameless(struct newfile *file, struct err *err)
{
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/tmp";
    *file = (struct newfile){.fd = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600)};
    if (file->fd >= 0)
        return true;
    snprintf(file->path, sizeof file->path, "%s/spool", folder);
    if (!open_named(file, err))
        return err_add(err, "making a file in %s (TMPDIR)", folder);
    unlink(file->temporary);
    file->temporary[0] = '\0';
    return true;
}

/* A second name for it that is not there yet. False with errno. */
static bool give_name(const struct newfile *file)
{
    char self[64];
    if (file->temporary[0]) /* RENAME_NOREPLACE, where links are not known either */
        return link(file->temporary, file->path) == 0 ||
               (errno == EPERM &&
                renameat2(AT_FDCWD, file->temporary, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0);
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0;
}

static bool sync_folder(const struct newfile *file, struct err *err)
{
    char folder[PATH_MAX];
    own_fd int fd =
        folder_of(file->path, folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return (fd >= 0 && fsync(fd) == 0) || err_errno(err, "writing %s", file->path);
}

bool newfile_keep(struct newfile *file, mode_t mode, struct err *err)
{
    if (fchmod(file->fd, mode) < 0 || fsync(file->fd) < 0)
        return err_errno(err, "writing %s", file->path);
    if (!give_name(file))
        return errno == EEXIST ? taken(file->path, err) : err_errno(err, "making %s", file->path);
    return sync_folder(file, err);
}

void newfile_drop(struct newfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary[0])
        unlink(file->temporary);
    file->fd = -1;
    file->temporary[0] = '\0';
}
