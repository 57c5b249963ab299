#include "http/api.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/progress.h"

enum { values_most = 32, limit_most = 500, limit_standard = 100, count_most = 10000 };
static const size_t page_max_bytes = 256u << 20;

struct api {
    struct api_facts facts;
    int64_t started_us;
    pthread_mutex_t lock; /* the rules */
    struct arena rules;
    const char *revision, *problem;
    const struct policy_label *labels;
    size_t label_count;
};

/* The rules in force ------------------------------------------------------------------------- */

struct api *api_open(const struct api_facts *facts, struct err *err)
{
    struct api *api = mem_zalloc(1, sizeof *api);
    if (!api) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    api->facts = *facts;
    api->started_us = clock_now_us();
    api->rules = arena_new(16u << 20);
    pthread_mutex_init(&api->lock, NULL);
    return api;
}

void api_close(struct api *api)
{
    if (!api)
        return;
    pthread_mutex_destroy(&api->lock);
    arena_fini(&api->rules);
    mem_free(api);
}

static bool copy_labels(struct api *api, const struct policy *policy)
{
    size_t count;
    const struct policy_label *labels = policy_labels(policy, &count);
    struct policy_label *copies = arena_alloc(&api->rules, count, sizeof *copies);
    for (size_t i = 0; copies && i < count; i++) {
        copies[i] = labels[i];
        copies[i].name = arena_strdup(&api->rules, labels[i].name);
        copies[i].id = arena_strdup(&api->rules, labels[i].id);
        if (!copies[i].name || !copies[i].id)
            return false;
    }
    api->labels = copies;
    api->label_count = copies ? count : 0;
    return copies != NULL;
}

bool api_rules(struct api *api, const struct policy *policy, const char *problem)
{
    bool ok = true;
    pthread_mutex_lock(&api->lock);
    if (policy) {
        arena_fini(&api->rules);
        api->revision = arena_strdup(&api->rules, policy_revision(policy));
        ok = api->revision && copy_labels(api, policy);
    }
    api->problem = problem ? arena_strdup(&api->rules, problem) : NULL;
    pthread_mutex_unlock(&api->lock);
    return ok;
}

/* The name of a label id, or the id itself; under the lock. */
static const char *label_name(const struct api *api, const char *id)
{
    for (size_t i = 0; i < api->label_count; i++)
        if (strcmp(api->labels[i].id, id) == 0)
            return api->labels[i].name;
    return id;
}

/* The id of a label's name, or the text itself. */
static const char *label_id(const struct api *api, const char *name)
{
    for (size_t i = 0; i < api->label_count; i++)
        if (strcmp(api->labels[i].name, name) == 0)
            return api->labels[i].id;
    return name;
}

/* Small parts -------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t us)
{
    char when[21];
    if (us <= 0)
        return json_null();
    clock_format(us, when);
    return json_string(when);
}

/* A failure of the store as an answer; a question that makes no sense is the client's. */
static void answer_err(struct server_answer *answer, const struct err *err)
{
    if (err->kind == ERR_USAGE)
        server_problem(answer, 400, "the cursor belongs to another list, or a value is unknown");
    else
        server_problem(answer, 503, "the store cannot be read now");
}

/* status ------------------------------------------------------------------------------------- */

static json_t *items_json(const struct catalogue_numbers *numbers)
{
    json_t *by_status = json_object();
    for (int i = 0; i < REPORT_STATUS_COUNT; i++)
        json_object_set_new(by_status, report_status_word((enum report_status)i),
                            json_integer(numbers->by_status[i]));
    return json_pack("{s:I, s:I, s:I, s:o}", "total", (json_int_t)numbers->items, "labelled",
                     (json_int_t)numbers->labelled, "with_findings",
                     (json_int_t)numbers->with_findings, "by_status", by_status);
}

static json_t *jobs_json(const struct queue_numbers *numbers)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "queued", (json_int_t)numbers->queued[QUEUE_LIVE],
                     "backfill", (json_int_t)numbers->queued[QUEUE_BACKFILL], "running",
                     (json_int_t)numbers->running, "waiting", (json_int_t)numbers->waiting,
                     "failed", (json_int_t)numbers->failed);
}

static json_t *connection_json(const struct config_connection *connection,
                               const struct progress *progress)
{
    const char *state = progress->walking ? "running" : progress->ended_us > 0 ? "done" : "";
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:I, s:I, s:o, s:o}, s:s}", "name", connection->name,
                     "kind", connection->kind, "state",
                     progress->note && strstr(progress->note, "polling") ? "polling" : "watching",
                     "walk", "state", state, "seen", (json_int_t)progress->seen, "expected",
                     (json_int_t)progress->expected, "started", time_or_null(progress->started_us),
                     "ended", time_or_null(progress->ended_us), "notes",
                     progress->note ? progress->note : "");
}

static json_t *connections_json(const struct api *api, struct db *db, struct arena *arena)
{
    const struct config *config = api->facts.config;
    json_t *list = json_array();
    for (size_t i = 0; i < config->connection_count; i++) {
        struct progress progress = {0};
        if (!progress_get(db, config->connections[i].name, arena, &progress, NULL)) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, connection_json(&config->connections[i], &progress));
    }
    return list;
}

static json_t *rules_json(struct api *api)
{
    pthread_mutex_lock(&api->lock);
    json_t *json =
        json_pack("{s:o, s:o, s:o}", "file", text_or_null(api->facts.config->rules), "revision",
                  text_or_null(api->revision), "problem", text_or_null(api->problem));
    pthread_mutex_unlock(&api->lock);
    return json;
}

static json_t *notes_json(const struct api *api)
{
    json_t *notes = json_array();
    if (!api->facts.seccomp)
        json_array_append_new(notes, json_string("sandbox: relaxed: files are parsed without a "
                                                 "system call filter"));
    if (!api->facts.landlock_abi)
        json_array_append_new(notes, json_string("this kernel has no Landlock"));
    return notes;
}

static json_t *status_json(struct api *api, struct db *db, struct arena *arena, struct err *err)
{
    struct catalogue_numbers items;
    struct queue_numbers jobs;
    struct audit_head head;
    if (!catalogue_numbers(db, &items, err) || !queue_numbers(db, &jobs, err) ||
        !audit_head(db, &head, err))
        return NULL;
    return json_pack(
        "{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:{s:b, s:I, s:I, s:s}, s:{s:I, s:s}, s:o}", "version",
        LABELD_VERSION, "started", time_or_null(api->started_us), "acting", true, "items",
        items_json(&items), "jobs", jobs_json(&jobs), "connections",
        connections_json(api, db, arena), "rules", rules_json(api), "sandbox", "seccomp",
        api->facts.seccomp, "landlock", (json_int_t)api->facts.landlock_abi, "types",
        (json_int_t)api->facts.types, "types_digest", api->facts.types_digest, "audit", "seq",
        (json_int_t)head.seq, "head", head.hash, "notes", notes_json(api));
}

static void get_status(void *context, const struct server_request *request,
                       struct server_answer *answer)
{
    struct api *api = context;
    struct err err = {0};
    own_arena struct arena arena = arena_new(1u << 20);
    (void)request;
    struct db *db = store_reader(api->facts.store, &err);
    if (db)
        answer->json = status_json(api, db, &arena, &err);
    if (db)
        store_reader_done(api->facts.store, db);
    if (!answer->json)
        answer_err(answer, &err);
}

/* items -------------------------------------------------------------------------------------- */

/* The findings of a stored report, without places: a row for each type and confidence. */
static json_t *findings_json(const json_t *report)
{
    json_t *rows = json_array();
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(report, "findings"), index, row)
    {
        json_t *copy = json_object();
        static const char *const keys[] = {"type", "confidence", "count", "unique"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            json_object_set(copy, keys[i], json_object_get(row, keys[i]));
        json_array_append_new(rows, copy);
    }
    return rows;
}

static json_t *stored_json(const char *text)
{
    json_t *json = text ? json_parse(text, strlen(text), NULL) : NULL;
    return json ? json : json_null();
}

static json_t *item_json(struct api *api, const struct item *item, const json_t *report)
{
    char id[32];
    snprintf(id, sizeof id, "%" PRId64, item->id); /* a text: too long for JavaScript's numbers */
    pthread_mutex_lock(&api->lock);
    json_t *label = item->label_id ? json_string(label_name(api, item->label_id)) : json_null();
    pthread_mutex_unlock(&api->lock);
    const char *exposure = facts_exposure_word((enum facts_exposure)item->exposure);
    return json_pack(
        "{s:s, s:s, s:o, s:s, s:I, s:o, s:s, s:o, s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, "
        "s:o, s:o, s:o}",
        "id", id, "connection", item->connection, "path", json_text(item->path), "version",
        item->version ? item->version : "", "size", (json_int_t)item->size, "owner",
        text_or_null(item->owner), "exposure", exposure ? exposure : "unknown", "exposure_why",
        text_or_null(item->exposure_why), "shared_with", stored_json(item->shared_with), "status",
        report_status_word(item->status), "reason", text_or_null(item->reason), "format",
        formats_row(item->format)->word, "mime", item->mime ? item->mime : "", "label", label,
        "label_id", text_or_null(item->label_id), "outcome", text_or_null(item->outcome), "code",
        text_or_null(item->code), "message", text_or_null(item->message), "findings",
        findings_json(report), "examined", time_or_null(item->examined_us));
}

/* What a filter of the query string means. */
struct item_query {
    struct arena *arena;
    struct catalogue_filter filter;
    struct catalogue_ask ask;
    bool count;
};

static bool take_any(const struct server_request *request, const char *name, struct arena *arena,
                     struct catalogue_any *any)
{
    const char **values = arena_alloc(arena, values_most, sizeof *values);
    if (!values)
        return false;
    any->count = server_query(request, name, values, values_most);
    any->items = values;
    return true;
}

static const char *take_one(const struct server_request *request, const char *name)
{
    const char *value = NULL;
    return server_query(request, name, &value, 1) ? value : NULL;
}

static bool is_word(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return false;
}

/* NULL, or what is wrong: a connection or label that does not exist matches nothing by mistake. */
static const char *check_names(const struct api *api, const struct item_query *query)
{
    const struct config *config = api->facts.config;
    for (size_t i = 0; i < query->filter.connection.count; i++) {
        bool known = false;
        for (size_t k = 0; k < config->connection_count; k++)
            known = known ||
                    strcmp(config->connections[k].name, query->filter.connection.items[i]) == 0;
        if (!known)
            return "connection: there is none of that name";
    }
    static const char *const apart[] = {"none", "any"};
    for (size_t i = 0; i < query->filter.label.count; i++) {
        char guid[GUID_LENGTH + 1];
        const char *label = query->filter.label.items[i];
        if (!is_word(label, apart, 2) && !guid_parse(label, strlen(label), guid))
            return "label: there is none of that name in the rules";
    }
    return NULL;
}

/* Words that must be known; an unknown one is the client's mistake. */
static const char *take_words(const struct server_request *request, struct item_query *query)
{
    const char *values[values_most];
    enum facts_exposure exposure;
    enum report_confidence confidence = REPORT_LOW;
    size_t count = server_query(request, "exposure", values, values_most);
    for (size_t i = 0; i < count; i++) {
        if (!facts_exposure_find(values[i], &exposure))
            return "exposure: not a step";
        query->filter.exposures |= 1u << exposure;
    }
    const char *least = take_one(request, "exposure_min");
    if (least && (!facts_exposure_find(least, &exposure) || exposure == FACTS_EXPOSURE_UNKNOWN))
        return "exposure_min: not a step";
    query->filter.exposure_min = least ? (int)exposure : 0;
    const char *level = take_one(request, "confidence");
    if (level && !report_confidence_find(level, &confidence))
        return "confidence: low, medium or high";
    query->filter.confidence = (int)confidence;
    static const char *const states[] = {"matched", "undecided", "excepted"};
    for (size_t i = 0; i < query->filter.rule_state.count; i++)
        if (!is_word(query->filter.rule_state.items[i], states, sizeof states / sizeof *states))
            return "rule_state: matched, undecided or excepted";
    for (size_t i = 0; i < query->filter.status.count; i++) {
        enum report_status status;
        if (!report_status_find(query->filter.status.items[i], &status))
            return "status: not one of its words";
    }
    return NULL;
}

static const char *take_paging(const struct server_request *request, struct item_query *query)
{
    static const struct {
        const char *word;
        enum catalogue_sort sort;
    } sorts[] = {
        {"path", CATALOGUE_BY_PATH}, {"examined", CATALOGUE_BY_EXAMINED}, {"id", CATALOGUE_BY_ID}};
    const char *limit = take_one(request, "limit");
    const char *sort = take_one(request, "sort");
    int64_t number = 0;
    for (const char *at = limit; at && *at; at++)
        number = *at >= '0' && *at <= '9' && number <= limit_most ? number * 10 + (*at - '0') : -1;
    query->ask.limit = limit ? number : limit_standard;
    if (query->ask.limit < 1 || query->ask.limit > limit_most)
        return "limit: a number from 1 to 500";
    query->ask.descending = sort && sort[0] == '-';
    query->ask.sort = CATALOGUE_BY_PATH;
    bool known = !sort;
    for (size_t i = 0; sort && i < sizeof sorts / sizeof *sorts; i++)
        if (strcmp(sort + query->ask.descending, sorts[i].word) == 0) {
            query->ask.sort = sorts[i].sort;
            known = true;
        }
    query->ask.cursor = take_one(request, "cursor");
    query->ask.filter = &query->filter;
    const char *count = take_one(request, "count");
    query->count = count && strcmp(count, "1") == 0;
    return known ? NULL : "sort: path, examined or id, with - in front for descending";
}

/* Names of labels become their GUIDs; none, any and GUIDs stay. */
static void name_labels(struct api *api, struct item_query *query)
{
    pthread_mutex_lock(&api->lock);
    const char **items = (const char **)(uintptr_t)query->filter.label.items;
    for (size_t i = 0; i < query->filter.label.count; i++) {
        const char *id = arena_strdup(query->arena, label_id(api, items[i]));
        items[i] = id ? id : items[i];
    }
    pthread_mutex_unlock(&api->lock);
}

/* NULL, or what is wrong with the question. */
static const char *take_query(struct api *api, const struct server_request *request,
                              struct item_query *query)
{
    struct catalogue_filter *filter = &query->filter;
    const struct {
        const char *name;
        struct catalogue_any *any;
    } lists[] = {
        {"type", &filter->type},     {"label", &filter->label},
        {"status", &filter->status}, {"connection", &filter->connection},
        {"path", &filter->path},     {"owner", &filter->owner},
        {"rule", &filter->rule},     {"rule_state", &filter->rule_state},
        {"tag", &filter->tag},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!take_any(request, lists[i].name, query->arena, lists[i].any))
            return "out of memory";
    name_labels(api, query);
    const char *wrong = take_words(request, query);
    wrong = wrong ? wrong : check_names(api, query);
    return wrong ? wrong : take_paging(request, query);
}

static json_t *page_json(struct api *api, struct db *db, const struct item_query *query,
                         struct err *err)
{
    struct catalogue_page page;
    if (!catalogue_list(db, &query->ask, query->arena, &page, err))
        return NULL;
    json_t *items = json_array();
    for (size_t i = 0; i < page.count; i++) {
        const char *text = NULL;
        if (!item_report(db, page.items[i].id, query->arena, &text, err)) {
            json_decref(items);
            return NULL;
        }
        own_json json_t *report = stored_json(text);
        json_array_append_new(items, item_json(api, &page.items[i], report));
    }
    return json_pack("{s:o, s:o}", "items", items, "next", text_or_null(page.next));
}

static bool add_total(struct db *db, const struct item_query *query, json_t *page, struct err *err)
{
    int64_t total;
    if (!query->count)
        return true;
    if (!catalogue_count(db, &query->filter, count_most + 1, &total, err))
        return false;
    json_object_set_new(page, "total", json_integer(total > count_most ? count_most : total));
    json_object_set_new(page, "total_exact", json_boolean(total <= count_most));
    return true;
}

static void get_items(void *context, const struct server_request *request,
                      struct server_answer *answer)
{
    struct api *api = context;
    struct err err = {0};
    own_arena struct arena arena = arena_new(page_max_bytes);
    struct item_query query = {.arena = &arena};
    const char *wrong = take_query(api, request, &query);
    if (wrong) {
        server_problem(answer, 400, wrong);
        return;
    }
    struct db *db = store_reader(api->facts.store, &err);
    if (db) {
        answer->json = page_json(api, db, &query, &err);
        if (answer->json && !add_total(db, &query, answer->json, &err))
            server_problem(answer, 503, "the store cannot be read now");
        store_reader_done(api->facts.store, db);
    }
    if (!answer->json && !answer->problem)
        answer_err(answer, &err);
}

static json_t *whole_item_json(struct api *api, struct db *db, const struct item *item,
                               struct arena *arena, struct err *err)
{
    const char *report_text = NULL, *decision = NULL, *history = NULL;
    if (!item_report(db, item->id, arena, &report_text, err) ||
        !item_decision(db, item->id, arena, &decision, err) ||
        !audit_history(db, item->id, 100, arena, &history, err))
        return NULL;
    json_t *report = stored_json(report_text);
    json_t *json = item_json(api, item, report);
    json_object_set_new(json, "report", report);
    json_object_set_new(json, "decision", stored_json(decision));
    json_object_set_new(json, "history", stored_json(history));
    return json;
}

static void get_item(void *context, const struct server_request *request,
                     struct server_answer *answer)
{
    struct api *api = context;
    struct err err = {0};
    struct item item;
    bool found = false;
    int64_t id = 0;
    for (const char *at = server_tail(request); *at; at++)
        id =
            *at >= '0' && *at <= '9' && id >= 0 && id < INT64_MAX / 10 ? id * 10 + (*at - '0') : -1;
    own_arena struct arena arena = arena_new(page_max_bytes);
    struct db *db = store_reader(api->facts.store, &err);
    if (db && item_get(db, id, &arena, &item, &found, &err) && found)
        answer->json = whole_item_json(api, db, &item, &arena, &err);
    if (db)
        store_reader_done(api->facts.store, db);
    if (!answer->json && err.kind == ERR_NONE)
        server_problem(answer, 404, "no such item");
    else if (!answer->json)
        answer_err(answer, &err);
}

/* Health ------------------------------------------------------------------------------------- */

static void get_health(void *context, const struct server_request *request,
                       struct server_answer *answer)
{
    (void)context;
    (void)request;
    answer->json = json_pack("{s:s}", "status", "ok");
}

static void get_ready(void *context, const struct server_request *request,
                      struct server_answer *answer)
{
    struct api *api = context;
    struct err err = {0};
    (void)request;
    struct db *db = store_reader(api->facts.store, &err);
    if (!db) {
        server_problem(answer, 503, "the store cannot be read now");
        return;
    }
    store_reader_done(api->facts.store, db);
    answer->json = json_pack("{s:s}", "status", "ready");
}

static const struct server_route routes[] = {
    {"GET", "/healthz", SERVER_NOBODY, get_health},
    {"GET", "/readyz", SERVER_NOBODY, get_ready},
    {"GET", "/api/v1/status", SERVER_VIEWER, get_status},
    {"GET", "/api/v1/items", SERVER_VIEWER, get_items},
    {"GET", "/api/v1/items/*", SERVER_VIEWER, get_item},
};

const struct server_route *api_routes(size_t *count)
{
    *count = sizeof routes / sizeof *routes;
    return routes;
}
