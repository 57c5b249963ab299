#include "jobs/clerk.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/change.h"
#include "jobs/leftover.h"
#include "jobs/sweep.h"
#include "jobs/task_run.h"
#include "store/brake.h"

static const int64_t idle_us = 1000000, leftover_us = 3600LL * 1000000;

struct clerk {
    struct clerk_options options;
    struct settling *settling;
    struct watchers *watchers;
    pthread_t thread;
    bool started;
    bool deciding;   /* stored reports are decided again */
    int64_t decided; /* up to this id */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t rung;
    bool stop, woken, decide_again, lost;
};

void clerk_wake(void *context)
{
    struct clerk *clerk = context;
    pthread_mutex_lock(&clerk->lock);
    clerk->woken = true;
    pthread_cond_signal(&clerk->rung);
    pthread_mutex_unlock(&clerk->lock);
}

void clerk_decide_again(struct clerk *clerk)
{
    pthread_mutex_lock(&clerk->lock);
    clerk->decide_again = clerk->woken = true;
    pthread_cond_signal(&clerk->rung);
    pthread_mutex_unlock(&clerk->lock);
}

void clerk_lost(void *context)
{
    struct clerk *clerk = context;
    pthread_mutex_lock(&clerk->lock);
    clerk->lost = clerk->decide_again = clerk->woken = true;
    pthread_cond_signal(&clerk->rung);
    pthread_mutex_unlock(&clerk->lock);
}

/* Jobs whose last word was lost go on; a whole walk of each connection finds again the changes
 * that a failed commit has lost. */
static void walk_lost(struct clerk *clerk)
{
    struct err err = {0};
    clock_sleep_us(idle_us); /* a full disk is no reason to be busy */
    bool ok = claims_put_back(clerk->options.claims, clerk->options.store, &err);
    for (size_t i = 0; i < clerk->options.link_count; i++)
        ok = change_walk(clerk->options.store, clerk->options.links[i].name, &err) && ok;
    LOG(LOG_LEVEL_WARN, "changes-lost", LOG_TEXT(error, ok ? NULL : err.text),
        LOG_TEXT(what, "a commit failed: all connections are walked"));
    if (!ok)
        clerk_lost(clerk);
}

/* From the start; each turn of the loop goes on. */
static void decide_again(struct clerk *clerk)
{
    clerk->deciding = true;
    clerk->decided = 0;
}

/* What somebody asked for since the last time. */
static void take_requests(struct clerk *clerk)
{
    pthread_mutex_lock(&clerk->lock);
    bool again = clerk->decide_again, lost = clerk->lost;
    clerk->decide_again = clerk->lost = clerk->woken = false;
    pthread_mutex_unlock(&clerk->lock);
    if (lost)
        walk_lost(clerk);
    if (again)
        decide_again(clerk);
}

static bool decide_matched(struct db *db, void *context, struct err *err)
{
    return brake_again(db, clock_now_us(), context, err);
}

/* What people said to rules that were held: the files of which they let them act come again. */
static void take_words(struct clerk *clerk, struct err *err)
{
    bool more = false;
    const struct clerk_options *options = &clerk->options;
    const struct store_unit unit = {decide_matched, &more};
    struct db *db = store_reader(options->store, err);
    bool ok = db && brake_any_again(db, &more, err);
    store_reader_done(options->store, db);
    if (!ok || !more || !apply_words(options->apply, err))
        return;
    while (more && !atomic_load(options->stop) && store_write(options->store, STORE_RAN, unit, err))
        ;
}

/* Another revision, and people's words to the brake. */
static void take_rules(struct clerk *clerk)
{
    bool changed;
    struct err err = {0};
    const struct clerk_options *options = &clerk->options;
    if (apply_due(options->apply, &changed, &err) && changed)
        decide_again(clerk);
    if (clerk->deciding)
        clerk->deciding =
            !sweep_undecided(options->store, options->rules, options->stop, &clerk->decided);
    if (err.kind == ERR_NONE)
        take_words(clerk, &err);
    if (err.kind != ERR_NONE && err.kind != ERR_STOPPED)
        LOG(LOG_LEVEL_ERROR, "rules", LOG_TEXT(error, err.text));
}

static struct timespec at(int64_t steady_us)
{
    return (struct timespec){steady_us / 1000000, steady_us % 1000000 * 1000};
}

/* Until something is asked for, or the next replacement is due, a second at most. False: stop. */
static bool wait(struct clerk *clerk)
{
    int64_t wake = clock_steady_us() + idle_us, next = settling_next_us(clerk->settling);
    struct timespec until = at(next < wake ? next : wake);
    pthread_mutex_lock(&clerk->lock);
    if (!clerk->stop && !clerk->woken)
        pthread_cond_timedwait(&clerk->rung, &clerk->lock, &until);
    bool stop = clerk->stop;
    pthread_mutex_unlock(&clerk->lock);
    return !stop;
}

static bool forget(struct db *db, void *context, struct err *err)
{
    (void)context;
    return brake_forget(db, clock_now_us() - 25 * 3600 * idle_us, err);
}

/* What was counted more than a day ago. */
static void forget_hurt(struct store *store)
{
    const struct store_unit unit = {forget, NULL};
    store_write(store, STORE_RAN, unit, NULL);
}

static void *loop(void *context)
{
    struct clerk *clerk = context;
    const struct clerk_options *options = &clerk->options;
    int64_t next_sweep = 0, next_leftover = clock_steady_us() + leftover_us;
    do {
        take_requests(clerk);
        take_rules(clerk);
        settling_due(clerk->settling);
        if (clock_steady_us() >= next_sweep) {
            sweep_due(options->store, options->rules, options->stop);
            task_sweep(options->store, options->custodian);
            forget_hurt(options->store);
            next_sweep = clock_steady_us() + 60 * idle_us;
        }
        if (clock_steady_us() >= next_leftover) {
            leftover_sweep(options->world, options->links, options->link_count);
            next_leftover = clock_steady_us() + leftover_us;
        }
        sweep_stopped(options->store, options->rules, options->stop);
        watchers_poll(clerk->watchers);
    } while (wait(clerk));
    return NULL;
}

struct clerk *clerk_open(const struct clerk_options *options, struct err *err)
{
    pthread_condattr_t steady;
    struct clerk *clerk = mem_zalloc(1, sizeof *clerk);
    if (!clerk) {
        err_set(err, ERR_MEMORY, "clerk: out of memory");
        return NULL;
    }
    clerk->options = *options;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&clerk->lock, NULL);
    pthread_cond_init(&clerk->rung, &steady);
    pthread_condattr_destroy(&steady);
    return clerk;
}

bool clerk_start(struct clerk *clerk, struct settling *settling, struct watchers *watchers,
                 struct err *err)
{
    clerk->settling = settling;
    clerk->watchers = watchers;
    clerk->started = pthread_create(&clerk->thread, NULL, loop, clerk) == 0;
    return clerk->started || err_set(err, ERR_MEMORY, "clerk: cannot start a thread");
}

void clerk_close(struct clerk *clerk)
{
    if (!clerk)
        return;
    pthread_mutex_lock(&clerk->lock);
    clerk->stop = true;
    pthread_cond_signal(&clerk->rung);
    pthread_mutex_unlock(&clerk->lock);
    if (clerk->started)
        pthread_join(clerk->thread, NULL);
    mem_free(clerk);
}
