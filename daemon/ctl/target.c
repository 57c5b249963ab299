#include "ctl/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/own.h"

enum { token_max_bytes = 4096 };

static bool fail(struct ctl_call *call, enum ctl_exit code, const char *before, const char *what)
{
    call->exit = ctl_fail(call, code, "%s%s", before, what);
    return false;
}

static const char *given(const char *option, const char *variable)
{
    const char *value = option ? option : getenv(variable);
    return value && *value ? value : NULL;
}

/* The admin listener of a daemon on this machine, from its listen.json. */
static const char *local_server(struct arena *arena, const char *state, struct err *err)
{
    const char *path = arena_printf(arena, "%s/listen.json", state);
    size_t length = 0;
    own_free char *text = path ? io_read_file(path, token_max_bytes, &length, err) : NULL;
    own_json json_t *json = text ? json_parse(text, length, err) : NULL;
    const char *admin = json_string_value(json_object_get(json, "admin"));
    return admin ? arena_printf(arena, "http://%s", admin) : NULL;
}

static const char *read_token(struct arena *arena, const char *path, struct err *err)
{
    size_t length = 0;
    own_free char *text = io_read_file(path, token_max_bytes, &length, err);
    if (!text)
        return NULL;
    return arena_strndup(arena, text, strcspn(text, "\r\n"));
}

bool target_find(struct ctl_call *call, const struct online *online, struct target *target)
{
    struct err err = {0};
    const char *state = given(online->state, "LABELD_STATE");
    const char *token_file = given(online->token_file, "LABELD_TOKEN_FILE");
    target->arena = arena_new(64 * 1024);
    target->server = given(online->server, "LABELD_SERVER");
    if (!target->server && state)
        target->server = local_server(&target->arena, state, &err);
    if (!token_file && state)
        token_file = arena_printf(&target->arena, "%s/admin.token", state);
    if (!target->server)
        return fail(call, state ? CTL_UNREACHABLE : CTL_USAGE,
                    state ? "no daemon is running here: "
                          : "which daemon? give --server URL and --token-file FILE, or --state "
                            "DIR for one on this machine",
                    state ? err.text : "");
    target->token = token_file ? read_token(&target->arena, token_file, &err) : NULL;
    return target->token ||
           fail(call, CTL_USAGE, "the token: ", token_file ? err.text : "give --token-file FILE");
}

void target_fini(struct target *target)
{
    arena_fini(&target->arena);
}

struct curl_slist *target_headers(const struct target *target, const char *const *more,
                                  size_t count)
{
    own_buf struct buf header = buf_new(8192);
    buf_printf(&header, "Authorization: Bearer %s", target->token);
    struct curl_slist *list = header.failed ? NULL : curl_slist_append(NULL, buf_text(&header));
    for (size_t i = 0; list && i < count; i++) {
        struct curl_slist *longer = curl_slist_append(list, more[i]);
        if (!longer)
            curl_slist_free_all(list);
        list = longer;
    }
    return list;
}
