#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"

enum { most_readers = 8, most_units = 1000, path_max_bytes = 4096 };

static const int64_t ride_us = 100000; /* a unit that nobody waits for is durable within this */

/* The text of schema.sql, from the build. */
extern const char store_schema[];

static const char section_mark[] = "-- version ";

struct unit {
    struct store_unit work;
    enum store_wait wait;
    struct unit *next;
    bool done, ok;
    struct err err;
};

struct store {
    struct arena arena;
    const char *path;
    struct db *writer;
    pthread_t thread;
    bool started;
    uint32_t version;
    bool jobs_added; /* by the unit that runs; the writer thread's own */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t queued, done;
    struct unit *first, **last;
    bool closing;
    struct db *idle[most_readers];
    unsigned idle_count;
    void (*ring)(void *context), (*lost)(void *context);
    void *ring_context, *lost_context;
    bool riders; /* units of this transaction were told as run */
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
    char end[80];
    int64_t after;
    const char *next = next_section(section + 1, &after);
    size_t length = next ? (size_t)(next - section) : strlen(section);
    char *text = mem_strndup(section, length);
    if (!text)
        return err_set(err, ERR_MEMORY, "store: out of memory");
    snprintf(end, sizeof end, "PRAGMA user_version = %lld; COMMIT", (long long)version);
    bool ok = db_execute(db, "BEGIN IMMEDIATE", err) && db_execute(db, text, err) &&
              db_execute(db, end, err);
    if (!ok)
        db_execute(db, "ROLLBACK", NULL);
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

static bool migrate(struct store *store, struct err *err)
{
    int64_t present, version = 0;
    if (!read_version(store->writer, &present, err))
        return false;
    int64_t latest = latest_version();
    if (present > latest)
        return err_set(err, ERR_UNSUPPORTED,
                       "%.200s has schema version %lld, this labeld knows up to %lld: it was "
                       "written by a newer version",
                       store->path, (long long)present, (long long)latest);
    store->version = (uint32_t)latest;
    if (present == latest)
        return true;
    const char *copy =
        arena_printf(&store->arena, "%s.before-%lld", store->path, (long long)latest);
    if (present > 0 && (!copy || !db_copy(store->writer, copy, err)))
        return false;
    for (const char *at = store_schema; (at = next_section(at, &version)); at++)
        if (version > present && !run_section(store->writer, at, version, err))
            return false;
    return true;
}

/* The writer --------------------------------------------------------------------------------- */

static void run_unit(struct store *store, struct unit *unit)
{
    struct db *db = store->writer;
    store->jobs_added = false;
    if (!db_execute(db, "SAVEPOINT unit", &unit->err))
        return;
    unit->ok = unit->work.run(db, unit->work.context, &unit->err);
    if (!unit->ok)
        db_execute(db, "ROLLBACK TO unit", NULL);
    if (!db_execute(db, "RELEASE unit", unit->ok ? &unit->err : NULL))
        unit->ok = false;
}

static struct unit *take_unit(struct store *store)
{
    struct unit *unit = store->first;
    store->first = unit->next;
    if (!store->first)
        store->last = &store->first;
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
    while (!store->first && !store->closing)
        if (pthread_cond_timedwait(&store->queued, &store->lock, &until) != 0)
            break;
    return store->first != NULL;
}

/* One transaction: units as they come, until one of them waits for the commit and no more are
 * there, or riders have waited long enough. Called and returns under the lock. */
static struct unit *run_units(struct store *store)
{
    struct unit *awaiting = NULL;
    int64_t deadline = clock_steady_us() + ride_us;
    for (int count = 0; count < most_units; count++) {
        if (!store->first && (awaiting || !wait_unit(store, deadline)))
            break;
        struct unit *unit = take_unit(store);
        pthread_mutex_unlock(&store->lock);
        run_unit(store, unit);
        pthread_mutex_lock(&store->lock);
        store->numbers.units++;
        if (unit->ok && store->jobs_added && store->ring)
            store->ring(store->ring_context);
        if (unit->ok && unit->wait == STORE_COMMITTED) {
            unit->next = awaiting;
            awaiting = unit;
        } else {
            store->riders = store->riders || unit->ok;
            tell(store, unit);
        }
        if (!awaiting && clock_steady_us() > deadline)
            break;
    }
    return awaiting;
}

static void end_units(struct store *store, struct unit *awaiting, bool ok, const struct err *err)
{
    store->numbers.commits++;
    store->numbers.failed += !ok;
    if (!ok && store->riders && store->lost)
        store->lost(store->lost_context);
    store->riders = false;
    for (struct unit *unit = awaiting, *next; unit; unit = next) {
        next = unit->next;
        if (!ok) {
            unit->ok = false;
            unit->err = *err;
        }
        tell(store, unit);
    }
}

static void *write_loop(void *argument)
{
    struct store *store = argument;
    pthread_mutex_lock(&store->lock);
    for (;;) {
        while (!store->first && !store->closing)
            pthread_cond_wait(&store->queued, &store->lock);
        if (!store->first)
            break;
        struct err err = {0};
        struct unit *awaiting = NULL;
        pthread_mutex_unlock(&store->lock);
        bool ok = db_execute(store->writer, "BEGIN IMMEDIATE", &err);
        pthread_mutex_lock(&store->lock);
        if (ok) {
            awaiting = run_units(store);
        } else {
            awaiting = take_unit(store);
            awaiting->next = NULL;
        }
        bool refuse = store->fail_commit;
        store->fail_commit = false;
        pthread_mutex_unlock(&store->lock);
        if (refuse)
            ok = err_set(&err, ERR_IO, "store: a test lets this commit fail");
        ok = ok && db_execute(store->writer, "COMMIT", &err);
        if (!ok)
            db_execute(store->writer, "ROLLBACK", NULL);
        pthread_mutex_lock(&store->lock);
        end_units(store, awaiting, ok, &err);
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
    *store->last = &unit;
    store->last = &unit.next;
    pthread_cond_signal(&store->queued);
    while (!unit.done)
        pthread_cond_wait(&store->done, &store->lock);
    pthread_mutex_unlock(&store->lock);
    if (!unit.ok && err)
        *err = unit.err;
    return unit.ok;
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
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    bool ok = pthread_mutex_init(&store->lock, NULL) == 0 &&
              pthread_cond_init(&store->queued, &steady) == 0 &&
              pthread_cond_init(&store->done, NULL) == 0;
    pthread_condattr_destroy(&steady);
    return ok;
}

static bool start(struct store *store, const char *folder, struct err *err)
{
    store->path = arena_printf(&store->arena, "%s/labeld.db", folder);
    if (!store->path || !init_locks(store))
        return err_set(err, ERR_MEMORY, "store: out of memory");
    store->last = &store->first;
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
    arena_fini(&store->arena);
    mem_free(store);
}
