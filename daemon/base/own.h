/*
 * own: declarations that clean up after themselves when they leave their scope.
 * `own_fd int fd = ...` closes, `own_free char *p = ...` frees, `own_file FILE *f` closes,
 * `own_dir DIR *d` closes. To hand ownership on: own_take_fd(&fd), own_take(&pointer).
 */
#ifndef LABELD_BASE_OWN_H
#define LABELD_BASE_OWN_H
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

static inline void own_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void own_free_pointer(void *pointer)
{
    mem_free(*(void **)pointer);
}

static inline void own_close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static inline void own_close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* Take the descriptor out of an own_fd: the caller closes it from now on. */
static inline int own_take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Take the pointer out of an own_free: the caller frees it from now on. */
#define own_take(pointer)                                                                          \
    __extension__({                                                                                \
        __typeof__(*(pointer)) own_taken_ = *(pointer);                                            \
        *(pointer) = NULL;                                                                         \
        own_taken_;                                                                                \
    })

#define own_fd   __attribute__((cleanup(own_close_fd)))
#define own_free __attribute__((cleanup(own_free_pointer)))
#define own_file __attribute__((cleanup(own_close_file)))
#define own_dir  __attribute__((cleanup(own_close_dir)))

#endif
