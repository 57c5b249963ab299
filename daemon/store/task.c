#include "store/task.h"

#include <stdio.h>

#include "store/news.h"
#include "store/queue.h"

enum { key_bytes = 24 };

static const char *const state_words[TASK_STATE_COUNT] = {"queued", "running", "done", "failed",
                                                          "cancelled"};

const char *task_state_word(enum task_state state)
{
    return (unsigned)state < TASK_STATE_COUNT ? state_words[state] : "unknown";
}

bool task_is_open(enum task_state state)
{
    return state == TASK_QUEUED || state == TASK_RUNNING;
}

bool task_add(struct db *db, struct task *task, struct err *err)
{
    char key[key_bytes];
    struct db_query *query = db_query(db, DB_TASK_ADD);
    db_text(query, 1, task->kind);
    db_number(query, 2, TASK_QUEUED);
    db_number(query, 3, task->owner);
    db_text(query, 4, task->input);
    db_number(query, 5, task->made_us);
    db_number(query, 6, task->expires_us);
    if (db_step(query, err) != DB_ROW)
        return false;
    task->id = db_column_number(query, 0);
    task->state = TASK_QUEUED;
    db_done(query);
    news_task(db, task->id, task->owner);
    snprintf(key, sizeof key, "%lld", (long long)task->id);
    struct queue_job job = {.kind = QUEUE_TASK,
                            .connection = TASK_CONNECTION,
                            .key = key,
                            .lane = QUEUE_LIVE,
                            .due_us = task->made_us,
                            .seen_us = task->made_us};
    return queue_add(db, &job, err);
}

static bool take(struct db_query *query, struct arena *arena, struct task *task, struct err *err)
{
    const char *result = db_column_text(query, 5), *error = db_column_text(query, 6);
    *task = (struct task){
        .id = db_column_number(query, 0),
        .kind = arena_strdup(arena, db_column_text(query, 1)),
        .state = (enum task_state)db_column_number(query, 2),
        .owner = db_column_number(query, 3),
        .input = arena_strdup(arena, db_column_text(query, 4)),
        .result = result ? arena_strdup(arena, result) : NULL,
        .error = error ? arena_strdup(arena, error) : NULL,
        .made_us = db_column_number(query, 7),
        .expires_us = db_column_number(query, 8),
        .done = db_column_number(query, 9),
        .total = db_column_number(query, 10),
    };
    bool whole = task->kind && task->input && (!result || task->result) && (!error || task->error);
    return whole || err_set(err, ERR_MEMORY, "out of memory");
}

bool task_get(struct db *db, int64_t id, struct arena *arena, struct task *task, bool *found,
              struct err *err)
{
    struct db_query *query = db_query(db, DB_TASK_GET);
    db_number(query, 1, id);
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    bool ok = step == DB_END || (*found && take(query, arena, task, err));
    db_done(query);
    return ok;
}

bool task_save(struct db *db, const struct task *task, struct err *err)
{
    struct db_query *query = db_query(db, DB_TASK_SAVE);
    db_number(query, 1, task->state);
    db_text(query, 2, task->result);
    db_text(query, 3, task->error);
    db_number(query, 4, task->id);
    if (!db_run(query, NULL, err))
        return false;
    news_task(db, task->id, task->owner);
    return true;
}

bool task_progress(struct db *db, const struct task *task, struct err *err)
{
    struct db_query *query = db_query(db, DB_TASK_PROGRESS);
    db_number(query, 1, task->done);
    db_number(query, 2, task->total);
    db_number(query, 3, task->id);
    return db_run(query, NULL, err);
}

bool task_remove(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_TASK_REMOVE);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

static bool one_number(struct db_query *query, int64_t *number, struct err *err)
{
    enum db_step step = db_step(query, err);
    *number = step == DB_ROW ? db_column_number(query, 0) : 0;
    db_done(query);
    return step != DB_FAILED;
}

bool task_expired(struct db *db, int64_t now_us, int64_t *id, struct err *err)
{
    struct db_query *query = db_query(db, DB_TASK_EXPIRED);
    db_number(query, 1, now_us);
    return one_number(query, id, err);
}

bool task_count(struct db *db, int64_t *count, struct err *err)
{
    return one_number(db_query(db, DB_TASK_COUNT), count, err);
}
