/*
 * item: one file of a connection, as the catalogue knows it: every fact that a rule can ask is a
 * column; findings are a narrow table, the report's JSON lies in a table of its own.
 * Numbers of enums are those of policy/facts.h, base/report.h and base/formats.h.
 * Owns: nothing; texts that are read live in the caller's arena.
 */
#ifndef LABELD_STORE_ITEM_H
#define LABELD_STORE_ITEM_H
#include "base/arena.h"
#include "base/report.h"
#include "store/db.h"

/* A time that may be unknown: microseconds since 1970, INT64_MIN = unknown. */
#define ITEM_NO_TIME INT64_MIN

struct item {
    int64_t id; /* random, positive */
    const char *connection, *key, *path, *version;
    uint64_t size;
    const char *owner; /* NULL = unknown */

    int exposure;             /* enum facts_exposure */
    bool sharing_known;       /* shared_with is the whole list */
    const char *shared_with;  /* JSON list of texts */
    const char *exposure_why; /* NULL = nothing to say */

    enum report_status status;
    const char *reason;
    enum format_id format;
    const char *mime;
    int64_t finding_count; /* distinct values over all types */

    int label_kind;          /* enum facts_label_kind */
    const char *label_id;    /* NULL = none of ours */
    const char *label_site;  /* the tenant that is "ours" here; NULL = none */
    bool foreign_label;      /* one of another tenant stands there */
    int set_by;              /* enum facts_set_by */
    int label_change;        /* enum facts_label_change */
    const char *previous_id; /* the label that was lost or raised; NULL = none */

    int64_t created_us, modified_us, shared_us; /* modified: without our own writes */

    uint8_t types_digest[32]; /* with which it was examined */
    uint8_t text_digest[32], sha256[32];
    bool own_version; /* `version` is one that we wrote */

    const char *outcome;  /* of the last visit: "labelled", "unchanged", "not-labelable", ... */
    const char *code;     /* "signed", ...; NULL = none */
    const char *message;  /* in words; NULL = none */
    bool todo;            /* steps of the last decision are left to carry out */
    const char *revision; /* of the rules that decided; NULL = not decided */
    int64_t examined_us, decided_us;
    int64_t due_us;     /* when to decide again; ITEM_NO_TIME = never */
    int64_t walk;       /* number of the last walk that saw it */
    int64_t deleted_us; /* ITEM_NO_TIME = is there */
};

/* Find. *found says whether there is one; false only on an error. */
bool item_find(struct db *db, const char *connection, const char *key, struct arena *arena,
               struct item *item, bool *found, struct err *err);
bool item_get(struct db *db, int64_t id, struct arena *arena, struct item *item, bool *found,
              struct err *err);

/* The columns of the present row, of a statement that selects them all in their order. */
bool item_take(struct db_query *query, struct arena *arena, struct item *item, struct err *err);

/* An item with a new random id, all unknown. */
void item_init(struct item *item, const char *connection, const char *key);

/* Write the whole row; a new item is inserted. */
bool item_save(struct db *db, const struct item *item, struct err *err);

/* Replace its findings (children are rows of their own) and properties by those of a report. */
bool item_findings(struct db *db, int64_t id, const struct report *report, struct err *err);

/* The report as JSON text: write; read (NULL when none). */
bool item_report_save(struct db *db, int64_t id, const char *json, struct err *err);
bool item_report(struct db *db, int64_t id, struct arena *arena, const char **json,
                 struct err *err);

/* The last decision as JSON text, and the rules in it with their states. */
struct item_decision {
    const char *json;
    const char *revision;
    const char *const *rules;  /* names of rules that did not just fail to match */
    const char *const *states; /* "matched", "undecided", "excepted" */
    size_t rule_count;
    const char *const *tags;
    size_t tag_count;
    int64_t at_us;
};
bool item_decision_save(struct db *db, int64_t id, const struct item_decision *decision,
                        struct err *err);
bool item_decision(struct db *db, int64_t id, struct arena *arena, const char **json,
                   struct err *err);

/* It is no longer there: keep the row, say since when. */
bool item_gone(struct db *db, int64_t id, int64_t at_us, struct err *err);

/* It was seen unchanged by a walk. */
bool item_seen(struct db *db, int64_t id, int64_t walk, struct err *err);

/* How many wait for acting to go on. */
bool item_stopped_count(struct db *db, int64_t *count, struct err *err);

/* The next item of a connection that `walk` did not see and that is not gone, after id `after`. */
bool item_unseen(struct db *db, const char *connection, int64_t walk, int64_t after,
                 struct item *item, struct arena *arena, bool *found, struct err *err);

#endif
