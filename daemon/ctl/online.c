#include "ctl/online.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/own.h"

enum { answer_max_bytes = 16 << 20, token_max_bytes = 4096, time_limit_s = 60 };

/* Where to ask, and the secret to show. */
struct target {
    struct arena arena;
    const char *server;
    const char *token;
};

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

static bool find_target(struct ctl_call *call, const struct online *online, struct target *target)
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

static size_t take(char *bytes, size_t size, size_t count, void *answer)
{
    return buf_append(answer, bytes, size * count) ? size * count : 0;
}

/* The answer's status code; 0 after a message. */
static long ask(struct ctl_call *call, const struct target *target, const char *path,
                struct buf *answer)
{
    long code = 0;
    own_buf struct buf url = buf_new(8192), header = buf_new(8192);
    buf_printf(&url, "%s%s", target->server, path);
    buf_printf(&header, "Authorization: Bearer %s", target->token);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl ? curl_slist_append(NULL, buf_text(&header)) : NULL;
    if (!headers || url.failed || header.failed) {
        fail(call, CTL_UNREACHABLE, "out of memory", "");
        curl_easy_cleanup(curl);
        return 0;
    }
    curl_easy_setopt(curl, CURLOPT_URL, buf_text(&url));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)time_limit_s);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode failed = curl_easy_perform(curl);
    if (failed)
        call->exit = ctl_fail(call, CTL_UNREACHABLE, "the daemon at %s cannot be reached: %s",
                              target->server, curl_easy_strerror(failed));
    else
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

json_t *online_get(struct ctl_call *call, const struct online *online, const char *path)
{
    struct target target = {0};
    struct err err = {0};
    json_t *json = NULL;
    own_buf struct buf answer = buf_new(answer_max_bytes);
    long code = find_target(call, online, &target) ? ask(call, &target, path, &answer) : 0;
    if (code)
        json = json_parse(buf_text(&answer), answer.length, &err);
    if (code && code != 200) {
        const char *detail = json_string_value(json_object_get(json, "detail"));
        const char *title = json_string_value(json_object_get(json, "title"));
        fail(call, CTL_UNREACHABLE, "the daemon refused: ",
             detail  ? detail
             : title ? title
                     : "no reason given");
        json_decref(json);
        json = NULL;
    } else if (code && !json) {
        fail(call, CTL_UNREACHABLE, "the daemon's answer: ", err.text);
    }
    arena_fini(&target.arena);
    return json;
}
