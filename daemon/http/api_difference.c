/* The difference of a simulation, page by page. */
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "http/api_parts.h"
#include "store/difference.h"
#include "store/item.h"
#include "store/task.h"
#include "vault/handoff.h"

/* A page in the making. */
struct paging {
    struct api *api;
    const struct request *request;
    struct db *db;
    struct api_page page;
    json_t *result; /* of the task */
    const json_t *changes, *names;
    int64_t rule, change; /* numbers asked for; -1 = any */
    json_t *items, *one;  /* the item that is being filled, in `items` */
    int64_t last;
    bool more, no_memory;
    struct err *err;
};

/* The number of a text in a list of texts, or of objects with that text under `key`. */
static int64_t number_of(const json_t *list, const char *key, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        const char *word = json_string_value(key ? json_object_get(one, key) : one);
        if (word && strcmp(word, text) == 0)
            return (int64_t)i;
    }
    return INT64_MAX; /* nothing is of it */
}

static json_t *begin_item(struct paging *paging, int64_t id)
{
    bool found = false;
    struct item item;
    if (!item_get(paging->db, id, paging->request->arena, &item, &found, paging->err))
        return NULL;
    return json_pack("{s:o, s:o, s:o, s:[]}", "id", api_id(id), "connection",
                     api_text(found ? item.connection : NULL), "path",
                     api_text(found ? item.path : NULL), "changes");
}

static bool add_row(struct paging *paging, const struct difference_row *row)
{
    uint32_t change = row->change & ~DIFFERENCE_ONLY_ENFORCED;
    const char *what =
        json_string_value(json_object_get(json_array_get(paging->changes, change), "change"));
    const char *rule = json_string_value(json_array_get(paging->names, row->rule));
    json_t *json = json_pack("{s:o, s:o, s:b}", "change", api_text(what), "rule", api_text(rule),
                             "only_if_enforced", (row->change & DIFFERENCE_ONLY_ENFORCED) != 0);
    return json_array_append_new(json_object_get(paging->one, "changes"), json) == 0;
}

/* Rows of an item stand together. */
static bool take_row(void *context, const struct difference_row *row)
{
    struct paging *paging = context;
    if ((paging->rule >= 0 && paging->rule != row->rule) ||
        (paging->change >= 0 && paging->change != (row->change & ~DIFFERENCE_ONLY_ENFORCED)))
        return true;
    if (!paging->one || paging->last != row->item) {
        if ((int64_t)json_array_size(paging->items) == paging->page.limit) {
            paging->more = true;
            return false;
        }
        paging->one = begin_item(paging, row->item);
        paging->last = row->item;
        if (!paging->one || json_array_append_new(paging->items, paging->one) != 0)
            paging->no_memory = true;
    }
    paging->no_memory = paging->no_memory || !add_row(paging, row);
    return !paging->no_memory;
}

static json_t *read_page(struct paging *paging, int64_t task)
{
    own_fd int fd = handoff_task(paging->api->facts.handoff, task, paging->err);
    if (fd < 0)
        return NULL;
    paging->items = json_array();
    bool ok = difference_read(fd, paging->page.after, take_row, paging, paging->err);
    if (ok && !paging->no_memory)
        return api_page_json(&paging->page, paging->items, paging->more, paging->last);
    json_decref(paging->items);
    if (ok && paging->err->kind == ERR_NONE)
        err_set(paging->err, ERR_MEMORY, "out of memory");
    return NULL;
}

static json_t *list(struct api *api, struct db *db, const struct request *request,
                    struct answer *answer, struct err *err)
{
    struct task task;
    struct paging paging = {.api = api, .request = request, .db = db, .err = err};
    const char *rule = request_value(request, "rule"), *change = request_value(request, "change");
    if (!api_page(request, &paging.page, answer) || !api_task_find(db, request, &task, answer, err))
        return NULL;
    if (strcmp(task.kind, "simulate") != 0 || task.state != TASK_DONE) {
        answer_problem(answer, 409, "the task is no simulation that is done");
        return NULL;
    }
    paging.result = json_parse(task.result, strlen(task.result), err);
    if (!paging.result)
        return NULL;
    paging.changes = json_object_get(paging.result, "changes");
    paging.names = json_object_get(paging.result, "names");
    paging.rule = rule ? number_of(paging.names, NULL, rule) : -1;
    paging.change = change ? number_of(paging.changes, "change", change) : -1;
    json_t *json = read_page(&paging, task.id);
    json_decref(paging.result);
    return json;
}

void api_tasks_items(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list);
}
