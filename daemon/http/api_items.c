#include <string.h>

#include "base/clock.h"
#include "base/guid.h"
#include "http/api_parts.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/entry.h"

enum { values_most = 32, count_most = 10000 };

json_t *api_findings(const json_t *report)
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

static json_t *item_json(struct api *api, const struct item *item, const json_t *report)
{
    pthread_mutex_lock(&api->lock);
    json_t *label = item->label_id ? json_string(api_label_name(api, item->label_id)) : json_null();
    pthread_mutex_unlock(&api->lock);
    const char *exposure = facts_exposure_word((enum facts_exposure)item->exposure);
    return json_pack(
        "{s:o, s:s, s:o, s:s, s:I, s:o, s:s, s:o, s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, "
        "s:o, s:o, s:o}",
        "id", api_id(item->id), "connection", item->connection, "path", json_text(item->path),
        "version", item->version ? item->version : "", "size", (json_int_t)item->size, "owner",
        api_text(item->owner), "exposure", exposure ? exposure : "unknown", "exposure_why",
        api_text(item->exposure_why), "shared_with", api_stored(item->shared_with), "status",
        report_status_word(item->status), "reason", api_text(item->reason), "format",
        formats_row(item->format)->word, "mime", item->mime ? item->mime : "", "label", label,
        "label_id", api_text(item->label_id), "outcome", api_text(item->outcome), "code",
        api_text(item->code), "message", api_text(item->message), "findings", api_findings(report),
        "examined", api_time(item->examined_us));
}

/* Where a file is that was taken away. */
static bool add_entry(struct db *db, const struct item *item, json_t *json, struct err *err)
{
    int64_t id = 0;
    bool taken = item->outcome && (strcmp(item->outcome, "quarantined") == 0 ||
                                   strcmp(item->outcome, "encrypted") == 0);
    if (taken && !entry_of_item(db, item->id, &id, err))
        return false;
    json_object_set_new(json, "entry", id ? api_id(id) : json_null());
    return true;
}

/* What a filter of the query string means. */
struct item_query {
    struct arena *arena;
    struct catalogue_filter filter;
    struct catalogue_ask ask;
    bool count;
};

/* NULL, or what is wrong. */
static const char *take_any(const struct request *request, const char *name, struct arena *arena,
                            struct catalogue_any *any)
{
    const char **values = arena_alloc(arena, values_most + 1, sizeof *values);
    if (!values)
        return "out of memory";
    any->count = request_values(request, name, values, values_most + 1);
    any->items = values;
    return any->count > values_most ? "at most 32 values of one parameter" : NULL;
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
    for (size_t i = 0; i < query->filter.connection.count; i++)
        if (!api_connection(api, query->filter.connection.items[i]))
            return "connection: there is none of that name";
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
static const char *take_words(const struct request *request, struct item_query *query)
{
    const char *values[values_most];
    enum facts_exposure exposure;
    enum report_confidence confidence = REPORT_LOW;
    size_t count = request_values(request, "exposure", values, values_most);
    for (size_t i = 0; i < count; i++) {
        if (!facts_exposure_find(values[i], &exposure))
            return "exposure: not a step";
        query->filter.exposures |= 1u << exposure;
    }
    const char *least = request_value(request, "exposure_min");
    if (least && (!facts_exposure_find(least, &exposure) || exposure == FACTS_EXPOSURE_UNKNOWN))
        return "exposure_min: not a step";
    query->filter.exposure_min = least ? (int)exposure : 0;
    const char *level = request_value(request, "confidence");
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

static const char *take_paging(const struct request *request, struct item_query *query)
{
    static const struct {
        const char *word;
        enum catalogue_sort sort;
    } sorts[] = {
        {"path", CATALOGUE_BY_PATH}, {"examined", CATALOGUE_BY_EXAMINED}, {"id", CATALOGUE_BY_ID}};
    const char *sort = request_value(request, "sort");
    query->ask.descending = sort && sort[0] == '-';
    query->ask.sort = CATALOGUE_BY_PATH;
    bool known = !sort;
    for (size_t i = 0; sort && i < sizeof sorts / sizeof *sorts; i++)
        if (strcmp(sort + query->ask.descending, sorts[i].word) == 0) {
            query->ask.sort = sorts[i].sort;
            known = true;
        }
    query->ask.cursor = request_value(request, "cursor");
    query->ask.filter = &query->filter;
    const char *count = request_value(request, "count");
    query->count = count && strcmp(count, "1") == 0;
    return known ? NULL : "sort: path, examined or id, with - in front for descending";
}

/* Names of labels become their GUIDs; none, any and GUIDs stay. */
static void name_labels(struct api *api, struct item_query *query)
{
    pthread_mutex_lock(&api->lock);
    const char **items = (const char **)(uintptr_t)query->filter.label.items;
    for (size_t i = 0; i < query->filter.label.count; i++) {
        const char *id = arena_strdup(query->arena, api_label_id(api, items[i]));
        items[i] = id ? id : items[i];
    }
    pthread_mutex_unlock(&api->lock);
}

/* NULL, or what is wrong with the question. */
static const char *take_query(struct api *api, const struct request *request,
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
    const char *wrong = NULL;
    for (size_t i = 0; !wrong && i < sizeof lists / sizeof *lists; i++)
        wrong = take_any(request, lists[i].name, query->arena, lists[i].any);
    if (wrong)
        return wrong;
    name_labels(api, query);
    wrong = take_words(request, query);
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
        own_json json_t *report = api_stored(text);
        json_t *one = item_json(api, &page.items[i], report);
        json_array_append_new(items, one);
        if (!add_entry(db, &page.items[i], one, err)) {
            json_decref(items);
            return NULL;
        }
    }
    return json_pack("{s:o, s:o}", "items", items, "next", api_text(page.next));
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

static json_t *list_json(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    struct item_query query = {.arena = request->arena};
    if (!api_limit(request, &query.ask.limit, answer))
        return NULL;
    const char *wrong = take_query(api, request, &query);
    if (wrong) {
        answer_problem(answer, 400, "%s", wrong);
        return NULL;
    }
    json_t *page = page_json(api, db, &query, err);
    if (page && !add_total(db, &query, page, err)) {
        json_decref(page);
        page = NULL;
    }
    return page;
}

void api_items_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list_json);
}

static json_t *whole_item_json(struct api *api, struct db *db, const struct item *item,
                               struct arena *arena, struct err *err)
{
    const char *report_text = NULL, *decision = NULL, *history = NULL;
    if (!item_report(db, item->id, arena, &report_text, err) ||
        !item_decision(db, item->id, arena, &decision, err) ||
        !audit_history(db, item->id, 100, arena, &history, err))
        return NULL;
    json_t *restriction = api_restriction(db, item->id, arena, err);
    if (!restriction)
        return NULL;
    json_t *report = api_stored(report_text);
    json_t *json = item_json(api, item, report);
    json_object_set_new(json, "restriction", restriction);
    json_object_set_new(json, "report", report);
    json_object_set_new(json, "decision", api_stored(decision));
    json_object_set_new(json, "history", api_stored(history));
    if (add_entry(db, item, json, err))
        return json;
    json_decref(json);
    return NULL;
}

static json_t *one_json(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    struct item item;
    bool found = false;
    int64_t id = 0;
    if (!api_part_id(request, 0, &id, answer) ||
        !item_get(db, id, request->arena, &item, &found, err) || !found)
        return NULL;
    return whole_item_json(api, db, &item, request->arena, err);
}

void api_items_get(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, one_json);
}

/* The last decision, and whether it is one of the rules in force. */
static json_t *explain_json(struct api *api, struct db *db, const struct request *request,
                            struct answer *answer, struct err *err)
{
    struct item item;
    bool found = false;
    int64_t id = 0;
    const char *text = NULL;
    if (!api_part_id(request, 0, &id, answer) ||
        !item_get(db, id, request->arena, &item, &found, err) || !found ||
        !item_decision(db, id, request->arena, &text, err))
        return NULL;
    pthread_mutex_lock(&api->lock);
    bool current = item.revision && api->revision && strcmp(item.revision, api->revision) == 0;
    pthread_mutex_unlock(&api->lock);
    return json_pack("{s:o, s:o, s:b, s:o}", "id", api_id(id), "decided", api_time(item.decided_us),
                     "current", current, "decision", api_stored(text));
}

void api_items_explain(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, explain_json);
}

static json_t *examine(struct api *api, struct db *db, const struct request *request,
                       struct answer *answer, struct err *err)
{
    struct item item;
    bool found = false;
    int64_t id = 0, now = clock_now_us();
    const char *reason;
    (void)api;
    if (!api_part_id(request, 0, &id, answer) || !request_reason(request, &reason, answer) ||
        !item_get(db, id, request->arena, &item, &found, err) || !found)
        return NULL;
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = item.connection,
                            .key = item.key,
                            .lane = QUEUE_LIVE,
                            .due_us = now,
                            .seen_us = now,
                            .force = true};
    const struct api_record record = {.event = "examination-asked",
                                      .item = id,
                                      .connection = item.connection,
                                      .path = item.path,
                                      .reason = reason};
    if (!queue_add(db, &job, err) || !api_audit(db, request, &record, err) ||
        !queue_get(db, job.id, request->arena, &job, &found, err))
        return NULL;
    return api_job_json(&job);
}

void api_items_examine(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, examine);
    if (answer->json)
        answer->status = 202;
}
