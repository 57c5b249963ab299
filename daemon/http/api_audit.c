/* The record of everything that changed: read, and verified. */
#include <string.h>

#include "http/api_parts.h"
#include "store/audit.h"

/* False: answered with 400. */
static bool take_filter(const struct request *request, struct audit_ask *ask, struct answer *answer)
{
    const char *item = request_value(request, "item"), *sort = request_value(request, "sort");
    if (item && !request_number(item, &ask->item))
        answer_problem(answer, 400, "item: the id of an item");
    else if (sort && strcmp(sort, "seq") != 0 && strcmp(sort, "-seq") != 0)
        answer_problem(answer, 400, "sort: seq, or -seq for the latest first");
    ask->ascending = sort && sort[0] != '-';
    ask->event = request_value(request, "event");
    ask->actor = request_value(request, "actor");
    return answer->status == 0;
}

static json_t *list_json(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    struct api_page page;
    struct audit_ask ask = {0};
    struct audit_row *rows;
    size_t count;
    bool more;
    (void)api;
    if (!api_page(request, &page, answer) || !take_filter(request, &ask, answer))
        return NULL;
    ask.after = page.after;
    ask.most = page.limit;
    if (!audit_list(db, &ask, request->arena, &rows, &count, &more, err))
        return NULL;
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *record = api_stored(rows[i].body);
        if (!json_is_object(record)) /* somebody has changed it; audit/verify says so */
            record = json_pack("{s:I, s:s}", "seq", (json_int_t)rows[i].seq, "event", "unreadable");
        json_object_set_new(record, "hash", json_text(rows[i].hash));
        json_array_append_new(items, record);
    }
    return api_page_json(&page, items, more, ask.after);
}

void api_audit_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list_json);
}

static bool is_hash(const char *text)
{
    return strlen(text) == AUDIT_HASH_LENGTH &&
           strspn(text, "0123456789abcdef") == AUDIT_HASH_LENGTH;
}

/* A broken chain is an answer, not a failure. */
static json_t *verify(struct api *api, struct db *db, const struct request *request,
                      struct answer *answer, struct err *err)
{
    struct audit_head head;
    const char *expected = request_value(request, "head");
    (void)api;
    if (expected && !is_hash(expected)) {
        answer_problem(answer, 400, "head: a hash of 64 hexadecimal digits, as status shows it");
        return NULL;
    }
    bool ok = audit_verify(db, expected, &head, err);
    if (!ok && err->kind != ERR_CORRUPT)
        return NULL;
    return json_pack("{s:b, s:I, s:s, s:o}", "ok", ok, "records", (json_int_t)head.seq, "head",
                     head.hash, "problem", ok ? json_null() : json_text(err->text));
}

void api_audit_verify(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, verify);
}
