#include "vault/vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

enum { folder_mode = 0700, file_mode = 0600, name_bytes = 40, proc_path_bytes = 64 };

struct vault {
    int folder;
    char *path;
};

static void name_of(int64_t entry, char name[static name_bytes])
{
    snprintf(name, name_bytes, "%lld.age", (long long)entry);
}

static bool is_private(struct vault *vault, struct err *err)
{
    struct stat st;
    if (fstat(vault->folder, &st) < 0)
        return err_errno(err, "looking at the vault %s", vault->path);
    if (st.st_mode & 077)
        return err_set(err, ERR_REFUSED,
                       "the vault %s may be read by others (mode %04o): chmod 0700 it", vault->path,
                       (unsigned)st.st_mode & 07777);
    return true;
}

static bool open_folder(struct vault *vault, struct err *err)
{
    if (mkdir(vault->path, folder_mode) < 0 && errno != EEXIST)
        return err_errno(err, "making the vault %s", vault->path);
    vault->folder = open(vault->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (vault->folder < 0)
        return err_errno(err, "opening the vault %s", vault->path);
    return is_private(vault, err);
}

struct vault *vault_open(const char *path, struct err *err)
{
    struct vault *vault = mem_zalloc(1, sizeof *vault);
    if (!vault || !(vault->path = mem_strdup(path))) {
        mem_free(vault);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    vault->folder = -1;
    if (open_folder(vault, err))
        return vault;
    vault_close(vault);
    return NULL;
}

void vault_close(struct vault *vault)
{
    if (!vault)
        return;
    if (vault->folder >= 0)
        close(vault->folder);
    mem_free(vault->path);
    mem_free(vault);
}

int vault_create(struct vault *vault, struct err *err)
{
    int fd = openat(vault->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, file_mode);
    if (fd < 0)
        err_errno(err, "making a file in the vault %s", vault->path);
    return fd;
}

static bool name_it(struct vault *vault, int fd, const char *name, struct err *err)
{
    char path[proc_path_bytes];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, path, vault->folder, name, AT_SYMLINK_FOLLOW) == 0)
        return true;
    if (errno == EEXIST && unlinkat(vault->folder, name, 0) == 0 &&
        linkat(AT_FDCWD, path, vault->folder, name, AT_SYMLINK_FOLLOW) == 0)
        return true;
    return err_errno(err, "naming %s in the vault %s", name, vault->path);
}

bool vault_keep(struct vault *vault, int fd, int64_t entry, struct err *err)
{
    char name[name_bytes];
    name_of(entry, name);
    if (fsync(fd) < 0)
        return err_errno(err, "writing %s in the vault %s", name, vault->path);
    if (!name_it(vault, fd, name, err))
        return false;
    return fsync(vault->folder) == 0 || err_errno(err, "writing the vault %s", vault->path);
}

int vault_read(struct vault *vault, int64_t entry, struct err *err)
{
    char name[name_bytes];
    name_of(entry, name);
    int fd = openat(vault->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        err_errno(err, "opening %s in the vault %s", name, vault->path);
    return fd;
}

bool vault_remove(struct vault *vault, int64_t entry, struct err *err)
{
    char name[name_bytes];
    name_of(entry, name);
    if (unlinkat(vault->folder, name, 0) < 0 && errno != ENOENT)
        return err_errno(err, "removing %s from the vault %s", name, vault->path);
    return fsync(vault->folder) == 0 || err_errno(err, "writing the vault %s", vault->path);
}

/* "17.age" */
static bool read_name(const char *name, int64_t *entry)
{
    char again[name_bytes];
    *entry = strtoll(name, NULL, 10);
    name_of(*entry, again);
    return *entry > 0 && strcmp(name, again) == 0;
}

bool vault_list(struct vault *vault, void (*copy)(void *context, int64_t entry), void *context,
                struct err *err)
{
    int fd = openat(vault->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        err_errno(err, "listing the vault %s", vault->path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    int64_t entry;
    for (struct dirent *one; (one = readdir(folder));)
        if (read_name(one->d_name, &entry))
            copy(context, entry);
    closedir(folder);
    return true;
}

bool vault_aside(struct vault *vault, int64_t entry, struct err *err)
{
    char name[name_bytes], aside[2 * name_bytes];
    name_of(entry, name);
    snprintf(aside, sizeof aside, "%lld.unknown-%lld.age", (long long)entry,
             (long long)clock_now_us());
    if (renameat2(vault->folder, name, vault->folder, aside, RENAME_NOREPLACE) < 0)
        return err_errno(err, "moving %s aside in the vault %s", name, vault->path);
    return fsync(vault->folder) == 0 || err_errno(err, "writing the vault %s", vault->path);
}

bool vault_room(struct vault *vault, uint64_t *bytes, struct err *err)
{
    struct statvfs room;
    if (fstatvfs(vault->folder, &room) < 0)
        return err_errno(err, "looking at the vault %s", vault->path);
    *bytes = (uint64_t)room.f_bavail * room.f_frsize;
    return true;
}
