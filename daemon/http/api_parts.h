/*
 * api_parts: what the handlers share: the state behind them, the store, values as JSON, paging.
 * For api_*.c alone.
 */
#ifndef LABELD_HTTP_API_PARTS_H
#define LABELD_HTTP_API_PARTS_H
#include <pthread.h>
#include <stdatomic.h>

#include "http/api.h"
#include "http/request.h"
#include "store/queue.h"

struct api {
    struct api_facts facts;
    int64_t started_us;
    struct events *events;
    atomic_llong stopped_us; /* since when all acting is stopped; 0 = it is not */
    pthread_mutex_t lock;    /* the rules */
    struct arena rules;
    const char *revision, *problem;
    const struct policy_label *labels;
    size_t label_count;
};

/* Every handler of routes.def. */
#define ROUTE(method, path, operation, needs, query, body, cap, answers, handler, sentence)        \
    void handler(struct api *api, const struct request *request, struct answer *answer);
#include "http/routes.def"
#undef ROUTE

/* The name of a label id, or the id itself; the id of a name, or the text itself. Under the lock;
 * valid under it. */
const char *api_label_name(const struct api *api, const char *id);
const char *api_label_id(const struct api *api, const char *name);

/* The configuration's connection of that name, or NULL. */
const struct config_connection *api_connection(const struct api *api, const char *name);

/* Values as JSON: null for NULL, "" and times that are unknown; ids as texts, for they are too
 * long for JavaScript's numbers; a stored JSON text. */
json_t *api_text(const char *text);
json_t *api_time(int64_t us);
json_t *api_id(int64_t id);
json_t *api_stored(const char *text);

/* 32 bytes as hex. */
void api_hex(const uint8_t bytes[32], char hex[static 65]);

/* The findings of a stored report, without places: a row for each type and confidence. */
json_t *api_findings(const json_t *report);

/* {"since","who","why"} of what people have stopped, or null. NULL with err. */
struct hold;
json_t *api_hold(const struct hold *hold);

/* A failure of the store as an answer; a question that makes no sense is the client's. */
void api_failed(struct answer *answer, const struct err *err);

/* Read: `read` runs with a reader of the store; what it returns is the answer. NULL without an
 * error in `err` and without an answer is 404. */
typedef json_t *api_read_handler(struct api *api, struct db *db, const struct request *request,
                                 struct answer *answer, struct err *err);
void api_read(struct api *api, const struct request *request, struct answer *answer,
              api_read_handler *read);

/* Write: `write` runs as a unit of the store, which is durable before it is answered. What makes it
 * answer with a problem, or return NULL, keeps nothing. Asked for a plan (dry_run=1) it runs and is
 * answered, and nothing is kept. */
void api_write(struct api *api, const struct request *request, struct answer *answer,
               api_read_handler *write);

/* Put on record, in the unit of the change: `event` by the caller, with the reason and more
 * details (may be NULL; the reference is taken over). */
struct api_record {
    const char *event, *connection, *path, *reason;
    int64_t item;
    json_t *details;
};
bool api_audit(struct db *db, const struct request *request, const struct api_record *record,
               struct err *err);

/* The resource `acting`; whether it is stopped, for api_stopped_us. */
json_t *api_acting_json(struct db *db, struct arena *arena, struct err *err);
bool api_acting_load(struct api *api, struct err *err);

/* What was last taken away from the sharing of an item, and what became of it, or null. NULL with
 * err. */
json_t *api_restriction(struct db *db, int64_t item, struct arena *arena, struct err *err);

/* Whether a text of rules that somebody sent has no errors; else answered with 400 and its first
 * mistake. */
bool api_rules_good(const struct api *api, const json_t *text, struct answer *answer);

/* The rules that the brake has stopped. NULL with err. */
json_t *api_brakes_json(struct db *db, struct arena *arena, struct err *err);

/* A task of the caller's own, by the id in the path; others see none of it. */
struct task;
bool api_task_find(struct db *db, const struct request *request, struct task *task,
                   struct answer *answer, struct err *err);

/* One job. */
json_t *api_job_json(const struct queue_job *job);

/* Counts of jobs. */
json_t *api_jobs_json(const struct queue_numbers *numbers);

/* One connection as status and list show it. NULL with err. */
json_t *api_connection_json(struct db *db, const struct config_connection *connection,
                            struct arena *arena, struct err *err);

/* The id in a path. False: answered with 404. */
bool api_part_id(const struct request *request, size_t part, int64_t *id, struct answer *answer);

/* One page of a list by ascending or descending number: `limit`, and `after` from the cursor (0 =
 * from the start). The cursor is bound to the list and to every other parameter. */
struct api_page {
    int64_t limit, after;
    uint32_t mark;
};

/* False: answered with 400. */
bool api_page(const struct request *request, struct api_page *page, struct answer *answer);

/* {"items": items, "next": …}; `more`: there are more after the item with the number `last`. */
json_t *api_page_json(const struct api_page *page, json_t *items, bool more, int64_t last);

/* The wait parameter, 1 to 30 seconds, into answer->later.until_us; 0 = none. False: answered with
 * 400. */
bool api_wait(const struct request *request, struct answer *answer);

/* The limit parameter, 1 to 500. False: answered with 400. */
bool api_limit(const struct request *request, int64_t *limit, struct answer *answer);

/* Counters of the webhook listener. */
json_t *api_webhooks_json(const struct api *api);

/* Whether the threads that answer webhooks run in real time. */
bool api_is_realtime(const struct api *api);

#endif
