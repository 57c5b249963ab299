#include "jobs/change.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/queue.h"

static bool add_job(struct db *db, void *context, struct err *err)
{
    return queue_add(db, context, err);
}

static bool add(struct store *store, struct queue_job job, struct err *err)
{
    const struct store_unit unit = {add_job, &job};
    return store_write(store, STORE_RAN, unit, err);
}

bool change_visit(struct store *store, const char *connection, const char *key, int64_t due_us,
                  int64_t seen_us)
{
    struct err err = {0};
    int64_t now = clock_now_us();
    const struct queue_job job = {.kind = QUEUE_VISIT,
                                  .connection = connection,
                                  .key = key,
                                  .lane = QUEUE_LIVE,
                                  .due_us = due_us ? due_us : now,
                                  .seen_us = seen_us ? seen_us : now};
    if (add(store, job, &err))
        return true;
    LOG(LOG_LEVEL_ERROR, "change-not-recorded", LOG_TEXT(connection, connection),
        LOG_TEXT(path, key), LOG_TEXT(error, err.text));
    return false;
}

bool change_walk(struct store *store, const char *connection, struct err *err)
{
    int64_t now = clock_now_us();
    const struct queue_job job = {.kind = QUEUE_WALK,
                                  .connection = connection,
                                  .key = "",
                                  .lane = QUEUE_BACKFILL,
                                  .due_us = now,
                                  .seen_us = now};
    return add(store, job, err);
}
