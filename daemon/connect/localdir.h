/*
 * localdir: the connector of kind `directory`, shared between its parts.
 * Its keys: localdir_key.h.
 */
#ifndef LABELD_CONNECT_LOCALDIR_H
#define LABELD_CONNECT_LOCALDIR_H
#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/place.h"
#include "connect/connector.h"
#include "connect/localdir_key.h"
#include "policy/glob.h"

struct connection {
    struct arena arena; /* texts of the settings */
    const char *name, *path;
    atomic_int root;       /* -1 while the folder is not there; then it is looked for */
    atomic_int root_errno; /* why it is not */
    int spool;             /* folder, or -1 */
    uint64_t memory_max;
    int64_t poll_us;
    const struct limits *limits;
    struct glob *exclude;
    size_t exclude_count;
    const char **folders; /* as configured: hidden_given hidden ones, then the public ones */
    size_t hidden_given, public_given;
    const char **hidden; /* relative to the root, "" = the root itself */
    size_t hidden_count;
    const char **public_roots;
    size_t public_root_count;
    struct place_abilities abilities;
    bool abilities_known;
    atomic_bool polling;    /* watches are exhausted */
    atomic_uint unreadable; /* folders that the last walk could not list */
};

/* localdir.c ---------------------------------------------------------------------------------- */

/* Open the root, if it is there now. False: not yet (root_errno), or ERR_CONFIG, ERR_MEMORY. */
bool localdir_open_root(struct connection *connection, struct err *err);

/* localdir_names.c ---------------------------------------------------------------------------- */

/* Whether a name can be an item: no temporary, lock, backup or own file (README lists them). */
bool localdir_is_item_name(const char *name);

/* Whether a raw path is excluded by a glob or lies in a hidden folder. `folder`: it is one. */
bool localdir_is_excluded(const struct connection *connection, const char *path, bool folder);

/* localdir_open.c ----------------------------------------------------------------------------- */

/* Open below the root without following any link out of it or at all. -1 with errno. */
int localdir_openat(const struct connection *connection, const char *path, int flags);

/* The folder of a raw path, opened; *name points at its last part. `path` is written to and put
 * back. -1 with errno. */
int localdir_open_folder(const struct connection *connection, char *path, const char **name);

/* Fill a stat for an item at a raw path. False: ERR_GONE, or memory. */
bool localdir_stat(const struct connection *connection, const char *path, const struct stat *st,
                   struct arena *arena, struct connect_stat *stat, struct err *err);

/* "dev:ino:size:mtime_ns" and back. */
char *localdir_version(struct arena *arena, const struct place_version *version);
bool localdir_version_read(const char *text, struct place_version *version);

/* The parts of the table ---------------------------------------------------------------------- */

bool localdir_exposure(struct connection *connection, const char *key, struct arena *arena,
                       struct connect_exposure *exposure, struct err *err);
/* Whether a raw path lies below a public root. */
bool localdir_is_public(const struct connection *connection, const char *path);
bool localdir_fetch(struct connection *connection, const char *key, struct arena *arena,
                    struct connect_copy *copy, struct err *err);
bool localdir_walk(struct connection *connection, const char *cursor,
                   const struct connect_found *found, struct err *err);
bool localdir_watch(struct connection *connection, const struct connect_changes *changes, int stop,
                    struct err *err);

struct connect_replacing *localdir_replace_open(struct connection *connection,
                                                const struct connect_copy *examined, int *output,
                                                struct err *err);
bool localdir_replace_ready(struct connect_replacing *replacing, struct arena *arena,
                            struct connect_intent *intent, struct err *err);
bool localdir_replace_place(struct connect_replacing *replacing, struct err *err);
bool localdir_replace_settle(struct connect_replacing *replacing, struct err *err);
void localdir_replace_close(struct connect_replacing *replacing);
bool localdir_replace_recover(struct connection *connection, const char *key, const char *intent,
                              bool *placed, struct err *err);

struct connect_removing *localdir_remove_open(struct connection *connection,
                                              const struct connect_stat *stat, int *input,
                                              struct err *err);
bool localdir_remove_ready(struct connect_removing *removing, struct arena *arena,
                           struct connect_intent *intent, struct err *err);
bool localdir_remove_take(struct connect_removing *removing, struct err *err);
void localdir_remove_close(struct connect_removing *removing);
bool localdir_remove_settle(struct connection *connection, const char *key, const char *intent,
                            const uint8_t sha256[32], enum connect_removed *end, struct err *err);

struct connect_creating *localdir_create_open(struct connection *connection, const char *key,
                                              int *output, struct err *err);
bool localdir_create_ready(struct connect_creating *creating, const char *captured,
                           struct arena *arena, struct connect_intent *intent,
                           struct connect_restored *restored, struct err *err);
bool localdir_create_place(struct connect_creating *creating, struct err *err);
void localdir_create_close(struct connect_creating *creating);
bool localdir_create_placed(struct connection *connection, const char *key, const char *intent,
                            bool *placed, struct err *err);
bool localdir_discard(struct connection *connection, const char *key, const char *version,
                      struct err *err);

/* Names in a folder, sorted bytewise, without . and .. */
struct localdir_names {
    char **items;
    size_t count, capacity;
};

/* All names of an open folder (taken over). False when it cannot be read; free in any case. */
bool localdir_names_read(int folder, struct localdir_names *names, struct err *err);
void localdir_names_free(struct localdir_names *names);

extern const struct connector localdir_connector;

#endif
