/* What people do with one file of the catalogue. */
#include <string.h>

#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/online.h"

enum { tries_most = 300, pause_us = 100000 };

/* The id of an item that is named by its id or its path. Empty after a message. */
static bool find_item(struct ctl_call *call, const struct online *online, const char *connection,
                      struct buf *id)
{
    const char *name = call->argv[0];
    if (name[0] != '/')
        return buf_puts(id, name);
    own_buf struct buf path = buf_new(16384);
    buf_puts(&path, "/api/v1/items?limit=2&path=");
    online_escape(&path, name);
    if (connection) {
        buf_puts(&path, "&connection=");
        online_escape(&path, connection);
    }
    own_json json_t *page = online_get(call, online, buf_text(&path));
    const json_t *items = json_object_get(page, "items");
    if (!page)
        return false;
    if (json_array_size(items) == 1)
        return buf_puts(id, online_text(json_array_get(items, 0), "id"));
    call->exit = ctl_fail(call, CTL_UNREACHABLE, "%s: %s", name,
                          json_array_size(items) ? "in several connections; say which: --connection"
                                                 : "no such file in the catalogue");
    return false;
}

/* Until the daemon has done it, at most 30 s. NULL: return call->exit. */
static json_t *wait_undone(struct ctl_call *call, const struct online *online, const char *id)
{
    own_buf struct buf path = buf_new(16384);
    buf_puts(&path, "/api/v1/items/");
    online_escape(&path, id);
    for (int i = 0; i < tries_most; i++) {
        own_json json_t *item = online_get(call, online, buf_text(&path));
        json_t *restriction = json_object_get(item, "restriction");
        if (!item)
            return NULL;
        if (strcmp(online_text(restriction, "state"), "undoing") != 0)
            return json_incref(restriction);
        clock_sleep_us(pause_us);
    }
    call->exit = ctl_fail(call, CTL_UNREACHABLE, "it is not done yet; the daemon goes on with it");
    return NULL;
}

static void print_parts(FILE *out, const json_t *restriction)
{
    size_t index;
    json_t *part;
    const json_t *result = json_object_get(restriction, "result");
    json_array_foreach(json_object_get(result, "restored"), index, part)
        fprintf(out, "  given back: %s\n", json_string_value(part));
    json_array_foreach(json_object_get(result, "lost"), index, part)
        fprintf(out, "  lost: %s: %s\n", online_text(part, "what"), online_text(part, "why"));
}

/* 0: done, and what could not be given back is told; 4: refused. */
static int print_end(struct ctl_call *call, const json_t *restriction, bool json)
{
    bool undone = strcmp(online_text(restriction, "state"), "undone") == 0;
    if (json) {
        online_print(call, restriction);
    } else {
        fprintf(call->out, "%s: %s, who reaches it: %s\n", call->argv[0],
                undone ? "undone" : "not undone", online_text(restriction, "after"));
        print_parts(call->out, restriction);
    }
    return undone ? CTL_OK : CTL_UNREACHABLE;
}

int ctl_item_undo(struct ctl_call *call)
{
    struct online online = {0};
    const char *reason = NULL, *connection = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"connection", CTL_TEXT, &connection, "NAME", "of a PATH that several connections have"},
        {"json", CTL_FLAG, &json, NULL, "what was taken and given back, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    own_buf struct buf id = buf_new(4096), path = buf_new(16384);
    if (!find_item(call, &online, connection, &id))
        return call->exit;
    buf_puts(&path, "/api/v1/items/");
    online_escape(&path, buf_text(&id));
    own_json json_t *item = online_get(call, &online, buf_text(&path));
    if (!item)
        return call->exit;
    buf_puts(&path, "/undo");
    online.version = online_number(json_object_get(item, "restriction"), "version");
    if (!online.version) /* the daemon says why nothing can be undone */
        online.version = ONLINE_ANY_VERSION;
    own_json json_t *asked =
        online_send(call, &online, "POST", buf_text(&path), online_reason(reason));
    own_json json_t *end = asked ? wait_undone(call, &online, buf_text(&id)) : NULL;
    return end ? print_end(call, end, json) : call->exit;
}
