/* item show, item examine; jobs, jobs retry: single files and the work on them. */
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/online.h"

/* /api/v1/NOUN/ID/VERB */
static void path_of(struct buf *path, const char *noun, const char *id, const char *verb)
{
    buf_printf(path, "/api/v1/%s/", noun);
    online_escape(path, id);
    buf_printf(path, "%s%s", *verb ? "/" : "", verb);
}

/* item ----------------------------------------------------------------------------------------- */

/* An id, or a path of the catalogue ("/Finance/cards.docx"): its id, or NULL after a message. */
static const char *id_of(struct ctl_call *call, const struct online *online, const char *word,
                         char room[static 32])
{
    if (word[0] != '/')
        return word;
    own_buf struct buf path = buf_new(16384);
    buf_puts(&path, "/api/v1/items?limit=2&path=");
    online_escape(&path, word);
    own_json json_t *page = online_get(call, online, buf_text(&path));
    if (!page)
        return NULL;
    const json_t *items = json_object_get(page, "items");
    if (json_array_size(items) != 1) {
        call->exit =
            ctl_fail(call, CTL_UNREACHABLE,
                     json_array_size(items) ? "several connections have %s: give the item's id"
                                            : "no item has the path %s; labelctl items lists them",
                     word);
        return NULL;
    }
    snprintf(room, 32, "%s", online_text(json_array_get(items, 0), "id"));
    return room;
}

static void print_line(FILE *out, const char *title, const char *value)
{
    if (!*value)
        return;
    fprintf(out, "%-11s ", title);
    ctl_put(out, value);
    fputc('\n', out);
}

static void print_findings(FILE *out, const json_t *item)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(item, "findings"), index, row) fprintf(
        out, "found       %s: %lld (%lld different), %s\n", online_text(row, "type"),
        online_number(row, "count"), online_number(row, "unique"), online_text(row, "confidence"));
}

static void print_rules(FILE *out, const json_t *decision)
{
    size_t index;
    json_t *rule;
    json_array_foreach(json_object_get(decision, "rules"), index, rule)
    {
        if (strcmp(online_text(rule, "state"), "not-matched") == 0)
            continue;
        fprintf(out, "%-11s ", online_text(rule, "state"));
        ctl_put(out, online_text(rule, "name"));
        fprintf(out, " (%s)\n", online_text(rule, "mode"));
    }
}

static void print_item(FILE *out, const json_t *item)
{
    size_t index;
    json_t *record;
    print_line(out, "path", online_text(item, "path"));
    fprintf(out, "item        %s on %s\n", online_text(item, "id"),
            online_text(item, "connection"));
    fprintf(out, "content     %s, %lld bytes, %s", online_text(item, "format"),
            online_number(item, "size"), online_text(item, "status"));
    fprintf(out, *online_text(item, "reason") ? " (%s)\n" : "\n", online_text(item, "reason"));
    print_line(out, "owner", online_text(item, "owner"));
    fprintf(out, "exposure    %s", online_text(item, "exposure"));
    fprintf(out, *online_text(item, "exposure_why") ? ": %s\n" : "\n",
            online_text(item, "exposure_why"));
    print_line(out, "label", *online_text(item, "label") ? online_text(item, "label") : "none");
    print_findings(out, item);
    print_rules(out, json_object_get(item, "decision"));
    print_line(out, "outcome", online_text(item, "outcome"));
    print_line(out, "", online_text(item, "message"));
    print_line(out, "examined", online_text(item, "examined"));
    fputs("history\n", out);
    json_array_foreach(json_object_get(item, "history"), index, record) online_record(out, record);
}

int ctl_item_show(struct ctl_call *call)
{
    struct online online = {0};
    bool json = false;
    char room[32];
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"json", CTL_FLAG, &json, NULL, "everything, as JSON: report, decision, history"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    const char *id = id_of(call, &online, call->argv[0], room);
    if (!id)
        return call->exit;
    own_buf struct buf path = buf_new(16384);
    path_of(&path, "items", id, "");
    own_json json_t *item = online_get(call, &online, buf_text(&path));
    if (!item)
        return call->exit;
    if (json)
        return online_print(call, item);
    print_item(call->out, item);
    return CTL_OK;
}

int ctl_item_examine(struct ctl_call *call)
{
    struct online online = {0};
    const char *reason = NULL;
    bool json = false;
    char room[32];
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, &json, NULL, "the job as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    const char *id = id_of(call, &online, call->argv[0], room);
    if (!id)
        return call->exit;
    own_buf struct buf path = buf_new(16384);
    path_of(&path, "items", id, "examine");
    own_json json_t *job =
        online_send(call, &online, "POST", buf_text(&path), online_reason(reason));
    if (!job)
        return call->exit;
    if (json)
        return online_print(call, job);
    fprintf(call->out, "job %s: it is examined again\n", online_text(job, "id"));
    return CTL_OK;
}

/* jobs ----------------------------------------------------------------------------------------- */

static void print_job(FILE *out, const json_t *job)
{
    const char *error = online_text(job, "error");
    fprintf(out, "%-8s %-6s %-9s %-9s %5lld  %s:", online_text(job, "id"), online_text(job, "kind"),
            online_text(job, "state"), online_text(job, "lane"), online_number(job, "attempts"),
            online_text(job, "connection"));
    ctl_put(out, online_text(job, "key"));
    fputc('\n', out);
    if (!*error)
        return;
    fputs("         ", out);
    ctl_put(out, error);
    fputc('\n', out);
}

int ctl_jobs(struct ctl_call *call)
{
    struct online online = {0};
    const char *state = NULL, *connection = NULL;
    uint64_t limit = 0;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"status", CTL_TEXT, &state, "STATUS", "queued, running, acting, waiting, failed"},
        {"connection", CTL_TEXT, &connection, "NAME", "of this connection"},
        {"limit", CTL_NUMBER, &limit, "N", "at most so many; 0 = all"},
        {"json", CTL_FLAG, &json, NULL, "one job a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_buf struct buf path = buf_new(16384);
    buf_puts(&path, "/api/v1/jobs");
    if (state) {
        buf_puts(&path, "?state=");
        online_escape(&path, state);
    }
    if (connection) {
        buf_puts(&path, state ? "&connection=" : "?connection=");
        online_escape(&path, connection);
    }
    const struct online_list list = {
        .online = &online,
        .path = buf_text(&path),
        .title = json ? NULL : "ID       KIND   STATE     LANE      TRIES  WHAT\n",
        .limit = limit,
        .json = json,
        .row = print_job};
    return online_list(call, &list);
}

int ctl_jobs_retry(struct ctl_call *call)
{
    struct online online = {0};
    const char *reason = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, &json, NULL, "the job as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    own_buf struct buf path = buf_new(1024);
    path_of(&path, "jobs", call->argv[0], "");
    const struct online_verb post = {"POST", "/retry", online_reason(reason)};
    own_json json_t *job = online_change(call, &online, buf_text(&path), &post);
    if (!job)
        return call->exit;
    if (json)
        return online_print(call, job);
    fprintf(call->out, "job %s is tried again: %s\n", online_text(job, "id"),
            online_text(job, "key"));
    return CTL_OK;
}
