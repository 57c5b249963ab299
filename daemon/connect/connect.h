/*
 * connect: the connector table. One kind of storage service is one file and one const row;
 * nothing else in the daemon knows which services exist.
 * A connector never reads the vault, never decides, never touches the store: what must be durable
 * is handed out (struct connect_intent) and handed back after a kill.
 * Every function may be called from any worker thread, several at once on one connection.
 */
#ifndef LABELD_CONNECT_CONNECT_H
#define LABELD_CONNECT_CONNECT_H
#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "policy/facts.h"

struct connection; /* one open connection; the connector's own */

/* What a connection can do here. Bits. */
enum connect_caps {
    CONNECT_REPLACE = 1 << 0,  /* may put changed bytes in place without losing an edit */
    CONNECT_WATCH = 1 << 1,    /* tells changes by itself */
    CONNECT_EXPOSURE = 1 << 2, /* tells who can reach an item */
    CONNECT_ANNOTATE = 1 << 3, /* can keep a label beside the file */
};

/* The settings of one connection, from the configuration. */
struct connect_settings {
    const char *name;           /* of the connection */
    const char *path;           /* directory: root */
    const char *const *exclude; /* globs, below the root */
    size_t exclude_count;
    const char *const *public_roots; /* absolute folders below which everything is public */
    size_t public_root_count;
    const char *const *hidden; /* absolute folders that are never items (the state folder) */
    size_t hidden_count;
    int64_t poll_us;             /* how often to walk when it cannot watch; 0 = 60 s */
    const char *spool;           /* folder for unlinked copies; NULL = memory only */
    uint64_t memory_max;         /* bytes; larger copies go to the spool */
    const struct limits *limits; /* borrowed for the life of the connection */
};

/* What stands in the service about one item, read from it, never from a webhook. */
struct connect_stat {
    const char *key;     /* the service's stable id; for a folder the path */
    const char *path;    /* begins with / */
    const char *version; /* opaque text: equal means the same bytes */
    uint64_t size;
    const char *owner; /* NULL = service tells none */
    struct facts_time created, modified;
    uint32_t links; /* hard links; more than 1 is reported */
    bool regular;   /* false: never an item (folder, device, link, own or lock file) */
};

struct connect_exposure {
    enum facts_exposure step;
    bool sharing_known;
    const char *const *shared_with; /* addresses, names, or `organisation`, `public`, ... */
    size_t shared_with_count;
    const char *why; /* the raw grant, for people: "mode 0644, r for others" */
};

/* What was fetched. */
struct connect_copy {
    int fd; /* read-only, sealed or unlinked; the caller closes it */
    struct connect_stat stat;
    uint8_t sha256[32];
};

/* A replacement that a kill may cut, as text for the store: opaque outside its connector. */
struct connect_intent {
    const char *text;        /* JSON, at most 4 KiB */
    const char *new_version; /* version that the item will have once it is in place */
};

/* Called for each item found, and for each change seen. `key` is borrowed. False stops the walk. */
struct connect_found {
    void *context;
    bool (*item)(void *context, const struct connect_stat *stat);
    /* After each folder: everything up to here has been told. Store it; a later walk resumes. */
    bool (*cursor)(void *context, const char *cursor, uint64_t seen, uint64_t expected);
};

enum connect_event { CONNECT_CHANGED, CONNECT_GONE, CONNECT_MOVED, CONNECT_OVERFLOW };
struct connect_change {
    enum connect_event event;
    const char *key;     /* the item; CONNECT_OVERFLOW: NULL, a walk of everything is due */
    const char *old_key; /* CONNECT_MOVED */
    int64_t due_us;      /* not before this time (a file that changes again and again) */
    int64_t seen_us;
};

struct connect_changes {
    void *context;
    void (*change)(void *context, const struct connect_change *change);
};
struct connector {
    const char *kind; /* as in the configuration */

    /* MUST. Open; probe what it can do. NULL with err. */
    struct connection *(*open)(const struct connect_settings *settings, struct err *err);
    void (*close)(struct connection *connection);

    /* MUST. Bits of enum connect_caps, and sentences for people about what is missing and why. */
    unsigned (*caps)(struct connection *connection, struct arena *arena, const char **notes);

    /* MUST. ERR_GONE: no such item. */
    bool (*stat)(struct connection *connection, const char *key, struct arena *arena,
                 struct connect_stat *stat, struct err *err);
    bool (*exposure)(struct connection *connection, const char *key, struct arena *arena,
                     struct connect_exposure *exposure, struct err *err);

    /* MUST. The bytes of the present version, hashed on the way. ERR_LIMIT over fetch_bytes. */
    bool (*fetch)(struct connection *connection, const char *key, struct arena *arena,
                  struct connect_copy *copy, struct err *err);

    /* MUST. Every item from `cursor` on ("" = from the start). */
    bool (*walk)(struct connection *connection, const char *cursor,
                 const struct connect_found *found, struct err *err);

    /* MAY. Tell changes until `stop` becomes readable; runs on a thread of its own. */
    bool (*watch)(struct connection *connection, const struct connect_changes *changes, int stop,
                  struct err *err);

    /* MAY (CONNECT_REPLACE). Begin to replace the copy that was examined. `*output` is where the
     * new bytes go (borrowed). */
    struct connect_replacing *(*replace_open)(struct connection *connection,
                                              const struct connect_copy *examined, int *output,
                                              struct err *err);
    /* All bytes are written: make it ready; the intent must be durable before replace_place. */
    bool (*replace_ready)(struct connect_replacing *replacing, struct arena *arena,
                          struct connect_intent *intent, struct err *err);
    /* ERR_CONFLICT: changed meanwhile, nothing done. ERR_BUSY: later. */
    bool (*replace_place)(struct connect_replacing *replacing, struct err *err);
    /* What remains afterwards (removing the displaced file), called two seconds after
     * replace_place at the earliest, so that writers that were under way have shown themselves.
     * ERR_CONFLICT: an edit that was under way has been put back: examine again. */
    bool (*replace_settle)(struct connect_replacing *replacing, struct err *err);
    void (*replace_close)(struct connect_replacing *replacing);

    /* MUST with replace. After a kill: finish or undo. *placed: the new version is in place. */
    bool (*replace_recover)(struct connection *connection, const char *key, const char *intent,
                            bool *placed, struct err *err);
};

/* The connector of a kind, or NULL. */
const struct connector *connect_find(const char *kind);

/* Kinds that later versions have: for "not in this version". */
bool connect_is_planned(const char *kind);

#endif
