/* Tasks: a person's short work. The row is written here; a worker does the work. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "http/api_entries.h"
#include "policy/digest.h"
#include "store/task.h"
#include "vault/handoff.h"

enum { input_max_bytes = 8 << 20, recipient_max_bytes = 128 };
static const int64_t kept_us = 3600LL * 1000000;

static json_t *task_json(const struct task *task)
{
    json_t *progress = task->total ? json_pack("{s:I, s:I}", "done", (json_int_t)task->done,
                                               "total", (json_int_t)task->total)
                                   : json_null();
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id", api_id(task->id), "kind",
                     task->kind, "state", task_state_word(task->state), "progress", progress,
                     "result", api_stored(task->result), "error", api_text(task->error), "expires",
                     api_time(task->expires_us));
}

/* Making one ---------------------------------------------------------------------------------- */

/* What is put on record of a new task. */
struct making {
    struct api *api;
    const struct request *request;
    const json_t *input;
    struct api_record record;
};

/* The input of "open": an entry that has a copy, and whom it is sealed to anew. */
static bool take_open(struct making *making, struct db *db, struct answer *answer, struct err *err)
{
    int64_t id;
    bool found = false;
    const struct request *request = making->request;
    const char *text = json_string_value(json_object_get(making->input, "id"));
    const char *recipient = json_string_value(json_object_get(making->input, "recipient"));
    struct entry *entry = arena_alloc(request->arena, 1, sizeof *entry);
    if (!entry)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!text || !request_number(text, &id) || !recipient ||
        strlen(recipient) > recipient_max_bytes || strncmp(recipient, "age1", 4) != 0) {
        answer_problem(answer, 400, "input: {\"id\", \"recipient\"}: an entry and an age1… key");
        return false;
    }
    if (!entry_get(db, id, request->arena, entry, &found, err))
        return false;
    if (!found)
        answer_problem(answer, 404, "no such entry");
    else if (!api_entry_has_copy(entry))
        answer_problem(answer, 409, "there is no sealed copy of it in the vault");
    else if (making->api->facts.config->vault_sealed)
        answer_problem(answer, 409,
                       "the vault is sealed: open the entry's content with a reviewer's identity");
    making->record.item = entry->item;
    making->record.connection = entry->connection;
    making->record.details = answer->status ? NULL : json_pack("{s:o}", "entry", api_id(id));
    return answer->status == 0;
}

/* The input of "simulate": a text of rules without errors (seen before the unit, for reading a
 * large one takes a while), or none for the rules in force. */
static bool take_simulate(struct making *making, struct db *db, struct answer *answer,
                          struct err *err)
{
    char digest[DIGEST_HEX_BYTES];
    const json_t *rules = json_object_get(making->input, "rules");
    const char *text = json_string_value(rules);
    (void)db;
    if (!text && json_is_object(making->input) && json_object_size(making->input) == 0)
        return true;
    if (!text || json_object_size(making->input) != 1) {
        answer_problem(answer, 400, "input: {\"rules\": TEXT}, or {} for the rules in force");
        return false;
    }
    if (!digest_text(text, strlen(text), digest))
        return err_set(err, ERR_MEMORY, "out of memory");
    making->record.details = json_pack("{s:s}", "revision", digest);
    return true;
}

static const struct kind {
    const char *word, *event;
    enum role_needs needs;
    bool (*take)(struct making *making, struct db *db, struct answer *answer, struct err *err);
} kinds[] = {
    {"open", "quarantine-opened", ROLE_NEEDS_REVIEWER, take_open},
    {"simulate", "rules-simulated", ROLE_NEEDS_COMPLIANCE, take_simulate},
};

static const struct kind *find_kind(const struct request *request, struct answer *answer)
{
    const char *word = request_text(request, "kind");
    for (size_t i = 0; word && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].word, word) != 0)
            continue;
        if (role_may(request->caller.role, kinds[i].needs))
            return &kinds[i];
        answer_problem(answer, 403, "your role may not ask for this kind of task");
        return NULL;
    }
    answer_problem(answer, 400, "kind: open, simulate");
    return NULL;
}

static bool has_room(const struct api *api, struct db *db, struct answer *answer, struct err *err)
{
    int64_t count;
    if (!task_count(db, &count, err))
        return false;
    if ((uint64_t)count < api->facts.config->limits.tasks_kept)
        return true;
    answer_problem(answer, 429, "there are limits.tasks_kept tasks; delete one, or wait");
    return false;
}

static json_t *create(struct api *api, struct db *db, const struct request *request,
                      struct answer *answer, struct err *err)
{
    own_buf struct buf input = buf_new(input_max_bytes);
    const struct kind *kind = find_kind(request, answer);
    struct making making = {
        .api = api, .request = request, .input = json_object_get(request->body, "input")};
    if (!kind || !request_reason(request, &making.record.reason, answer) ||
        !has_room(api, db, answer, err) || !kind->take(&making, db, answer, err))
        return NULL;
    making.record.event = kind->event;
    if (!json_write(making.input, &input)) {
        json_decref(making.record.details);
        answer_problem(answer, 400, "input: too long");
        return NULL;
    }
    int64_t now_us = clock_now_us();
    struct task task = {.kind = kind->word,
                        .owner = request->caller.token,
                        .input = buf_text(&input),
                        .made_us = now_us,
                        .expires_us = now_us + kept_us};
    return api_audit(db, request, &making.record, err) && task_add(db, &task, err)
               ? task_json(&task)
               : NULL;
}

void api_tasks_create(struct api *api, const struct request *request, struct answer *answer)
{
    const json_t *rules = json_object_get(json_object_get(request->body, "input"), "rules");
    if (!find_kind(request, answer) || (rules && !api_rules_good(api, rules, answer)))
        return;
    api_write(api, request, answer, create);
    if (answer->json)
        answer->status = 202;
}

/* One ----------------------------------------------------------------------------------------- */

/* Others see none of it. */
bool api_task_find(struct db *db, const struct request *request, struct task *task,
                   struct answer *answer, struct err *err)
{
    int64_t id;
    bool found = false;
    return api_part_id(request, 0, &id, answer) &&
           task_get(db, id, request->arena, task, &found, err) && found &&
           task->owner == request->caller.token && task->expires_us > clock_now_us();
}

static void look_again(struct api *api, const struct request *request, struct answer *answer);

static json_t *look(struct api *api, struct db *db, const struct request *request,
                    struct answer *answer, struct err *err)
{
    struct task task;
    (void)api;
    if (!api_task_find(db, request, &task, answer, err))
        return NULL;
    if (task_is_open(task.state) && clock_steady_us() < answer->later.until_us)
        answer->later.ask = look_again;
    return task_json(&task);
}

static void look_again(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, look);
}

void api_tasks_get(struct api *api, const struct request *request, struct answer *answer)
{
    if (api_wait(request, answer))
        look_again(api, request, answer);
}

static json_t *cancel(struct api *api, struct db *db, const struct request *request,
                      struct answer *answer, struct err *err)
{
    struct task task;
    (void)api;
    if (!api_task_find(db, request, &task, answer, err))
        return NULL;
    task.state = TASK_CANCELLED;
    task.result = NULL;
    return task_save(db, &task, err) ? task_json(&task) : NULL;
}

/* A worker that has it in hand removes what it made itself. */
void api_tasks_cancel(struct api *api, const struct request *request, struct answer *answer)
{
    int64_t id;
    api_write(api, request, answer, cancel);
    if (answer->json && request_number(request->parts[0], &id))
        handoff_task_remove(api->facts.handoff, id);
}

static json_t *done(struct api *api, struct db *db, const struct request *request,
                    struct answer *answer, struct err *err)
{
    struct task task;
    (void)api;
    if (!api_task_find(db, request, &task, answer, err))
        return NULL;
    if (task.state != TASK_DONE)
        answer_problem(answer, 409, "the task is %s", task_state_word(task.state));
    else if (strcmp(task.kind, "open") != 0)
        answer_problem(answer, 409, "a task of this kind has no content");
    return json_object();
}

void api_tasks_content(struct api *api, const struct request *request, struct answer *answer)
{
    int64_t id;
    struct err err = {0};
    api_read(api, request, answer, done);
    if (answer->status >= 400 || !request_number(request->parts[0], &id))
        return;
    int fd = handoff_task(api->facts.handoff, id, &err);
    if (fd < 0)
        answer_problem(answer, 409, "the task has no content");
    else
        answer_file(answer, fd, arena_printf(request->arena, "task-%lld.age", (long long)id));
}
