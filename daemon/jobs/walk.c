#include "jobs/walk.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "jobs/job.h"
#include "store/hold.h"
#include "store/progress.h"

enum { batch_most = 200, batch_bytes = 8 << 20 };

struct seen {
    const char *key, *version, *exposure_why;
    enum facts_exposure exposure;
    bool exposure_read;
};

/* One walk under way. Items are looked up and queued in batches, one unit each. */
struct walk {
    const struct visit_world *world;
    const struct visit_link *link;
    const atomic_bool *stop;
    struct queue_job job;
    struct progress *progress;
    const char *cursor; /* reached with this batch; NULL = none, keep the stored one */
    char reached[4096]; /* the last cursor, as stored */
    struct arena arena;
    struct seen batch[batch_most];
    size_t count;
    uint8_t types_digest[32];
    int64_t after; /* unseen items: last id that was looked at */
    bool ended;
    struct err err;
};

static bool queue_visit(struct db *db, const char *connection, const char *key, struct err *err)
{
    int64_t now = clock_now_us();
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = connection,
                            .key = key,
                            .lane = QUEUE_BACKFILL,
                            .due_us = now,
                            .seen_us = now};
    return queue_add(db, &job, err);
}

/* Who can reach a file may have changed without a new version. */
static bool is_exposed_as(const struct item *item, const struct seen *seen)
{
    const char *was = item->exposure_why, *is = seen->exposure_why;
    return !seen->exposure_read || (item->exposure == (int)seen->exposure &&
                                    (was && is ? strcmp(was, is) == 0 : was == is));
}

static bool is_known(const struct walk *walk, const struct item *item, const struct seen *seen)
{
    return item->deleted_us == ITEM_NO_TIME && item->examined_us > 0 &&
           strcmp(item->version, seen->version) == 0 && is_exposed_as(item, seen) &&
           memcmp(item->types_digest, walk->types_digest, 32) == 0;
}

static bool take_one(struct db *db, struct walk *walk, const struct seen *seen, struct err *err)
{
    own_arena struct arena arena = arena_new(1u << 20);
    struct item item;
    bool found;
    if (!item_find(db, walk->link->name, seen->key, &arena, &item, &found, err))
        return false;
    if (found && !item_seen(db, item.id, walk->progress->walk, err))
        return false;
    return (found && is_known(walk, &item, seen)) ||
           queue_visit(db, walk->link->name, seen->key, err);
}

/* What people should know of the connection, as it is now: polling, report-only, unreadable.
 * In the arena of the batch: good until it is flushed. */
static const char *notes_now(struct walk *walk)
{
    const char *notes = "";
    walk->link->connector->caps(walk->link->connection, &walk->arena, &notes);
    return notes;
}

static bool save_batch(struct db *db, void *context, struct err *err)
{
    struct walk *walk = context;
    struct hold hold;
    struct progress progress = *walk->progress;
    if (!hold_get(db, walk->link->name, &walk->arena, &hold, err))
        return false;
    if (hold.since_us)
        return err_set(err, ERR_STOPPED, "paused: it goes on from here when it is resumed");
    progress.cursor = walk->cursor ? walk->cursor : walk->reached;
    progress.note = notes_now(walk);
    for (size_t i = 0; i < walk->count; i++)
        if (!take_one(db, walk, &walk->batch[i], err))
            return false;
    progress.seen += (int64_t)walk->count;
    if (!progress_save(db, &progress, err))
        return false;
    walk->progress->seen = progress.seen;
    if (walk->cursor)
        snprintf(walk->reached, sizeof walk->reached, "%s", walk->cursor);
    return true;
}

/* Inside the batch all is stored but the cursor, which lies behind the batch's last item. */
static bool flush(struct walk *walk)
{
    const struct store_unit unit = {save_batch, walk};
    bool ok = store_write(walk->world->store, STORE_RAN, unit, &walk->err);
    walk->count = 0;
    walk->cursor = NULL;
    arena_fini(&walk->arena);
    return ok;
}

/* What cannot be read now is no reason for a visit. */
static void read_exposure(struct walk *walk, struct seen *seen)
{
    struct connect_exposure exposure = {0};
    const struct visit_link *link = walk->link;
    seen->exposure_read =
        link->caps & CONNECT_EXPOSURE &&
        link->connector->exposure(link->connection, seen->key, &walk->arena, &exposure, NULL);
    seen->exposure = exposure.step;
    seen->exposure_why = exposure.why;
}

static bool on_item(void *context, const struct connect_stat *stat)
{
    struct walk *walk = context;
    if (atomic_load(walk->stop))
        return false;
    struct seen *seen = &walk->batch[walk->count];
    seen->key = arena_strdup(&walk->arena, stat->key);
    seen->version = arena_strdup(&walk->arena, stat->version);
    if (!seen->key || !seen->version)
        return err_set(&walk->err, ERR_MEMORY, "out of memory");
    read_exposure(walk, seen);
    walk->count++;
    return walk->count < batch_most || flush(walk);
}

static bool on_cursor(void *context, const char *cursor, uint64_t seen, uint64_t expected)
{
    struct walk *walk = context;
    (void)seen;
    walk->progress->expected = (int64_t)expected;
    walk->cursor = cursor;
    return flush(walk);
}

/* After a whole walk: what it did not see may be gone; a visit looks, so that nothing is believed.
 */
static bool ring_unseen(struct db *db, void *context, struct err *err)
{
    struct walk *walk = context;
    own_arena struct arena arena = arena_new(batch_bytes);
    for (int i = 0; i < batch_most && !walk->ended; i++) {
        struct item item;
        bool found;
        if (!item_unseen(db, walk->link->name, walk->progress->walk, walk->after, &item, &arena,
                         &found, err))
            return false;
        walk->ended = !found;
        if (found && !queue_visit(db, walk->link->name, item.key, err))
            return false;
        if (found)
            walk->after = item.id;
    }
    return true;
}

static bool begin(struct db *db, void *context, struct err *err)
{
    struct walk *walk = context;
    struct progress *progress = walk->progress;
    if (progress->walking)
        return true;
    progress->walking = true;
    progress->walk++;
    progress->expected = progress->ended_us ? progress->seen : 0; /* as many as last time */
    progress->seen = 0;
    progress->cursor = "";
    progress->started_us = clock_now_us();
    progress->note = notes_now(walk);
    return progress_save(db, progress, err);
}

static bool end(struct db *db, void *context, struct err *err)
{
    struct walk *walk = context;
    struct progress *progress = walk->progress;
    progress->walking = false;
    progress->cursor = "";
    progress->ended_us = clock_now_us();
    progress->note = notes_now(walk);
    return progress_save(db, progress, err) &&
           job_event(db, &walk->job, JOB_FINISHED, progress->ended_us, err);
}

static bool unit_of(struct walk *walk, bool (*run)(struct db *, void *, struct err *))
{
    const struct store_unit unit = {run, walk};
    return store_write(walk->world->store, STORE_COMMITTED, unit, &walk->err);
}

static bool walk_all(struct walk *walk)
{
    const struct connect_found found = {walk, on_item, on_cursor};
    if (!unit_of(walk, begin))
        return false;
    snprintf(walk->reached, sizeof walk->reached, "%s", walk->progress->cursor);
    /* the arena of progress outlives this; the connector borrows the cursor while it walks */
    if (!walk->link->connector->walk(walk->link->connection, walk->progress->cursor, &found,
                                     &walk->err) ||
        walk->err.kind != ERR_NONE)
        return false;
    if (atomic_load(walk->stop))
        return err_set(&walk->err, ERR_STOPPED, "stopping");
    if (!flush(walk))
        return false;
    while (!walk->ended)
        if (!unit_of(walk, ring_unseen))
            return false;
    return unit_of(walk, end);
}

struct failure {
    struct walk *walk;
    enum job_event event;
};

static bool record_failure(struct db *db, void *context, struct err *err)
{
    struct failure *failure = context;
    struct walk *walk = failure->walk;
    walk->progress->note = notes_now(walk); /* why, as status shows it */
    return progress_save(db, walk->progress, err) &&
           job_event(db, &failure->walk->job, failure->event, clock_now_us(), err);
}

static void failed(struct walk *walk)
{
    struct err why = walk->err, err = {0};
    if (atomic_load(walk->stop))
        why.kind = ERR_STOPPED;
    struct failure failure = {walk, job_after(&walk->job, &why, clock_now_us())};
    const struct store_unit unit = {record_failure, &failure};
    LOG(LOG_LEVEL_WARN, "walk-stopped", LOG_TEXT(connection, walk->link->name),
        LOG_TEXT(kind, err_kind_word(why.kind)), LOG_TEXT(error, why.text));
    if (!store_write(walk->world->store, STORE_COMMITTED, unit, &err))
        job_not_recorded(&walk->job, &err);
}

void walk_run(const struct visit_world *world, const struct visit_link *link,
              const struct queue_job *job, const atomic_bool *stop)
{
    own_arena struct arena arena = arena_new(1u << 20);
    struct parser_facts facts;
    struct progress progress;
    own_free struct walk *walk = mem_zalloc(1, sizeof *walk);
    if (!walk)
        return;
    *walk = (struct walk){.world = world,
                          .link = link,
                          .stop = stop,
                          .job = *job,
                          .progress = &progress,
                          .arena = arena_new(batch_bytes)};
    parser_facts(world->parser, &facts);
    memcpy(walk->types_digest, facts.types_digest, 32);
    struct db *db = store_reader(world->store, &walk->err);
    bool ok = db && progress_get(db, link->name, &arena, &progress, &walk->err);
    store_reader_done(world->store, db);
    if (ok && walk_all(walk))
        LOG(LOG_LEVEL_INFO, "walked", LOG_TEXT(connection, link->name),
            LOG_NUMBER(count, progress.seen),
            LOG_NUMBER(took_ms, (clock_now_us() - progress.started_us) / 1000));
    else
        failed(walk);
    arena_fini(&walk->arena);
}
