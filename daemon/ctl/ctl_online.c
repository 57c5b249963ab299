#include "ctl/ctl.h"

#include <string.h>

#include "ctl/online.h"

/* status ------------------------------------------------------------------------------------- */

static void print_counts(FILE *out, const char *title, const json_t *counts)
{
    const char *word;
    json_t *count;
    bool first = true;
    fprintf(out, "%-12s", title);
    json_object_foreach((json_t *)counts, word, count)
    {
        if (json_integer_value(count) == 0)
            continue;
        fprintf(out, "%s%" JSON_INTEGER_FORMAT " %s", first ? "" : ", ", json_integer_value(count),
                word);
        first = false;
    }
    fputs(first ? "none\n" : "\n", out);
}

static void print_connection(FILE *out, const json_t *connection)
{
    const json_t *walk = json_object_get(connection, "walk");
    fprintf(out, "connection  %s (%s): %s", online_text(connection, "name"),
            online_text(connection, "kind"), online_text(connection, "state"));
    if (*online_text(walk, "state"))
        fprintf(out, "; walk %s, %lld files seen", online_text(walk, "state"),
                online_number(walk, "seen"));
    fputc('\n', out);
    online_hold(out, "            paused", json_object_get(connection, "paused"));
    if (*online_text(connection, "notes"))
        fprintf(out, "            %s\n", online_text(connection, "notes"));
}

static void print_acting(FILE *out, const json_t *acting)
{
    if (json_is_true(json_object_get(acting, "acting")))
        return;
    online_hold(out, "ACTING      STOPPED", acting);
    fprintf(out, "            %lld files wait for it\n", online_number(acting, "stopped_items"));
}

static void print_brakes(FILE *out, const json_t *brakes)
{
    size_t index;
    json_t *brake;
    json_array_foreach(brakes, index, brake)
    {
        const char *state = online_text(brake, "state");
        bool running = strcmp(online_text(brake, "when"), "running") == 0;
        fprintf(out, "%-11s \"", strcmp(state, "held") == 0 ? "HELD" : state);
        ctl_put(out, online_text(brake, "rule"));
        if (strcmp(state, "approved") == 0)
            fprintf(out, "\" for %lld more files\n", online_number(brake, "left"));
        else
            fprintf(out, "\" %s %lld files; it only simulates (labelctl rules approve)\n",
                    running ? "has hurt" : "would change", online_number(brake, "items"));
    }
}

static void print_rules(FILE *out, const json_t *rules)
{
    const char *file = online_text(rules, "file"), *now = online_text(rules, "file_revision");
    fprintf(out, "rules       revision %lld (%.12s) since %s, by %s from %s\n",
            online_number(rules, "number"), online_text(rules, "revision"),
            online_text(rules, "since"), online_text(rules, "author"),
            online_text(rules, "origin"));
    if (json_is_true(json_object_get(rules, "file_differs")))
        fprintf(out, "            not what stands in %s (%.12s)\n", file,
                *now ? now : "cannot be read");
    if (*online_text(rules, "problem"))
        fprintf(out, "            %s\n", online_text(rules, "problem"));
    if (json_is_false(json_object_get(rules, "applied")))
        fputs("            being decided over the catalogue before they act\n", out);
    if (json_is_object(json_object_get(rules, "deciding")))
        fprintf(out, "            stored reports are decided again: %lld %%\n",
                online_number(json_object_get(rules, "deciding"), "percent"));
    print_brakes(out, json_object_get(rules, "brakes"));
}

static void print_webhooks(FILE *out, const json_t *webhooks)
{
    const char *code;
    json_t *count;
    if (online_number(webhooks, "doors") == 0)
        return;
    fprintf(out, "webhooks    %lld accepted, %lld repeated", online_number(webhooks, "accepted"),
            online_number(webhooks, "repeated"));
    json_object_foreach(json_object_get(webhooks, "refused"), code, count)
    {
        fprintf(out, ", %" JSON_INTEGER_FORMAT " refused with %s", json_integer_value(count), code);
    }
    fputc('\n', out);
}

static void print_alerts(FILE *out, const json_t *open)
{
    long long high = online_number(open, "high"), all = high + online_number(open, "medium");
    all += online_number(open, "low");
    if (all > 0)
        fprintf(out, "alerts      %lld open, %lld of them high\n", all, high);
}

static void print_notifications(FILE *out, const json_t *told)
{
    size_t index;
    json_t *target;
    json_array_foreach(json_object_get(told, "targets"), index, target)
    {
        const char *error = online_text(target, "error");
        fprintf(out, "notify      %s: %lld waiting", online_text(target, "name"),
                online_number(target, "waiting"));
        if (*online_text(target, "oldest"))
            fprintf(out, " since %s", online_text(target, "oldest"));
        if (online_number(target, "given_up"))
            fprintf(out, ", %lld GIVEN UP", online_number(target, "given_up"));
        fputs(*error ? ": " : "", out);
        ctl_put(out, error);
        fputc('\n', out);
    }
}

static void print_quarantine(FILE *out, const json_t *numbers)
{
    fprintf(out, "quarantine  %lld quarantined, %lld under way, %lld waiting; %lld bytes sealed\n",
            online_number(numbers, "quarantined"), online_number(numbers, "under_way"),
            online_number(numbers, "waiting"), online_number(numbers, "vault_bytes"));
    if (online_number(numbers, "refused"))
        fprintf(out, "            %lld releases were refused: labelctl quarantine list\n",
                online_number(numbers, "refused"));
}

static void print_status(FILE *out, const json_t *status)
{
    const json_t *sandbox = json_object_get(status, "sandbox");
    const json_t *audit = json_object_get(status, "audit");
    size_t index;
    json_t *value;
    fprintf(out, "labeld %s, up since %s\n", online_text(status, "version"),
            online_text(status, "started"));
    print_acting(out, json_object_get(status, "acting"));
    print_counts(out, "items", json_object_get(json_object_get(status, "items"), "by_status"));
    print_counts(out, "jobs", json_object_get(status, "jobs"));
    print_quarantine(out, json_object_get(status, "quarantine"));
    json_array_foreach(json_object_get(status, "connections"), index, value)
        print_connection(out, value);
    print_webhooks(out, json_object_get(status, "webhooks"));
    print_rules(out, json_object_get(status, "rules"));
    print_alerts(out, json_object_get(json_object_get(status, "alerts"), "open"));
    print_notifications(out, json_object_get(status, "notifications"));
    fprintf(out, "sandbox     %s, Landlock %lld, %lld types\n",
            json_is_true(json_object_get(sandbox, "seccomp")) ? "seccomp" : "NO SECCOMP (relaxed)",
            online_number(sandbox, "landlock"), online_number(sandbox, "types"));
    fprintf(out, "audit       %lld records, head %.16s\n", online_number(audit, "seq"),
            online_text(audit, "head"));
    json_array_foreach(json_object_get(status, "notes"), index, value)
        fprintf(out, "note        %s\n", json_string_value(value));
}

int ctl_status(struct ctl_call *call)
{
    struct online online = {0};
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"json", CTL_FLAG, &json, NULL, "the answer as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_json json_t *status = online_get(call, &online, "/api/v1/status");
    if (!status)
        return call->exit;
    if (json)
        return online_print(call, status);
    print_status(call->out, status);
    return CTL_OK;
}

/* items -------------------------------------------------------------------------------------- */

struct filters {
    const char *type, *confidence, *label, *exposure, *exposure_min, *owner, *path, *status;
    const char *connection, *rule, *rule_state, *tag, *sort;
    uint64_t limit;
};

/* Append key=value. */
static void add_filter(struct buf *path, const char *key, const char *value)
{
    if (!value)
        return;
    buf_printf(path, "%c%s=", strchr(buf_text(path), '?') ? '&' : '?', key);
    online_escape(path, value);
}

static void add_filters(struct buf *path, const struct filters *filters)
{
    add_filter(path, "type", filters->type);
    add_filter(path, "confidence", filters->confidence);
    add_filter(path, "label", filters->label);
    add_filter(path, "exposure", filters->exposure);
    add_filter(path, "exposure_min", filters->exposure_min);
    add_filter(path, "owner", filters->owner);
    add_filter(path, "path", filters->path);
    add_filter(path, "status", filters->status);
    add_filter(path, "connection", filters->connection);
    add_filter(path, "rule", filters->rule);
    add_filter(path, "rule_state", filters->rule_state);
    add_filter(path, "tag", filters->tag);
    add_filter(path, "sort", filters->sort);
}

static void print_item(FILE *out, const json_t *item)
{
    const json_t *findings = json_object_get(item, "findings");
    size_t index;
    json_t *row;
    const char *label = online_text(item, "label");
    ctl_put(out, online_text(item, "path"));
    fprintf(out, "  %s, %s, %s, %s", online_text(item, "format"), online_text(item, "status"),
            online_text(item, "exposure"), *label ? label : "no label");
    json_array_foreach(findings, index, row)
        fprintf(out, "%s%s %lld", index ? ", " : "; ", online_text(row, "type"),
                online_number(row, "unique"));
    if (*online_text(item, "outcome") && strcmp(online_text(item, "outcome"), "none") != 0)
        fprintf(out, "; %s%s%s%s", online_text(item, "outcome"),
                *online_text(item, "code") ? " (" : "", online_text(item, "code"),
                *online_text(item, "code") ? ")" : "");
    if (*online_text(item, "entry"))
        fprintf(out, "; entry %s", online_text(item, "entry"));
    fputc('\n', out);
}

int ctl_items(struct ctl_call *call)
{
    struct online online = {0};
    struct filters filters = {0};
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"type", CTL_TEXT, &filters.type, "TYPE", "with findings of this type"},
        {"confidence", CTL_TEXT, &filters.confidence, "LEVEL", "at least: low, medium, high"},
        {"label", CTL_TEXT, &filters.label, "NAME", "with this label; none = without"},
        {"exposure", CTL_TEXT, &filters.exposure, "STEP", "exactly this exposure"},
        {"exposure-min", CTL_TEXT, &filters.exposure_min, "STEP", "at least this exposure"},
        {"owner", CTL_TEXT, &filters.owner, "NAME", "of this owner"},
        {"path", CTL_TEXT, &filters.path, "TEXT", "this path; with / at the end all below it"},
        {"status", CTL_TEXT, &filters.status, "STATUS", "ok, partial, encrypted, corrupt, ..."},
        {"connection", CTL_TEXT, &filters.connection, "NAME", "of this connection"},
        {"rule", CTL_TEXT, &filters.rule, "NAME", "that this rule matched"},
        {"rule-state", CTL_TEXT, &filters.rule_state, "STATE", "matched, undecided, excepted"},
        {"tag", CTL_TEXT, &filters.tag, "WORD", "with this tag"},
        {"sort", CTL_TEXT, &filters.sort, "KEY", "path (default) or examined; -KEY for descending"},
        {"limit", CTL_NUMBER, &filters.limit, "N", "at most so many"},
        {"json", CTL_FLAG, &json, NULL, "one item a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_buf struct buf path = buf_new(16384);
    buf_puts(&path, "/api/v1/items");
    add_filters(&path, &filters);
    const struct online_list list = {.online = &online,
                                     .path = buf_text(&path),
                                     .limit = filters.limit,
                                     .json = json,
                                     .row = print_item};
    return online_list(call, &list);
}
