#include "jobs/sweep.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/hold.h"
#include "store/queue.h"
#include "store/revision.h"

enum { batch_most = 500, ready_most = 2000, arena_most = 8 << 20 };

struct sweep {
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

/* Some items that were decided by other rules. */
struct batch {
    struct arena arena;
    struct queue_job jobs[batch_most];
    size_t count;
    int64_t last; /* id of the last of them; 0 = none is left */
};

/* With a reader: to find them may take a while, and the writer is everybody's. */
static bool find_batch(struct store *store, const char *revision, int64_t after,
                       struct batch *batch, struct err *err)
{
    enum db_step step = DB_FAILED;
    bool ok = true;
    struct db *db = store_reader(store, err);
    struct db_query *query = db ? db_query(db, DB_ITEMS_UNDECIDED) : NULL;
    batch->count = 0;
    batch->last = 0;
    if (query) {
        db_number(query, 1, after);
        db_text(query, 2, revision);
    }
    while (query && ok && batch->count < batch_most && (step = db_step(query, err)) == DB_ROW) {
        struct queue_job *job = &batch->jobs[batch->count++];
        *job =
            (struct queue_job){.kind = QUEUE_VISIT,
                               .connection = arena_strdup(&batch->arena, db_column_text(query, 1)),
                               .key = arena_strdup(&batch->arena, db_column_text(query, 2)),
                               .lane = QUEUE_BACKFILL};
        batch->last = db_column_number(query, 0);
        ok = (job->connection && job->key) || err_set(err, ERR_MEMORY, "out of memory");
    }
    if (query)
        db_done(query);
    store_reader_done(store, db);
    return ok && step != DB_FAILED;
}

/* Rules changed: stored reports are decided again by visits that fetch nothing. */
static bool queue_batch(struct db *db, void *context, struct err *err)
{
    struct batch *batch = context;
    int64_t now_us = clock_now_us();
    for (size_t i = 0; i < batch->count; i++) {
        batch->jobs[i].due_us = batch->jobs[i].seen_us = now_us;
        if (!queue_add(db, &batch->jobs[i], err))
            return false;
    }
    return revision_decided(db, batch->last, err);
}

/* Visits of the backfill that wait: as many as are worth having ready. */
static bool has_room(struct store *store, bool *room, struct err *err)
{
    struct queue_numbers numbers;
    struct db *db = store_reader(store, err);
    bool ok = db && queue_numbers(db, &numbers, err);
    store_reader_done(store, db);
    *room = ok && numbers.queued[QUEUE_BACKFILL] < ready_most;
    return ok;
}

static bool next_batch(struct store *store, const char *revision, int64_t *after, bool *room,
                       struct err *err)
{
    struct batch batch = {.arena = arena_new(arena_most)};
    const struct store_unit unit = {queue_batch, &batch};
    bool ok = has_room(store, room, err) &&
              (!*room || (find_batch(store, revision, *after, &batch, err) &&
                          ((!batch.last && !*after) || store_write(store, STORE_RAN, unit, err))));
    if (ok && *room)
        *after = batch.last;
    arena_fini(&batch.arena);
    return ok;
}

/* Undecided from now on: the visit that is queued stores the next time. */
static bool not_due(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_NOT_DUE);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

/* Time conditions whose moment has come. */
static bool queue_due_items(struct db *db, void *context, struct err *err)
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

static bool undecided(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_UNDECIDED);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

/* What was not carried out while acting was stopped, unless it is stopped now. Undecided from now
 * on, so that the visit decides again and a kill loses none. */
static bool queue_stopped(struct db *db, void *context, struct err *err)
{
    struct sweep *sweep = context;
    own_arena struct arena arena = arena_new(8192);
    struct hold hold;
    enum db_step step;
    sweep->more = false;
    if (!hold_get(db, HOLD_ACTING, &arena, &hold, err))
        return false;
    if (hold.since_us)
        return true;
    struct db_query *query = db_query(db, DB_ITEMS_STOPPED);
    db_number(query, 1, sweep->after);
    while ((step = db_step(query, err)) == DB_ROW) {
        sweep->more = true;
        sweep->after = db_column_number(query, 0);
        if (!queue_row(db, query, 1, sweep->now_us, err) || !undecided(db, sweep->after, err)) {
            db_done(query);
            return false;
        }
    }
    return step == DB_END;
}

/* Read apart, so that a quiet daemon writes nothing. */
static bool any_stopped(struct store *store)
{
    struct db *db = store_reader(store, NULL);
    bool any = false;
    if (db) {
        struct db_query *query = db_query(db, DB_ITEMS_STOPPED);
        db_number(query, 1, 0);
        any = db_step(query, NULL) == DB_ROW;
        db_done(query);
    }
    store_reader_done(store, db);
    return any;
}

static void run(struct store *store, struct rules *rules, const atomic_bool *stop,
                bool (*part)(struct db *, void *, struct err *))
{
    struct err err = {0};
    const struct policy *policy = rules_hold(rules);
    struct sweep work = {.now_us = clock_now_us()};
    const struct store_unit unit = {part, &work};
    bool ok;
    do
        ok = store_write(store, STORE_RAN, unit, &err);
    while (ok && work.more && !atomic_load(stop));
    if (!ok)
        LOG(LOG_LEVEL_WARN, "decide-again", LOG_TEXT(error, err.text));
    rules_drop(rules, policy);
}

bool sweep_undecided(struct store *store, struct rules *rules, const atomic_bool *stop,
                     int64_t *after)
{
    bool ok, room = true;
    struct err err = {0};
    const struct policy *policy = rules_hold(rules);
    do
        ok = next_batch(store, policy_revision(policy), after, &room, &err);
    while (ok && room && *after && !atomic_load(stop));
    rules_drop(rules, policy);
    if (!ok)
        LOG(LOG_LEVEL_WARN, "decide-again", LOG_TEXT(error, err.text));
    return ok && room && !*after;
}

void sweep_due(struct store *store, struct rules *rules, const atomic_bool *stop)
{
    run(store, rules, stop, queue_due_items);
}

void sweep_stopped(struct store *store, struct rules *rules, const atomic_bool *stop)
{
    if (any_stopped(store))
        run(store, rules, stop, queue_stopped);
}
