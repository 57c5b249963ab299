/* Jobs: the work that is open, and what a person tries again. */
#include <string.h>

#include "base/clock.h"
#include "http/api_parts.h"

json_t *api_job_json(const struct queue_job *job)
{
    return json_pack(
        "{s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:i, s:i, s:b, s:o, s:I}", "id", api_id(job->id),
        "kind", queue_kind_word(job->kind), "connection", job->connection, "key",
        api_text(job->key), "lane", job->lane == QUEUE_LIVE ? "live" : "backfill", "state",
        queue_state_word(job->state), "due", api_time(job->due_us), "seen", api_time(job->seen_us),
        "attempts", job->attempt, "conflicts", job->conflicts, "changed_meanwhile", job->again,
        "error", api_text(job->error), "version", (json_int_t)job->version);
}

/* False: answered with 400. */
static bool take_filter(struct api *api, const struct request *request, struct queue_ask *ask,
                        struct answer *answer)
{
    const char *state = request_value(request, "state");
    const char *connection = request_value(request, "connection");
    ask->connection = connection ? connection : "";
    ask->any_state = !state;
    if (state && (!queue_state_find(state, &ask->state) || ask->state == QUEUE_DONE))
        answer_problem(answer, 400, "state: queued, running, acting, waiting or failed");
    else if (connection && !api_connection(api, connection))
        answer_problem(answer, 400, "connection: there is none of that name");
    return answer->status == 0;
}

static json_t *list_json(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    struct api_page page;
    struct queue_ask ask = {0};
    struct queue_job *jobs;
    size_t count;
    if (!api_page(request, &page, answer) || !take_filter(api, request, &ask, answer))
        return NULL;
    ask.after = page.after;
    ask.most = page.limit + 1;
    if (!queue_list(db, &ask, request->arena, &jobs, &count, err))
        return NULL;
    bool more = count > (size_t)page.limit;
    json_t *items = json_array();
    for (size_t i = 0; i < count - more; i++)
        json_array_append_new(items, api_job_json(&jobs[i]));
    return api_page_json(&page, items, more, more ? jobs[page.limit - 1].id : 0);
}

void api_jobs_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list_json);
}

static json_t *one_json(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    int64_t id;
    bool found;
    struct queue_job job;
    (void)api;
    if (!api_part_id(request, 0, &id, answer) ||
        !queue_get(db, id, request->arena, &job, &found, err) || !found)
        return NULL;
    return api_job_json(&job);
}

void api_jobs_get(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, one_json);
}

/* A job that waits or has failed starts anew, now; one that is under way needs no retry. */
static json_t *retry(struct api *api, struct db *db, const struct request *request,
                     struct answer *answer, struct err *err)
{
    int64_t id;
    bool found;
    const char *reason;
    struct queue_job job;
    (void)api;
    if (!api_part_id(request, 0, &id, answer) || !request_reason(request, &reason, answer) ||
        !queue_get(db, id, request->arena, &job, &found, err) || !found ||
        !request_match(request, job.version, answer))
        return NULL;
    if (job.state != QUEUE_WAITING && job.state != QUEUE_FAILED) {
        answer_problem(answer, 409, "it is %s: only what waits or has failed is tried again",
                       queue_state_word(job.state));
        return NULL;
    }
    const struct api_record record = {.event = "job-retried",
                                      .connection = job.connection,
                                      .reason = reason,
                                      .details = json_pack("{s:o, s:o, s:o}", "job", api_id(id),
                                                           "key", api_text(job.key), "error",
                                                           api_text(job.error))};
    job.due_us = job.seen_us = clock_now_us();
    job.lane = QUEUE_LIVE;
    if (!queue_add(db, &job, err) || !api_audit(db, request, &record, err) ||
        !queue_get(db, id, request->arena, &job, &found, err))
        return NULL;
    return api_job_json(&job);
}

void api_jobs_retry(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, retry);
}
