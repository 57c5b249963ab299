#include "sandbox/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "sandbox/process.h"

enum { STANDARD_CHILDREN = 4, STANDARD_FILES = 4000, HOSTS_MAX = 256 };

static const int first_wait_ms = 180 * 1000;         /* compiling all types without a cache */
static const int64_t between_starts_us = 200 * 1000; /* bounded rate of replacing */
static const int64_t longest_pause_us = 30 * 1000000;
static const int64_t patience_us = 15 * 1000000; /* a request's wait while no host can be had */
static const int64_t look_again_us = 10 * 1000;  /* while a host is loading */

struct pool_host {
    struct pool_host *next;
    struct process process;
    unsigned running;
    unsigned served;
    bool ready;
    bool leaving; /* dead, stuck, or replaced: gets nothing more */
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct arena arena; /* the options */
    struct parser_options options;
    const char *program;
    struct parser_facts facts;
    struct pool_host *hosts;
    unsigned backfills; /* running */
    int64_t next_start_us;
    int64_t pause_us; /* doubles with each host that did not get ready */
    struct err trouble;
    bool closing;
};

/* Options ------------------------------------------------------------------------------------ */

static bool copy_list(struct arena *arena, const char *const **list, size_t count)
{
    const char **copy = arena_alloc(arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = arena_strdup(arena, (*list)[i])))
            return false;
    *list = copy;
    return copy != NULL;
}

static bool copy_options(struct pool *pool, const struct parser_options *given)
{
    struct parser_options *own = &pool->options;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *own = *given;
    if (own->hosts == 0)
        own->hosts = cores > 0 ? (unsigned)cores : 1;
    if (own->hosts > HOSTS_MAX)
        own->hosts = HOSTS_MAX;
    if (own->children == 0)
        own->children = STANDARD_CHILDREN;
    if (own->files_per_host == 0)
        own->files_per_host = STANDARD_FILES;
    if (own->cache_dir && !(own->cache_dir = arena_strdup(&pool->arena, own->cache_dir)))
        return false;
    pool->program = process_program(given, &pool->arena);
    return pool->program && copy_list(&pool->arena, &own->type_dirs, own->type_dir_count) &&
           copy_list(&pool->arena, &own->regions, own->region_count);
}

/* Hosts -------------------------------------------------------------------------------------- */

static struct pool_host *start_host(struct pool *pool, struct err *err)
{
    own_free struct pool_host *host = mem_zalloc(1, sizeof *host);
    if (!host) {
        err_set(err, ERR_MEMORY, "starting the parse host: out of memory");
        return NULL;
    }
    if (!process_start(pool->program, &pool->options, pool->options.children, &host->process, err))
        return NULL;
    host->next = pool->hosts;
    return pool->hosts = own_take(&host);
}

static void remove_host(struct pool *pool, struct pool_host *gone)
{
    for (struct pool_host **at = &pool->hosts; *at; at = &(*at)->next)
        if (*at == gone) {
            *at = gone->next;
            break;
        }
    process_end(&gone->process);
    mem_free(gone);
}

static bool is_worn(const struct pool *pool, const struct pool_host *host)
{
    return host->served >= pool->options.files_per_host;
}

/* A host did not get ready: wait longer each time; those that were to be replaced stay. */
static void note_trouble(struct pool *pool, const struct err *err)
{
    pool->trouble = *err;
    pool->pause_us = pool->pause_us ? pool->pause_us * 2 : between_starts_us;
    if (pool->pause_us > longest_pause_us)
        pool->pause_us = longest_pause_us;
    pool->next_start_us = clock_steady_us() + pool->pause_us;
    for (struct pool_host *host = pool->hosts; host; host = host->next)
        if (is_worn(pool, host))
            host->served = 0;
}

/* One more is ready: a worn one may go. */
static void relieve(struct pool *pool)
{
    pool->pause_us = 0;
    for (struct pool_host *host = pool->hosts; host; host = host->next)
        if (host->ready && !host->leaving && is_worn(pool, host)) {
            host->leaving = true;
            return;
        }
}

/* What a loading host has said by now. */
static void hear(struct pool *pool, struct pool_host *host)
{
    own_arena struct arena arena = arena_new(64u << 10);
    struct parse_ready ready;
    struct err err = {0};
    enum process_word word = process_listen(&host->process, 0, &ready, &arena, &err);
    if (word == PROCESS_LOADING)
        return;
    if (word == PROCESS_READY &&
        memcmp(ready.types_digest, pool->facts.types_digest, sizeof ready.types_digest) != 0) {
        word = PROCESS_UNFIT;
        err_set(&err, ERR_CONFIG, "the type files have changed since labeld read them");
    }
    if (word == PROCESS_READY) {
        relieve(pool);
        host->ready = true;
    } else {
        note_trouble(pool, &err);
        host->leaving = true;
    }
}

/* Hear the loading, bury the leaving, start what is missing. */
static void nurse(struct pool *pool)
{
    unsigned fresh = 0;
    for (struct pool_host *host = pool->hosts, *next; host; host = next) {
        next = host->next;
        if (!host->ready && !host->leaving)
            hear(pool, host);
        if (host->leaving && host->running == 0)
            remove_host(pool, host);
        else if (!host->leaving)
            fresh += !is_worn(pool, host);
    }
    int64_t now = clock_steady_us();
    while (!pool->closing && fresh < pool->options.hosts && now >= pool->next_start_us) {
        struct err err = {0};
        pool->next_start_us = now + between_starts_us;
        if (!start_host(pool, &err)) {
            note_trouble(pool, &err);
            return;
        }
        fresh++;
    }
}

/* Slots -------------------------------------------------------------------------------------- */

/* A quarter of all slots, at least one, is never taken by a backfill. */
static bool may_run(const struct pool *pool, enum parse_lane lane)
{
    unsigned all = pool->options.hosts * pool->options.children;
    unsigned kept = all / 4 ? all / 4 : all > 1;
    return lane == PARSE_LIVE || pool->backfills < all - kept;
}

static struct pool_host *least_busy(const struct pool *pool)
{
    struct pool_host *best = NULL;
    for (struct pool_host *host = pool->hosts; host; host = host->next)
        if (host->ready && !host->leaving && host->running < pool->options.children &&
            (!best || host->running < best->running))
            best = host;
    return best;
}

static bool any_host(const struct pool *pool, bool ready)
{
    for (const struct pool_host *host = pool->hosts; host; host = host->next)
        if (!host->leaving && host->ready == ready)
            return true;
    return false;
}

/* Wait until something is given back, or until it is time to look after the hosts again. */
static void wait_a_little(struct pool *pool)
{
    int64_t us = any_host(pool, false) || !any_host(pool, true) ? look_again_us : 500 * 1000;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += us * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&pool->freed, &pool->lock, &until);
}

/* With the lock held. */
static struct pool_host *take(struct pool *pool, enum parse_lane lane, struct err *err)
{
    int64_t alone_since = 0;
    for (;;) {
        if (pool->closing) {
            err_set(err, ERR_STOPPED, "labeld is stopping");
            return NULL;
        }
        nurse(pool);
        struct pool_host *host = may_run(pool, lane) ? least_busy(pool) : NULL;
        if (host)
            return host;
        if (any_host(pool, true))
            alone_since = 0;
        else if (alone_since == 0)
            alone_since = clock_steady_us();
        else if (clock_steady_us() - alone_since > patience_us && pool->trouble.kind) {
            if (err)
                *err = pool->trouble;
            err_add(err, "no parse host can be started");
            return NULL;
        }
        wait_a_little(pool);
    }
}

struct pool_host *pool_take(struct pool *pool, enum parse_lane lane, int *link, struct err *err)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_host *host = take(pool, lane, err);
    if (host) {
        host->running++;
        host->served++;
        pool->backfills += lane == PARSE_BACKFILL;
        *link = host->process.link;
    }
    pthread_mutex_unlock(&pool->lock);
    return host;
}

void pool_give(struct pool *pool, struct pool_host *host, enum parse_lane lane, bool broken)
{
    pthread_mutex_lock(&pool->lock);
    host->running--;
    pool->backfills -= lane == PARSE_BACKFILL;
    if (broken && !host->leaving) {
        host->leaving = true;
        kill(host->process.pid, SIGKILL); /* whoever else waits on it hears that at once */
    }
    if (host->leaving && host->running == 0)
        remove_host(pool, host);
    pthread_cond_broadcast(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

/* Opening and closing ------------------------------------------------------------------------ */

static bool await_first(struct pool *pool, struct buf *problems, struct err *err)
{
    own_arena struct arena arena = arena_new(64u << 10);
    struct parse_ready ready = {0};
    struct pool_host *host = start_host(pool, err);
    if (!host)
        return false;
    switch (process_listen(&host->process, first_wait_ms, &ready, &arena, err)) {
    case PROCESS_LOADING:
        return err_set(err, ERR_TIMEOUT, "the parse host %s is not ready after %d seconds",
                       pool->program, first_wait_ms / 1000);
    case PROCESS_UNFIT:
        if (problems && ready.problem)
            buf_puts(problems, ready.problem);
        return false;
    case PROCESS_READY: break;
    }
    host->ready = true;
    pool->facts = (struct parser_facts){
        .types = ready.types,
        .landlock_abi = ready.landlock_abi,
        .seccomp = ready.seccomp,
        .database_cached = ready.database_cached,
    };
    memcpy(pool->facts.types_digest, ready.types_digest, sizeof ready.types_digest);
    for (unsigned others = pool->options.hosts - 1; others > 0; others--)
        if (!start_host(pool, err))
            return false;
    return true;
}

struct pool *pool_open(const struct parser_options *options, struct buf *problems, struct err *err)
{
    struct pool *pool = mem_zalloc(1, sizeof *pool);
    if (!pool) {
        err_set(err, ERR_MEMORY, "starting the parse hosts: out of memory");
        return NULL;
    }
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->freed, &steady);
    pthread_condattr_destroy(&steady);
    pthread_mutex_init(&pool->lock, NULL);
    pool->arena = arena_new(4u << 20);
    bool ok = copy_options(pool, options) ||
              err_set(err, ERR_MEMORY, "starting the parse hosts: out of memory");
    if (ok && await_first(pool, problems, err))
        return pool;
    pool_close(pool);
    return NULL;
}

static bool is_idle(const struct pool *pool)
{
    for (const struct pool_host *host = pool->hosts; host; host = host->next)
        if (host->running > 0)
            return false;
    return true;
}

void pool_close(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->freed);
    while (!is_idle(pool))
        pthread_cond_wait(&pool->freed, &pool->lock);
    while (pool->hosts)
        remove_host(pool, pool->hosts);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    arena_fini(&pool->arena);
    mem_free(pool);
}

void pool_facts(struct pool *pool, struct parser_facts *facts)
{
    *facts = pool->facts; /* set once, before anybody else knows the pool */
}
