/* audit list, verify. */
#include "ctl/ctl.h"
#include "ctl/online.h"

int ctl_audit_list(struct ctl_call *call)
{
    struct online online = {0};
    const char *item = NULL, *event = NULL, *actor = NULL;
    uint64_t limit = 100;
    bool json = false, oldest = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"item", CTL_TEXT, &item, "ID", "of this item"},
        {"event", CTL_TEXT, &event, "EVENT", "labelled, acting-stopped, token-created, ..."},
        {"actor", CTL_TEXT, &actor, "NAME", "what labeld, or whoever has that token, did"},
        {"oldest-first", CTL_FLAG, &oldest, NULL, "from the beginning of the record"},
        {"limit", CTL_NUMBER, &limit, "N", "at most so many (100); 0 = all"},
        {"json", CTL_FLAG, &json, NULL, "one record a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_buf struct buf path = buf_new(16384);
    buf_printf(&path, "/api/v1/audit?sort=%s", oldest ? "seq" : "-seq");
    const struct {
        const char *key, *value;
    } filters[] = {{"item", item}, {"event", event}, {"actor", actor}};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (!filters[i].value)
            continue;
        buf_printf(&path, "&%s=", filters[i].key);
        online_escape(&path, filters[i].value);
    }
    const struct online_list list = {.online = &online,
                                     .path = buf_text(&path),
                                     .limit = limit,
                                     .json = json,
                                     .row = online_record};
    return online_list(call, &list);
}

int ctl_audit_verify(struct ctl_call *call)
{
    struct online online = {0};
    const char *head = NULL;
    bool json = false;
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"head", CTL_TEXT, &head, "HASH", "a head noted earlier: that record must be there still"},
        {"json", CTL_FLAG, &json, NULL, "the answer as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_buf struct buf path = buf_new(1024);
    buf_puts(&path, "/api/v1/audit/verify");
    if (head) {
        buf_puts(&path, "?head=");
        online_escape(&path, head);
    }
    own_json json_t *answer = online_get(call, &online, buf_text(&path));
    if (!answer)
        return call->exit;
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (json)
        online_print(call, answer);
    else if (ok)
        fprintf(call->out, "%lld records are as they were written; the head is %s\n",
                online_number(answer, "records"), online_text(answer, "head"));
    else
        fprintf(call->out, "BROKEN: %s; the %lld records before it are as they were written\n",
                online_text(answer, "problem"), online_number(answer, "records"));
    return ok ? CTL_OK : CTL_NO;
}
