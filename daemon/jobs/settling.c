#include "jobs/settling.h"

#include <pthread.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/change.h"

enum { most = 4096 };

static const int64_t settle_after_us = 2000000, settle_again_us = 3000000;

struct one {
    const struct visit_link *link;
    struct connect_replacing *replacing;
    int64_t intent, due_us; /* steady time */
    char *key;
};

struct settling {
    struct settling_options options;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t freed;
    struct one ring[most]; /* in order of due time */
    size_t first, count, room;
};

/* Called under the lock. */
static void append(struct settling *settling, const struct one *one)
{
    settling->ring[(settling->first + settling->count++) % most] = *one;
}

void settling_add(void *context, const struct visit_link *link, struct connect_replacing *replacing,
                  const struct intent *intent)
{
    struct settling *settling = context;
    pthread_mutex_lock(&settling->lock);
    while (settling->count >= settling->room)
        pthread_cond_wait(&settling->freed, &settling->lock);
    append(settling, &(struct one){.link = link,
                                   .replacing = replacing,
                                   .intent = intent->id,
                                   .due_us = clock_steady_us() + settle_after_us,
                                   .key = mem_strdup(intent->key)});
    pthread_mutex_unlock(&settling->lock);
    settling->options.rung(settling->options.context);
}

/* The displaced file is held open by somebody: it is looked at again, unless the daemon stops. */
static bool settle_again(struct settling *settling, struct one *one)
{
    pthread_mutex_lock(&settling->lock);
    bool room = !atomic_load(settling->options.stop) && settling->count < settling->room;
    if (room) {
        one->due_us = clock_steady_us() + settle_again_us;
        append(settling, one);
    }
    pthread_mutex_unlock(&settling->lock);
    return room;
}

static bool forget_intent(struct db *db, void *context, struct err *err)
{
    return intent_remove(db, *(int64_t *)context, err);
}

static void settle(struct settling *settling, struct one *one)
{
    struct err err = {0};
    const struct connector *connector = one->link->connector;
    struct store *store = settling->options.store;
    int64_t early_us = one->due_us - clock_steady_us();
    if (early_us > 0) /* stopping */
        clock_sleep_us(early_us);
    bool ok = connector->replace_settle(one->replacing, &err);
    if (!ok && err.kind == ERR_BUSY && settle_again(settling, one))
        return;
    connector->replace_close(one->replacing);
    if (ok || err.kind == ERR_CONFLICT) {
        const struct store_unit unit = {forget_intent, &one->intent};
        store_write(store, STORE_RAN, unit, NULL);
    }
    if (!ok) {
        LOG(err.kind == ERR_CONFLICT ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "settle",
            LOG_TEXT(connection, one->link->name), LOG_TEXT(path, one->key),
            LOG_TEXT(error, err.text));
        if (one->key)
            change_visit(store, one->link->name, one->key, 0, 0);
    }
    mem_free(one->key);
}

static bool take(struct settling *settling, bool all, struct one *one)
{
    pthread_mutex_lock(&settling->lock);
    *one = settling->ring[settling->first];
    bool taken = settling->count > 0 && (all || one->due_us <= clock_steady_us());
    if (taken) {
        settling->first = (settling->first + 1) % most;
        settling->count--;
        pthread_cond_signal(&settling->freed);
    }
    pthread_mutex_unlock(&settling->lock);
    return taken;
}

void settling_due(struct settling *settling)
{
    struct one one;
    while (take(settling, false, &one))
        settle(settling, &one);
}

void settling_all(struct settling *settling)
{
    struct one one;
    while (take(settling, true, &one))
        settle(settling, &one);
}

int64_t settling_next_us(struct settling *settling)
{
    pthread_mutex_lock(&settling->lock);
    int64_t next = settling->count > 0 ? settling->ring[settling->first].due_us : INT64_MAX;
    pthread_mutex_unlock(&settling->lock);
    return next;
}

unsigned settling_count(struct settling *settling)
{
    pthread_mutex_lock(&settling->lock);
    unsigned count = (unsigned)settling->count;
    pthread_mutex_unlock(&settling->lock);
    return count;
}

/* A replacement that settles holds its folder and file open. */
static size_t room(void)
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
    rlim_t count = limit.rlim_cur > others ? (limit.rlim_cur - others) / each : 64;
    return count < 64 ? 64 : count < most ? (size_t)count : most;
}

struct settling *settling_open(const struct settling_options *options, struct err *err)
{
    struct settling *settling = mem_zalloc(1, sizeof *settling);
    if (!settling) {
        err_set(err, ERR_MEMORY, "settling: out of memory");
        return NULL;
    }
    settling->options = *options;
    settling->room = room();
    pthread_mutex_init(&settling->lock, NULL);
    pthread_cond_init(&settling->freed, NULL);
    return settling;
}

void settling_close(struct settling *settling)
{
    mem_free(settling);
}
