/* The one switch that stops all acting. */
#include "base/clock.h"
#include "http/api_parts.h"
#include "store/hold.h"
#include "store/item.h"

json_t *api_acting_json(struct db *db, struct arena *arena, struct err *err)
{
    struct hold hold;
    if (!hold_get(db, HOLD_ACTING, arena, &hold, err))
        return NULL;
    int64_t count = 0;
    if (!item_stopped_count(db, &count, err))
        return NULL;
    json_t *json = api_hold(&hold);
    if (json_is_null(json))
        json = json_object();
    json_object_set_new(json, "acting", json_boolean(!hold.since_us));
    json_object_set_new(json, "stopped_items", json_integer(count));
    json_object_set_new(json, "version", json_integer(hold.version));
    return json;
}

static json_t *read_acting(struct api *api, struct db *db, const struct request *request,
                           struct answer *answer, struct err *err)
{
    (void)api;
    (void)answer;
    return api_acting_json(db, request->arena, err);
}

void api_acting_get(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, read_acting);
}

static bool set(struct db *db, const struct request *request, bool acting, const char *reason,
                bool *changed, struct err *err)
{
    bool again;
    if (acting)
        return hold_end(db, HOLD_ACTING, changed, err);
    const struct hold hold = {.scope = HOLD_ACTING,
                              .since_us = clock_now_us(),
                              .who = request->caller.name,
                              .why = reason ? reason : ""};
    if (!hold_set(db, &hold, &again, err))
        return false;
    *changed = !again;
    return true;
}

/* Stopping what is stopped, and resuming what goes on, change nothing: the first reason stays. */
static json_t *write_acting(struct api *api, struct db *db, const struct request *request,
                            struct answer *answer, struct err *err)
{
    bool changed;
    int64_t version;
    const char *reason;
    const json_t *acting = json_object_get(request->body, "acting");
    (void)api;
    if (!request_reason(request, &reason, answer))
        return NULL;
    if (!json_is_boolean(acting)) {
        answer_problem(answer, 400, "acting: true or false");
        return NULL;
    }
    if (!hold_version(db, HOLD_ACTING, &version, err) || !request_match(request, version, answer))
        return NULL;
    const struct api_record record = {
        .event = json_is_true(acting) ? "acting-resumed" : "acting-stopped", .reason = reason};
    if (!set(db, request, json_is_true(acting), reason, &changed, err) ||
        (changed && !api_audit(db, request, &record, err)))
        return NULL;
    return api_acting_json(db, request->arena, err);
}

void api_acting_put(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, write_acting);
    if (answer->status < 400)
        api_acting_load(api, NULL);
}

bool api_acting_load(struct api *api, struct err *err)
{
    struct hold hold = {0};
    own_arena struct arena arena = arena_new(8192);
    pthread_mutex_lock(&api->lock); /* of two changes at once the later one is read last */
    struct db *db = store_reader(api->facts.store, err);
    bool ok = db && hold_get(db, HOLD_ACTING, &arena, &hold, err);
    store_reader_done(api->facts.store, db);
    if (ok)
        atomic_store(&api->stopped_us, hold.since_us);
    pthread_mutex_unlock(&api->lock);
    return ok;
}

int64_t api_stopped_us(struct api *api)
{
    return atomic_load(&api->stopped_us);
}
