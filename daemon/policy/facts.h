/*
 * facts: all that a rule can ask about an item, and nothing else. Made from a stored or fresh
 * report and the catalogue; the same struct for enforce, simulate, explain and test.
 * Owns: nothing; texts and lists belong to whoever filled it in.
 */
#ifndef LABELD_POLICY_FACTS_H
#define LABELD_POLICY_FACTS_H
#include "base/err.h"
#include "base/report.h"

enum facts_exposure {
    FACTS_PRIVATE,
    FACTS_INTERNAL_PEOPLE,
    FACTS_ORGANISATION,
    FACTS_EXTERNAL_PEOPLE,
    FACTS_ANYONE_WITH_LINK,
    FACTS_PUBLIC,
    FACTS_EXPOSURE_UNKNOWN, /* not a step: the service does not tell */
    FACTS_EXPOSURE_COUNT
};

enum facts_set_by { FACTS_AUTOMATIC, FACTS_MANUAL };

enum facts_label_change { FACTS_UNCHANGED, FACTS_LOWERED, FACTS_REMOVED, FACTS_RAISED };

/* A time that may be unknown. */
struct facts_time {
    bool known;
    int64_t us; /* since 1970, UTC */
};

/* The label in force. */
enum facts_label_kind {
    FACTS_LABEL_NONE,   /* readable, has none */
    FACTS_LABEL_OURS,   /* of our tenant: `id`; whether it is in `labels:` the policy knows */
    FACTS_LABEL_UNREAD, /* could not be read */
};

struct facts {
    const char *path;       /* within the connection, begins with / */
    const char *connection; /* NULL = not known */
    const char *owner;      /* address, name, or "Name <address>"; NULL = not known */
    enum facts_exposure exposure;
    bool sharing_known; /* whether shared_with is the whole list */
    /* Everybody with access but the owner, as `owner`; "organisation", "anyone-with-link" and
     * "public" stand for those grants. */
    const char *const *shared_with;
    size_t shared_with_count;
    enum format_id format;
    const char *mime;
    uint64_t size; /* bytes */
    struct facts_time created, modified, shared;
    enum facts_label_kind label_kind;
    const char *label_id; /* FACTS_LABEL_OURS: GUID */
    bool foreign_label;   /* one of another tenant stands there too */
    enum facts_set_by set_by;
    enum facts_label_change label_change;
    const char *previous_id; /* GUID of the label lost in label_change; NULL = had none */
    enum report_status status;
    const struct report_finding *findings; /* as in the report */
    size_t finding_count;
    const struct report_property *properties;
    size_t property_count;
    bool properties_known;
};

/* The stable words ("anyone-with-link"; "unknown" too) and back. */
const char *facts_exposure_word(enum facts_exposure exposure);
bool facts_exposure_find(const char *word, enum facts_exposure *exposure);

const char *facts_label_change_word(enum facts_label_change change);
bool facts_label_change_find(const char *word, enum facts_label_change *change);

/* What a test gives that names no fact: a plain text file at /test, read in full, without label
 * or findings; connection, owner, sharing and times are not known (rules.md, section 8). */
void facts_init(struct facts *facts);

/* Start from what the report knows: format, mime, size, status, findings, properties and the
 * label of tenant `site` (NULL = no tenant is ours). Everything else is unknown;
 * the path is NULL: the caller sets it. */
void facts_from_report(struct facts *facts, const struct report *report, uint64_t size,
                       const char *site);

#endif
