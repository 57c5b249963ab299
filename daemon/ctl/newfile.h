/*
 * newfile: a file that gets its name only when it is whole. Until then it has none (O_TMPFILE), so
 * that a command that fails or is killed leaves nothing, and nobody opens half of a plaintext.
 * It never takes the place of another file.
 * Owns: the descriptor and, where a file system has no unnamed files, a temporary name.
 */
#ifndef LABELD_CTL_NEWFILE_H
#define LABELD_CTL_NEWFILE_H
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct newfile {
    int fd; /* readable and writable; mode 0600 until newfile_keep */
    char path[PATH_MAX];
    char temporary[PATH_MAX]; /* "": it has no name */
};

#define own_newfile __attribute__((cleanup(newfile_drop)))

/* Begin the file that will be `path`. ERR_TAKEN: that name is there already. */
bool newfile_open(struct newfile *file, const char *path, struct err *err);

/* A file that never gets a name, in TMPDIR or /tmp: for what goes to standard output. */
bool newfile_nameless(struct newfile *file, struct err *err);

/* Set its mode, sync it, and give it its name, durably. ERR_TAKEN: somebody took it meanwhile. */
bool newfile_keep(struct newfile *file, mode_t mode, struct err *err);

/* Give it up, or close it when it was kept. */
void newfile_drop(struct newfile *file);

#endif
