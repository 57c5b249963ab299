/*
 * policy: the compliance team's rules file (rules.yaml), loaded, checked and decided.
 * Owns: everything it read, in one arena; constant after policy_load, so that threads share it.
 */
#ifndef LABELD_POLICY_POLICY_H
#define LABELD_POLICY_POLICY_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/facts.h"

struct policy;

/* What the loader may know beside the file. Any of it may be missing. */
struct policy_world {
    const struct type_list *types; /* NULL: type names are not checked */
    const char *const *targets;    /* names under notify:, NULL = not checked */
    size_t target_count;
    const char *const *connections; /* NULL = not checked */
    size_t connection_count;
    /* Whether a text is an age public key; NULL = only its first letters are looked at. */
    bool (*recipient)(const char *text, struct err *err);
    int64_t now_us;                /* for warnings about exceptions that end soon */
    uint64_t max_bytes, max_rules; /* 0 = the standard limits */
};

enum policy_severity { POLICY_ERROR, POLICY_WARNING };

/* One message of `rules check`. */
struct policy_problem {
    const char *file;
    unsigned line, column; /* from 1, in characters */
    enum policy_severity severity;
    const char *code; /* "unknown-key" */
    const char *message;
    const char *suggestion; /* NULL = none */
};

struct policy_problems {
    const struct policy_problem *items;
    size_t count, errors, warnings;
};

/* Read a rules file. NULL when it has errors. Problems (also warnings of a good file) live in
 * `arena`. err is set when the file could not be read at all (ERR_GONE, ERR_LIMIT, ...). */
struct policy *policy_load(const char *path, const struct policy_world *world, struct arena *arena,
                           struct policy_problems *problems, struct err *err);
struct policy *policy_parse(const char *name, const char *text, size_t length,
                            const struct policy_world *world, struct arena *arena,
                            struct policy_problems *problems, struct err *err);
void policy_free(struct policy *policy);

/* The policy of a daemon without `rules:`: no labels, no rules, decides nothing. NULL only when
 * memory is out. */
struct policy *policy_empty(struct err *err);

/* SHA-256 of the file's bytes in hex: the revision that decisions name. */
const char *policy_revision(const struct policy *policy);

/* SHA-256 in hex of what a rule says: its keys and values, not its layout. NULL: no such rule.
 * What was decided by a rule holds while its text is the same (rules.md, section 5). */
const char *policy_rule_digest(const struct policy *policy, const char *name);

/* Age public keys of a group under `recipients:`; NULL when there is none of that name. */
struct policy_group {
    const char *name;
    const char *const *keys;
    size_t key_count;
};
const struct policy_group *policy_group_find(const struct policy *policy, const char *name);

/* The tenant GUID of `site:`, or NULL; whether it uses LabelInfo. */
const char *policy_site(const struct policy *policy);
enum label_info policy_label_info(const struct policy *policy);

/* A label of the taxonomy. */
struct policy_label {
    const char *name;      /* "Confidential/Finance" */
    const char *id;        /* GUID */
    const char *msip_name; /* text written as Name */
    const char *tooltip;
    unsigned priority; /* higher = more sensitive */
    bool group;        /* not applicable itself */
};

/* By name, or by GUID; NULL when there is none. */
const struct policy_label *policy_label_find(const struct policy *policy, const char *name_or_id);
const struct policy_label *policy_labels(const struct policy *policy, size_t *count);

#endif
