/*
 * connect: what is said between the daemon and a storage service: settings, stat, exposure,
 * copies, changes, intents. What a service can do is the table in connector.h.
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
    CONNECT_REMOVE = 1 << 4,   /* may take a file away without losing an edit */
    CONNECT_CREATE = 1 << 5,   /* may put a new file where none is */
    CONNECT_RESTRICT = 1 << 6, /* may take away who reaches an item, and give it back */
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
    const char *why;    /* the raw grant, for people: "mode 0644, r for others" */
    const char *grants; /* opaque text: equal means the same grants; "" = not known */
};

/* What was fetched. */
struct connect_copy {
    int fd; /* read-only, sealed or unlinked; the caller closes it */
    struct connect_stat stat;
    uint8_t sha256[32];
};

/* What a kill may cut, as text for the store: opaque outside its connector. */
struct connect_intent {
    const char *text;        /* JSON, at most 4 KiB */
    const char *new_version; /* version that the item will have; NULL for a removal */
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

/* How a removal ended. */
enum connect_removed {
    CONNECT_REMOVED,     /* gone: it was what had been read */
    CONNECT_UNDONE,      /* changed meanwhile: the change stands where it was */
    CONNECT_NOT_REMOVED, /* was never taken away */
};

/* A part of a file's state when it is given back: "mode", "owner", ... */
struct connect_part {
    const char *what;
    const char *lost; /* why it could not be restored; NULL = restored */
};

struct connect_restored {
    struct connect_part *parts; /* in the arena */
    size_t count;
};

/* Who is to reach an item no more, and what it was examined with. */
struct connect_wish {
    const char *version; /* of connect_stat */
    const char *grants;  /* of connect_exposure */
    bool bounded;        /* `to` counts: every grant wider than it */
    enum facts_exposure to;
    const char *const *remove; /* globs, as a rule has them: and those that match one */
    size_t remove_count;
};

/* What of it can go from the item itself. */
struct connect_restriction {
    const char *text;           /* what is taken, as JSON of at most 32 KiB for the store */
    const char *before, *after; /* the grants, as in connect_exposure */
    bool nothing;               /* nothing of it can: before is after */
    const char *stays;          /* why something wider stays; NULL = nothing does */
};

struct connector; /* connector.h */

/* The connector of a kind, or NULL. */
const struct connector *connect_find(const char *kind);

/* Kinds that later versions have: for "not in this version". */
bool connect_is_planned(const char *kind);

#endif
