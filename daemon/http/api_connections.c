/* Connections: what they are doing; walking, pausing and resuming them. */
#include <string.h>

#include "base/clock.h"
#include "http/api_parts.h"
#include "store/hold.h"
#include "store/progress.h"
#include "store/queue.h"

static const char *state_word(const struct progress *progress, const struct hold *hold)
{
    if (hold->since_us)
        return "paused";
    const char *note = progress->note ? progress->note : "";
    return strstr(note, "polling") ? "polling" : strstr(note, "waiting") ? "waiting" : "watching";
}

json_t *api_connection_json(struct db *db, const struct config_connection *connection,
                            struct arena *arena, struct err *err)
{
    struct progress progress = {0};
    struct hold hold;
    if (!progress_get(db, connection->name, arena, &progress, err) ||
        !hold_get(db, connection->name, arena, &hold, err))
        return NULL;
    const char *walk = progress.walking ? "running" : progress.ended_us > 0 ? "done" : "";
    return json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:I, s:I, s:o, s:o}, s:s, s:I}", "name",
                     connection->name, "kind", connection->kind, "state",
                     state_word(&progress, &hold), "paused", api_hold(&hold), "walk", "state", walk,
                     "seen", (json_int_t)progress.seen, "expected", (json_int_t)progress.expected,
                     "started", api_time(progress.started_us), "ended", api_time(progress.ended_us),
                     "notes", progress.note ? progress.note : "", "version",
                     (json_int_t)hold.version);
}

static json_t *list_json(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    const struct config *config = api->facts.config;
    own_json json_t *items = json_array();
    (void)answer;
    for (size_t i = 0; i < config->connection_count; i++) {
        json_t *one = api_connection_json(db, &config->connections[i], request->arena, err);
        if (!one)
            return NULL;
        json_array_append_new(items, one);
    }
    return json_pack("{s:O, s:n}", "items", items, "next");
}

void api_connections_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list_json);
}

/* The connection and its jobs. */
static json_t *whole_json(struct api *api, struct db *db, const struct request *request,
                          struct err *err)
{
    struct queue_numbers numbers;
    const struct config_connection *connection = api_connection(api, request->parts[0]);
    if (!connection || !queue_numbers_of(db, connection->name, &numbers, err))
        return NULL;
    json_t *json = api_connection_json(db, connection, request->arena, err);
    if (json)
        json_object_set_new(json, "jobs", api_jobs_json(&numbers));
    return json;
}

static json_t *read_one(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    (void)answer;
    return whole_json(api, db, request, err);
}

void api_connections_get(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, read_one);
}

/* Pausing and resuming ----------------------------------------------------------------------- */

static bool set(struct db *db, const struct request *request, bool pause, const char *reason,
                bool *changed, struct err *err)
{
    bool again;
    if (!pause)
        return hold_end(db, request->parts[0], changed, err);
    const struct hold hold = {.scope = request->parts[0],
                              .since_us = clock_now_us(),
                              .who = request->caller.name,
                              .why = reason ? reason : ""};
    if (!hold_set(db, &hold, &again, err))
        return false;
    *changed = !again;
    return true;
}

/* Pausing what is paused changes nothing: the first reason stays. */
static json_t *change(struct api *api, struct db *db, const struct request *request,
                      struct answer *answer, bool pause, struct err *err)
{
    bool changed;
    int64_t version;
    const char *reason;
    if (!request_reason(request, &reason, answer) || !api_connection(api, request->parts[0]) ||
        !hold_version(db, request->parts[0], &version, err) ||
        !request_match(request, version, answer))
        return NULL;
    const struct api_record record = {.event = pause ? "connection-paused" : "connection-resumed",
                                      .connection = request->parts[0],
                                      .reason = reason};
    if (!set(db, request, pause, reason, &changed, err) ||
        (changed && !api_audit(db, request, &record, err)))
        return NULL;
    return whole_json(api, db, request, err);
}

static json_t *write_pause(struct api *api, struct db *db, const struct request *request,
                           struct answer *answer, struct err *err)
{
    return change(api, db, request, answer, true, err);
}

static json_t *write_resume(struct api *api, struct db *db, const struct request *request,
                            struct answer *answer, struct err *err)
{
    return change(api, db, request, answer, false, err);
}

void api_connections_pause(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, write_pause);
}

void api_connections_resume(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, write_resume);
}

/* Walking ------------------------------------------------------------------------------------ */

/* "running": a walk is under way and is joined; "waiting": it begins when the connection is
 * resumed; "queued": it begins now. */
static bool ask_walk(struct db *db, const struct request *request, const char **state,
                     struct err *err)
{
    struct hold hold;
    struct queue_job open;
    bool found;
    int64_t now = clock_now_us();
    struct queue_job job = {.kind = QUEUE_WALK,
                            .connection = request->parts[0],
                            .key = "",
                            .lane = QUEUE_BACKFILL,
                            .due_us = now,
                            .seen_us = now};
    if (!hold_get(db, job.connection, request->arena, &hold, err) ||
        !queue_find(db, &job, request->arena, &open, &found, err))
        return false;
    *state = hold.since_us ? "waiting" : "queued";
    if (found && open.state == QUEUE_RUNNING) {
        *state = "running";
        return true;
    }
    return queue_add(db, &job, err);
}

static json_t *write_scan(struct api *api, struct db *db, const struct request *request,
                          struct answer *answer, struct err *err)
{
    const char *reason, *state;
    if (!request_reason(request, &reason, answer) || !api_connection(api, request->parts[0]))
        return NULL;
    const struct api_record record = {
        .event = "walk-asked", .connection = request->parts[0], .reason = reason};
    if (!ask_walk(db, request, &state, err) || !api_audit(db, request, &record, err))
        return NULL;
    json_t *json = whole_json(api, db, request, err);
    if (json)
        json_object_set_new(json, "scan", json_string(state));
    return json;
}

void api_connections_scan(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, write_scan);
    if (answer->json && !request_dry(request))
        answer->status = 202;
}
