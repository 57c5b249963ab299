/*
 * watches: which inotify watch stands for which folder.
 * Owns: the inotify descriptor and the folders' paths.
 */
#ifndef LABELD_CONNECT_WATCHES_H
#define LABELD_CONNECT_WATCHES_H
#include "base/err.h"
#include "connect/localdir.h"

struct watches {
    int inotify;
    char **paths; /* by watch number; NULL = none */
    size_t size;
};

bool watches_open(struct watches *watches, struct err *err);
void watches_close(struct watches *watches);

/* Watch the folder at a raw path. ERR_LIMIT: the user's watches are used up. */
bool watches_add(struct watches *watches, const struct connection *connection, const char *path,
                 struct err *err);

/* The path of a watch, or NULL. */
const char *watches_path(const struct watches *watches, int number);

/* The kernel has dropped a watch. */
void watches_forget(struct watches *watches, int number);

/* A folder has a new path: it and all below it. */
bool watches_move(struct watches *watches, const char *from, const char *to);

/* A folder has left the tree: stop watching it and all below it. */
void watches_drop(struct watches *watches, const char *path);

#endif
