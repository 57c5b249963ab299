#include "jobs/rules.h"

#include <pthread.h>

#include "base/mem.h"

struct held {
    struct policy *policy;
    enum rules_brake *brakes; /* of each rule */
    unsigned holders;
    struct held *older;
};

struct rules {
    pthread_mutex_t lock; /* all below */
    struct held *newest;  /* in force */
};

static void free_held(struct held *held)
{
    policy_free(held->policy);
    mem_free(held->brakes);
    mem_free(held);
}

const struct policy *rules_hold(void *context)
{
    struct rules *rules = context;
    pthread_mutex_lock(&rules->lock);
    struct held *held = rules->newest;
    held->holders++;
    pthread_mutex_unlock(&rules->lock);
    return held->policy;
}

void rules_drop(void *context, const struct policy *policy)
{
    struct rules *rules = context;
    pthread_mutex_lock(&rules->lock);
    for (struct held **at = &rules->newest; *at; at = &(*at)->older) {
        struct held *held = *at;
        if (held->policy != policy)
            continue;
        held->holders--;
        if (held->holders == 0 && held != rules->newest) {
            *at = held->older;
            free_held(held);
        }
        break;
    }
    pthread_mutex_unlock(&rules->lock);
}

bool rules_replace(struct rules *rules, struct policy *policy, const enum rules_brake *brakes,
                   struct err *err)
{
    size_t count = ruleset_count(policy);
    struct held *held = mem_zalloc(1, sizeof *held);
    if (held)
        held->brakes = mem_zalloc(count + 1, sizeof *held->brakes);
    if (!held || !held->brakes) {
        mem_free(held);
        policy_free(policy);
        return err_set(err, ERR_MEMORY, "rules: out of memory");
    }
    for (size_t i = 0; brakes && i < count; i++)
        held->brakes[i] = brakes[i];
    held->policy = policy;
    pthread_mutex_lock(&rules->lock);
    struct held *old = rules->newest;
    held->older = old;
    rules->newest = held;
    if (old)
        old->holders++; /* let rules_drop decide whether it can go */
    pthread_mutex_unlock(&rules->lock);
    if (old)
        rules_drop(rules, old->policy);
    return true;
}

/* Under the lock. */
static struct held *find(const struct rules *rules, const struct policy *policy)
{
    struct held *held = rules->newest;
    while (held && held->policy != policy)
        held = held->older;
    return held;
}

void rules_set_brake(struct rules *rules, const struct policy *policy, size_t index,
                     enum rules_brake brake)
{
    pthread_mutex_lock(&rules->lock);
    struct held *held = find(rules, policy);
    if (held)
        held->brakes[index] = brake;
    pthread_mutex_unlock(&rules->lock);
}

void rules_brakes(struct rules *rules, const struct policy *policy, enum rules_brake *brakes)
{
    pthread_mutex_lock(&rules->lock);
    const struct held *held = find(rules, policy);
    for (size_t i = 0; i < ruleset_count(policy); i++)
        brakes[i] = held ? held->brakes[i] : RULES_FREE;
    pthread_mutex_unlock(&rules->lock);
}

struct rules *rules_open(struct policy *policy, struct err *err)
{
    struct rules *rules = mem_zalloc(1, sizeof *rules);
    if (!rules) {
        policy_free(policy);
        err_set(err, ERR_MEMORY, "rules: out of memory");
        return NULL;
    }
    pthread_mutex_init(&rules->lock, NULL);
    if (rules_replace(rules, policy, NULL, err))
        return rules;
    mem_free(rules);
    return NULL;
}

void rules_close(struct rules *rules)
{
    if (!rules)
        return;
    while (rules->newest) {
        struct held *held = rules->newest;
        rules->newest = held->older;
        free_held(held);
    }
    mem_free(rules);
}
