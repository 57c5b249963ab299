/*
 * api: what the handlers of the admin listener know (api_*.c, one a noun; routes.def).
 * Owns: what it was told about the rules in force, behind a lock.
 */
#ifndef LABELD_HTTP_API_H
#define LABELD_HTTP_API_H
#include "base/metrics.h"
#include "config/config.h"
#include "policy/gate.h"
#include "store/store.h"

struct api;
struct events;
struct handoff;
struct type_list;

/* What was known at start and does not change. All borrowed. */
struct api_facts {
    struct store *store;
    const struct config *config;
    const struct hooks *hooks;
    struct handoff *handoff; /* reviewers' keys, and sealed bytes */
    bool seccomp;
    uint32_t landlock_abi, types;
    const char *types_digest; /* hex */
    const struct type_list *type_list;
    struct metrics *metrics;
    bool (*is_key_at_risk)(void *context); /* the vault key has no copy elsewhere; NULL = no */
    void *key_context;
    const struct gate *gate; /* what rules that are put or tried must pass */
};

struct api *api_open(const struct api_facts *facts, struct err *err);
void api_close(struct api *api);

/* What is counted of the daemon; borrowed. */
struct metrics *api_counts(struct api *api);

/* Who listens to what is changed; borrowed. */
struct events *api_events(struct api *api);

/* Since when people have stopped all acting; 0 = they have not. */
int64_t api_stopped_us(struct api *api);

/* The rules in force, and why the file is not (NULL = it is). Copied. */
bool api_rules(struct api *api, const struct policy *policy, const char *problem);

#endif
