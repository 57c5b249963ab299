#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/priority.h"
#include "store/news.h"

enum {
    most_readers = 8,
    most_units = 1000,
    small_rows = 50,       /* units of more rows are bulk ... */
    most_bulk_rows = 1000, /* ... of which one commit takes so many, so that others wait less */
    path_max_bytes = 4096
};

static const int64_t ride_us = 100000; /* a unit that nobody waits for is durable within this */
static const int64_t await_us = 4000;  /* others ride along with one that is awaited so long */

/* The text of schema.sql, from the build. */
extern const char store_schema[];

static const char section_mark[] = "-- version ";

struct unit {
    struct store_unit work;
    enum store_wait wait;
    struct unit *next;
    void (*answer)(void *context, bool ok, const struct err *err); /* of a call; then it is ours */
    size_t rows;
    bool done, ok;
    struct err err;
};

struct units {
    struct unit *first, **last;
};

struct store {
    struct arena arena;
    const char *path;
    struct db *writer;
    pthread_t thread;
    bool started;
    uint32_t version;
    bool jobs_added;       /* by the unit that runs; the writer thread's own */
    struct news_list news; /* the writer thread's own */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t queued, done;
    struct units small, bulk;
    size_t bulk_rows; /* in this transaction */
    bool closing;
    struct db *idle[most_readers];
    unsigned idle_count;
    void (*ring)(void *context), (*lost)(void *context);
    void *ring_context, *lost_context;
    void (*tell_news)(void *context, const struct news *news, size_t count, bool lost);
    void *news_context;
    bool riders;     /* units of this transaction were told as run */
    bool taken_back; /* an error has undone the whole transaction, not only its unit */
    bool ring_due;
    bool fail_commit;
    struct store_numbers numbers;
};

/* Schema ------------------------------------------------------------------------------------- */

/* 0 = a new file. */
static bool read_version(struct db *db, int64_t *version, struct err *err)
{
    struct db_query *query = db_query_text(db, "PRAGMA user_version");
    if (!query)
        return err_set(err, ERR_MEMORY, "store: out of memory");
    bool ok = db_step(query, err) == DB_ROW;
    *version = ok ? db_column_number(query, 0) : 0;
    db_drop(query);
    return ok;
}

/* The section of schema.sql after `from`; *version becomes its number. NULL: there is none. */
static const char *next_section(const char *from, int64_t *version)
{
    const char *mark = strstr(from, section_mark);
    while (mark && mark != store_schema && mark[-1] != '\n')
        mark = strstr(mark + 1, section_mark);
    if (mark)
        *version = strtoll(mark + strlen(section_mark), NULL, 10);
    return mark;
}

static bool run_section(struct db *db, const char *section, int64_t version, struct err *err)
{
    int64_t after;
    const char *next = next_section(section + 1, &after);
    size_t length = next ? (size_t)(next - section) : strlen(section);
    char *text = mem_strndup(section, length);
    if (!text)
        return err_set(err, ERR_MEMORY, "store: out of memory");
    bool ok = db_execute(db, text, err);
    mem_free(text);
    return ok || err_add(err, "schema version %lld", (long long)version);
}

static int64_t latest_version(void)
{
    int64_t version = 0, latest = 0;
    for (const char *at = store_schema; (at = next_section(at, &version)); at++)
        latest = version;
    return latest;
}

bool store_versions(struct db *db, int64_t *present, int64_t *latest, struct err *err)
{
    *latest = latest_version();
    return read_version(db, present, err);
}

/* The file as it is, once: labeld.db.version-N. A copy that a kill has cut has not its name yet. */
static bool keep_copy(struct store *store, int64_t present, struct err *err)
{
    if (present == 0)
        return true;
    const char *copy =
        arena_printf(&store->arena, "%s.version-%lld", store->path, (long long)present);
    const char *partial = copy ? arena_printf(&store->arena, "%s.new", copy) : NULL;
    if (!partial)
        return err_set(err, ERR_MEMORY, "store: out of memory");
    if (access(copy, F_OK) == 0)
        return true;
    unlink(partial);
    return db_copy(store->writer, partial, err) &&
           (rename(partial, copy) == 0 || err_errno(err, "naming %.200s", copy));
}

/* All of them or none: a kill in between leaves the version before. */
static bool run_sections(struct db *db, int64_t present, int64_t latest, struct err *err)
{
    char end[80];
    int64_t version = 0;
    bool ok = db_execute(db, "BEGIN IMMEDIATE", err);
    for (const char *at = store_schema; ok && (at = next_section(at, &version)); at++)
        ok = version <= present || run_section(db, at, version, err);
    snprintf(end, sizeof end, "PRAGMA user_version = %lld; COMMIT", (long long)latest);
    ok = ok && db_execute(db, end, err);
    if (!ok)
        db_execute(db, "ROLLBACK", NULL);
    return ok;
}

static bool migrate(struct store *store, struct err *err)
{
    int64_t present;
    if (!read_version(store->writer, &present, err))
        return false;
    int64_t latest = latest_version();
    if (present > latest)
        return err_set(err, ERR_UNSUPPORTED,
                       "%.200s has schema version %lld, this labeld knows up to %lld: it was "
                       "written by a newer version",
                       store->path, (long long)present, (long long)latest);
    store->version = (uint32_t)latest;
    return present == latest ||
           (keep_copy(store, present, err) && run_sections(store->writer, present, latest, err));
}

/* The writer --------------------------------------------------------------------------------- */

static void run_unit(struct store *store, struct unit *unit)
{
    struct db *db = store->writer;
    store->jobs_added = false;
    store->news.unit = store->news.count;
    if (!db_run(db_query(db, DB_UNIT_BEGIN), NULL, &unit->err))
        return;
    unit->ok = unit->work.run(db, unit->work.context, &unit->err) &&
               db_run(db_query(db, DB_UNIT_END), NULL, &unit->err);
    if (!unit->ok) {
        store->news.count = store->news.unit;
        db_execute(db, "ROLLBACK TO unit; RELEASE unit", NULL);
    }
    store->taken_back = !db_in_transaction(db);
}

static void put_unit(struct units *units, struct unit *unit)
{
    unit->next = NULL;
    *units->last = unit;
    units->last = &unit->next;
}

static struct unit *pop_unit(struct units *units)
{
    struct unit *unit = units->first;
    units->first = unit->next;
    if (!units->first)
        units->last = &units->first;
    return unit;
}

static bool takes_bulk(const struct store *store)
{
    const struct unit *next = store->bulk.first;
    return next && (store->bulk_rows == 0 || store->bulk_rows + next->rows <= most_bulk_rows);
}

static bool has_unit(const struct store *store)
{
    return store->small.first || takes_bulk(store);
}

/* Bulk first: neither can keep the other out for long. */
static struct unit *take_unit(struct store *store)
{
    if (!takes_bulk(store))
        return pop_unit(&store->small);
    struct unit *unit = pop_unit(&store->bulk);
    store->bulk_rows += unit->rows;
    return unit;
}

/* Under the lock: nobody may look at a unit after its `done`, it lies on its caller's stack. */
static void tell(struct store *store, struct unit *unit)
{
    unit->done = true;
    pthread_cond_broadcast(&store->done);
}

/* Wait for a unit until `deadline` (steady time). Under the lock. */
static bool wait_unit(struct store *store, int64_t deadline_us)
{
    struct timespec until = {.tv_sec = deadline_us / 1000000,
                             .tv_nsec = deadline_us % 1000000 * 1000};
    while (!has_unit(store) && !store->closing)
        if (pthread_cond_timedwait(&store->queued, &store->lock, &until) != 0)
            break;
    return has_unit(store);
}

/* Once for all units that have run, not for each: every ring wakes every worker. */
static void ring_workers(struct store *store)
{
    if (store->ring_due && store->ring)
        store->ring(store->ring_context);
    store->ring_due = false;
}

/* One transaction: units as they come, until one of them waits for the commit and no more are
 * there, or it has waited long enough (workers bring units without end), or riders have. Called
 * and returns under the lock. */
static struct unit *run_units(struct store *store)
{
    struct unit *awaiting = NULL;
    int64_t deadline = clock_steady_us() + ride_us;
    for (int count = 0; count < most_units; count++) {
        if (!has_unit(store))
            ring_workers(store);
        if (!has_unit(store) && (awaiting || !wait_unit(store, deadline)))
            break;
        struct unit *unit = take_unit(store);
        pthread_mutex_unlock(&store->lock);
        run_unit(store, unit);
        pthread_mutex_lock(&store->lock);
        store->numbers.units++;
        store->ring_due = store->ring_due || (unit->ok && store->jobs_added);
        if (unit->answer || (unit->ok && unit->wait == STORE_COMMITTED)) {
            if (!awaiting)
                deadline = clock_steady_us() + await_us;
            unit->next = awaiting;
            awaiting = unit;
        } else {
            store->riders = store->riders || unit->ok;
            tell(store, unit);
        }
        if (store->taken_back || clock_steady_us() > deadline)
            break;
    }
    ring_workers(store);
    return awaiting;
}

/* Tell those that wait. The calls among them are given back: they are answered without the lock. */
static struct unit *end_units(struct store *store, struct unit *awaiting, bool ok,
                              const struct err *err)
{
    struct unit *calls = NULL;
    store->numbers.commits++;
    store->numbers.failed += !ok;
    if (!ok && store->riders && store->lost)
        store->lost(store->lost_context);
    store->riders = false;
    store->bulk_rows = 0;
    for (struct unit *unit = awaiting, *next; unit; unit = next) {
        next = unit->next;
        if (!ok) {
            unit->ok = false;
            unit->err = *err;
        }
        if (unit->answer) {
            unit->next = calls;
            calls = unit;
        } else {
            tell(store, unit);
        }
    }
    return calls;
}

static void answer_calls(struct unit *calls)
{
    for (struct unit *unit = calls, *next; unit; unit = next) {
        next = unit->next;
        unit->answer(unit->work.context, unit->ok, &unit->err);
        mem_free(unit);
    }
}

/* No transaction could be begun: all that wait hear it now, not one after the other. */
static struct unit *take_all(struct store *store)
{
    struct unit *all = NULL;
    for (int i = 0; i < 2; i++) {
        struct units *units = i == 0 ? &store->small : &store->bulk;
        while (units->first) {
            struct unit *unit = pop_unit(units);
            unit->next = all;
            all = unit;
        }
    }
    return all;
}

/* Under the lock: after store_on_news nobody is told any more who was told before. */
static void tell_news(struct store *store)
{
    struct news_list *news = &store->news;
    pthread_mutex_lock(&store->lock);
    if (store->tell_news && (news->count > 0 || news->lost))
        store->tell_news(store->news_context, news->items, news->count, news->lost);
    pthread_mutex_unlock(&store->lock);
}

/* Returns under the lock. */
static struct unit *commit_units(struct store *store)
{
    struct err err = {0};
    bool ok = db_execute(store->writer, "BEGIN IMMEDIATE", &err);
    pthread_mutex_lock(&store->lock);
    struct unit *awaiting = ok ? run_units(store) : take_all(store);
    bool refuse = store->fail_commit;
    store->fail_commit = false;
    pthread_mutex_unlock(&store->lock);
    if (refuse)
        ok = err_set(&err, ERR_IO, "store: a test lets this commit fail");
    if (store->taken_back)
        ok = err_set(&err, ERR_IO, "store: a full disk or a fault undid what had not been kept");
    store->taken_back = false;
    ok = ok && db_execute(store->writer, "COMMIT", &err);
    if (ok)
        tell_news(store);
    else
        db_execute(store->writer, "ROLLBACK", NULL);
    news_clear(&store->news);
    pthread_mutex_lock(&store->lock);
    return end_units(store, awaiting, ok, &err);
}

static void *write_loop(void *argument)
{
    struct store *store = argument;
    bool realtime = priority_raise();
    pthread_mutex_lock(&store->lock);
    store->numbers.realtime = realtime;
    for (;;) {
        while (!has_unit(store) && !store->closing)
            pthread_cond_wait(&store->queued, &store->lock);
        if (!has_unit(store))
            break;
        pthread_mutex_unlock(&store->lock);
        struct unit *calls = commit_units(store);
        pthread_mutex_unlock(&store->lock);
        answer_calls(calls);
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

bool store_write(struct store *store, enum store_wait wait, struct store_unit work, struct err *err)
{
    struct unit unit = {.work = work, .wait = wait};
    pthread_mutex_lock(&store->lock);
    if (store->closing) {
        pthread_mutex_unlock(&store->lock);
        return err_set(err, ERR_STOPPED, "store: closing");
    }
    put_unit(&store->small, &unit);
    pthread_cond_signal(&store->queued);
    while (!unit.done)
        pthread_cond_wait(&store->done, &store->lock);
    pthread_mutex_unlock(&store->lock);
    if (!unit.ok && err)
        *err = unit.err;
    return unit.ok;
}

bool store_submit(struct store *store, const struct store_call *call, struct err *err)
{
    struct unit *unit = mem_zalloc(1, sizeof *unit);
    if (!unit)
        return err_set(err, ERR_MEMORY, "store: out of memory");
    *unit = (struct unit){.work = call->unit, .answer = call->done, .rows = call->rows};
    pthread_mutex_lock(&store->lock);
    bool closing = store->closing;
    if (!closing)
        put_unit(call->rows > small_rows ? &store->bulk : &store->small, unit);
    pthread_cond_signal(&store->queued);
    pthread_mutex_unlock(&store->lock);
    if (closing)
        mem_free(unit);
    return !closing || err_set(err, ERR_STOPPED, "store: closing");
}

void store_on_jobs(struct store *store, void (*ring)(void *context), void *context)
{
    pthread_mutex_lock(&store->lock);
    store->ring = ring;
    store->ring_context = context;
    pthread_mutex_unlock(&store->lock);
}

void store_on_lost(struct store *store, void (*lost)(void *context), void *context)
{
    pthread_mutex_lock(&store->lock);
    store->lost = lost;
    store->lost_context = context;
    pthread_mutex_unlock(&store->lock);
}

void store_on_news(struct store *store,
                   void (*told)(void *context, const struct news *news, size_t count, bool lost),
                   void *context)
{
    pthread_mutex_lock(&store->lock);
    store->tell_news = told;
    store->news_context = context;
    pthread_mutex_unlock(&store->lock);
}

struct news_list *store_news(struct db *db)
{
    struct store *store = db_owner(db);
    return store ? &store->news : NULL;
}

void store_fail_commit(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->fail_commit = true;
    pthread_mutex_unlock(&store->lock);
}

void store_jobs_added(struct db *db)
{
    struct store *store = db_owner(db);
    if (store)
        store->jobs_added = true;
}

/* Readers ------------------------------------------------------------------------------------ */

struct db *store_reader(struct store *store, struct err *err)
{
    struct db *reader = NULL;
    pthread_mutex_lock(&store->lock);
    if (store->idle_count > 0)
        reader = store->idle[--store->idle_count];
    pthread_mutex_unlock(&store->lock);
    if (!reader)
        reader = db_open(store->path, false, err);
    if (reader && db_execute(reader, "BEGIN", err))
        return reader;
    db_close(reader);
    return NULL;
}

void store_reader_done(struct store *store, struct db *reader)
{
    if (!reader)
        return;
    db_execute(reader, "COMMIT", NULL);
    pthread_mutex_lock(&store->lock);
    bool kept = store->idle_count < most_readers;
    if (kept)
        store->idle[store->idle_count++] = reader;
    pthread_mutex_unlock(&store->lock);
    if (!kept)
        db_close(reader);
}

void store_numbers(struct store *store, struct store_numbers *numbers)
{
    pthread_mutex_lock(&store->lock);
    *numbers = store->numbers;
    pthread_mutex_unlock(&store->lock);
    numbers->schema_version = store->version;
}

void store_fail_nth(struct store *store, uint64_t nth)
{
    db_fail_nth(store->writer, nth);
}

/* Opening ------------------------------------------------------------------------------------ */

static bool init_locks(struct store *store)
{
    pthread_condattr_t steady;
    pthread_mutexattr_t inherit; /* who holds the lock is not held up below real time */
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutexattr_init(&inherit);
    pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT);
    bool ok = pthread_mutex_init(&store->lock, &inherit) == 0 &&
              pthread_cond_init(&store->queued, &steady) == 0 &&
              pthread_cond_init(&store->done, NULL) == 0;
    pthread_condattr_destroy(&steady);
    pthread_mutexattr_destroy(&inherit);
    return ok;
}

static bool start(struct store *store, const char *folder, struct err *err)
{
    store->path = arena_printf(&store->arena, "%s/labeld.db", folder);
    if (!store->path || !init_locks(store))
        return err_set(err, ERR_MEMORY, "store: out of memory");
    store->small.last = &store->small.first;
    store->bulk.last = &store->bulk.first;
    store->writer = db_open(store->path, true, err);
    if (!store->writer || !migrate(store, err))
        return err_add(err, "opening %.200s", store->path);
    db_attach(store->writer, store);
    store->started = pthread_create(&store->thread, NULL, write_loop, store) == 0;
    return store->started || err_set(err, ERR_MEMORY, "store: no thread for the writer");
}

struct store *store_open(const char *folder, struct err *err)
{
    struct store *store = mem_zalloc(1, sizeof *store);
    if (!store) {
        err_set(err, ERR_MEMORY, "store: out of memory");
        return NULL;
    }
    store->arena = arena_new(4 * path_max_bytes);
    if (start(store, folder, err))
        return store;
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->started) {
        pthread_mutex_lock(&store->lock);
        store->closing = true;
        pthread_cond_signal(&store->queued);
        pthread_mutex_unlock(&store->lock);
        pthread_join(store->thread, NULL);
    }
    for (unsigned i = 0; i < store->idle_count; i++)
        db_close(store->idle[i]);
    db_close(store->writer);
    news_fini(&store->news);
    arena_fini(&store->arena);
    mem_free(store);
}
