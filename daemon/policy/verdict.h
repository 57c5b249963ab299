/*
 * verdict: whether a condition holds for an item: false, unknown or true (rules.md, section 4).
 * Inside policy/ only. Pure; what it folds or looks up is kept for the next condition.
 * Owns: nothing; caches lie in the caller's arena.
 */
#ifndef LABELD_POLICY_VERDICT_H
#define LABELD_POLICY_VERDICT_H
#include "policy/loaded.h"

/* A row of findings with its types as numbers. */
struct verdict_row {
    const struct report_finding *finding;
    uint32_t type;
    const uint32_t *variants; /* finding->variants_count */
};

/* A person: compared as written, by name and by address. All folded; NULL = not there. */
struct verdict_person {
    const char *text, *name, *address;
};

struct verdict {
    const struct policy *policy;
    const struct facts *facts;
    int64_t now_us;
    struct arena *arena;
    bool no_memory;

    /* types that exceptions let be overlooked */
    const struct rule_types *const *ignored;
    size_t ignored_count;

    /* made when first asked for */
    const struct verdict_row *rows;
    const char *path, *name, *connection, *mime;
    const struct verdict_person *owner, *people;
    unsigned label_priority;
    bool label_ready;
};

/* How many were found. */
struct verdict_count {
    uint64_t number; /* values, or kinds whose own number fits for certain */
    uint64_t maybe;  /* kinds that are open */
    bool open;       /* there may be more */
};

void verdict_init(struct verdict *verdict, const struct policy *policy, const struct facts *facts,
                  int64_t now_us, struct arena *arena);

enum plan_truth verdict_of(struct verdict *verdict, const struct rule_when *when);

/* Whether the types' numbers hold this one. */
bool verdict_covers(const struct rule_types *types, uint32_t type);

/* The number behind a `findings` condition. */
struct verdict_count verdict_count(struct verdict *verdict, const struct rule_findings *findings);

/* The priority of the label in force: 0 none, UINT_MAX an id that is not in `labels:`. */
unsigned verdict_label(struct verdict *verdict);

/* Call `found` with each instant at which a time condition in `when` changes. */
void verdict_instants(const struct verdict *verdict, const struct rule_when *when,
                      void (*found)(void *context, int64_t us), void *context);

#endif
