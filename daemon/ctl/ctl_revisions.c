/* rules diff, apply, rollback, revisions, approve, reject: the rules of a running daemon. */
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/linediff.h"
#include "base/own.h"
#include "ctl/online.h"

enum { rules_max_bytes = 8 << 20, diff_max_bytes = 32 << 20, polls_most = 600 };
static const int64_t poll_us = 200000;

struct revising {
    struct ctl_call *call;
    struct online online;
    const char *file, *reason;
    bool json;
};

static char *read_rules(const struct revising *revising)
{
    struct err err = {0};
    size_t length = 0;
    char *text = io_read_file(revising->file, rules_max_bytes, &length, &err);
    if (text && strlen(text) == length)
        return text;
    revising->call->exit = ctl_fail(revising->call, CTL_USAGE, "%s",
                                    text ? "the rules file holds a NUL: it is no text" : err.text);
    mem_free(text);
    return NULL;
}

/* The mistakes that the daemon finds, as rules check prints them. */
int online_rules_refused(struct ctl_call *call, const struct online *online, const char *file,
                         const char *text)
{
    size_t i;
    json_t *problem;
    own_json json_t *found = online_send(call, online, "POST", "/api/v1/rules/check",
                                         json_pack("{s:o}", "rules", json_text(text)));
    if (!found)
        return call->exit;
    json_array_foreach(json_object_get(found, "problems"), i, problem)
    {
        fprintf(call->err, "%s:%lld:%lld: %s: ", file, online_number(problem, "line"),
                online_number(problem, "column"), online_text(problem, "severity"));
        ctl_put(call->err, online_text(problem, "message"));
        fputc('\n', call->err);
    }
    if (online_number(found, "errors"))
        return ctl_fail(call, CTL_USAGE, "%s: %lld errors; nothing has changed", file,
                        online_number(found, "errors"));
    const json_t *tests = json_object_get(found, "tests");
    if (json_is_object(tests) && !json_is_true(json_object_get(tests, "pass")))
        return ctl_fail(call, CTL_NO, "%s; nothing has changed", online_text(tests, "failed"));
    return CTL_OK;
}

/* A new revision --------------------------------------------------------------------------------
 */

static void print_brakes(FILE *out, const json_t *rules)
{
    size_t i;
    json_t *brake;
    json_array_foreach(json_object_get(rules, "brakes"), i, brake)
    {
        const char *state = online_text(brake, "state");
        fprintf(out, "%s  ", strcmp(state, "held") == 0 ? "HELD" : state);
        ctl_put(out, online_text(brake, "rule"));
        if (strcmp(state, "approved") == 0)
            fprintf(out, ": for %lld more files\n", online_number(brake, "left"));
        else
            fprintf(out, ": %s %lld files; it only simulates\n",
                    strcmp(online_text(brake, "when"), "apply") == 0 ? "it would change"
                                                                     : "it has hurt",
                    online_number(brake, "items"));
    }
}

/* Until the brake has looked at it and the workers decide by it. */
static json_t *wait_applied(const struct revising *revising, long long number)
{
    for (int i = 0; i < polls_most; i++) {
        json_t *rules = online_get(revising->call, &revising->online, "/api/v1/rules");
        if (!rules || online_number(rules, "number") != number || *online_text(rules, "applied"))
            return rules;
        json_decref(rules);
        clock_sleep_us(poll_us);
    }
    revising->call->exit = ctl_fail(revising->call, CTL_UNREACHABLE,
                                    "revision %lld is stored, but not yet applied", number);
    return NULL;
}

static int tell_applied(const struct revising *revising, const json_t *stored)
{
    FILE *out = revising->call->out;
    own_json json_t *rules = wait_applied(revising, online_number(stored, "number"));
    if (!rules)
        return revising->call->exit;
    json_object_del(rules, "text");
    if (revising->json)
        return online_print(revising->call, rules);
    fprintf(out, "revision %lld is in force (%.12s)\n", online_number(rules, "number"),
            online_text(rules, "revision"));
    print_brakes(out, rules);
    if (json_array_size(json_object_get(rules, "brakes")))
        fputs("labelctl rules approve RULE --items N lets a held rule act\n", revising->call->err);
    return CTL_OK;
}

/* The version that is to be changed, as it is now. False after a message. */
static bool see_version(struct revising *revising)
{
    own_json json_t *rules = online_get(revising->call, &revising->online, "/api/v1/rules");
    revising->online.version = rules ? online_number(rules, "version") : 0;
    return rules != NULL;
}

static int apply(struct revising *revising)
{
    struct ctl_call *call = revising->call;
    own_free char *text = read_rules(revising);
    if (!text)
        return call->exit;
    int code = online_rules_refused(call, &revising->online, revising->file, text);
    if (code != CTL_OK)
        return code;
    if (!see_version(revising))
        return call->exit;
    json_t *body = online_reason(revising->reason);
    json_object_set_new(body, "rules", json_text(text));
    own_json json_t *stored = online_send(call, &revising->online, "PUT", "/api/v1/rules", body);
    return stored ? tell_applied(revising, stored) : call->exit;
}

int ctl_rules_apply(struct ctl_call *call)
{
    struct revising revising = {.call = call, .file = "rules.yaml"};
    const struct ctl_option options[] = {
        {"rules", CTL_TEXT, &revising.file, "FILE", "the rules file (default rules.yaml)"},
        {"reason", CTL_TEXT, &revising.reason, "TEXT", "why; on record"},
        {"json", CTL_FLAG, &revising.json, NULL, "the rules in force as JSON, without their text"},
        ONLINE_OPTIONS(revising.online),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    return apply(&revising);
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 16;
}

int ctl_rules_rollback(struct ctl_call *call)
{
    struct revising revising = {.call = call};
    const struct ctl_option options[] = {
        {"reason", CTL_TEXT, &revising.reason, "TEXT", "why; on record"},
        {"json", CTL_FLAG, &revising.json, NULL, "the rules in force as JSON, without their text"},
        ONLINE_OPTIONS(revising.online),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    if (!is_number(call->argv[0]))
        return ctl_fail(call, CTL_USAGE, "\"%s\" is no number; labelctl rules revisions lists them",
                        call->argv[0]);
    if (!see_version(&revising))
        return call->exit;
    json_t *body = online_reason(revising.reason);
    json_object_set_new(body, "number", json_integer(strtoll(call->argv[0], NULL, 10)));
    own_json json_t *stored =
        online_send(call, &revising.online, "POST", "/api/v1/rules/rollback", body);
    return stored ? tell_applied(&revising, stored) : call->exit;
}

/* Differences -----------------------------------------------------------------------------------
 */

static int print_diff(const struct revising *revising, const char *from, const char *to,
                      const char *diff)
{
    FILE *out = revising->call->out;
    if (!*diff)
        return CTL_OK;
    fprintf(out, "--- %s\n+++ %s\n%s", from, to, diff);
    return CTL_NO;
}

static int diff_file(struct revising *revising)
{
    char title[64];
    struct ctl_call *call = revising->call;
    own_buf struct buf diff = buf_new(diff_max_bytes);
    own_free char *text = read_rules(revising);
    own_json json_t *rules = text ? online_get(call, &revising->online, "/api/v1/rules") : NULL;
    if (!rules)
        return call->exit;
    if (!linediff_write(online_text(rules, "text"), text, &diff))
        return ctl_fail(call, CTL_UNREADABLE, "out of memory for the difference");
    snprintf(title, sizeof title, "in force (revision %lld)", online_number(rules, "number"));
    return print_diff(revising, title, revising->file, buf_text(&diff));
}

static int diff_revisions(struct revising *revising)
{
    char path[96], from[40], to[40];
    struct ctl_call *call = revising->call;
    bool both = call->argc == 2;
    for (int i = 0; i < call->argc; i++)
        if (!is_number(call->argv[i]))
            return ctl_fail(call, CTL_USAGE,
                            "\"%s\" is no number; labelctl rules revisions lists them",
                            call->argv[i]);
    snprintf(path, sizeof path, "/api/v1/rules/diff?from=%s%s%s", call->argv[0], both ? "&to=" : "",
             both ? call->argv[1] : "");
    own_json json_t *found = online_get(call, &revising->online, path);
    if (!found)
        return call->exit;
    snprintf(from, sizeof from, "revision %lld", online_number(found, "from"));
    snprintf(to, sizeof to, "revision %lld", online_number(found, "to"));
    return print_diff(revising, from, to, online_text(found, "diff"));
}

int ctl_rules_diff(struct ctl_call *call)
{
    struct revising revising = {.call = call, .file = "rules.yaml"};
    const struct ctl_option options[] = {
        {"rules", CTL_TEXT, &revising.file, "FILE", "the rules file (default rules.yaml)"},
        ONLINE_OPTIONS(revising.online),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 2))
        return call->exit;
    return call->argc ? diff_revisions(&revising) : diff_file(&revising);
}

static void print_revision(FILE *out, const json_t *revision)
{
    fprintf(out, "%6lld  %.12s  %-9s %s  ", online_number(revision, "number"),
            online_text(revision, "revision"), online_text(revision, "origin"),
            online_text(revision, "at"));
    ctl_put(out, online_text(revision, "author"));
    fputc('\n', out);
}

int ctl_rules_revisions(struct ctl_call *call)
{
    uint64_t limit = 0;
    struct revising revising = {.call = call};
    const struct ctl_option options[] = {
        {"limit", CTL_NUMBER, &limit, "N", "at most so many"},
        {"json", CTL_FLAG, &revising.json, NULL, "one revision a line, as JSON"},
        ONLINE_OPTIONS(revising.online),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    const struct online_list list = {.online = &revising.online,
                                     .path = "/api/v1/rules/revisions",
                                     .limit = limit,
                                     .json = revising.json,
                                     .row = print_revision};
    return online_list(call, &list);
}

/* The brake -------------------------------------------------------------------------------------
 */

static int answer_brake(struct revising *revising, const char *path, json_t *body)
{
    struct ctl_call *call = revising->call;
    json_object_set_new(body, "rule", json_text(call->argv[0]));
    own_json json_t *brake = online_send(call, &revising->online, "POST", path, body);
    if (!brake)
        return call->exit;
    if (revising->json)
        return online_print(call, brake);
    ctl_put(call->out, online_text(brake, "rule"));
    if (strcmp(online_text(brake, "state"), "approved") == 0)
        fprintf(call->out, ": approved for %lld files\n", online_number(brake, "left"));
    else
        fputs(": stays in simulation until its text changes\n", call->out);
    return CTL_OK;
}

int ctl_rules_approve(struct ctl_call *call)
{
    uint64_t items = 0;
    struct revising revising = {.call = call};
    const struct ctl_option options[] = {
        {"items", CTL_NUMBER, &items, "N", "on how many files it may act before it is held again"},
        {"reason", CTL_TEXT, &revising.reason, "TEXT", "why; on record"},
        {"json", CTL_FLAG, &revising.json, NULL, "the answer as JSON"},
        ONLINE_OPTIONS(revising.online),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    if (items == 0)
        return ctl_fail(call, CTL_USAGE,
                        "on how many files may it act? --items N; labelctl status shows how many "
                        "it would change");
    json_t *body = online_reason(revising.reason);
    json_object_set_new(body, "items", json_integer((json_int_t)items));
    return answer_brake(&revising, "/api/v1/rules/approve", body);
}

int ctl_rules_reject(struct ctl_call *call)
{
    struct revising revising = {.call = call};
    const struct ctl_option options[] = {
        {"reason", CTL_TEXT, &revising.reason, "TEXT", "why; on record"},
        {"json", CTL_FLAG, &revising.json, NULL, "the answer as JSON"},
        ONLINE_OPTIONS(revising.online),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    return answer_brake(&revising, "/api/v1/rules/reject", online_reason(revising.reason));
}
