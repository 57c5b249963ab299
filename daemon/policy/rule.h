/*
 * rule: a rules file after loading, as deciding needs it: names resolved, globs compiled,
 * ladders as masks, types as numbers. Inside policy/ only.
 * Owns: nothing; everything lies in the policy's arena.
 */
#ifndef LABELD_POLICY_RULE_H
#define LABELD_POLICY_RULE_H
#include "policy/glob.h"
#include "policy/plan.h"
#include "policy/ruleset.h"

/* Conditions of rules.md, section 4, and what joins them. */
enum rule_op {
    RULE_ALWAYS,
    RULE_ALL,
    RULE_ANY,
    RULE_NOT,
    RULE_IS,
#define CONDITION(id, word) RULE_##id,
#include "policy/conditions.def"
#undef CONDITION
    RULE_OP_COUNT
};

struct rule_globs {
    const struct glob *items;
    size_t count;
};

struct rule_names {
    const char *const *items;
    size_t count;
};
/* Numbers of types in policy->types, ascending. `covers`: children included. `tops`: what was
 * named, without what another name includes. */
struct rule_types {
    const uint32_t *covers;
    size_t cover_count;
    const uint32_t *tops;
    size_t top_count;
};

struct rule_findings {
    const struct rule_types *sets; /* one of all types together; with `kinds` one each */
    size_t set_count;
    uint32_t kinds; /* 0 = not counted by kinds */
    uint64_t at_least, at_most;
    enum report_confidence confidence; /* this or better */
    bool every;                        /* count: all */
};

/* Priorities count from 1; 0 is no label, UINT_MAX an id of ours that is not in `labels:`. */
struct rule_label {
    bool bounded; /* `low` to `high` */
    unsigned low, high;
    const unsigned *is;
    size_t is_count;
    bool none, any, foreign, unknown;
    bool by_label, by_setter; /* whether any of the above, and set_by, is asked for */
    enum facts_set_by set_by;
};

/* A TIME: fixed, or so long before `now`. */
struct rule_instant {
    bool given, ago;
    int64_t us;
};

struct rule_property {
    const char *key; /* folded */
    struct rule_globs globs;
};
struct rule_when {
    enum rule_op op;
    bool timed; /* its truth may change by time alone */
    unsigned line;
    unsigned cost; /* conditions to decide, through `is` too */
    unsigned depth;
    const char *name; /* of an `is` */
    const char *want; /* the operand, for people */
    const struct rule_when *of;
    size_t of_count;
    union {
        struct rule_findings findings;
        unsigned mask; /* exposure (bit 6: unknown), status, label_change */
        struct {
            struct rule_globs globs;
            bool only; /* shared_with */
        } text;
        struct {
            uint64_t formats[(FORMAT_COUNT + 63) / 64];
            struct rule_globs mime;
        } format;
        struct {
            uint64_t at_least, at_most;
        } size;
        struct {
            struct rule_instant before, after;
        } time;
        struct rule_label label;
        struct {
            const struct rule_property *items;
            size_t count;
        } property;
    };
};

enum rule_label_target { RULE_TO_LABEL, RULE_TO_NONE, RULE_TO_PREVIOUS };

struct rule_then {
    bool has[PLAN_DO_COUNT];
    struct {
        enum rule_label_target target;
        const struct policy_label *label;
        bool override_manual, downgrade;
        const char *justification;
    } label;
    struct {
        bool bounded, else_quarantine;
        enum facts_exposure to;
        struct rule_globs remove;
    } unshare;
    int64_t span_us;
    const char *span_text;
    struct rule_names encrypt, notify, tag; /* sorted, each once */
    unsigned alert_level;
};

struct rule {
    const char *name, *about, *message, *digest; /* policy/digest.h, of what it says */
    unsigned line;
    enum plan_mode mode; /* this, and the brake: as written, or the default */
    struct ruleset_brake brake;
    const struct rule_when *when;
    struct rule_then then;
    const char *const *then_words, *const *then_texts;
    size_t then_count;
};

struct rule_exception {
    struct plan_exception shown;
    unsigned line;
    struct rule_names rules; /* none = every */
    const struct rule_when *when;
    int64_t end_us; /* first instant at which it no longer applies */
    bool ignores;
    struct rule_types ignore;
};

#endif
