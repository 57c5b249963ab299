#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/answer.h"
#include "http/api_parts.h"
#include "policy/facts.h"
#include "store/item.h"
#include "store/news.h"
#include "store/restriction.h"

static json_t *step_json(int step)
{
    return json_string(facts_exposure_word((enum facts_exposure)step));
}

static json_t *restriction_json(const struct restriction *row)
{
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "id",
                     api_id(row->id), "state", restriction_state_word(row->state), "wanted",
                     row->wanted, "rules", api_stored(row->rules), "before", step_json(row->before),
                     "after", step_json(row->after), "taken", api_stored(row->text), "at",
                     api_time(row->created_us), "changed", api_time(row->changed_us), "asked_by",
                     api_text(row->asked_by), "asked_why", api_text(row->asked_why), "result",
                     api_stored(row->result), "version", (json_int_t)row->version);
}

json_t *api_restriction(struct db *db, int64_t item, struct arena *arena, struct err *err)
{
    bool found;
    struct restriction last;
    if (!restriction_last(db, item, arena, &last, &found, err))
        return NULL;
    return found && last.state != RESTRICTION_PLANNED ? restriction_json(&last) : json_null();
}

/* The work: a visit of the item, which gives back before it looks. */
static bool ask(struct db *db, const struct item *item, const struct restriction *last,
                struct err *err)
{
    const int64_t now_us = clock_now_us();
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = item->connection,
                            .key = item->key,
                            .lane = QUEUE_LIVE,
                            .due_us = now_us,
                            .seen_us = now_us};
    return restriction_save(db, last, RESTRICTION_DONE, err) && queue_add(db, &job, err);
}

static bool may_undo(const struct item *item, const struct restriction *last, bool found,
                     struct answer *answer)
{
    if (item->deleted_us != ITEM_NO_TIME)
        answer_problem(answer, 409, "the file is gone");
    else if (strcmp(item->outcome, "quarantined") == 0)
        answer_problem(answer, 409,
                       "the file is in quarantine: a release gives it back with all "
                       "who reached it");
    else if (strcmp(item->outcome, "encrypted") == 0)
        answer_problem(answer, 409, "the file was encrypted: its copy has the sharing that it had");
    else if (!found || last->state == RESTRICTION_PLANNED)
        answer_problem(answer, 409, "nothing was taken away from this file");
    else if (last->state != RESTRICTION_DONE)
        answer_problem(answer, 409, "it is %s already", restriction_state_word(last->state));
    else
        return true;
    return false;
}

static json_t *write_undo(struct api *api, struct db *db, const struct request *request,
                          struct answer *answer, struct err *err)
{
    int64_t id;
    bool found;
    const char *reason;
    struct item item;
    struct restriction last;
    (void)api;
    if (!api_part_id(request, 0, &id, answer) || !request_reason(request, &reason, answer) ||
        !item_get(db, id, request->arena, &item, &found, err) || !found ||
        !restriction_last(db, id, request->arena, &last, &found, err) ||
        !may_undo(&item, &last, found, answer) || !request_match(request, last.version, answer))
        return NULL;
    if (request_dry(request))
        return restriction_json(&last);
    last.state = RESTRICTION_UNDOING;
    last.asked_by = request->caller.name;
    last.asked_why = reason;
    last.result = NULL;
    last.changed_us = clock_now_us();
    const struct api_record record = {
        .event = "undo-asked",
        .connection = item.connection,
        .reason = reason,
        .item = id,
        .details = json_pack("{s:o, s:s}", "restriction", api_id(last.id), "wanted", last.wanted)};
    if (!ask(db, &item, &last, err) || !api_audit(db, request, &record, err))
        return NULL;
    last.version++;
    news_item(db, id, item.version);
    return restriction_json(&last);
}

void api_items_undo(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, write_undo);
    if (answer->json && !request_dry(request))
        answer->status = 202;
}
