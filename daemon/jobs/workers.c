#include "jobs/workers.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "jobs/job.h"
#include "jobs/recover.h"
#include "jobs/walk.h"

enum { threads_most = 256, settling_most = 4096, name_bytes = 1 << 16 };

static const int64_t settle_after_us = 2000000, settle_again_us = 3000000, idle_us = 1000000,
                     poll_least_us = 1000000;

/* A replacement that is in place and waits for writers that were under way. */
struct settling {
    const struct visit_link *link;
    struct connect_replacing *replacing;
    int64_t intent, due_us; /* steady time */
    char *key;
};

struct watcher {
    struct workers *workers;
    struct visit_link *link;
    int64_t poll_us, next_poll_us; /* steady time */
    pthread_t thread;
    bool started;
};

/* Rules in force, held by the visits that decide with them. */
struct rules {
    struct policy *policy;
    unsigned holders;
    struct rules *older;
};

struct workers {
    struct visit_world world;
    struct visit_link *links;
    size_t link_count;
    int cap;
    unsigned thread_count, started;
    pthread_t threads[threads_most];
    pthread_t clerk; /* settles, polls, decides again what is due */
    bool clerk_started;
    struct watcher *watchers;
    int stop_fd;
    atomic_bool stop;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t rung, room, clerk_rung;
    uint64_t rings;
    struct settling settling[settling_most]; /* a ring, in order of due time */
    size_t settling_first, settling_count, settling_room;
    struct rules *rules;
    bool decide_again;
    bool lost; /* changes that were told as recorded are not: walk everything */
    unsigned busy;
    uint64_t visits;
};

/* Ringing ------------------------------------------------------------------------------------ */

static void ring(void *context)
{
    struct workers *workers = context;
    pthread_mutex_lock(&workers->lock);
    workers->rings++;
    pthread_cond_broadcast(&workers->rung);
    pthread_mutex_unlock(&workers->lock);
}

static void on_lost(void *context)
{
    struct workers *workers = context;
    pthread_mutex_lock(&workers->lock);
    workers->lost = workers->decide_again = true;
    pthread_cond_signal(&workers->clerk_rung);
    pthread_mutex_unlock(&workers->lock);
}

static struct timespec at(int64_t steady_us)
{
    return (struct timespec){steady_us / 1000000, steady_us % 1000000 * 1000};
}

static bool add_job(struct db *db, void *context, struct err *err)
{
    return queue_add(db, context, err);
}

static bool add(struct workers *workers, struct queue_job job, struct err *err)
{
    const struct store_unit unit = {add_job, &job};
    return store_write(workers->world.store, STORE_RAN, unit, err);
}

static bool visit_soon(struct workers *workers, const char *connection, const char *key,
                       int64_t due_us, int64_t seen_us)
{
    struct err err = {0};
    int64_t now = clock_now_us();
    const struct queue_job job = {.kind = QUEUE_VISIT,
                                  .connection = connection,
                                  .key = key,
                                  .lane = QUEUE_LIVE,
                                  .due_us = due_us ? due_us : now,
                                  .seen_us = seen_us ? seen_us : now};
    if (add(workers, job, &err))
        return true;
    LOG(LOG_LEVEL_ERROR, "change-not-recorded", LOG_TEXT(connection, connection),
        LOG_TEXT(path, key), LOG_TEXT(error, err.text));
    return false;
}

bool workers_scan(struct workers *workers, const char *connection, struct err *err)
{
    int64_t now = clock_now_us();
    const struct queue_job job = {.kind = QUEUE_WALK,
                                  .connection = connection,
                                  .key = "",
                                  .lane = QUEUE_BACKFILL,
                                  .due_us = now,
                                  .seen_us = now};
    return add(workers, job, err);
}

/* Rules -------------------------------------------------------------------------------------- */

static const struct policy *hold_policy(void *context)
{
    struct workers *workers = context;
    pthread_mutex_lock(&workers->lock);
    struct rules *rules = workers->rules;
    rules->holders++;
    pthread_mutex_unlock(&workers->lock);
    return rules->policy;
}

static void drop_policy(void *context, const struct policy *policy)
{
    struct workers *workers = context;
    pthread_mutex_lock(&workers->lock);
    for (struct rules **at = &workers->rules; *at; at = &(*at)->older) {
        struct rules *rules = *at;
        if (rules->policy != policy)
            continue;
        rules->holders--;
        if (rules->holders == 0 && rules != workers->rules) {
            *at = rules->older;
            policy_free(rules->policy);
            mem_free(rules);
        }
        break;
    }
    pthread_mutex_unlock(&workers->lock);
}

bool workers_policy(struct workers *workers, struct policy *policy, struct err *err)
{
    struct rules *rules = mem_zalloc(1, sizeof *rules);
    if (!rules)
        return err_set(err, ERR_MEMORY, "out of memory");
    rules->policy = policy;
    pthread_mutex_lock(&workers->lock);
    struct rules *old = workers->rules;
    rules->older = old;
    workers->rules = rules;
    if (old)
        old->holders++; /* let drop_policy decide whether it can go */
    workers->decide_again = true;
    pthread_cond_signal(&workers->clerk_rung);
    pthread_mutex_unlock(&workers->lock);
    if (old)
        drop_policy(workers, old->policy);
    return true;
}

/* Settling ----------------------------------------------------------------------------------- */

static void settle_later(void *context, const struct visit_link *link,
                         struct connect_replacing *replacing, const struct intent *intent)
{
    struct workers *workers = context;
    pthread_mutex_lock(&workers->lock);
    while (workers->settling_count >= workers->settling_room)
        pthread_cond_wait(&workers->room, &workers->lock);
    size_t last = (workers->settling_first + workers->settling_count++) % settling_most;
    workers->settling[last] = (struct settling){.link = link,
                                                .replacing = replacing,
                                                .intent = intent->id,
                                                .due_us = clock_steady_us() + settle_after_us,
                                                .key = mem_strdup(intent->key)};
    pthread_cond_signal(&workers->clerk_rung);
    pthread_mutex_unlock(&workers->lock);
}

/* The displaced file is held open by somebody: it is looked at again, unless the daemon stops. */
static bool settle_again(struct workers *workers, struct settling *one)
{
    pthread_mutex_lock(&workers->lock);
    bool room = !atomic_load(&workers->stop) && workers->settling_count < workers->settling_room;
    if (room) {
        one->due_us = clock_steady_us() + settle_again_us;
        size_t last = (workers->settling_first + workers->settling_count++) % settling_most;
        workers->settling[last] = *one;
    }
    pthread_mutex_unlock(&workers->lock);
    return room;
}

static bool forget_intent(struct db *db, void *context, struct err *err)
{
    return intent_remove(db, *(int64_t *)context, err);
}

static void settle(struct workers *workers, struct settling *one)
{
    struct err err = {0};
    const struct connector *connector = one->link->connector;
    int64_t early_us = one->due_us - clock_steady_us();
    if (early_us > 0) /* stopping */
        clock_sleep_us(early_us);
    bool ok = connector->replace_settle(one->replacing, &err);
    if (!ok && err.kind == ERR_BUSY && settle_again(workers, one))
        return;
    connector->replace_close(one->replacing);
    if (ok || err.kind == ERR_CONFLICT) {
        const struct store_unit unit = {forget_intent, &one->intent};
        store_write(workers->world.store, STORE_RAN, unit, NULL);
    }
    if (!ok) {
        LOG(err.kind == ERR_CONFLICT ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "settle",
            LOG_TEXT(connection, one->link->name), LOG_TEXT(path, one->key),
            LOG_TEXT(error, err.text));
        if (one->key)
            visit_soon(workers, one->link->name, one->key, 0, 0);
    }
    mem_free(one->key);
}

/* Those that are due, or all of them at the end. Called and returns under the lock. */
static void settle_due(struct workers *workers, bool all)
{
    while (workers->settling_count > 0) {
        struct settling one = workers->settling[workers->settling_first];
        if (!all && one.due_us > clock_steady_us())
            return;
        workers->settling_first = (workers->settling_first + 1) % settling_most;
        workers->settling_count--;
        pthread_cond_signal(&workers->room);
        pthread_mutex_unlock(&workers->lock);
        settle(workers, &one);
        pthread_mutex_lock(&workers->lock);
    }
}

/* The clerk ---------------------------------------------------------------------------------- */

struct sweep {
    const char *revision;
    int64_t after, now_us;
    bool more;
};

static bool queue_row(struct db *db, struct db_query *query, int first, int64_t now_us,
                      struct err *err)
{
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = db_column_text(query, first),
                            .key = db_column_text(query, first + 1),
                            .lane = QUEUE_BACKFILL,
                            .due_us = now_us,
                            .seen_us = now_us};
    return queue_add(db, &job, err);
}

/* Rules changed: stored reports are decided again by visits that fetch nothing. */
static bool sweep_undecided(struct db *db, void *context, struct err *err)
{
    struct sweep *sweep = context;
    struct db_query *query = db_query(db, DB_ITEMS_UNDECIDED);
    enum db_step step;
    db_number(query, 1, sweep->after);
    db_text(query, 2, sweep->revision);
    sweep->more = false;
    while ((step = db_step(query, err)) == DB_ROW) {
        sweep->more = true;
        sweep->after = db_column_number(query, 0);
        if (!queue_row(db, query, 1, sweep->now_us, err)) {
            db_done(query);
            return false;
        }
    }
    return step == DB_END;
}

/* Undecided from now on: the visit that is queued stores the next time. */
static bool not_due(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_NOT_DUE);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

/* Time conditions whose moment has come. */
static bool sweep_due(struct db *db, void *context, struct err *err)
{
    struct sweep *sweep = context;
    struct db_query *query = db_query(db, DB_ITEMS_DUE);
    enum db_step step;
    db_number(query, 1, sweep->now_us);
    sweep->more = false;
    while ((step = db_step(query, err)) == DB_ROW) {
        sweep->more = true;
        if (!queue_row(db, query, 1, sweep->now_us, err) ||
            !not_due(db, db_column_number(query, 0), err)) {
            db_done(query);
            return false;
        }
    }
    return step == DB_END;
}

static void sweep(struct workers *workers, bool undecided)
{
    struct err err = {0};
    const struct policy *policy = hold_policy(workers);
    struct sweep work = {.revision = policy_revision(policy), .now_us = clock_now_us()};
    bool (*run)(struct db *, void *, struct err *) = undecided ? sweep_undecided : sweep_due;
    const struct store_unit unit = {run, &work};
    bool ok;
    do
        ok = store_write(workers->world.store, STORE_RAN, unit, &err);
    while (ok && work.more && !atomic_load(&workers->stop));
    if (!ok)
        LOG(LOG_LEVEL_WARN, "decide-again", LOG_TEXT(error, err.text));
    drop_policy(workers, policy);
}

static void poll_links(struct workers *workers)
{
    int64_t now = clock_steady_us();
    for (size_t i = 0; i < workers->link_count; i++) {
        struct watcher *watcher = &workers->watchers[i];
        if (watcher->poll_us == 0 || watcher->next_poll_us > now)
            continue;
        watcher->next_poll_us = now + watcher->poll_us;
        workers_scan(workers, watcher->link->name, NULL);
    }
}

/* A whole walk of each connection finds again what a failed commit has lost. */
static void walk_lost(struct workers *workers)
{
    bool ok = true;
    struct err err = {0};
    clock_sleep_us(idle_us); /* a full disk is no reason to be busy */
    for (size_t i = 0; i < workers->link_count; i++)
        ok = workers_scan(workers, workers->links[i].name, &err) && ok;
    LOG(LOG_LEVEL_WARN, "changes-lost", LOG_TEXT(error, ok ? NULL : err.text),
        LOG_TEXT(what, "a commit failed: all connections are walked"));
    if (!ok)
        on_lost(workers);
}

/* What somebody asked for since the last time. */
static void take_requests(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    bool again = workers->decide_again, lost = workers->lost;
    workers->decide_again = workers->lost = false;
    pthread_mutex_unlock(&workers->lock);
    if (lost)
        walk_lost(workers);
    if (again)
        sweep(workers, true);
}

static void *clerk_loop(void *context)
{
    struct workers *workers = context;
    int64_t next_sweep = 0;
    pthread_mutex_lock(&workers->lock);
    while (!atomic_load(&workers->stop)) {
        settle_due(workers, false);
        pthread_mutex_unlock(&workers->lock);
        take_requests(workers);
        if (clock_steady_us() >= next_sweep) {
            sweep(workers, false);
            next_sweep = clock_steady_us() + 60 * idle_us;
        }
        poll_links(workers);
        pthread_mutex_lock(&workers->lock);
        int64_t wake = clock_steady_us() + idle_us;
        if (workers->settling_count > 0 && workers->settling[workers->settling_first].due_us < wake)
            wake = workers->settling[workers->settling_first].due_us;
        struct timespec until = at(wake);
        if (!atomic_load(&workers->stop) && !workers->decide_again)
            pthread_cond_timedwait(&workers->clerk_rung, &workers->lock, &until);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* Watching ----------------------------------------------------------------------------------- */

struct move {
    const char *connection;
    const struct connect_change *change;
};

static bool move_row(struct db *db, void *context, struct err *err)
{
    const struct move *move = context;
    own_arena struct arena arena = arena_new(2 * name_bytes);
    struct item item, other;
    bool found, taken;
    if (!item_find(db, move->connection, move->change->old_key, &arena, &item, &found, err) ||
        !item_find(db, move->connection, move->change->key, &arena, &other, &taken, err))
        return false;
    if (!found || taken || item.deleted_us != ITEM_NO_TIME)
        return true;
    item.key = move->change->key;
    return item_save(db, &item, err);
}

/* The item keeps its id; the visits of both names say the rest. */
static void move_item(struct workers *workers, const char *connection,
                      const struct connect_change *change)
{
    struct err err = {0};
    struct move move = {connection, change};
    const struct store_unit unit = {move_row, &move};
    if (!store_write(workers->world.store, STORE_RAN, unit, &err))
        LOG(LOG_LEVEL_WARN, "move-not-recorded", LOG_TEXT(connection, connection),
            LOG_TEXT(path, change->key), LOG_TEXT(error, err.text));
}

static void on_change(void *context, const struct connect_change *change)
{
    struct watcher *watcher = context;
    const char *name = watcher->link->name;
    if (change->event == CONNECT_OVERFLOW) {
        workers_scan(watcher->workers, name, NULL);
        return;
    }
    if (change->event == CONNECT_MOVED && change->old_key && change->key)
        move_item(watcher->workers, name, change);
    if (change->old_key)
        visit_soon(watcher->workers, name, change->old_key, 0, change->seen_us);
    if (change->key)
        visit_soon(watcher->workers, name, change->key, change->due_us, change->seen_us);
}

static void *watch_loop(void *context)
{
    struct watcher *watcher = context;
    struct err err = {0};
    const struct connect_changes changes = {watcher, on_change};
    if (!watcher->link->connector->watch(watcher->link->connection, &changes,
                                         watcher->workers->stop_fd, &err) &&
        !atomic_load(&watcher->workers->stop))
        LOG(LOG_LEVEL_ERROR, "watch", LOG_TEXT(connection, watcher->link->name),
            LOG_TEXT(error, err.text));
    return NULL;
}

/* Working ------------------------------------------------------------------------------------ */

struct claim {
    struct arena *arena;
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
    if (!link) {
        const struct store_unit unit = {give_up, job};
        store_write(workers->world.store, STORE_RAN, unit, NULL);
    } else if (job->kind == QUEUE_WALK) {
        walk_run(&workers->world, link, job, &workers->stop);
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

static void *work_loop(void *context)
{
    struct workers *workers = context;
    while (!atomic_load(&workers->stop)) {
        own_arena struct arena arena = arena_new(name_bytes);
        struct claim claim = {.arena = &arena, .cap = workers->cap, .due_us = INT64_MAX};
        const struct store_unit unit = {claim_one, &claim};
        struct err err = {0};
        uint64_t rings = count_busy(workers, 0);
        bool ok = store_write(workers->world.store, STORE_RAN, unit, &err);
        if (!ok)
            LOG(LOG_LEVEL_ERROR, "claim", LOG_TEXT(error, err.text));
        if (!ok || !claim.found) {
            int64_t now = clock_now_us();
            wait_for_work(workers, rings, !ok || claim.due_us <= now ? now + 50000 : claim.due_us);
            continue;
        }
        count_busy(workers, 1);
        run_job(workers, &claim.job);
        count_busy(workers, -1);
    }
    return NULL;
}

/* Life --------------------------------------------------------------------------------------- */

/* A replacement that settles holds its folder and file open. */
static size_t settling_room(void)
{
    struct rlimit limit;
    const rlim_t each = 3, others = 1024;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 64;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    rlim_t room = limit.rlim_cur > others ? (limit.rlim_cur - others) / each : 64;
    return room < 64 ? 64 : room < settling_most ? (size_t)room : settling_most;
}

static bool init(struct workers *workers, const struct workers_options *options, struct err *err)
{
    pthread_condattr_t steady;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = options->threads ? options->threads : (unsigned)(cores > 2 ? cores : 2) * 4;
    workers->thread_count = threads < threads_most ? threads : threads_most;
    workers->cap = workers->thread_count > 1 ? (int)workers->thread_count - 1 : 1;
    workers->settling_room = settling_room();
    workers->links = options->links;
    workers->link_count = options->link_count;
    workers->world = (struct visit_world){.store = options->store,
                                          .budget = options->budget,
                                          .parser = options->parser,
                                          .limits = options->limits,
                                          .policy = hold_policy,
                                          .policy_done = drop_policy,
                                          .policy_context = workers,
                                          .settle = settle_later,
                                          .settle_context = workers,
                                          .stop = &workers->stop};
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->rung, &steady);
    pthread_cond_init(&workers->clerk_rung, &steady);
    pthread_cond_init(&workers->room, &steady);
    pthread_condattr_destroy(&steady);
    workers->stop_fd = eventfd(0, EFD_CLOEXEC);
    workers->watchers = mem_zalloc(options->link_count + 1, sizeof *workers->watchers);
    workers->rules = mem_zalloc(1, sizeof *workers->rules);
    if (!workers->watchers || !workers->rules || workers->stop_fd < 0)
        return err_set(err, ERR_MEMORY, "workers: out of memory");
    workers->rules->policy = options->policy;
    return true;
}

static bool start_watchers(struct workers *workers, const struct workers_options *options)
{
    bool ok = true;
    for (size_t i = 0; i < workers->link_count; i++) {
        struct watcher *watcher = &workers->watchers[i];
        int64_t poll_us = options->poll_us ? options->poll_us[i] : 0;
        *watcher = (struct watcher){.workers = workers, .link = &workers->links[i]};
        watcher->poll_us = poll_us > 0 && poll_us < poll_least_us ? poll_least_us : poll_us;
        watcher->next_poll_us = clock_steady_us() + watcher->poll_us;
        if (watcher->link->connector->watch && watcher->link->caps & CONNECT_WATCH)
            watcher->started = pthread_create(&watcher->thread, NULL, watch_loop, watcher) == 0;
        ok = ok && workers_scan(workers, watcher->link->name, NULL);
    }
    return ok;
}

static bool start_threads(struct workers *workers)
{
    workers->clerk_started = pthread_create(&workers->clerk, NULL, clerk_loop, workers) == 0;
    bool ok = workers->clerk_started;
    for (unsigned i = 0; ok && i < workers->thread_count; i++) {
        ok = pthread_create(&workers->threads[i], NULL, work_loop, workers) == 0;
        workers->started += ok;
    }
    return ok;
}

struct workers *workers_start(const struct workers_options *options, struct err *err)
{
    struct workers *workers = mem_zalloc(1, sizeof *workers);
    if (!workers) {
        err_set(err, ERR_MEMORY, "workers: out of memory");
        return NULL;
    }
    workers->stop_fd = -1;
    bool ok = init(workers, options, err) &&
              recover_all(options->store, options->links, options->link_count, err);
    if (ok) {
        workers->decide_again = true;
        store_on_jobs(options->store, ring, workers);
        store_on_lost(options->store, on_lost, workers);
        ok = (start_watchers(workers, options) && start_threads(workers)) ||
             err_set(err, ERR_MEMORY, "workers: cannot start threads");
    }
    if (ok)
        return workers;
    workers_stop(workers);
    return NULL;
}

static void ask_to_stop(struct workers *workers)
{
    const uint64_t one = 1;
    atomic_store(&workers->stop, true);
    if (workers->stop_fd >= 0 && write(workers->stop_fd, &one, sizeof one) < 0)
        LOG(LOG_LEVEL_WARN, "stop", LOG_TEXT(error, "the watches cannot be told"));
    pthread_mutex_lock(&workers->lock);
    pthread_cond_broadcast(&workers->rung);
    pthread_cond_broadcast(&workers->clerk_rung);
    pthread_mutex_unlock(&workers->lock);
}

void workers_stop(struct workers *workers)
{
    if (!workers)
        return;
    ask_to_stop(workers);
    if (workers->clerk_started)
        pthread_join(workers->clerk, NULL);
    for (size_t i = 0; workers->watchers && i < workers->link_count; i++)
        if (workers->watchers[i].started)
            pthread_join(workers->watchers[i].thread, NULL);
    for (unsigned i = 0; i < workers->started; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_mutex_lock(&workers->lock);
    settle_due(workers, true);
    pthread_mutex_unlock(&workers->lock);
    store_on_jobs(workers->world.store, NULL, NULL);
    store_on_lost(workers->world.store, NULL, NULL);
    while (workers->rules) {
        struct rules *rules = workers->rules;
        workers->rules = rules->older;
        policy_free(rules->policy);
        mem_free(rules);
    }
    if (workers->stop_fd >= 0)
        close(workers->stop_fd);
    mem_free(workers->watchers);
    mem_free(workers);
}

void workers_numbers(struct workers *workers, struct workers_numbers *numbers)
{
    pthread_mutex_lock(&workers->lock);
    *numbers = (struct workers_numbers){.threads = workers->thread_count,
                                        .busy = workers->busy,
                                        .settling = (unsigned)workers->settling_count,
                                        .visits = workers->visits};
    pthread_mutex_unlock(&workers->lock);
}
