/* quarantine list, show, delete, undo. */
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/online.h"

/* list ----------------------------------------------------------------------------------------- */

static void print_names(FILE *out, const json_t *names)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        fputs(i ? ", " : "", out);
        ctl_put(out, json_string_value(name));
    }
}

static void print_row(FILE *out, const json_t *entry)
{
    const char *alert = online_text(entry, "alert");
    fprintf(out, "%-5s %-9s %-6s %-16s %s  %s:", online_text(entry, "id"),
            online_text(entry, "state"), *alert ? alert : "-", online_text(entry, "exposure"),
            online_text(entry, "created"), online_text(entry, "connection"));
    ctl_put(out, online_text(entry, "path"));
    fputs("  (", out);
    print_names(out, json_object_get(entry, "rules"));
    fputs(")\n", out);
    if (*online_text(entry, "error")) {
        fputs("      ", out);
        ctl_put(out, online_text(entry, "error"));
        fputc('\n', out);
    }
}

int ctl_quarantine_list(struct ctl_call *call)
{
    struct online online = {0};
    bool json = false;
    uint64_t limit = 0;
    const char *values[8] = {0};
    static const char *const names[] = {"state", "kind", "connection", "exposure_min",
                                        "owner", "path", "rule",       "sort"};
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"entry-state", CTL_TEXT, &values[0], "STATE", "removed, releasing, released, deleted, …"},
        {"kind", CTL_TEXT, &values[1], "KIND", "quarantine (default) or encrypt"},
        {"connection", CTL_TEXT, &values[2], "NAME", "of this connection"},
        {"exposure-min", CTL_TEXT, &values[3], "STEP", "that at least so many could reach"},
        {"owner", CTL_TEXT, &values[4], "NAME", "of this owner"},
        {"path", CTL_TEXT, &values[5], "TEXT", "from this path; with / at the end all below it"},
        {"rule", CTL_TEXT, &values[6], "NAME", "that this rule took away"},
        {"sort", CTL_TEXT, &values[7], "KEY",
         "rank (default): alert level, exposure, the oldest first; -id: the newest first"},
        {"limit", CTL_NUMBER, &limit, "N", "at most so many"},
        {"json", CTL_FLAG, &json, NULL, "one entry a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_buf struct buf path = buf_new(16384);
    buf_puts(&path, "/api/v1/quarantine");
    values[7] = values[7] ? values[7] : "rank";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (values[i]) {
            buf_printf(&path, "%c%s=", strchr(buf_text(&path), '?') ? '&' : '?', names[i]);
            online_escape(&path, values[i]);
        }
    struct online_list list = {
        .online = &online, .path = buf_text(&path), .limit = limit, .json = json};
    if (!json)
        list.title = "ID    STATE     ALERT  EXPOSURE         TAKEN AWAY            FILE (RULES)\n";
    list.row = print_row;
    return online_list(call, &list);
}

/* show ----------------------------------------------------------------------------------------- */

static void print_line(FILE *out, const char *title, const char *text)
{
    if (!*text)
        return;
    fprintf(out, "%-12s", title);
    ctl_put(out, text);
    fputc('\n', out);
}

static void print_list(FILE *out, const char *title, const json_t *names)
{
    if (json_array_size(names) == 0)
        return;
    fprintf(out, "%-12s", title);
    print_names(out, names);
    fputc('\n', out);
}

static void print_findings(FILE *out, const json_t *findings)
{
    size_t i;
    json_t *row;
    json_array_foreach(findings, i, row) fprintf(
        out, "%-12s%s, %s: %lld (%lld different)\n", i ? "" : "found", online_text(row, "type"),
        online_text(row, "confidence"), online_number(row, "count"), online_number(row, "unique"));
}

static void print_captured(FILE *out, const json_t *captured)
{
    const char *key;
    json_t *value;
    bool first = true;
    json_object_foreach((json_t *)(uintptr_t)captured, key, value)
    {
        if (json_is_array(value) && json_array_size(value) == 0)
            continue;
        fprintf(out, "%-12s%s ", first ? "gives back" : "", key);
        first = false;
        if (json_is_integer(value))
            fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_string(value))
            ctl_put(out, json_string_value(value));
        else if (json_is_string(json_array_get(value, 0)))
            print_names(out, value);
        else
            fprintf(out, "%zu parts", json_array_size(value));
        fputc('\n', out);
    }
}

static void print_result(FILE *out, const json_t *result)
{
    size_t i;
    json_t *row;
    print_list(out, "restored", json_object_get(result, "restored"));
    json_array_foreach(json_object_get(result, "lost"), i, row)
    {
        fprintf(out, "%-12s%s: ", i ? "" : "lost", online_text(row, "what"));
        ctl_put(out, online_text(row, "why"));
        fputc('\n', out);
    }
    if (*online_text(result, "suggestion")) {
        fprintf(out, "%-12slabelctl quarantine release … --as \"/", "try");
        ctl_put(out, online_text(result, "suggestion"));
        fputs("\"\n", out);
    }
}

static void print_entry(FILE *out, const json_t *entry)
{
    fprintf(out, "%-12s%s: %s, version %lld\n", online_text(entry, "kind"),
            online_text(entry, "id"), online_text(entry, "state"), online_number(entry, "version"));
    fprintf(out, "%-12s%s:", "file", online_text(entry, "connection"));
    ctl_put(out, online_text(entry, "path"));
    fprintf(out, "\n%-12s%lld bytes, %s, %s; %lld bytes sealed\n", "", online_number(entry, "size"),
            online_text(entry, "format"), online_text(entry, "status"),
            online_number(entry, "sealed_size"));
    print_line(out, "owner", online_text(entry, "owner"));
    print_list(out, "rules", json_object_get(entry, "rules"));
    print_line(out, "alert", online_text(entry, "alert"));
    print_findings(out, json_object_get(entry, "findings"));
    print_line(out, "exposure", online_text(entry, "exposure"));
    print_list(out, "shared with", json_object_get(entry, "shared_with"));
    print_line(out, "message", online_text(entry, "message"));
    print_line(out, "taken away", online_text(entry, "created"));
    print_line(out, "changed", online_text(entry, "changed"));
    print_line(out, "not before", online_text(entry, "due"));
    print_line(out, "asked by", online_text(entry, "asked_by"));
    print_line(out, "because", online_text(entry, "asked_why"));
    print_line(out, "error", online_text(entry, "error"));
    print_result(out, json_object_get(entry, "result"));
    print_captured(out, json_object_get(entry, "captured"));
    print_list(out, "sealed to", json_object_get(entry, "recipients"));
}

static void put_path(struct buf *path, const char *id, const char *verb)
{
    buf_puts(path, "/api/v1/quarantine/");
    online_escape(path, id);
    buf_puts(path, verb);
}

int ctl_quarantine_show(struct ctl_call *call)
{
    struct online online = {0};
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"json", CTL_FLAG, &json, NULL, "the entry as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    own_buf struct buf path = buf_new(1024);
    put_path(&path, call->argv[0], "");
    own_json json_t *entry = online_get(call, &online, buf_text(&path));
    if (!entry)
        return call->exit;
    if (json)
        return online_print(call, entry);
    print_entry(call->out, entry);
    return CTL_OK;
}

/* delete, undo --------------------------------------------------------------------------------- */

static json_t *send_verb(struct ctl_call *call, struct online *online, const char *verb,
                         json_t *body)
{
    own_buf struct buf get = buf_new(1024), post = buf_new(1024);
    put_path(&get, call->argv[0], "");
    put_path(&post, call->argv[0], verb);
    own_json json_t *entry = online_get(call, online, buf_text(&get));
    if (!entry) {
        json_decref(body);
        return NULL;
    }
    online->version = online_number(entry, "version");
    return online_send(call, online, "POST", buf_text(&post), body);
}

static int print_state(struct ctl_call *call, const json_t *entry, bool json)
{
    if (json)
        return online_print(call, entry);
    fprintf(call->out, "%s: %s", online_text(entry, "id"), online_text(entry, "state"));
    if (*online_text(entry, "due"))
        fprintf(call->out, ", not before %s: labelctl quarantine undo %s",
                online_text(entry, "due"), online_text(entry, "id"));
    fputc('\n', call->out);
    return CTL_OK;
}

int ctl_quarantine_delete(struct ctl_call *call)
{
    struct online online = {0};
    const char *reason = NULL;
    uint64_t undo_for = 0;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"undo-for", CTL_NUMBER, &undo_for, "SECONDS", "wait so long; undo takes it back"},
        {"json", CTL_FLAG, &json, NULL, "the answer as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    json_t *body = online_reason(reason);
    if (undo_for)
        json_object_set_new(body, "undo_for", json_integer((json_int_t)undo_for));
    own_json json_t *entry =
        send_verb(call, &online, undo_for ? "/delete" : "/delete?wait=30", body);
    return entry ? print_state(call, entry, json) : call->exit;
}

int ctl_quarantine_undo(struct ctl_call *call)
{
    struct online online = {0};
    const char *reason = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, &json, NULL, "the answer as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    own_json json_t *entry = send_verb(call, &online, "/undo", online_reason(reason));
    return entry ? print_state(call, entry, json) : call->exit;
}
