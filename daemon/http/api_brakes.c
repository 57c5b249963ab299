/* Rules that the brake has stopped, and what people say to it. */
#include "http/api_parts.h"

#include "base/clock.h"
#include "store/brake.h"

static json_t *brake_json(const struct brake *brake)
{
    return json_pack("{s:o, s:s, s:s, s:I, s:I, s:o, s:o}", "rule", json_text(brake->rule), "state",
                     brake_state_word(brake->state), "when", brake->running ? "running" : "apply",
                     "items", (json_int_t)brake->counted, "left", (json_int_t)brake->left, "since",
                     api_time(brake->since_us), "who", api_text(brake->who));
}

json_t *api_brakes_json(struct db *db, struct arena *arena, struct err *err)
{
    struct brake *list;
    size_t count;
    if (!brake_list(db, arena, &list, &count, err))
        return NULL;
    json_t *json = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(json, brake_json(&list[i]));
    return json;
}

/* A word for a rule that is held. */
static json_t *answer_brake(struct db *db, const struct request *request, enum brake_state state,
                            int64_t items, struct answer *answer, struct err *err)
{
    bool found;
    const char *reason;
    struct brake brake;
    const struct brake_word word = {.rule = request_text(request, "rule"),
                                    .who = request->caller.name,
                                    .state = state,
                                    .items = items,
                                    .at_us = clock_now_us()};
    if (!request_reason(request, &reason, answer))
        return NULL;
    if (!word.rule) {
        answer_problem(answer, 400, "rule: its name");
        return NULL;
    }
    const struct api_record record = {
        .event = state == BRAKE_APPROVED ? "rule-approved" : "rule-rejected",
        .reason = reason,
        .details =
            json_pack("{s:o, s:I}", "rule", json_text(word.rule), "items", (json_int_t)items)};
    if (!brake_answer(db, &word, &found, err) || !found) {
        json_decref(record.details);
        if (err->kind == ERR_NONE)
            answer_problem(answer, 409, "the brake does not hold a rule of this name");
        return NULL;
    }
    return api_audit(db, request, &record, err) &&
                   brake_get(db, word.rule, request->arena, &brake, &found, err)
               ? brake_json(&brake)
               : NULL;
}

static json_t *approve(struct api *api, struct db *db, const struct request *request,
                       struct answer *answer, struct err *err)
{
    int64_t items = json_integer_value(json_object_get(request->body, "items"));
    (void)api;
    if (items > 0)
        return answer_brake(db, request, BRAKE_APPROVED, items, answer, err);
    answer_problem(answer, 400, "items: on how many files it may act");
    return NULL;
}

void api_rules_approve(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, approve);
}

static json_t *reject(struct api *api, struct db *db, const struct request *request,
                      struct answer *answer, struct err *err)
{
    (void)api;
    return answer_brake(db, request, BRAKE_REJECTED, 0, answer, err);
}

void api_rules_reject(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, reject);
}
