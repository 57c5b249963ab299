#include "http/api.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/api_parts.h"
#include "http/events.h"

struct api *api_open(const struct api_facts *facts, struct err *err)
{
    struct api *api = mem_zalloc(1, sizeof *api);
    if (!api) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    api->facts = *facts;
    api->started_us = clock_now_us();
    api->rules = arena_new(16u << 20);
    pthread_mutex_init(&api->lock, NULL);
    api->events = events_open(facts->store, facts->config->limits.event_listeners, err);
    if (api->events && api_acting_load(api, err))
        return api;
    api_close(api);
    return NULL;
}

void api_close(struct api *api)
{
    if (!api)
        return;
    events_close(api->events);
    pthread_mutex_destroy(&api->lock);
    arena_fini(&api->rules);
    mem_free(api);
}

struct metrics *api_counts(struct api *api)
{
    return api->facts.metrics;
}

struct events *api_events(struct api *api)
{
    return api->events;
}

static bool copy_labels(struct api *api, const struct policy *policy)
{
    size_t count;
    const struct policy_label *labels = policy_labels(policy, &count);
    struct policy_label *copies = arena_alloc(&api->rules, count, sizeof *copies);
    for (size_t i = 0; copies && i < count; i++) {
        copies[i] = labels[i];
        copies[i].name = arena_strdup(&api->rules, labels[i].name);
        copies[i].id = arena_strdup(&api->rules, labels[i].id);
        if (!copies[i].name || !copies[i].id)
            return false;
    }
    api->labels = copies;
    api->label_count = copies ? count : 0;
    return copies != NULL;
}

bool api_rules(struct api *api, const struct policy *policy, const char *problem)
{
    bool ok = true;
    pthread_mutex_lock(&api->lock);
    if (policy) {
        arena_fini(&api->rules);
        api->revision = arena_strdup(&api->rules, policy_revision(policy));
        ok = api->revision && copy_labels(api, policy);
    }
    api->problem = problem ? arena_strdup(&api->rules, problem) : NULL;
    pthread_mutex_unlock(&api->lock);
    return ok;
}
