#include "store/queue.h"

#include <string.h>

#include "store/store.h"

enum { most_connections = 10000 };

static const enum queue_state open_states[] = {QUEUE_QUEUED, QUEUE_WAITING};

/* Columns in the order of every job statement. */
static bool read_job(struct db_query *query, struct arena *arena, struct queue_job *job,
                     struct err *err)
{
    const char *error = db_column_text(query, 12);
    *job = (struct queue_job){
        .id = db_column_number(query, 0),
        .kind = (enum queue_kind)db_column_number(query, 1),
        .connection = arena_strdup(arena, db_column_text(query, 2)),
        .key = arena_strdup(arena, db_column_text(query, 3)),
        .lane = (enum queue_lane)db_column_number(query, 4),
        .state = (enum queue_state)db_column_number(query, 5),
        .due_us = db_column_number(query, 6),
        .seen_us = db_column_number(query, 7),
        .attempt = (int)db_column_number(query, 8),
        .conflicts = (int)db_column_number(query, 9),
        .again = db_column_number(query, 10) != 0,
        .force = db_column_number(query, 11) != 0,
        .error = error ? arena_strdup(arena, error) : NULL,
        .claim = db_column_number(query, 13),
        .version = db_column_number(query, 14),
    };
    return (job->connection && job->key) || err_set(err, ERR_MEMORY, "out of memory");
}

static bool take_job(struct db_query *query, struct arena *arena, struct queue_job *job,
                     struct err *err)
{
    bool ok = read_job(query, arena, job, err);
    db_done(query);
    return ok;
}

static bool one_job(struct db_query *query, struct arena *arena, struct queue_job *job, bool *found,
                    struct err *err)
{
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    return step == DB_ROW ? take_job(query, arena, job, err) : step == DB_END;
}

bool queue_get(struct db *db, int64_t id, struct arena *arena, struct queue_job *job, bool *found,
               struct err *err)
{
    struct db_query *query = db_query(db, DB_JOB_GET);
    db_number(query, 1, id);
    return one_job(query, arena, job, found, err);
}

bool queue_cut(struct db *db, int64_t after, struct arena *arena, struct queue_job *job,
               bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_JOB_CUT);
    db_number(query, 1, after);
    return one_job(query, arena, job, found, err);
}

bool queue_save(struct db *db, const struct queue_job *job, struct err *err)
{
    struct db_query *query = db_query(db, DB_JOB_SAVE);
    db_number(query, 1, job->lane);
    db_number(query, 2, job->state);
    db_number(query, 3, job->due_us);
    db_number(query, 4, job->seen_us);
    db_number(query, 5, job->attempt);
    db_number(query, 6, job->conflicts);
    db_number(query, 7, job->again);
    db_number(query, 8, job->force);
    db_text(query, 9, job->error);
    db_number(query, 10, job->claim);
    db_number(query, 11, job->id);
    return db_run(query, NULL, err);
}

bool queue_remove(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_JOB_REMOVE);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

static bool insert(struct db *db, struct queue_job *job, struct err *err)
{
    struct db_query *query = db_query(db, DB_JOB_INSERT);
    db_number(query, 1, job->kind);
    db_text(query, 2, job->connection);
    db_text(query, 3, job->key);
    db_number(query, 4, job->lane);
    db_number(query, 5, job->due_us);
    db_number(query, 6, job->seen_us);
    db_number(query, 7, job->force);
    if (db_step(query, err) != DB_ROW)
        return false;
    job->id = db_column_number(query, 0);
    job->state = QUEUE_QUEUED;
    db_done(query);
    return true;
}

/* A change joins the job that is open already. One that waits for a retry, or has failed, is
 * tried at once: the file may be another one now. */
static void join(struct queue_job *open, const struct queue_job *job)
{
    bool running = open->state == QUEUE_RUNNING || open->state == QUEUE_ACTING;
    bool stuck = open->state == QUEUE_WAITING || open->state == QUEUE_FAILED;
    open->force = open->force || job->force;
    if (running) { /* its lane stays: it holds a slot of that lane */
        open->again = true;
        open->seen_us = job->seen_us;
        return;
    }
    if (job->lane < open->lane)
        open->lane = job->lane;
    if (stuck) {
        open->state = QUEUE_QUEUED;
        open->attempt = open->conflicts = 0;
        open->due_us = job->due_us;
        open->seen_us = job->seen_us;
    } else if (job->due_us < open->due_us) {
        open->due_us = job->due_us;
    }
}

bool queue_find(struct db *db, const struct queue_job *which, struct arena *arena,
                struct queue_job *job, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_JOB_FIND);
    db_number(query, 1, which->kind);
    db_text(query, 2, which->connection);
    db_text(query, 3, which->key);
    return one_job(query, arena, job, found, err);
}

bool queue_add(struct db *db, struct queue_job *job, struct err *err)
{
    own_arena struct arena arena = arena_new(1u << 20);
    struct queue_job open;
    bool found;
    if (!queue_find(db, job, &arena, &open, &found, err))
        return false;
    store_jobs_added(db);
    if (!found)
        return insert(db, job, err);
    join(&open, job);
    job->id = open.id;
    job->state = open.state;
    return queue_save(db, &open, err);
}

/* Claiming ------------------------------------------------------------------------------------ */

static const int64_t paused_count = INT64_MAX;

/* How many jobs run, by connection; of a paused one more than any cap. */
struct busy {
    const char *connection;
    int64_t count;
    struct busy *next;
};

static bool read_list(struct db_query *query, bool paused, struct arena *arena, struct busy **list,
                      struct err *err)
{
    enum db_step step;
    while ((step = db_step(query, err)) == DB_ROW) {
        struct busy *busy = arena_alloc(arena, 1, sizeof *busy);
        const char *name = arena_strdup(arena, db_column_text(query, 0));
        if (!busy || !name) {
            db_done(query);
            return err_set(err, ERR_MEMORY, "out of memory");
        }
        *busy = (struct busy){name, paused ? paused_count : db_column_number(query, 1), *list};
        *list = busy;
    }
    return step == DB_END;
}

/* The paused ones stand first, so that they are found first. */
static bool read_busy(struct db *db, struct arena *arena, struct busy **list, struct err *err)
{
    *list = NULL;
    return read_list(db_query(db, DB_JOB_BUSY), false, arena, list, err) &&
           read_list(db_query(db, DB_HOLD_CONNECTIONS), true, arena, list, err);
}

static int64_t busy_count(const struct busy *list, const char *connection)
{
    while (list && strcmp(list->connection, connection) != 0)
        list = list->next;
    return list ? list->count : 0;
}

/* The connection after `after` that has jobs of a state and lane; *name NULL = none. A skip scan:
 * one look-up a connection, whatever the number of jobs. */
static bool next_connection(struct db *db, const struct queue_job *kind, const char *after,
                            struct arena *arena, const char **name, struct err *err)
{
    struct db_query *query = db_query(db, DB_JOB_CONNECTION);
    db_number(query, 1, kind->state);
    db_number(query, 2, kind->lane);
    db_text(query, 3, after);
    *name = NULL;
    enum db_step step = db_step(query, err);
    if (step == DB_ROW && !db_column_null(query, 0)) {
        *name = arena_strdup(arena, db_column_text(query, 0));
        if (!*name)
            err_set(err, ERR_MEMORY, "out of memory");
    }
    bool none = step == DB_ROW && db_column_null(query, 0);
    db_done(query);
    return *name || none || step == DB_END;
}

struct claim {
    int64_t now_us;
    int cap;
    const struct busy *busy;
    struct queue_job *best;
    int64_t best_busy;
    bool found;
};

/* Of a paused connection only what was taken away goes on: a removal is finished, and what a
 * person decides is done. */
static struct db_query *ready(struct db *db, const char *connection, const struct queue_job *kind,
                              bool paused, int64_t now_us)
{
    struct db_query *query = db_query(db, paused ? DB_JOB_READY_ENTRY : DB_JOB_READY);
    int at = 1;
    if (paused)
        db_text(query, at++, connection);
    db_number(query, at++, kind->state);
    db_number(query, at++, kind->lane);
    if (!paused)
        db_text(query, at++, connection);
    db_number(query, at, now_us);
    return query;
}

static bool look_at(struct db *db, const char *connection, const struct queue_job *kind,
                    struct arena *arena, struct claim *claim, struct err *err)
{
    struct queue_job job;
    bool found;
    int64_t busy = busy_count(claim->busy, connection);
    bool paused = busy == paused_count;
    if (paused)
        busy = 0;
    if (busy >= claim->cap || (claim->found && busy > claim->best_busy))
        return true;
    if (!one_job(ready(db, connection, kind, paused, claim->now_us), arena, &job, &found, err))
        return false;
    if (!found || (claim->found && busy == claim->best_busy && job.due_us >= claim->best->due_us))
        return true;
    *claim->best = job;
    claim->best_busy = busy;
    claim->found = true;
    return true;
}

static bool look_through(struct db *db, const struct queue_job *kind, struct arena *arena,
                         struct claim *claim, struct err *err)
{
    const char *name = "";
    for (int i = 0; i < most_connections; i++) {
        if (!next_connection(db, kind, name, arena, &name, err))
            return false;
        if (!name)
            return true;
        if (!look_at(db, name, kind, arena, claim, err))
            return false;
    }
    return true;
}

/* Whether a backfill may have one more slot: of the cap + 1 workers a quarter, at least one, is
 * never taken by visits and walks of backfills, whatever the number of connections. */
static bool may_backfill(struct db *db, int cap, bool *may, struct err *err)
{
    int all = cap + 1, kept = all / 4 ? all / 4 : all > 1;
    struct db_query *query = db_query(db, DB_JOB_BACKFILLS);
    if (db_step(query, err) != DB_ROW)
        return false;
    *may = db_column_number(query, 0) < all - kept;
    db_done(query);
    return true;
}

bool queue_next(struct db *db, int64_t now_us, int cap, struct arena *arena, struct queue_job *job,
                bool *found, struct err *err)
{
    struct busy *busy;
    bool backfill;
    struct claim claim = {.now_us = now_us, .cap = cap, .best = job};
    if (!read_busy(db, arena, &busy, err) || !may_backfill(db, cap, &backfill, err))
        return false;
    claim.busy = busy;
    int end = backfill ? QUEUE_LANE_COUNT : QUEUE_BACKFILL;
    for (int lane = QUEUE_LIVE; lane < end && !claim.found; lane++)
        for (size_t i = 0; i < sizeof open_states / sizeof *open_states; i++) {
            const struct queue_job kind = {.state = open_states[i], .lane = (enum queue_lane)lane};
            if (!look_through(db, &kind, arena, &claim, err))
                return false;
        }
    *found = claim.found;
    return true;
}

/* Numbers ------------------------------------------------------------------------------------- */

/* The least of the answers of min(due) queries. */
static bool take_due(struct db_query *query, int64_t *due_us, struct err *err)
{
    if (db_step(query, err) != DB_ROW)
        return false;
    if (!db_column_null(query, 0) && db_column_number(query, 0) < *due_us)
        *due_us = db_column_number(query, 0);
    db_done(query);
    return true;
}

/* Past the paused connections: one look-up for each of the others. */
static bool due_of_others(struct db *db, const struct queue_job *kind, const struct busy *paused,
                          struct arena *arena, int64_t *due_us, struct err *err)
{
    const char *name = "";
    for (int i = 0; i < most_connections; i++) {
        if (!next_connection(db, kind, name, arena, &name, err))
            return false;
        if (!name)
            return true;
        if (busy_count(paused, name) > 0)
            continue;
        struct db_query *query = db_query(db, DB_JOB_DUE_OF);
        db_number(query, 1, kind->state);
        db_number(query, 2, kind->lane);
        db_text(query, 3, name);
        if (!take_due(query, due_us, err))
            return false;
    }
    return true;
}

bool queue_due(struct db *db, int64_t *due_us, struct err *err)
{
    struct busy *paused = NULL;
    own_arena struct arena arena = arena_new(1u << 20);
    *due_us = INT64_MAX;
    if (!read_list(db_query(db, DB_HOLD_CONNECTIONS), true, &arena, &paused, err))
        return false;
    for (size_t i = 0; i < sizeof open_states / sizeof *open_states; i++) {
        struct db_query *query = db_query(db, DB_JOB_DUE);
        db_number(query, 1, open_states[i]);
        if (!paused && !take_due(query, due_us, err))
            return false;
        for (int lane = QUEUE_LIVE; paused && lane < QUEUE_LANE_COUNT; lane++) {
            const struct queue_job kind = {.state = open_states[i], .lane = (enum queue_lane)lane};
            if (!due_of_others(db, &kind, paused, &arena, due_us, err))
                return false;
        }
    }
    return true;
}

static bool count_jobs(struct db *db, const char *connection, const struct queue_job *kind,
                       int64_t *sum, struct err *err)
{
    struct db_query *query = db_query(db, connection ? DB_JOB_COUNT_OF : DB_JOB_COUNT);
    db_number(query, 1, kind->state);
    db_number(query, 2, kind->lane);
    if (connection)
        db_text(query, 3, connection);
    if (db_step(query, err) != DB_ROW)
        return false;
    *sum += db_column_number(query, 0);
    db_done(query);
    return true;
}

bool queue_numbers_of(struct db *db, const char *connection, struct queue_numbers *numbers,
                      struct err *err)
{
    *numbers = (struct queue_numbers){0};
    for (int i = QUEUE_LIVE; i < QUEUE_LANE_COUNT; i++) {
        const struct {
            enum queue_state state;
            int64_t *sum;
        } sums[] = {{QUEUE_QUEUED, &numbers->queued[i]},
                    {QUEUE_WAITING, &numbers->waiting},
                    {QUEUE_RUNNING, &numbers->running},
                    {QUEUE_ACTING, &numbers->running},
                    {QUEUE_FAILED, &numbers->failed}};
        for (size_t k = 0; k < sizeof sums / sizeof *sums; k++) {
            const struct queue_job kind = {.state = sums[k].state, .lane = (enum queue_lane)i};
            if (!count_jobs(db, connection, &kind, sums[k].sum, err))
                return false;
        }
    }
    return true;
}

bool queue_numbers(struct db *db, struct queue_numbers *numbers, struct err *err)
{
    return queue_numbers_of(db, NULL, numbers, err);
}

/* Listing ------------------------------------------------------------------------------------- */

static const char *const kind_words[QUEUE_KIND_COUNT] = {
    [QUEUE_VISIT] = "visit",
    [QUEUE_WALK] = "walk",
    [QUEUE_ENTRY] = "entry",
};

static const char *const state_words[QUEUE_STATE_COUNT] = {
    [QUEUE_QUEUED] = "queued",   [QUEUE_RUNNING] = "running", [QUEUE_ACTING] = "acting",
    [QUEUE_WAITING] = "waiting", [QUEUE_DONE] = "done",       [QUEUE_FAILED] = "failed",
};

const char *queue_kind_word(enum queue_kind kind)
{
    return (unsigned)kind < QUEUE_KIND_COUNT && kind_words[kind] ? kind_words[kind] : "unknown";
}

const char *queue_state_word(enum queue_state state)
{
    return (unsigned)state < QUEUE_STATE_COUNT ? state_words[state] : "unknown";
}

bool queue_state_find(const char *word, enum queue_state *state)
{
    for (int i = 0; i < QUEUE_STATE_COUNT; i++) {
        if (strcmp(state_words[i], word) != 0)
            continue;
        *state = (enum queue_state)i;
        return true;
    }
    return false;
}

static struct db_query *list_query(struct db *db, const struct queue_ask *ask)
{
    bool many = ask->state == QUEUE_QUEUED || ask->state == QUEUE_WAITING;
    struct db_query *query = db_query(db, ask->any_state ? DB_JOB_LIST
                                          : many         ? DB_JOB_LIST_MANY
                                                         : DB_JOB_LIST_FEW);
    db_number(query, 1, ask->after);
    db_text(query, 2, ask->connection);
    if (!ask->any_state)
        db_number(query, 3, ask->state);
    db_number(query, ask->any_state ? 3 : 4, ask->most);
    return query;
}

bool queue_list(struct db *db, const struct queue_ask *ask, struct arena *arena,
                struct queue_job **jobs, size_t *count, struct err *err)
{
    enum db_step step = DB_END;
    *count = 0;
    *jobs = arena_alloc(arena, (size_t)ask->most, sizeof **jobs);
    if (!*jobs)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct db_query *query = list_query(db, ask);
    while (*count < (size_t)ask->most && (step = db_step(query, err)) == DB_ROW)
        if (!read_job(query, arena, &(*jobs)[(*count)++], err)) {
            db_done(query);
            return false;
        }
    db_done(query);
    return step != DB_FAILED;
}
