#include "ctl/answer.h"

#include "base/buf.h"

int answer_json(struct ctl_call *call, FILE *to, json_t *json)
{
    own_buf struct buf line = buf_new(1u << 20);
    bool ok = json && json_write(json, &line);
    json_decref(json);
    if (!ok)
        return ctl_fail(call, CTL_UNREADABLE, "out of memory");
    fprintf(to, "%s\n", buf_text(&line));
    return CTL_OK;
}

int answer_refusal(struct ctl_call *call, FILE *to, const char *path, bool json, const char *code,
                   const char *message)
{
    if (json)
        answer_json(call, to,
                    json_pack("{s:o, s:{s:s, s:s}}", "path", json_text(path), "error", "code", code,
                              "message", message));
    else
        ctl_fail(call, CTL_UNREADABLE, "%s: %s (%s)", path, message, code);
    return CTL_UNREADABLE;
}
