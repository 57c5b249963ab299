#include "jobs/simulate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { threads_most = 16 };

/* What the threads share. */
struct shared {
    const struct simulate *simulate;
    atomic_uint next; /* part */
    atomic_bool stop;

    pthread_mutex_t lock; /* all below */
    struct tally *sum;
    unsigned done;
    struct err err;
};

static bool read_part(struct shared *shared, struct tally *tally, struct db *db,
                      struct stock_range range, struct err *err)
{
    bool found = true;
    struct stock stock;
    bool ok = stock_open(&stock, db, range, err);
    while (ok && found && !atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        struct stock_item item;
        arena_reset(&tally->work);
        ok = stock_next(&stock, &tally->work, &item, &found, err) &&
             (!found || tally_add(tally, db, &item, err));
    }
    stock_close(&stock);
    return ok;
}

/* Under the lock: what one part has found. */
static bool add_up(struct shared *shared, struct tally *tally, unsigned part, struct err *err)
{
    const struct simulate *simulate = shared->simulate;
    bool ok = tally_merge(shared->sum, tally, err);
    if (ok && simulate->difference)
        ok = difference_part(simulate->difference, part, tally->rows, tally->row_count, err);
    tally->row_count = 0;
    shared->done++;
    if (ok && simulate->go_on &&
        !simulate->go_on(simulate->context, shared->done, DIFFERENCE_PARTS))
        ok = err_set(err, ERR_STOPPED, "the simulation was cancelled");
    return ok;
}

static bool work_off(struct shared *shared, struct tally *tally, struct db *db, struct err *err)
{
    for (;;) {
        unsigned part = atomic_fetch_add(&shared->next, 1);
        if (part >= DIFFERENCE_PARTS || atomic_load(&shared->stop))
            return true;
        if (!read_part(shared, tally, db, stock_part(part, DIFFERENCE_PARTS), err))
            return false;
        pthread_mutex_lock(&shared->lock);
        bool ok = atomic_load(&shared->stop) || add_up(shared, tally, part, err);
        pthread_mutex_unlock(&shared->lock);
        if (!ok)
            return false;
    }
}

static void *run(void *context)
{
    struct err err = {0};
    struct shared *shared = context;
    struct store *store = shared->simulate->store;
    struct tally *tally = tally_new(&shared->simulate->with, &err);
    struct db *db = tally ? store_reader(store, &err) : NULL;
    bool ok = db && work_off(shared, tally, db, &err);
    store_reader_done(store, db);
    tally_free(tally);
    if (ok)
        return NULL;
    atomic_store(&shared->stop, true);
    pthread_mutex_lock(&shared->lock);
    if (shared->err.kind == ERR_NONE)
        shared->err = err;
    pthread_mutex_unlock(&shared->lock);
    return NULL;
}

static unsigned thread_count(const struct simulate *simulate)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = simulate->threads ? simulate->threads : (unsigned)(cores > 1 ? cores : 1);
    return count < threads_most ? count : threads_most;
}

/* The calling thread works, too. */
static void run_all(struct shared *shared)
{
    pthread_t threads[threads_most];
    unsigned count = thread_count(shared->simulate), started = 0;
    while (started + 1 < count && pthread_create(&threads[started], NULL, run, shared) == 0)
        started++;
    run(shared);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

struct tally *simulate_run(const struct simulate *simulate, struct err *err)
{
    struct shared shared = {.simulate = simulate, .sum = tally_new(&simulate->with, err)};
    if (!shared.sum)
        return NULL;
    pthread_mutex_init(&shared.lock, NULL);
    run_all(&shared);
    pthread_mutex_destroy(&shared.lock);
    bool ok = shared.err.kind == ERR_NONE &&
              (!simulate->difference || difference_end(simulate->difference, &shared.err));
    if (ok)
        return shared.sum;
    tally_free(shared.sum);
    *err = shared.err;
    return NULL;
}

void simulate_mark_new(const struct policy *policy, const struct policy *now, const bool *now_held,
                       bool *is_new)
{
    for (size_t i = 0; i < ruleset_count(policy); i++) {
        const struct ruleset_rule rule = ruleset_rule(policy, i);
        size_t before = now ? ruleset_find(now, rule.name) : RULESET_NONE;
        is_new[i] = true;
        if (before == RULESET_NONE)
            continue;
        const struct ruleset_rule was = ruleset_rule(now, before);
        is_new[i] = strcmp(was.digest, rule.digest) != 0 || was.mode != PLAN_ENFORCE ||
                    (now_held && now_held[before]);
    }
}

bool simulate_is_too_much(const struct ruleset_brake *brake, uint64_t fresh, uint64_t items)
{
    uint64_t share = items / 100 * brake->share + items % 100 * brake->share / 100;
    return !brake->off && fresh > (brake->items > share ? brake->items : share);
}
