#include "ctl/online.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "base/own.h"
#include "ctl/target.h"

enum { answer_max_bytes = 64 << 20, time_limit_s = 60, page_most = 500 };

static bool fail(struct ctl_call *call, enum ctl_exit code, const char *before, const char *what)
{
    call->exit = ctl_fail(call, code, "%s%s", before, what);
    return false;
}

/* One question, and what its answer's headers said. */
struct asking {
    const char *method, *path;
    struct buf body, answer;
    long long version;
    int fd; /* where the body of a success goes; -1 = into `answer` */
    CURL *curl;
    char stopped[64]; /* since when all acting is stopped; "" = it is not */
};

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    long code = 0;
    struct asking *asking = context;
    curl_easy_getinfo(asking->curl, CURLINFO_RESPONSE_CODE, &code);
    bool ok = asking->fd >= 0 && code == 200 ? io_write(asking->fd, bytes, size * count)
                                             : buf_append(&asking->answer, bytes, size * count);
    return ok ? size * count : 0;
}

/* "Labeld-Acting: stopped; since=2026-03-01T09:30:00Z" */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char name[] = "labeld-acting: stopped; since=";
    struct asking *asking = context;
    size_t length = size * count, start = sizeof name - 1;
    if (length > start && strncasecmp(bytes, name, start) == 0)
        snprintf(asking->stopped, sizeof asking->stopped, "%.*s",
                 (int)strcspn(bytes + start, "\r\n"), bytes + start);
    return length;
}

static void set_options(CURL *curl, struct asking *asking, struct curl_slist *headers)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, asking->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, asking);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, asking);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)time_limit_s);
    if (asking->fd < 0)
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)time_limit_s);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (strcmp(asking->method, "GET") == 0)
        return;
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_text(&asking->body));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)asking->body.length);
}

/* The answer's status code; 0 after a message. */
static long ask(struct ctl_call *call, const struct target *target, struct asking *asking)
{
    long code = 0;
    own_buf struct buf url = buf_new(32768);
    buf_printf(&url, "%s%s", target->server, asking->path);
    char match[48];
    if (asking->version == ONLINE_ANY_VERSION)
        snprintf(match, sizeof match, "If-Match: *");
    else
        snprintf(match, sizeof match, "If-Match: \"%lld\"", asking->version);
    const char *const more[] = {"Content-Type: application/json", match};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = target_headers(target, more, asking->version ? 2 : 1);
    if (!curl || !headers || url.failed || asking->body.failed) {
        fail(call, CTL_UNREACHABLE, "out of memory", "");
    } else {
        asking->curl = curl;
        curl_easy_setopt(curl, CURLOPT_URL, buf_text(&url));
        set_options(curl, asking, headers);
        CURLcode failed = curl_easy_perform(curl);
        if (failed)
            call->exit = ctl_fail(call, CTL_UNREACHABLE, "the daemon at %s cannot be reached: %s",
                                  target->server, curl_easy_strerror(failed));
        else
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

int online_refused(struct ctl_call *call, const json_t *problem)
{
    const char *detail = online_text(problem, "detail"), *title = online_text(problem, "title");
    fail(call, CTL_UNREACHABLE, "the daemon refused: ",
         *detail  ? detail
         : *title ? title
                  : "no reason given");
    return CTL_UNREACHABLE;
}

static bool is_success(long code)
{
    return code >= 200 && code <= 299;
}

/* Ask; the answer as JSON, NULL after a message. With asking->fd: NULL after a success too. */
static json_t *send_asking(struct ctl_call *call, const struct online *online,
                           struct asking *asking, json_t *body, long *code)
{
    struct target target = {0};
    struct err err = {0};
    json_t *json = NULL;
    asking->body = buf_new(answer_max_bytes);
    asking->answer = buf_new(answer_max_bytes);
    asking->version = online->version;
    if (body)
        json_write(body, &asking->body);
    *code = target_find(call, online, &target) ? ask(call, &target, asking) : 0;
    bool fetched = asking->fd >= 0 && *code == 200;
    if (*code && !fetched)
        json = json_parse(buf_text(&asking->answer), asking->answer.length, &err);
    if (*asking->stopped && !online->quiet)
        fprintf(call->err,
                "labelctl: acting is stopped since %s: nothing is carried out until "
                "labelctl resume-acting\n",
                asking->stopped);
    if (is_success(*code) && !json && !fetched)
        fail(call, CTL_UNREACHABLE, "the daemon's answer: ", err.text);
    else if (*code && !json && !fetched)
        online_refused(call, NULL);
    json_decref(body);
    buf_fini(&asking->body);
    buf_fini(&asking->answer);
    target_fini(&target);
    return json;
}

json_t *online_try(struct ctl_call *call, const struct online *online, const char *method,
                   const char *path, json_t *body, long *status)
{
    struct asking asking = {.method = method, .path = path, .fd = -1};
    return send_asking(call, online, &asking, body, status);
}

json_t *online_send(struct ctl_call *call, const struct online *online, const char *method,
                    const char *path, json_t *body)
{
    long code;
    json_t *json = online_try(call, online, method, path, body, &code);
    if (!json || is_success(code))
        return json;
    online_refused(call, json);
    json_decref(json);
    return NULL;
}

bool online_fetch(struct ctl_call *call, const struct online *online, const char *path, int fd)
{
    long code;
    struct asking asking = {.method = "GET", .path = path, .fd = fd};
    own_json json_t *problem = send_asking(call, online, &asking, NULL, &code);
    if (problem)
        online_refused(call, problem);
    return code == 200;
}

json_t *online_get(struct ctl_call *call, const struct online *online, const char *path)
{
    return online_send(call, online, "GET", path, NULL);
}

json_t *online_change(struct ctl_call *call, struct online *online, const char *object,
                      const struct online_verb *verb)
{
    own_buf struct buf path = buf_new(32768);
    buf_printf(&path, "%s%s", object, verb->suffix);
    own_json json_t *seen = online_get(call, online, object);
    if (!seen) {
        json_decref(verb->body);
        return NULL;
    }
    online->version = online_number(seen, "version");
    return online_send(call, online, verb->method, buf_text(&path), verb->body);
}

json_t *online_reason(const char *reason)
{
    json_t *body = json_object();
    if (reason)
        json_object_set_new(body, "reason", json_text(reason));
    return body;
}

void online_escape(struct buf *path, const char *text)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     strchr("-._~", c);
        buf_printf(path, plain ? "%c" : "%%%02X", c);
    }
}

const char *online_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

long long online_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

void online_hold(FILE *out, const char *title, const json_t *hold)
{
    const char *why = online_text(hold, "why");
    if (!*online_text(hold, "since"))
        return;
    fprintf(out, "%s since %s by ", title, online_text(hold, "since"));
    ctl_put(out, online_text(hold, "who"));
    fputs(*why ? ": " : "", out);
    ctl_put(out, why);
    fputc('\n', out);
}

/* What only a program asks for (--json); digests are cut short. */
static void print_details(FILE *out, const json_t *details)
{
    static const char *const left_out[] = {"role", "version", "new_version", "label_before"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)details, key, value)
    {
        char text[64];
        const char *whole = json_string_value(value);
        bool shown = whole && *whole;
        for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
            shown = shown && strcmp(key, left_out[i]) != 0;
        if (!shown)
            continue;
        bool digest = strlen(whole) == 64 && strspn(whole, "0123456789abcdef") == 64;
        snprintf(text, sizeof text, "%.12s", whole);
        fprintf(out, "  %s=", key);
        ctl_put(out, digest ? text : whole);
    }
}

void online_record(FILE *out, const json_t *record)
{
    fprintf(out, "%-7lld %s  %-20s ", online_number(record, "seq"), online_text(record, "at"),
            online_text(record, "event"));
    ctl_put(out, online_text(record, "actor"));
    if (*online_text(record, "connection"))
        fprintf(out, "  %s:", online_text(record, "connection"));
    ctl_put(out, online_text(record, "path"));
    print_details(out, json_object_get(record, "details"));
    fputc('\n', out);
}

int online_print(struct ctl_call *call, const json_t *json)
{
    own_buf struct buf line = buf_new(answer_max_bytes);
    if (!json_write(json, &line))
        return ctl_fail(call, CTL_UNREACHABLE, "out of memory");
    fprintf(call->out, "%s\n", buf_text(&line));
    return CTL_OK;
}

static json_t *get_page(struct ctl_call *call, const struct online_list *list, uint64_t left,
                        const char *cursor)
{
    own_buf struct buf path = buf_new(32768);
    buf_printf(&path, "%s%climit=%llu", list->path, strchr(list->path, '?') ? '&' : '?',
               (unsigned long long)(left < page_most ? left : page_most));
    if (cursor) {
        buf_puts(&path, "&cursor=");
        online_escape(&path, cursor);
    }
    return online_get(call, list->online, buf_text(&path));
}

int online_list(struct ctl_call *call, const struct online_list *list)
{
    own_json json_t *cursor = NULL;
    uint64_t left = list->limit ? list->limit : UINT64_MAX;
    bool titled = !list->title;
    while (left > 0) {
        own_json json_t *page = get_page(call, list, left, json_string_value(cursor));
        if (!page)
            return call->exit;
        if (!titled)
            fputs(list->title, call->out);
        titled = true;
        const json_t *items = json_object_get(page, "items");
        size_t index;
        json_t *item;
        json_array_foreach(items, index, item)
        {
            if (list->json)
                online_print(call, item);
            else
                list->row(call->out, item);
        }
        left -= json_array_size(items) < left ? json_array_size(items) : left;
        json_decref(cursor);
        cursor = json_incref(json_object_get(page, "next"));
        if (!json_is_string(cursor))
            break;
    }
    return CTL_OK;
}
