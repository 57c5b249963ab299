#include "jobs/rules.h"

#include <pthread.h>

#include "base/mem.h"

struct held {
    struct policy *policy;
    unsigned holders;
    struct held *older;
};

struct rules {
    pthread_mutex_t lock; /* all below */
    struct held *newest;  /* in force */
};

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
            policy_free(held->policy);
            mem_free(held);
        }
        break;
    }
    pthread_mutex_unlock(&rules->lock);
}

bool rules_replace(struct rules *rules, struct policy *policy, struct err *err)
{
    struct held *held = mem_zalloc(1, sizeof *held);
    if (!held) {
        policy_free(policy);
        return err_set(err, ERR_MEMORY, "rules: out of memory");
    }
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

struct rules *rules_open(struct policy *policy, struct err *err)
{
    struct rules *rules = mem_zalloc(1, sizeof *rules);
    if (!rules) {
        policy_free(policy);
        err_set(err, ERR_MEMORY, "rules: out of memory");
        return NULL;
    }
    pthread_mutex_init(&rules->lock, NULL);
    if (rules_replace(rules, policy, err))
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
        policy_free(held->policy);
        mem_free(held);
    }
    mem_free(rules);
}
