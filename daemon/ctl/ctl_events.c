/* events: follow what changes. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/own.h"
#include "ctl/ctl.h"
#include "ctl/target.h"

enum {
    line_max_bytes = 64 << 10,
    problem_max_bytes = 64 << 10,
    silent_s = 45, /* the daemon says something every 15 s */
    again_ms = 2000
};

/* One event, line by line; and what the whole run knows. */
struct follow {
    struct ctl_call *call;
    const struct online *online;
    bool json;
    int signals; /* readable: end */
    CURL *curl;
    bool began; /* it was connected once: from then on trying again is better than ending */
    bool heard; /* this time */
    char last[24];
    struct buf line, problem;
    char event[32];
    json_t *data;
};

/* Printing ------------------------------------------------------------------------------------ */

static void print_text(struct follow *follow)
{
    FILE *out = follow->call->out;
    char now[21];
    clock_format(clock_now_us(), now);
    fprintf(out, "%s  %-10s  ", now, follow->event);
    if (strcmp(follow->event, "reset") == 0) {
        fputs("some were missed: look at everything anew\n", out);
        return;
    }
    const json_t *version = json_object_get(follow->data, "version");
    ctl_put(out, online_text(follow->data, "id"));
    if (json_is_integer(version))
        fprintf(out, "  version %lld", online_number(follow->data, "version"));
    else if (json_is_string(version)) {
        fputs("  version ", out);
        ctl_put(out, json_string_value(version));
    }
    fputc('\n', out);
}

/* {"seq","event","id","version"} */
static void print_json(struct follow *follow)
{
    own_json json_t *line = json_pack("{s:s, s:s}", "seq", follow->last, "event", follow->event);
    if (line)
        json_object_update(line, follow->data);
    online_print(follow->call, line);
}

/* An empty line ends an event; one without data is only a number to remember. */
static void end_event(struct follow *follow)
{
    if (follow->data && *follow->event) {
        if (follow->json)
            print_json(follow);
        else
            print_text(follow);
        fflush(follow->call->out);
    }
    json_decref(follow->data);
    follow->data = NULL;
    *follow->event = '\0';
}

/* Reading ------------------------------------------------------------------------------------- */

static bool take_field(const char *line, const char *name, char *room, size_t size)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0)
        return false;
    snprintf(room, size, "%s", line + length);
    return true;
}

static void take_line(struct follow *follow, const char *line)
{
    static const char data[] = "data: ";
    if (*line == '\0')
        end_event(follow);
    else if (strncmp(line, data, sizeof data - 1) == 0) {
        const char *text = line + sizeof data - 1;
        json_decref(follow->data);
        follow->data = json_parse(text, strlen(text), NULL);
    } else if (!take_field(line, "id: ", follow->last, sizeof follow->last))
        take_field(line, "event: ", follow->event, sizeof follow->event);
}

/* libcurl: bytes came. */
static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    long code = 0;
    struct follow *follow = context;
    size_t length = size * count;
    curl_easy_getinfo(follow->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code != 200)
        return buf_append(&follow->problem, bytes, length) ? length : 0;
    follow->heard = true;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != '\n') {
            if (!buf_putc(&follow->line, bytes[i]))
                return 0;
            continue;
        }
        take_line(follow, buf_text(&follow->line));
        buf_reset(&follow->line);
    }
    return length;
}

/* Following ----------------------------------------------------------------------------------- */

static void set_options(struct follow *follow, const char *url, struct curl_slist *headers)
{
    CURL *curl = follow->curl;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, follow);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)silent_s);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

/* Until the connection ends (true), or a person ends it. */
static bool run(struct follow *follow, CURLM *multi)
{
    int running = 1;
    struct curl_waitfd end = {.fd = follow->signals, .events = CURL_WAIT_POLLIN};
    while (curl_multi_perform(multi, &running) == CURLM_OK && running > 0) {
        if (curl_multi_poll(multi, &end, 1, 1000, NULL) != CURLM_OK)
            break;
        if (end.revents)
            return false;
    }
    return true;
}

static CURLcode result_of(CURLM *multi)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    return message ? message->data.result : CURLE_OUT_OF_MEMORY;
}

/* One connection. True: it ended; *code as HTTP has it (0 = none), *failed as libcurl. */
static bool follow_once(struct follow *follow, const struct target *target, long *code,
                        CURLcode *failed)
{
    char last[48];
    snprintf(last, sizeof last, "Last-Event-ID: %s", follow->last);
    const char *const more[] = {"Accept: text/event-stream", last};
    own_buf struct buf url = buf_new(32768);
    buf_printf(&url, "%s/api/v1/events", target->server);
    struct curl_slist *headers = target_headers(target, more, *follow->last ? 2 : 1);
    CURLM *multi = curl_multi_init();
    bool ended = true;
    follow->curl = curl_easy_init();
    *code = 0;
    *failed = CURLE_OUT_OF_MEMORY;
    buf_reset(&follow->line);
    buf_reset(&follow->problem);
    if (headers && multi && follow->curl && !url.failed) {
        set_options(follow, buf_text(&url), headers);
        curl_multi_add_handle(multi, follow->curl);
        ended = run(follow, multi);
        *failed = ended ? result_of(multi) : CURLE_OK;
        curl_easy_getinfo(follow->curl, CURLINFO_RESPONSE_CODE, code);
        curl_multi_remove_handle(multi, follow->curl);
    }
    curl_easy_cleanup(follow->curl);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    json_decref(follow->data); /* half an event is none */
    follow->data = NULL;
    *follow->event = '\0';
    return ended;
}

/* False: a person ends it. */
static bool pause_before_again(const struct follow *follow)
{
    CURLM *multi = curl_multi_init();
    struct curl_waitfd end = {.fd = follow->signals, .events = CURL_WAIT_POLLIN};
    bool ok = multi && curl_multi_poll(multi, &end, 1, again_ms, NULL) == CURLM_OK && !end.revents;
    curl_multi_cleanup(multi);
    return ok;
}

/* Whether there is a point in trying again after this answer. False: said why, call->exit. */
static bool may_try_again(struct follow *follow, const struct target *target, long code,
                          CURLcode failed)
{
    bool busy = code == 429 || code == 503;
    if (follow->began && (code == 0 || code == 200 || busy))
        return true;
    if (code == 0 || code == 200) {
        follow->call->exit =
            ctl_fail(follow->call, CTL_UNREACHABLE, "the daemon at %s cannot be reached: %s",
                     target->server, curl_easy_strerror(failed));
        return false;
    }
    own_json json_t *problem = json_parse(buf_text(&follow->problem), follow->problem.length, NULL);
    online_refused(follow->call, problem);
    return false;
}

/* Where it is asked may have changed with a restart. False: there is none now. */
static bool find(struct follow *follow, struct target *target)
{
    struct ctl_call quiet = *follow->call;
    if (!follow->began)
        return target_find(follow->call, follow->online, target);
    quiet.err = fopen("/dev/null", "we");
    if (!quiet.err)
        return false;
    bool found = target_find(&quiet, follow->online, target);
    fclose(quiet.err);
    return found;
}

/* One try. False: it is over, with call->exit. */
static bool try_once(struct follow *follow)
{
    long code;
    CURLcode failed;
    struct target target = {0};
    bool go_on = follow->began;
    follow->heard = false;
    if (find(follow, &target)) {
        go_on = follow_once(follow, &target, &code, &failed);
        if (!go_on)
            follow->call->exit = CTL_OK;
        follow->began = follow->began || follow->heard;
        go_on = go_on && may_try_again(follow, &target, code, failed);
    }
    target_fini(&target);
    return go_on;
}

static int follow_all(struct follow *follow)
{
    bool told = false;
    while (try_once(follow)) {
        if (!told || follow->heard)
            fputs("labelctl: the connection is lost; it is tried again\n", follow->call->err);
        told = true;
        if (!pause_before_again(follow))
            return CTL_OK;
    }
    return follow->call->exit;
}

/* SIGINT and SIGTERM become readable, and end nothing in the middle of a line. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int ctl_events(struct ctl_call *call)
{
    struct online online = {0};
    struct follow follow = {.call = call, .online = &online};
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(online),
        {"json", CTL_FLAG, &follow.json, NULL, "one event a line, as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    own_fd int signals = open_signals();
    if (signals < 0)
        return ctl_fail(call, CTL_UNREACHABLE, "cannot wait for signals: %s", strerror(errno));
    follow.signals = signals;
    follow.line = buf_new(line_max_bytes);
    follow.problem = buf_new(problem_max_bytes);
    int code = follow_all(&follow);
    buf_fini(&follow.line);
    buf_fini(&follow.problem);
    return code;
}
