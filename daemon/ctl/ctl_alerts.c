/* What a person should look at. */
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/online.h"

static void add_filter(struct buf *path, const char *key, const char *value)
{
    buf_printf(path, "%c%s=", strchr(buf_text(path), '?') ? '&' : '?', key);
    online_escape(path, value);
}

static void add_filters(struct buf *path, const char *key, const struct ctl_list *values)
{
    for (size_t i = 0; i < values->count; i++)
        add_filter(path, key, values->items[i]);
}

/* "17  high  open since 2026-03-01T09:30:00Z  team/a.docx: Card numbers" */
static void print_alert(FILE *out, const json_t *alert)
{
    const json_t *closed = json_object_get(alert, "closed_by");
    const char *path = online_text(alert, "path"), *message = online_text(alert, "message");
    fprintf(out, "%-6s %-6s %s since %s  ", online_text(alert, "id"), online_text(alert, "level"),
            online_text(alert, "state"), online_text(alert, "since"));
    ctl_put(out, online_text(alert, "connection"));
    ctl_put(out, path);
    fputs(*path ? ": " : "", out);
    ctl_put(out, online_text(alert, *path ? "rule" : "about"));
    fputc('\n', out);
    if (*message) {
        fputs("       ", out);
        ctl_put(out, message);
        fputc('\n', out);
    }
    if (!json_is_object(closed))
        return;
    fprintf(out, "       closed %s by ", online_text(alert, "closed"));
    ctl_put(out, online_text(closed, "name"));
    fputs(": ", out);
    ctl_put(out, online_text(closed, "reason"));
    fputc('\n', out);
}

int ctl_alerts(struct ctl_call *call)
{
    struct online online = {0};
    struct ctl_list levels = {0}, rules = {0}, connections = {0};
    uint64_t limit = 0;
    bool json = false, closed = false, all = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"level", CTL_LIST, &levels, "LEVEL", "low, medium, high; several times"},
        {"rule", CTL_LIST, &rules, "NAME", "of this rule; several times"},
        {"connection", CTL_LIST, &connections, "NAME", "of this connection; several times"},
        {"closed", CTL_FLAG, &closed, NULL, "those that are closed, not those that are open"},
        {"all", CTL_FLAG, &all, NULL, "both"},
        {"limit", CTL_NUMBER, &limit, "N", "at most so many; 0 = all"},
        {"json", CTL_FLAG, &json, NULL, "one alert a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_buf struct buf path = buf_new(32768);
    buf_puts(&path, "/api/v1/alerts");
    if (!all)
        add_filter(&path, "state", closed ? "closed" : "open");
    add_filters(&path, "level", &levels);
    add_filters(&path, "rule", &rules);
    add_filters(&path, "connection", &connections);
    const struct online_list list = {&online, buf_text(&path), NULL, limit, json, print_alert};
    return online_list(call, &list);
}

int ctl_alerts_close(struct ctl_call *call)
{
    struct online online = {0};
    const char *reason = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record; needed"},
        {"json", CTL_FLAG, &json, NULL, "the alert as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    if (!reason)
        return ctl_fail(call, CTL_USAGE, "say why: --reason TEXT");
    own_buf struct buf path = buf_new(4096);
    buf_puts(&path, "/api/v1/alerts/");
    online_escape(&path, call->argv[0]);
    own_json json_t *seen = online_get(call, &online, buf_text(&path));
    if (!seen)
        return call->exit;
    online.version = online_number(seen, "version");
    buf_puts(&path, "/close");
    own_json json_t *closed =
        online_send(call, &online, "POST", buf_text(&path), online_reason(reason));
    if (!closed)
        return call->exit;
    if (json)
        return online_print(call, closed);
    print_alert(call->out, closed);
    return CTL_OK;
}
