#include "jobs/claims.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/own.h"
#include "jobs/job.h"

static const size_t text_max_bytes = 1u << 20;

void claims_init(struct claims *claims)
{
    pthread_mutex_init(&claims->lock, NULL);
    claims->first = NULL;
}

void claims_fini(struct claims *claims)
{
    pthread_mutex_destroy(&claims->lock);
}

bool claims_take(struct claims *claims, struct claims_one *one, struct err *err)
{
    if (getrandom(&one->number, sizeof one->number, 0) != sizeof one->number)
        return err_errno(err, "random numbers");
    pthread_mutex_lock(&claims->lock);
    one->next = claims->first;
    claims->first = one;
    pthread_mutex_unlock(&claims->lock);
    return true;
}

void claims_drop(struct claims *claims, struct claims_one *one)
{
    pthread_mutex_lock(&claims->lock);
    struct claims_one **at = &claims->first;
    while (*at && *at != one)
        at = &(*at)->next;
    if (*at)
        *at = one->next;
    pthread_mutex_unlock(&claims->lock);
}

static bool is_held(struct claims *claims, int64_t number)
{
    pthread_mutex_lock(&claims->lock);
    const struct claims_one *one = claims->first;
    while (one && one->number != number)
        one = one->next;
    pthread_mutex_unlock(&claims->lock);
    return one != NULL;
}

static bool put_back(struct db *db, void *context, struct err *err)
{
    bool found = true;
    int64_t after = 0;
    while (found) {
        own_arena struct arena arena = arena_new(text_max_bytes);
        struct queue_job job;
        if (!queue_cut(db, after, &arena, &job, &found, err))
            return false;
        after = job.id;
        if (found && !is_held(context, job.claim) &&
            !job_event(db, &job, JOB_CUT, clock_now_us(), err))
            return false;
    }
    store_jobs_added(db);
    return true;
}

bool claims_put_back(struct claims *claims, struct store *store, struct err *err)
{
    const struct store_unit unit = {put_back, claims};
    return store_write(store, STORE_COMMITTED, unit, err);
}
