/*
 * entry: one file that was taken away: its sealed copy, where it came from, why, and its state.
 * A quarantine entry's copy lies in the vault; an encrypted file's beside where it was.
 * Which state may follow which is custody.def's.
 * Owns: nothing; texts that are read live in the caller's arena.
 */
#ifndef LABELD_STORE_ENTRY_H
#define LABELD_STORE_ENTRY_H
#include "base/arena.h"
#include "store/db.h"

/* Numbers are stored: append only. */
enum entry_kind { ENTRY_QUARANTINE, ENTRY_ENCRYPT, ENTRY_KIND_COUNT };
enum entry_state {
    ENTRY_SEALING,   /* the copy is being made */
    ENTRY_SEALED,    /* durable and read back; the file still stands in its place */
    ENTRY_REMOVING,  /* the file is being taken from its name */
    ENTRY_REMOVED,   /* only the copy is left */
    ENTRY_RELEASING, /* is to be given back, at `due` */
    ENTRY_RELEASED,
    ENTRY_DELETING, /* the copy is to be removed, at `due` */
    ENTRY_DELETED,
    ENTRY_CANCELLED, /* the file was changed before it was gone: it stands where it was */
    ENTRY_STATE_COUNT
};

#define ENTRY_NO_TIME INT64_MIN

struct entry {
    int64_t id;
    enum entry_kind kind;
    enum entry_state state;
    int64_t version; /* of this row: each change counts it up */
    int64_t item;
    const char *connection, *key, *path; /* where the file was */
    const char *item_version;            /* that was taken away */
    uint64_t size;
    int format, status;               /* enum format_id, enum report_status */
    uint8_t sha256[32];               /* of the file; known from `sealed` on */
    uint8_t text_digest[32];          /* of its text; zero = none */
    int exposure;                     /* enum facts_exposure, before anything was done */
    const char *shared_with;          /* JSON list */
    const char *owner;                /* NULL = unknown */
    const char *rules;                /* JSON list of {"name","digest"}: that asked for it */
    const char *revision;             /* of the rules file */
    const char *message;              /* for the owner; NULL = none */
    int alert_level;                  /* -1 = none */
    const char *captured;             /* the connector's: what a release gives back */
    const char *grants;               /* who reached it before anything was done, in it as well */
    const char *recipients;           /* JSON list: who can open the copy */
    const char *intent;               /* the connector's, while something is under way */
    const char *made;                 /* version that the intent makes, or made */
    const char *copy_key;             /* ENTRY_ENCRYPT: where the copy lies */
    const char *copy_version;         /* and which version it is */
    const char *tombstone;            /* key; NULL = none */
    const char *tombstone_version;    /* so that only ours is taken away again */
    uint64_t sealed_size;             /* bytes of the copy */
    int64_t created_us, changed_us;   /* when it was begun; last change of state */
    int64_t due_us;                   /* RELEASING, DELETING: not before; ENTRY_NO_TIME = now */
    const char *asked_by, *asked_why; /* release or delete */
    const char *release_key;          /* where it is given back; NULL = where it was */
    const char *result;               /* JSON of the last release: {"restored","lost"}, or, when it
                                       * was refused, {"code","suggestion"?} */
    const char *error;                /* of the last try; NULL = none */
};

/* A new entry: its id in `entry->id`. Inside a unit, as all writes here. */
bool entry_add(struct db *db, struct entry *entry, struct err *err);

/* Write all that may change; counts `version` up. ERR_CONFLICT: the row has another version. */
bool entry_save(struct db *db, struct entry *entry, struct err *err);

bool entry_get(struct db *db, int64_t id, struct arena *arena, struct entry *entry, bool *found,
               struct err *err);

/* The one of a file that is not at its end: its copy is being made, or it is being taken away. */
bool entry_open(struct db *db, const char *connection, const char *key, struct arena *arena,
                struct entry *entry, bool *found, struct err *err);

/* The next one with an id above `after` in this state. */
bool entry_next(struct db *db, enum entry_state state, int64_t after, struct arena *arena,
                struct entry *entry, bool *found, struct err *err);

/* The next one that is cancelled and whose copy may still lie beside the file: `made` is cleared
 * when it does not any more. */
bool entry_next_beside(struct db *db, int64_t after, struct arena *arena, struct entry *entry,
                       bool *found, struct err *err);

/* The next release of the same text (or, without text, of the same bytes), id above `after`: one
 * that is on record, or one that has put this very version in place and is not yet. */
struct entry_match {
    const char *connection, *version;
    const uint8_t *text_digest, *sha256; /* 32 bytes each */
};
bool entry_released(struct db *db, const struct entry_match *match, int64_t after,
                    struct arena *arena, struct entry *entry, bool *found, struct err *err);

/* Whether a file at `key` of this version is something that labeld left there: a tombstone. */
bool entry_is_tombstone(struct db *db, const char *connection, const char *key, const char *version,
                        bool *is, struct err *err);

/* The encrypted file that labeld wrote there, in this version. */
bool entry_encrypted(struct db *db, const char *connection, const char *key, const char *version,
                     struct arena *arena, struct entry *entry, bool *found, struct err *err);

/* A page for people. */
struct entry_filter {
    unsigned kinds, states;          /* bits of the enums */
    unsigned exposures;              /* bits of enum facts_exposure */
    const char *connection;          /* NULL = any, as the next ones */
    const char *path, *owner, *rule; /* path: whole, or all below one that ends in "/" */
    int64_t item;                    /* 0 = any */
    bool by_rank;                    /* alert level, then exposure, then the oldest first; else
                                      * the newest first */
    int64_t after; /* place of the last one of the page before; 0 = from the start */
    int64_t limit;
};

/* Where an entry stands in the order of the filter: of the last one of a page for `after`. */
int64_t entry_place(const struct entry *entry, bool by_rank);

bool entry_list(struct db *db, const struct entry_filter *filter, struct arena *arena,
                struct entry **entries, size_t *count, struct err *err);

/* How many a filter finds; counting stops at `most`. */
bool entry_count(struct db *db, const struct entry_filter *filter, int64_t most, int64_t *count,
                 struct err *err);

/* The last entry of an item that is not at its end; 0 = none. */
bool entry_of_item(struct db *db, int64_t item, int64_t *id, struct err *err);

struct entry_numbers {
    int64_t states[ENTRY_KIND_COUNT][ENTRY_STATE_COUNT];
    int64_t sealed_bytes; /* of copies that are kept in the vault */
    int64_t refused;      /* releases from quarantine that were, and were not asked for again */
};
bool entry_numbers(struct db *db, struct entry_numbers *numbers, struct err *err);

const char *entry_state_word(enum entry_state state);
const char *entry_kind_word(enum entry_kind kind);
bool entry_state_find(const char *word, enum entry_state *state);
bool entry_kind_find(const char *word, enum entry_kind *kind);

#endif
