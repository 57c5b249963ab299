#include "jobs/budget.h"

#include <pthread.h>

#include "base/mem.h"

struct budget {
    pthread_mutex_t lock;
    pthread_cond_t given;
    uint64_t most, used;
    bool stopped;
};

struct budget *budget_open(uint64_t most)
{
    struct budget *budget = mem_zalloc(1, sizeof *budget);
    if (!budget)
        return NULL;
    budget->most = most ? most : UINT64_MAX;
    pthread_mutex_init(&budget->lock, NULL);
    pthread_cond_init(&budget->given, NULL);
    return budget;
}

void budget_close(struct budget *budget)
{
    if (!budget)
        return;
    pthread_cond_destroy(&budget->given);
    pthread_mutex_destroy(&budget->lock);
    mem_free(budget);
}

static bool fits(const struct budget *budget, uint64_t bytes)
{
    return budget->used == 0 || (bytes <= budget->most && budget->used <= budget->most - bytes);
}

bool budget_take(struct budget *budget, uint64_t bytes)
{
    if (!budget)
        return true;
    pthread_mutex_lock(&budget->lock);
    while (!budget->stopped && !fits(budget, bytes))
        pthread_cond_wait(&budget->given, &budget->lock);
    bool taken = !budget->stopped;
    if (taken)
        budget->used += bytes;
    pthread_mutex_unlock(&budget->lock);
    return taken;
}

void budget_give(struct budget *budget, uint64_t bytes)
{
    if (!budget)
        return;
    pthread_mutex_lock(&budget->lock);
    budget->used -= bytes < budget->used ? bytes : budget->used;
    pthread_cond_broadcast(&budget->given);
    pthread_mutex_unlock(&budget->lock);
}

void budget_stop(struct budget *budget)
{
    if (!budget)
        return;
    pthread_mutex_lock(&budget->lock);
    budget->stopped = true;
    pthread_cond_broadcast(&budget->given);
    pthread_mutex_unlock(&budget->lock);
}
