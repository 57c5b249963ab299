#include "jobs/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "jobs/change.h"
#include "jobs/clerk.h"
#include "jobs/custody_run.h"
#include "jobs/job.h"
#include "jobs/leftover.h"
#include "jobs/recover.h"
#include "jobs/rules.h"
#include "jobs/settling.h"
#include "jobs/task_run.h"
#include "jobs/walk.h"
#include "jobs/watchers.h"

enum { threads_most = 256, name_bytes = 1 << 16 };

static const int64_t idle_us = 1000000;
static const int64_t full_pause_us = 500000;

struct workers {
    struct visit_world world;
    struct visit_link *links;
    size_t link_count;
    int cap;
    unsigned thread_count, started;
    pthread_t threads[threads_most];
    struct rules *rules;
    struct apply apply;
    struct settling *settling;
    struct watchers *watchers;
    struct clerk *clerk;
    struct claims claims;
    atomic_bool stop;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t rung;
    uint64_t rings;
    unsigned busy;
    uint64_t visits;
};

static void ring(void *context)
{
    struct workers *workers = context;
    pthread_mutex_lock(&workers->lock);
    workers->rings++;
    pthread_cond_broadcast(&workers->rung);
    pthread_mutex_unlock(&workers->lock);
}

static struct timespec at(int64_t steady_us)
{
    return (struct timespec){steady_us / 1000000, steady_us % 1000000 * 1000};
}

bool workers_scan(struct workers *workers, const char *connection, struct err *err)
{
    return change_walk(workers->world.store, connection, err);
}

void workers_apply(struct workers *workers)
{
    clerk_wake(workers->clerk);
}

/* Working ------------------------------------------------------------------------------------ */

struct claim {
    struct arena *arena;
    struct claims_one held;
    struct queue_job job;
    int cap;
    bool found;
    int64_t due_us; /* none now: when the next one is */
};

static bool claim_one(struct db *db, void *context, struct err *err)
{
    struct claim *claim = context;
    int64_t now = clock_now_us();
    return job_claim(db, now, claim->cap, claim->arena, &claim->job, &claim->found, err) &&
           (claim->found || queue_due(db, &claim->due_us, err));
}

static const struct visit_link *link_of(const struct workers *workers, const char *name)
{
    for (size_t i = 0; i < workers->link_count; i++)
        if (strcmp(workers->links[i].name, name) == 0)
            return &workers->links[i];
    return NULL;
}

static bool give_up(struct db *db, void *context, struct err *err)
{
    struct queue_job *job = context;
    job->error = "no such connection";
    return job_event(db, job, JOB_GAVE_UP, clock_now_us(), err);
}

static void run_job(struct workers *workers, struct queue_job *job)
{
    const struct visit_link *link = link_of(workers, job->connection);
    if (job->kind == QUEUE_TASK) {
        task_run(&workers->world, job);
    } else if (!link) {
        const struct store_unit unit = {give_up, job};
        store_write(workers->world.store, STORE_RAN, unit, NULL);
    } else if (job->kind == QUEUE_WALK) {
        walk_run(&workers->world, link, job, &workers->stop);
    } else if (job->kind == QUEUE_ENTRY) {
        custody_run(&workers->world, link, job);
    } else {
        visit_run(&workers->world, link, job);
    }
}

static void wait_for_work(struct workers *workers, uint64_t rings, int64_t due_us)
{
    int64_t wait = idle_us;
    if (due_us != INT64_MAX && due_us - clock_now_us() < wait)
        wait = due_us - clock_now_us();
    struct timespec until = at(clock_steady_us() + (wait > 1000 ? wait : 1000));
    pthread_mutex_lock(&workers->lock);
    while (workers->rings == rings && !atomic_load(&workers->stop))
        if (pthread_cond_timedwait(&workers->rung, &workers->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&workers->lock);
}

static uint64_t count_busy(struct workers *workers, int change)
{
    pthread_mutex_lock(&workers->lock);
    workers->busy = (unsigned)((int)workers->busy + change);
    workers->visits += change < 0;
    uint64_t rings = workers->rings;
    pthread_mutex_unlock(&workers->lock);
    return rings;
}

/* False: there is nothing to do until claim->due_us. */
static bool take_claim(struct workers *workers, struct claim *claim)
{
    const struct store_unit unit = {claim_one, claim};
    struct err err = {0};
    bool ok = claims_take(&workers->claims, &claim->held, &err);
    claim->job.claim = claim->held.number;
    ok = ok && store_write(workers->world.store, STORE_RAN, unit, &err);
    if (!ok)
        LOG(LOG_LEVEL_ERROR, "claim", LOG_TEXT(error, err.text));
    claim->found = ok && claim->found;
    int64_t now_us = clock_now_us();
    if (!ok || claim->due_us <= now_us)
        claim->due_us = now_us + 50000;
    return claim->found;
}

static uint64_t failed_commits(struct workers *workers)
{
    struct store_numbers numbers;
    store_numbers(workers->world.store, &numbers);
    return numbers.failed;
}

/* While nothing can be kept, doing it again and again would only keep the machine busy. */
static void run_claim(struct workers *workers, struct claim *claim)
{
    uint64_t failed = failed_commits(workers);
    count_busy(workers, 1);
    run_job(workers, &claim->job);
    count_busy(workers, -1);
    if (failed_commits(workers) != failed && !atomic_load(&workers->stop))
        clock_sleep_us(full_pause_us);
}

static void *work_loop(void *context)
{
    struct workers *workers = context;
    while (!atomic_load(&workers->stop)) {
        own_arena struct arena arena = arena_new(name_bytes);
        struct claim claim = {.arena = &arena, .cap = workers->cap, .due_us = INT64_MAX};
        uint64_t rings = count_busy(workers, 0);
        if (take_claim(workers, &claim))
            run_claim(workers, &claim);
        claims_drop(&workers->claims, &claim.held);
        if (!claim.found)
            wait_for_work(workers, rings, claim.due_us);
    }
    return NULL;
}

/* Life --------------------------------------------------------------------------------------- */

static void init(struct workers *workers, const struct workers_options *options)
{
    pthread_condattr_t steady;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = options->threads ? options->threads : (unsigned)(cores > 2 ? cores : 2) * 4;
    workers->thread_count = threads < threads_most ? threads : threads_most;
    workers->cap = workers->thread_count > 1 ? (int)workers->thread_count - 1 : 1;
    workers->links = options->links;
    workers->link_count = options->link_count;
    workers->world = (struct visit_world){.store = options->store,
                                          .budget = options->budget,
                                          .custodian = options->custodian,
                                          .parser = options->parser,
                                          .limits = options->limits,
                                          .gate = options->gate,
                                          .metrics = options->metrics,
                                          .policy = rules_hold,
                                          .policy_done = rules_drop,
                                          .settle = settling_add,
                                          .told = options->told,
                                          .told_context = options->told_context,
                                          .stop = &workers->stop};
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&workers->lock, NULL);
    claims_init(&workers->claims);
    pthread_cond_init(&workers->rung, &steady);
    pthread_condattr_destroy(&steady);
}

/* What the visits lean on. */
static bool open_parts(struct workers *workers, const struct workers_options *options,
                       struct err *err)
{
    workers->rules = rules_open(options->policy, err);
    workers->apply = (struct apply){.store = options->store,
                                    .gate = options->gate,
                                    .rules = workers->rules,
                                    .stop = &workers->stop,
                                    .told = options->applied,
                                    .context = options->applied_context};
    const struct clerk_options clerk = {.store = options->store,
                                        .links = options->links,
                                        .link_count = options->link_count,
                                        .rules = workers->rules,
                                        .apply = &workers->apply,
                                        .custodian = options->custodian,
                                        .claims = &workers->claims,
                                        .world = &workers->world,
                                        .stop = &workers->stop};
    workers->clerk = workers->rules ? clerk_open(&clerk, err) : NULL;
    const struct settling_options settling = {.store = options->store,
                                              .stop = &workers->stop,
                                              .rung = clerk_wake,
                                              .context = workers->clerk};
    workers->settling = workers->clerk ? settling_open(&settling, err) : NULL;
    workers->world.policy_context = workers->rules;
    workers->world.brakes = workers->rules;
    workers->world.settle_context = workers->settling;
    return workers->settling != NULL;
}

static bool start_threads(struct workers *workers, const struct workers_options *options,
                          struct err *err)
{
    const struct watchers_options watchers = {.store = options->store,
                                              .links = options->links,
                                              .poll_us = options->poll_us,
                                              .link_count = options->link_count};
    clerk_decide_again(workers->clerk);
    store_on_jobs(options->store, ring, workers);
    store_on_lost(options->store, clerk_lost, workers->clerk);
    workers->watchers = watchers_start(&watchers, err);
    bool ok =
        workers->watchers && clerk_start(workers->clerk, workers->settling, workers->watchers, err);
    for (unsigned i = 0; ok && i < workers->thread_count; i++) {
        ok = pthread_create(&workers->threads[i], NULL, work_loop, workers) == 0 ||
             err_set(err, ERR_MEMORY, "workers: cannot start threads");
        workers->started += ok;
    }
    return ok;
}

struct workers *workers_start(const struct workers_options *options, struct err *err)
{
    struct workers *workers = mem_zalloc(1, sizeof *workers);
    if (!workers) {
        policy_free(options->policy);
        err_set(err, ERR_MEMORY, "workers: out of memory");
        return NULL;
    }
    init(workers, options);
    if (open_parts(workers, options, err) && apply_first(&workers->apply, err) &&
        recover_all(options->store, options->links, options->link_count, err)) {
        leftover_sweep(&workers->world, options->links, options->link_count);
        if (start_threads(workers, options, err))
            return workers;
    }
    workers_stop(workers);
    return NULL;
}

/* The clerk goes last of the threads: who waits for room to settle needs it. */
void workers_stop(struct workers *workers)
{
    if (!workers)
        return;
    atomic_store(&workers->stop, true);
    ring(workers);
    watchers_stop(workers->watchers);
    for (unsigned i = 0; i < workers->started; i++)
        pthread_join(workers->threads[i], NULL);
    store_on_jobs(workers->world.store, NULL, NULL);
    store_on_lost(workers->world.store, NULL, NULL);
    clerk_close(workers->clerk);
    watchers_close(workers->watchers);
    if (workers->settling)
        settling_all(workers->settling);
    settling_close(workers->settling);
    rules_close(workers->rules);
    claims_fini(&workers->claims);
    mem_free(workers);
}

void workers_numbers(struct workers *workers, struct workers_numbers *numbers)
{
    pthread_mutex_lock(&workers->lock);
    *numbers = (struct workers_numbers){.threads = workers->thread_count,
                                        .busy = workers->busy,
                                        .settling = settling_count(workers->settling),
                                        .visits = workers->visits};
    pthread_mutex_unlock(&workers->lock);
}
