/* What people stop, pause and start: connections, and all acting. */
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/online.h"

/* connections -------------------------------------------------------------------------------- */

static void print_row(FILE *out, const json_t *connection)
{
    char seen[32];
    const json_t *walk = json_object_get(connection, "walk");
    const char *state = online_text(walk, "state");
    snprintf(seen, sizeof seen, "%lld", online_number(walk, "seen"));
    fprintf(out, "%-16s %-10s %-9s %-8s %9s  %s\n", online_text(connection, "name"),
            online_text(connection, "kind"), online_text(connection, "state"), *state ? state : "-",
            seen, *state ? online_text(walk, "started") : "");
    online_hold(out, "  paused", json_object_get(connection, "paused"));
    if (*online_text(connection, "notes"))
        fprintf(out, "  %s\n", online_text(connection, "notes"));
}

int ctl_connections_list(struct ctl_call *call)
{
    struct online online = {0};
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"json", CTL_FLAG, &json, NULL, "one connection a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_json json_t *page = online_get(call, &online, "/api/v1/connections");
    if (!page)
        return call->exit;
    size_t index;
    json_t *one;
    if (!json)
        fprintf(call->out, "%-16s %-10s %-9s %-8s %9s  %s\n", "NAME", "KIND", "STATE", "WALK",
                "SEEN", "STARTED");
    json_array_foreach(json_object_get(page, "items"), index, one)
    {
        if (json)
            online_print(call, one);
        else
            print_row(call->out, one);
    }
    return CTL_OK;
}

/* POST connections/NAME with "/VERB" after it; NULL: return call->exit. */
static json_t *steer(struct ctl_call *call, const char *verb, bool *json)
{
    struct online online = {0};
    const char *reason = NULL;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, json, NULL, "the connection as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return NULL;
    own_buf struct buf path = buf_new(16384);
    buf_puts(&path, "/api/v1/connections/");
    online_escape(&path, call->argv[0]);
    const struct online_verb post = {"POST", verb, online_reason(reason)};
    return online_change(call, &online, buf_text(&path), &post);
}

int ctl_connections_scan(struct ctl_call *call)
{
    bool json = false;
    own_json json_t *one = steer(call, "/scan", &json);
    if (!one)
        return call->exit;
    if (json)
        return online_print(call, one);
    const char *state = online_text(one, "scan");
    fprintf(call->out, "%s: %s\n", online_text(one, "name"),
            strcmp(state, "running") == 0   ? "a walk is under way; it goes on"
            : strcmp(state, "waiting") == 0 ? "paused: the walk begins when it is resumed"
                                            : "the walk begins now");
    return CTL_OK;
}

static int print_state(struct ctl_call *call, const json_t *one, bool json)
{
    const json_t *jobs = json_object_get(one, "jobs"), *paused = json_object_get(one, "paused");
    if (json)
        return online_print(call, one);
    fprintf(call->out, "%s: %s; %lld jobs queued, %lld running\n", online_text(one, "name"),
            online_text(one, "state"),
            online_number(jobs, "queued") + online_number(jobs, "backfill"),
            online_number(jobs, "running"));
    online_hold(call->out, "  paused", paused);
    return CTL_OK;
}

int ctl_connections_pause(struct ctl_call *call)
{
    bool json = false;
    own_json json_t *one = steer(call, "/pause", &json);
    return one ? print_state(call, one, json) : call->exit;
}

int ctl_connections_resume(struct ctl_call *call)
{
    bool json = false;
    own_json json_t *one = steer(call, "/resume", &json);
    return one ? print_state(call, one, json) : call->exit;
}

/* acting ------------------------------------------------------------------------------------- */

static int set_acting(struct ctl_call *call, bool acting)
{
    struct online online = {0};
    const char *reason = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, &json, NULL, "the answer as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    json_t *body = online_reason(reason);
    json_object_set_new(body, "acting", json_boolean(acting));
    const struct online_verb put = {"PUT", "", body};
    online.version = ONLINE_ANY_VERSION;
    online.quiet = acting;
    own_json json_t *now = acting ? online_change(call, &online, "/api/v1/acting", &put)
                                  : online_send(call, &online, "PUT", "/api/v1/acting", body);
    if (!now)
        return call->exit;
    if (json)
        return online_print(call, now);
    if (acting)
        fprintf(call->out, "acting goes on; %lld files that waited are decided again\n",
                online_number(now, "stopped_items"));
    else
        online_hold(call->out, "acting is stopped", now);
    return CTL_OK;
}

int ctl_stop_acting(struct ctl_call *call)
{
    return set_acting(call, false);
}

int ctl_resume_acting(struct ctl_call *call)
{
    return set_acting(call, true);
}
