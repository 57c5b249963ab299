#include "jobs/custody_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/custodian.h"
#include "jobs/job.h"
#include "jobs/keep.h"
#include "jobs/meanwhile.h"
#include "jobs/take.h"
#include "store/audit.h"
#include "store/custody.h"
#include "vault/vault.h"

enum { arena_max_bytes = 8 << 20 };

/* Two seconds after it was taken from its name ------------------------------------------------- */

static bool store_taken(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    work->entry.intent = NULL;
    work->entry.error = NULL;
    return custody_event(db, &work->entry, CUSTODY_TAKEN_AWAY, NULL, clock_now_us(), err);
}

/* Look at the file, as at any change. */
static bool queue_visit(struct db *db, const struct custody_work *work, int64_t now_us,
                        struct err *err)
{
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = work->entry.connection,
                            .key = work->entry.key,
                            .lane = QUEUE_LIVE,
                            .due_us = now_us,
                            .seen_us = now_us,
                            .force = true};
    return queue_add(db, &job, err);
}

/* The edit is in place again. */
static bool store_put_back(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    int64_t now_us = clock_now_us();
    work->entry.intent = NULL;
    return custody_event(db, &work->entry, CUSTODY_PUT_BACK, NULL, now_us, err) &&
           meanwhile_give_back(db, &work->entry, now_us, err) && queue_visit(db, work, now_us, err);
}

/* It was refused, or a kill came before it: the visit that planned it tries again, or has said
 * that it cannot. Only one that believes the file to be gone is to look once more. */
static bool store_not_made(struct db *db, void *context, struct err *err)
{
    bool taken;
    struct custody_work *work = context;
    int64_t now_us = clock_now_us();
    work->entry.intent = NULL;
    return custody_event(db, &work->entry, CUSTODY_NOT_MADE, NULL, now_us, err) &&
           custody_item_taken(db, &work->entry, &taken, err) &&
           (!taken || queue_visit(db, work, now_us, err));
}

static bool settle(struct custody_work *work, struct err *err)
{
    struct err why = {0};
    enum connect_removed end = CONNECT_NOT_REMOVED;
    const struct entry *entry = &work->entry;
    const struct visit_link *link = work->link;
    if (!entry->intent || !link->connector->remove_settle(link->connection, entry->key,
                                                          entry->intent, entry->sha256, &end, &why))
        return err_set(err, why.kind ? why.kind : ERR_BROKEN, "%s", why.text);
    const struct store_unit taken = {store_taken, work}, back = {store_put_back, work};
    const struct store_unit not_made = {store_not_made, work};
    if (end == CONNECT_REMOVED)
        return custody_stone_write(work, err) &&
               store_write(work->world->store, STORE_COMMITTED, taken, err);
    if (end == CONNECT_NOT_REMOVED)
        return store_write(work->world->store, STORE_COMMITTED, not_made, err);
    const struct entry cancelled = *entry;
    if (!store_write(work->world->store, STORE_COMMITTED, back, err))
        return false;
    if (!take_copy_of(cancelled.kind)->drop(work->world, link, &cancelled, &why))
        LOG(LOG_LEVEL_WARN, "copy-left", LOG_NUMBER(entry, cancelled.id),
            LOG_TEXT(error, why.text));
    return true;
}

/* Deletion ------------------------------------------------------------------------------------- */

static bool store_deleted(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    int64_t now_us = clock_now_us();
    const struct custody_actor actor = {work->entry.asked_by, work->entry.asked_why};
    return custody_event(db, &work->entry, CUSTODY_COPY_DELETED, &actor, now_us, err) &&
           custody_alerts_over(db, work, "deleted from quarantine", now_us, err) &&
           custody_item_gone(db, &work->entry, now_us, err);
}

static bool delete_copy(struct custody_work *work, struct err *err)
{
    const struct store_unit unit = {store_deleted, work};
    return vault_remove(work->world->custodian->vault, work->entry.id, err) &&
           custody_stone_remove(work, err) &&
           store_write(work->world->store, STORE_COMMITTED, unit, err);
}

/* The job -------------------------------------------------------------------------------------- */

static bool (*const carry_on[ENTRY_STATE_COUNT])(struct custody_work *work, struct err *err) = {
    [ENTRY_REMOVING] = settle,
    [ENTRY_RELEASING] = custody_release,
    [ENTRY_DELETING] = delete_copy,
};

static bool find_entry(struct db *db, void *context, struct err *err)
{
    bool found;
    struct custody_work *work = context;
    return entry_get(db, strtoll(work->job.key, NULL, 10), work->arena, &work->entry, &found,
                     err) &&
           (found || err_set(err, ERR_GONE, "no entry %.20s", work->job.key));
}

/* From here on it cannot be undone: an undo that came between is a conflict. */
static bool store_begun(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    work->entry.due_us = ENTRY_NO_TIME;
    return entry_save(db, &work->entry, err);
}

static bool begin(struct custody_work *work, struct err *err)
{
    const struct store_unit unit = {store_begun, work};
    return work->entry.due_us == ENTRY_NO_TIME ||
           store_write(work->world->store, STORE_COMMITTED, unit, err);
}

/* A release or deletion that may be undone until then waits. */
static bool is_early(const struct custody_work *work)
{
    return work->entry.due_us != ENTRY_NO_TIME && work->entry.due_us > clock_now_us();
}

static bool run(struct custody_work *work, struct err *err)
{
    const struct store_unit unit = {find_entry, work};
    if (!store_write(work->world->store, STORE_RAN, unit, err))
        return false;
    if (!carry_on[work->entry.state])
        return true;
    if (is_early(work))
        return work->entry.state != ENTRY_RELEASING || custody_release_check(work, err);
    return begin(work, err) && carry_on[work->entry.state](work, err);
}

struct ending {
    struct custody_work *work;
    enum job_event event;
    const char *error;
};

static bool record(struct db *db, void *context, struct err *err)
{
    struct ending *ending = context;
    struct custody_work *work = ending->work;
    if (ending->error && work->entry.id && carry_on[work->entry.state]) {
        work->entry.error = ending->error;
        if (!entry_save(db, &work->entry, err))
            return false;
    }
    return job_event(db, &work->job, ending->event, clock_now_us(), err);
}

static void keep_state(void *context, const struct err *why)
{
    struct ending *ending = context;
    if (why->kind == ERR_CONFLICT)
        ending->error = NULL; /* a person's undo came between */
}

void custody_run(const struct visit_world *world, const struct visit_link *link,
                 const struct queue_job *job)
{
    struct err why = {0};
    own_arena struct arena arena = arena_new(arena_max_bytes);
    struct custody_work work = {.world = world, .link = link, .arena = &arena, .job = *job};
    struct ending ending = {&work, JOB_FINISHED, NULL};
    if (!run(&work, &why)) {
        ending.event = job_after(&work.job, &why, clock_now_us());
        ending.error = why.text;
        LOG(ending.event == JOB_GAVE_UP ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
            job_event_word(ending.event), LOG_NUMBER(job, job->id),
            LOG_TEXT(connection, link->name), LOG_NUMBER(entry, work.entry.id),
            LOG_TEXT(path, work.entry.path), LOG_TEXT(kind, err_kind_word(why.kind)),
            LOG_TEXT(error, why.text));
    } else if (is_early(&work)) {
        ending.event = JOB_RETRY;
        work.job.due_us = work.entry.due_us;
    } else {
        LOG(LOG_LEVEL_INFO, "custody", LOG_NUMBER(job, job->id), LOG_TEXT(connection, link->name),
            LOG_NUMBER(entry, work.entry.id), LOG_TEXT(path, work.entry.path),
            LOG_TEXT(what, entry_state_word(work.entry.state)));
    }
    const struct keep keep = {job, {record, &ending}, keep_state, &ending};
    keep_recorded(world, &keep);
}
