/* scratch: a folder for one test, removed with everything in it. */
#ifndef LABELD_TESTS_SCRATCH_H
#define LABELD_TESTS_SCRATCH_H
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char path[64];
    int folder;
};

static inline struct scratch scratch_open(void)
{
    struct scratch scratch = {.path = "/tmp/labeld-test-XXXXXX", .folder = -1};
    if (mkdtemp(scratch.path))
        scratch.folder = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return scratch;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int kind,
                                     struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void scratch_close(struct scratch *scratch)
{
    close(scratch->folder);
    nftw(scratch->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_write(const struct scratch *scratch, const char *name,
                                 const char *content)
{
    int fd = openat(scratch->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, content, strlen(content)) < 0)
        perror(name);
    if (fd >= 0)
        close(fd);
}

static inline const char *scratch_read(const struct scratch *scratch, const char *name,
                                       char room[static 256])
{
    memset(room, 0, 256);
    int fd = openat(scratch->folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, room, 255) < 0)
        snprintf(room, 256, "(no %s)", name);
    if (fd >= 0)
        close(fd);
    return room;
}

#endif
