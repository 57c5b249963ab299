#include "http/api_parts.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/hold.h"

enum { limit_most = 500, limit_standard = 100, wait_most_s = 30, details_max_bytes = 64 << 10 };

const char *api_label_name(const struct api *api, const char *id)
{
    for (size_t i = 0; i < api->label_count; i++)
        if (strcmp(api->labels[i].id, id) == 0)
            return api->labels[i].name;
    return id;
}

const char *api_label_id(const struct api *api, const char *name)
{
    for (size_t i = 0; i < api->label_count; i++)
        if (strcmp(api->labels[i].name, name) == 0)
            return api->labels[i].id;
    return name;
}

const struct config_connection *api_connection(const struct api *api, const char *name)
{
    const struct config *config = api->facts.config;
    for (size_t i = 0; i < config->connection_count; i++)
        if (strcmp(config->connections[i].name, name) == 0)
            return &config->connections[i];
    return NULL;
}

json_t *api_text(const char *text)
{
    return text && *text ? json_text(text) : json_null();
}

json_t *api_time(int64_t us)
{
    char when[21];
    if (us <= 0)
        return json_null();
    clock_format(us, when);
    return json_string(when);
}

json_t *api_id(int64_t id)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, id);
    return json_string(text);
}

json_t *api_stored(const char *text)
{
    json_t *json = text ? json_parse(text, strlen(text), NULL) : NULL;
    return json ? json : json_null();
}

void api_hex(const uint8_t bytes[32], char hex[static 65])
{
    sodium_bin2hex(hex, 65, bytes, 32);
}

void api_failed(struct answer *answer, const struct err *err)
{
    if (err->kind == ERR_USAGE)
        answer_problem(answer, 400, "the cursor belongs to another list, or a value is unknown");
    else
        answer_problem(answer, 503, "the store cannot be used now");
}

void api_read(struct api *api, const struct request *request, struct answer *answer,
              api_read_handler *read)
{
    struct err err = {0};
    struct db *db = store_reader(api->facts.store, &err);
    if (db) {
        json_t *json = read(api, db, request, answer, &err);
        if (answer->status == 0)
            answer->json = json;
        else
            json_decref(json);
        store_reader_done(api->facts.store, db);
    }
    if (answer->json || answer->status)
        return;
    if (db && err.kind == ERR_NONE)
        answer_problem(answer, 404, "no such object");
    else
        api_failed(answer, &err);
}

struct change {
    struct api *api;
    const struct request *request;
    struct answer *answer;
    api_read_handler *write;
    json_t *json;
};

static bool run_change(struct db *db, void *context, struct err *err)
{
    struct change *change = context;
    change->json = change->write(change->api, db, change->request, change->answer, err);
    return change->json && change->answer->status < 400 && !request_dry(change->request);
}

void api_write(struct api *api, const struct request *request, struct answer *answer,
               api_read_handler *write)
{
    struct err err = {0};
    struct change change = {.api = api, .request = request, .answer = answer, .write = write};
    const struct store_unit unit = {run_change, &change};
    bool kept = store_write(api->facts.store, STORE_COMMITTED, unit, &err);
    bool plan = !kept && request_dry(request) && change.json && answer->status < 400 &&
                err.kind == ERR_NONE;
    if (kept || plan) {
        answer->json = change.json;
        if (kept && request->done->event)
            LOG(LOG_LEVEL_INFO, request->done->event, LOG_TEXT(actor, request->caller.name),
                LOG_TEXT(connection, request->done->connection));
        return;
    }
    json_decref(change.json);
    if (answer->status >= 400)
        return;
    if (err.kind == ERR_NONE)
        answer_problem(answer, 404, "no such object");
    else
        api_failed(answer, &err);
}

bool api_audit(struct db *db, const struct request *request, const struct api_record *record,
               struct err *err)
{
    own_buf struct buf text = buf_new(details_max_bytes);
    own_json json_t *details = record->details ? record->details : json_object();
    if (record->reason)
        json_object_set_new(details, "reason", json_text(record->reason));
    json_object_set_new(details, "role", json_string(role_word(request->caller.role)));
    if (!details || !json_write(details, &text))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct audit_record row = {.event = record->event,
                                     .actor = request->caller.name,
                                     .item = record->item,
                                     .connection = record->connection,
                                     .path = record->path,
                                     .details = buf_text(&text),
                                     .at_us = clock_now_us()};
    request->done->event = record->event;
    request->done->connection = record->connection;
    return audit_add(db, &row, err);
}

json_t *api_hold(const struct hold *hold)
{
    if (!hold->since_us)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "since", api_time(hold->since_us), "who",
                     json_text(hold->who), "why", api_text(hold->why));
}

bool api_part_id(const struct request *request, size_t part, int64_t *id, struct answer *answer)
{
    if (request_number(request->parts[part], id))
        return true;
    answer_problem(answer, 404, "no such object");
    return false;
}

/* Paging ------------------------------------------------------------------------------------- */

bool api_limit(const struct request *request, int64_t *limit, struct answer *answer)
{
    const char *text = request_value(request, "limit");
    *limit = limit_standard;
    if (!text || (request_number(text, limit) && *limit <= limit_most))
        return true;
    answer_problem(answer, 400, "limit: a number from 1 to 500");
    return false;
}

bool api_wait(const struct request *request, struct answer *answer)
{
    int64_t seconds = 0;
    const char *text = request_value(request, "wait");
    answer->later.until_us = 0;
    if (text && (!request_number(text, &seconds) || seconds > wait_most_s)) {
        answer_problem(answer, 400, "wait: a number of seconds from 1 to 30");
        return false;
    }
    if (seconds)
        answer->later.until_us = clock_steady_us() + seconds * 1000000;
    return true;
}

static uint32_t stir(uint32_t mark, const char *text)
{
    for (; *text; text++)
        mark = (mark ^ (unsigned char)*text) * 16777619u;
    return (mark ^ 0x1f) * 16777619u;
}

/* FNV-1a over the list and all that narrows or orders it. */
static uint32_t mark_of(const struct request *request)
{
    uint32_t mark = stir(2166136261u, request->route->operation);
    for (size_t i = 0; i < ROUTE_PARTS; i++)
        mark = stir(mark, request->parts[i] ? request->parts[i] : "");
    for (size_t i = 0; i < request->query_count; i++) {
        const char *name = request->query[i].name;
        if (strcmp(name, "cursor") == 0 || strcmp(name, "limit") == 0)
            continue;
        mark = stir(stir(mark, name), request->query[i].value);
    }
    return mark;
}

bool api_page(const struct request *request, struct api_page *page, struct answer *answer)
{
    char prefix[16];
    const char *cursor = request_value(request, "cursor");
    *page = (struct api_page){.mark = mark_of(request)};
    if (!api_limit(request, &page->limit, answer))
        return false;
    if (!cursor || !*cursor)
        return true;
    int length = snprintf(prefix, sizeof prefix, "%08" PRIx32 ".", page->mark);
    if (strncmp(cursor, prefix, (size_t)length) == 0 &&
        request_number(cursor + length, &page->after))
        return true;
    answer_problem(answer, 400, "the cursor belongs to another list");
    return false;
}

json_t *api_page_json(const struct api_page *page, json_t *items, bool more, int64_t last)
{
    char cursor[40];
    snprintf(cursor, sizeof cursor, "%08" PRIx32 ".%" PRId64, page->mark, last);
    return json_pack("{s:o, s:o}", "items", items, "next",
                     more ? json_string(cursor) : json_null());
}
