/*
 * import: file policies of other products as rules of ours: Defender for Cloud Apps file policies
 * and Purview data loss prevention and auto-labelling rules, as JSON. Beside each policy stands
 * what was carried over and what was not, and why. A rule of which a condition is missing is off,
 * for it would match too much.
 * Input is what somebody else wrote: bounded by size, depth (json_parse) and counts.
 * Owns: what it has read, until import_fini.
 */
#ifndef LABELD_CTL_IMPORT_H
#define LABELD_CTL_IMPORT_H
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

enum { IMPORT_FILE_MAX = 16 << 20, IMPORT_POLICIES_MAX = 10000, IMPORT_VALUES_MAX = 1000 };

struct import {
    bool keep_modes;                /* theirs that act become ours that act */
    const char *const *connections; /* "THEIRS=OURS": an app's number, a site's address */
    size_t connection_count;
    json_t *labels;   /* [{"name","id"}] in order of appearance */
    json_t *policies; /* containers of rules: name -> policy */
    json_t *rules;    /* [{"name",...}]: what becomes YAML */
    json_t *notes;    /* [{"name","from","mode","carried":[…],"lost":[…]}] */
    json_t *names;    /* of rules, that are taken */
    bool failed;      /* memory */
};

/* One rule in the making. */
struct import_rule {
    struct import *import;
    const char *name, *from; /* borrowed */
    json_t *all;             /* conditions, each {CONDITION: operand} */
    json_t *then;
    json_t *carried, *lost; /* texts */
    bool off, enforces;
};

enum import_loss { IMPORT_CONDITION, IMPORT_ACTION, IMPORT_REMARK };

bool import_init(struct import *import, struct err *err);
void import_fini(struct import *import);

/* Read one file: a policy, a list of them, or {"data"|"value": list}; UTF-8 or, as PowerShell
 * writes, UTF-16. ERR_CORRUPT: it is none; ERR_LIMIT: more than is taken. */
bool import_read(struct import *import, const char *bytes, size_t length, struct err *err);

/* The rules file, and what is told of each policy, as text. ERR_NOT_FOUND: no policy was read. */
bool import_write(const struct import *import, struct buf *yaml, struct buf *told, struct err *err);

/* The makers (import_defender.c, import_purview.c): fill the rule from a policy. */
void import_defender(struct import_rule *rule, const json_t *policy);
void import_purview(struct import_rule *rule, const json_t *policy);

/* What makers use (import_rule.c) -------------------------------------------------------------- */

/* A member whatever the case of its key; NULL: not there, or null. */
const json_t *import_get(const json_t *object, const char *key);

/* Whether a value says nothing: null, false, 0, "", [], {}, "None". */
bool import_is_unset(const json_t *value);

/* The text of a value: a string, a number, or the name or id of an object; "" = none. Borrowed
 * from `room` or the value. */
const char *import_text(const json_t *value, char room[static 24]);

/* Add a condition or an action; the operand's reference is taken. */
void import_when(struct import_rule *rule, const char *condition, json_t *operand, bool negated);
void import_then(struct import_rule *rule, const char *action, json_t *operand);

/* Tell that `field` was carried over as `ours`, or was not: with its value. */
void import_carry(struct import_rule *rule, const char *field, const char *ours);
void import_lose(struct import_rule *rule, enum import_loss loss, const char *field,
                 const json_t *value, const char *reason);

/* Each value of a list (or the one value) as a text between `before` and `after`, what is special
 * in a glob escaped. What is no text is told as a lost condition of `field`. */
json_t *import_globs(struct import_rule *rule, const char *field, const json_t *values,
                     const char *before, const char *after);

/* Our name for their label (an id, a name that was met with its id, {"id","name"}), or NULL. */
const char *import_label(struct import_rule *rule, const json_t *value);

/* Sensitive information types with counts, in groups or not, as a condition. */
void import_findings(struct import_rule *rule, const char *field, const json_t *value,
                     bool negated);

/* Our connection for their app or site, or NULL. */
const char *import_connection(const struct import *import, const char *theirs);

#endif
