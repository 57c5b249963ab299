/* token create, list, revoke. */
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/online.h"

int ctl_token_create(struct ctl_call *call)
{
    struct online online = {0};
    const char *name = NULL, *role = NULL, *reason = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"name", CTL_TEXT, &name, "NAME", "what the record calls whoever shows it"},
        {"role", CTL_TEXT, &role, "ROLE", "viewer, compliance, reviewer or admin"},
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, &json, NULL, "the answer as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    if (!name || !role)
        return ctl_fail(call, CTL_USAGE, "for whom, as what? --name NAME --role ROLE");
    json_t *body = online_reason(reason);
    json_object_set_new(body, "name", json_text(name));
    json_object_set_new(body, "role", json_text(role));
    own_json json_t *made = online_send(call, &online, "POST", "/api/v1/tokens", body);
    if (!made)
        return call->exit;
    if (json)
        return online_print(call, made);
    fprintf(call->out, "%s\n", online_text(made, "token"));
    fprintf(call->err, "labelctl: token %s for %s (%s); it is shown this once\n",
            online_text(made, "id"), name, role);
    return CTL_OK;
}

static void print_row(FILE *out, const json_t *token)
{
    const char *used = online_text(token, "used");
    fprintf(out, "%-5s %-11s %-21s %-21s ", online_text(token, "id"), online_text(token, "role"),
            online_text(token, "created"), *used ? used : "never");
    ctl_put(out, online_text(token, "name"));
    fputc('\n', out);
}

int ctl_token_list(struct ctl_call *call)
{
    struct online online = {0};
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"json", CTL_FLAG, &json, NULL, "one token a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    struct online_list list = {.online = &online, .path = "/api/v1/tokens", .json = json};
    if (!json)
        list.title = "ID    ROLE        CREATED               USED                  NAME\n";
    list.row = print_row;
    return online_list(call, &list);
}

int ctl_token_revoke(struct ctl_call *call)
{
    struct online online = {0};
    const char *reason = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"reason", CTL_TEXT, &reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, &json, NULL, "the token that was revoked, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    own_buf struct buf path = buf_new(1024);
    buf_puts(&path, "/api/v1/tokens/");
    online_escape(&path, call->argv[0]);
    online.version = ONLINE_ANY_VERSION; /* a token that leaked must end, whoever was quicker */
    own_json json_t *gone =
        online_send(call, &online, "DELETE", buf_text(&path), online_reason(reason));
    if (!gone)
        return call->exit;
    if (json)
        return online_print(call, gone);
    fprintf(call->out, "token %s is revoked: ", online_text(gone, "id"));
    ctl_put(call->out, online_text(gone, "name"));
    fprintf(call->out, " (%s)\n", online_text(gone, "role"));
    return CTL_OK;
}
