#include "jobs/watchers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "jobs/change.h"

enum { name_bytes = 1 << 16 };

static const int64_t poll_least_us = 1000000;

struct watcher {
    struct watchers *all;
    struct visit_link *link;
    int64_t poll_us, next_poll_us; /* steady time */
    pthread_t thread;
    bool started;
};

struct watchers {
    struct store *store;
    int stop_fd;
    atomic_bool stop;
    size_t count;
    struct watcher items[];
};

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
static void move_item(struct store *store, const char *connection,
                      const struct connect_change *change)
{
    struct err err = {0};
    struct move move = {connection, change};
    const struct store_unit unit = {move_row, &move};
    if (!store_write(store, STORE_RAN, unit, &err))
        LOG(LOG_LEVEL_WARN, "move-not-recorded", LOG_TEXT(connection, connection),
            LOG_TEXT(path, change->key), LOG_TEXT(error, err.text));
}

/* A folder that came late, or can be watched no more, may do other things than were known. */
static void ask_caps(struct visit_link *link)
{
    own_arena struct arena arena = arena_new(name_bytes);
    const char *notes;
    atomic_store(&link->caps, link->connector->caps(link->connection, &arena, &notes));
}

static void on_change(void *context, const struct connect_change *change)
{
    struct watcher *watcher = context;
    struct store *store = watcher->all->store;
    const char *name = watcher->link->name;
    if (change->event == CONNECT_OVERFLOW) {
        ask_caps(watcher->link);
        change_walk(store, name, NULL);
        return;
    }
    if (change->event == CONNECT_MOVED && change->old_key && change->key)
        move_item(store, name, change);
    if (change->old_key)
        change_visit(store, name, change->old_key, 0, change->seen_us);
    if (change->key)
        change_visit(store, name, change->key, change->due_us, change->seen_us);
}

static void *watch_loop(void *context)
{
    struct watcher *watcher = context;
    struct err err = {0};
    const struct connect_changes changes = {watcher, on_change};
    if (!watcher->link->connector->watch(watcher->link->connection, &changes, watcher->all->stop_fd,
                                         &err) &&
        !atomic_load(&watcher->all->stop))
        LOG(LOG_LEVEL_ERROR, "watch", LOG_TEXT(connection, watcher->link->name),
            LOG_TEXT(error, err.text));
    return NULL;
}

void watchers_poll(struct watchers *watchers)
{
    int64_t now = clock_steady_us();
    for (size_t i = 0; i < watchers->count; i++) {
        struct watcher *watcher = &watchers->items[i];
        if (watcher->poll_us == 0 || watcher->next_poll_us > now)
            continue;
        watcher->next_poll_us = now + watcher->poll_us;
        change_walk(watchers->store, watcher->link->name, NULL);
    }
}

static bool start(struct watcher *watcher, int64_t poll_us, struct err *err)
{
    watcher->poll_us = poll_us > 0 && poll_us < poll_least_us ? poll_least_us : poll_us;
    watcher->next_poll_us = clock_steady_us() + watcher->poll_us;
    if (watcher->link->connector->watch && watcher->link->caps & CONNECT_WATCH)
        watcher->started = pthread_create(&watcher->thread, NULL, watch_loop, watcher) == 0;
    return change_walk(watcher->all->store, watcher->link->name, err);
}

struct watchers *watchers_start(const struct watchers_options *options, struct err *err)
{
    struct watchers *watchers =
        mem_zalloc(1, sizeof *watchers + options->link_count * sizeof watchers->items[0]);
    if (!watchers) {
        err_set(err, ERR_MEMORY, "watchers: out of memory");
        return NULL;
    }
    watchers->store = options->store;
    watchers->stop_fd = eventfd(0, EFD_CLOEXEC);
    bool ok = watchers->stop_fd >= 0 || err_errno(err, "watchers: eventfd");
    for (size_t i = 0; ok && i < options->link_count; i++) {
        watchers->items[i] = (struct watcher){.all = watchers, .link = &options->links[i]};
        watchers->count = i + 1;
        ok = start(&watchers->items[i], options->poll_us ? options->poll_us[i] : 0, err);
    }
    if (ok)
        return watchers;
    watchers_close(watchers);
    return NULL;
}

void watchers_stop(struct watchers *watchers)
{
    const uint64_t one = 1;
    if (!watchers)
        return;
    atomic_store(&watchers->stop, true);
    if (watchers->stop_fd >= 0 && write(watchers->stop_fd, &one, sizeof one) < 0)
        LOG(LOG_LEVEL_WARN, "stop", LOG_TEXT(error, "the watches cannot be told"));
    for (size_t i = 0; i < watchers->count; i++) {
        if (watchers->items[i].started)
            pthread_join(watchers->items[i].thread, NULL);
        watchers->items[i].started = false;
    }
}

void watchers_close(struct watchers *watchers)
{
    if (!watchers)
        return;
    watchers_stop(watchers);
    if (watchers->stop_fd >= 0)
        close(watchers->stop_fd);
    mem_free(watchers);
}
