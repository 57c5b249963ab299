#include "jobs/task_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/custodian.h"
#include "jobs/job.h"
#include "vault/vault.h"

enum { arena_max_bytes = 64 << 20, record_tries = 8, sweep_most = 1000 };
static const int64_t first_pause_us = 50000;

static const struct {
    const char *kind;
    bool (*run)(const struct visit_world *world, struct task *task, struct arena *arena,
                struct err *err);
} kinds[] = {{"open", task_open}, {"simulate", task_simulate}};

/* One run. */
struct running {
    const struct visit_world *world;
    struct arena *arena;
    struct queue_job job;
    struct task task;
    bool found;        /* and not cancelled */
    const char *error; /* NULL = done */
};

/* What a kill has cut is begun again. */
static bool begin(struct db *db, void *context, struct err *err)
{
    struct running *running = context;
    struct task *task = &running->task;
    if (!task_get(db, strtoll(running->job.key, NULL, 10), running->arena, task, &running->found,
                  err))
        return false;
    running->found = running->found && task_is_open(task->state);
    task->state = running->found ? TASK_RUNNING : task->state;
    return !running->found || task_save(db, task, err);
}

/* One that was cancelled meanwhile stays so. */
static bool end(struct db *db, void *context, struct err *err)
{
    bool found = false;
    struct running *running = context;
    own_arena struct arena arena = arena_new(arena_max_bytes);
    struct task task;
    if (running->found && !task_get(db, running->task.id, &arena, &task, &found, err))
        return false;
    running->found = found && task_is_open(task.state);
    if (running->found) {
        task.state = running->error ? TASK_FAILED : TASK_DONE;
        task.error = running->error;
        const char *result = running->task.result ? running->task.result : "{}";
        task.result = running->error ? NULL : result;
        if (!task_save(db, &task, err))
            return false;
    }
    return job_event(db, &running->job, JOB_FINISHED, clock_now_us(), err);
}

static bool carry_out(struct running *running, struct err *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, running->task.kind) == 0)
            return kinds[i].run(running->world, &running->task, running->arena, err);
    return err_set(err, ERR_UNSUPPORTED, "a task of this kind is not known");
}

static void record(struct running *running)
{
    struct err err = {0};
    const struct store_unit unit = {end, running};
    int64_t pause_us = first_pause_us;
    for (int i = 0; i < record_tries; i++, pause_us *= 2) {
        if (store_write(running->world->store, STORE_COMMITTED, unit, &err))
            return;
        if (err.kind == ERR_STOPPED || err.kind == ERR_STALE || err.kind == ERR_BROKEN)
            break;
        clock_sleep_us(pause_us);
    }
    job_not_recorded(&running->job, &err);
}

void task_run(const struct visit_world *world, const struct queue_job *job)
{
    struct err err = {0};
    own_arena struct arena arena = arena_new(arena_max_bytes);
    struct running running = {.world = world, .arena = &arena, .job = *job};
    const struct store_unit unit = {begin, &running};
    if (!store_write(world->store, STORE_RAN, unit, &err) ||
        (running.found && !carry_out(&running, &err)))
        running.error = err.text;
    int64_t id = running.task.id;
    record(&running);
    if (id && !running.found && world->custodian) /* cancelled while it ran */
        vault_remove(world->custodian->tasks, id, NULL);
    LOG(running.error ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "task", LOG_NUMBER(job, job->id),
        LOG_TEXT(kind, running.task.kind), LOG_TEXT(error, running.error));
}

/* Sweeping ------------------------------------------------------------------------------------ */

static bool remove_row(struct db *db, void *context, struct err *err)
{
    return task_remove(db, *(const int64_t *)context, err);
}

static bool next_expired(struct store *store, int64_t *id, struct err *err)
{
    struct db *db = store_reader(store, err);
    bool ok = db && task_expired(db, clock_now_us(), id, err);
    store_reader_done(store, db);
    return ok;
}

void task_sweep(struct store *store, const struct custodian *custodian)
{
    struct err err = {0};
    for (int i = 0; custodian && i < sweep_most; i++) {
        int64_t id = 0;
        const struct store_unit unit = {remove_row, &id};
        if (next_expired(store, &id, &err) && id == 0)
            return;
        if (!id || !vault_remove(custodian->tasks, id, &err) ||
            !store_write(store, STORE_COMMITTED, unit, &err)) {
            LOG(LOG_LEVEL_WARN, "task-left", LOG_TEXT(error, err.text));
            return;
        }
    }
}
