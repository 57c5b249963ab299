#include <string.h>

#include "base/clock.h"
#include "http/api_parts.h"
#include "store/alert.h"

enum { values_most = 32 };

static json_t *alert_json(const struct alert_row *row)
{
    const struct alert *alert = &row->alert;
    const char *exposure = facts_exposure_word((enum facts_exposure)alert->exposure);
    bool own = alert->item == 0;
    return json_pack("{s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "id", api_id(alert->id), "version", (json_int_t)alert->version, "state",
                     alert->closed_us ? "closed" : "open", "level", alert_level_word(alert->level),
                     "rule", own ? json_null() : api_text(alert->rule), "about",
                     own ? api_text(alert->rule) : json_null(), "item",
                     own ? json_null() : api_id(alert->item), "connection",
                     api_text(row->connection), "path", api_text(row->path), "exposure",
                     own ? json_null() : api_text(exposure), "message", api_text(alert->message),
                     "since", api_time(alert->opened_us), "updated", api_time(alert->updated_us),
                     "closed", api_time(alert->closed_us), "closed_by",
                     alert->closed_us ? json_pack("{s:o, s:o}", "name", api_text(alert->closed_by),
                                                  "reason", api_text(alert->reason))
                                      : json_null());
}

/* List ---------------------------------------------------------------------------------------- */

/* At most values_most of a parameter, in the request's arena. False: answered. */
static bool take_values(const struct request *request, const char *name, const char *const **values,
                        size_t *count, struct answer *answer)
{
    const char **list = arena_alloc(request->arena, values_most + 1, sizeof *list);
    *count = list ? request_values(request, name, list, values_most + 1) : 0;
    *values = list;
    if (!list)
        answer_problem(answer, 503, "out of memory");
    else if (*count > values_most)
        answer_problem(answer, 400, "at most %d values of one parameter", values_most);
    return list && *count <= values_most;
}

/* Words that must be known; an unknown one is the client's mistake. */
static bool take_words(const struct request *request, struct alert_filter *filter,
                       struct answer *answer)
{
    size_t count;
    const char *const *values;
    if (!take_values(request, "level", &values, &count, answer))
        return false;
    for (size_t i = 0; i < count; i++) {
        enum alert_level level;
        if (!alert_level_find(values[i], &level)) {
            answer_problem(answer, 400, "level: low, medium or high");
            return false;
        }
        filter->levels |= 1u << level;
    }
    if (!take_values(request, "state", &values, &count, answer))
        return false;
    for (size_t i = 0; i < count; i++) {
        filter->open = filter->open || strcmp(values[i], "open") == 0;
        filter->closed = filter->closed || strcmp(values[i], "closed") == 0;
        if (strcmp(values[i], "open") != 0 && strcmp(values[i], "closed") != 0) {
            answer_problem(answer, 400, "state: open or closed");
            return false;
        }
    }
    const char *item = request_value(request, "item");
    if (!item || request_number(item, &filter->item))
        return true;
    answer_problem(answer, 400, "item: its id");
    return false;
}

static bool take_filter(const struct api *api, const struct request *request,
                        struct alert_filter *filter, struct answer *answer)
{
    if (!take_words(request, filter, answer) ||
        !take_values(request, "rule", &filter->rules, &filter->rule_count, answer) ||
        !take_values(request, "connection", &filter->connections, &filter->connection_count,
                     answer))
        return false;
    for (size_t i = 0; i < filter->connection_count; i++)
        if (!api_connection(api, filter->connections[i])) {
            answer_problem(answer, 400, "connection: there is none of that name");
            return false;
        }
    return true;
}

static json_t *list_json(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    size_t count;
    struct api_page page;
    struct alert_row *rows;
    struct alert_filter filter = {0};
    if (!api_page(request, &page, answer) || !take_filter(api, request, &filter, answer))
        return NULL;
    filter.limit = page.limit + 1;
    filter.before = page.after;
    if (!alert_list(db, &filter, request->arena, &rows, &count, err))
        return NULL;
    bool more = count > (size_t)page.limit;
    count = more ? (size_t)page.limit : count;
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, alert_json(&rows[i]));
    return api_page_json(&page, items, more, count ? rows[count - 1].alert.id : 0);
}

void api_alerts_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list_json);
}

static json_t *one_json(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    int64_t id;
    bool found;
    struct alert_row row = {0};
    (void)api;
    if (!api_part_id(request, 0, &id, answer) ||
        !alert_row(db, id, request->arena, &row, &found, err))
        return NULL;
    return found ? alert_json(&row) : NULL;
}

void api_alerts_get(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, one_json);
}

/* Close --------------------------------------------------------------------------------------- */

static bool record_close(struct db *db, const struct request *request, const struct alert *alert,
                         const char *reason, struct err *err)
{
    const struct api_record record = {.event = "alert-closed",
                                      .item = alert->item,
                                      .reason = reason,
                                      .details =
                                          json_pack("{s:o, s:s}", "rule", json_text(alert->rule),
                                                    "level", alert_level_word(alert->level))};
    return api_audit(db, request, &record, err);
}

/* The version is compared by the writer: of two who close, one is told. */
static json_t *close_alert(struct api *api, struct db *db, const struct request *request,
                           struct answer *answer, struct err *err)
{
    int64_t id;
    bool found, closed;
    struct alert_row row = {0};
    const char *reason;
    (void)api;
    if (!api_part_id(request, 0, &id, answer) || !request_reason(request, &reason, answer))
        return NULL;
    if (!reason || !*reason) {
        answer_problem(answer, 400, "reason: say in a few words why the alert is closed");
        return NULL;
    }
    if (!alert_get(db, id, request->arena, &row.alert, &found, err) || !found ||
        !request_match(request, row.alert.version, answer) ||
        !alert_close(db, id, request->caller.name, reason, clock_now_us(), &closed, err))
        return NULL;
    if (!closed) {
        answer_problem(answer, 409, "the alert is closed already");
        return NULL;
    }
    return record_close(db, request, &row.alert, reason, err) &&
                   alert_row(db, id, request->arena, &row, &found, err)
               ? alert_json(&row)
               : NULL;
}

void api_alerts_close(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, close_alert);
}
