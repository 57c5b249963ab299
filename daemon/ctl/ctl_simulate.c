/* rules simulate: what rules would do with every file in the catalogue, before they do it. */
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "ctl/online.h"

enum { rules_max_bytes = 8 << 20, polls_most = 1200 };

struct simulating {
    struct ctl_call *call;
    struct online online;
    const char *file;
    bool json;
};

/* {} for the rules in force, {"rules": TEXT} for a file. NULL after a message. */
static json_t *read_input(struct simulating *simulating)
{
    struct err err = {0};
    size_t length = 0;
    if (!simulating->file)
        return json_object();
    own_free char *text = io_read_file(simulating->file, rules_max_bytes, &length, &err);
    if (!text || strlen(text) != length) {
        ctl_fail(simulating->call, CTL_USAGE, "%s",
                 text ? "the rules file holds a NUL: it is no text" : err.text);
        return NULL;
    }
    return json_pack("{s:o}", "rules", json_text(text));
}

static void show_progress(const struct simulating *simulating, const json_t *task)
{
    const json_t *progress = json_object_get(task, "progress");
    long long total = online_number(progress, "total");
    if (total && isatty(fileno(simulating->call->err)))
        fprintf(simulating->call->err, "\rsimulating: %lld %%",
                online_number(progress, "done") * 100 / total);
}

static void hide_progress(const struct simulating *simulating)
{
    if (isatty(fileno(simulating->call->err)))
        fputs("\r\033[K", simulating->call->err);
}

/* The task when it is at its end. NULL after a message. */
static json_t *wait_for(struct simulating *simulating, const char *id)
{
    char path[96];
    bool quick = isatty(fileno(simulating->call->err)) != 0;
    snprintf(path, sizeof path, "/api/v1/tasks/%.40s?wait=%d", id, quick ? 1 : 30);
    for (int i = 0; i < polls_most; i++) {
        json_t *task = online_get(simulating->call, &simulating->online, path);
        if (!task)
            return NULL;
        const char *state = online_text(task, "state");
        if (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0) {
            hide_progress(simulating);
            return task;
        }
        show_progress(simulating, task);
        json_decref(task);
    }
    simulating->call->exit =
        ctl_fail(simulating->call, CTL_UNREACHABLE, "the simulation does not end; task %s", id);
    return NULL;
}

/* 1204 as "1,204". */
static const char *grouped(long long number, char text[static 32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", number), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

static void print_rule(FILE *out, const json_t *rule)
{
    static const char *const keys[] = {"matched", "would_act", "undecided", "excepted"};
    char number[32];
    const char *mode = online_text(rule, "mode");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        fprintf(out, "%11s", grouped(online_number(rule, keys[i]), number));
    bool held = json_is_true(json_object_get(rule, "held"));
    fprintf(out, "  %-8s  ", held ? "HELD" : mode);
    ctl_put(out, online_text(rule, "name"));
    fputc('\n', out);
}

static void print_samples(FILE *out, const json_t *rule, uint64_t most)
{
    size_t i;
    json_t *sample;
    const json_t *samples = json_object_get(rule, "samples");
    if (json_array_size(samples) == 0 || most == 0)
        return;
    fputs("\nfor example, ", out);
    ctl_put(out, online_text(rule, "name"));
    fputs(":\n", out);
    json_array_foreach(samples, i, sample)
    {
        if (i == most)
            break;
        fprintf(out, "    ");
        ctl_put(out, online_text(sample, "connection"));
        ctl_put(out, online_text(sample, "path"));
        fputc('\n', out);
    }
}

static void print_changes(FILE *out, const char *title, const json_t *result, const char *key)
{
    size_t i;
    json_t *change;
    bool any = false;
    char number[32];
    fprintf(out, "%s", title);
    json_array_foreach(json_object_get(result, "changes"), i, change)
    {
        long long items = online_number(change, key);
        if (items == 0)
            continue;
        fprintf(out, "%s", any ? " · " : "");
        ctl_put(out, online_text(change, "change"));
        fprintf(out, " %s", grouped(items, number));
        any = true;
    }
    fputs(any ? "\n" : "nothing\n", out);
}

static void print_result(const struct simulating *simulating, const json_t *task, uint64_t samples)
{
    size_t i;
    json_t *rule;
    char number[32];
    FILE *out = simulating->call->out;
    const json_t *result = json_object_get(task, "result");
    const json_t *rules = json_object_get(result, "rules");
    fprintf(out, "%s files decided in %.1f s; nothing was changed\n\n",
            grouped(online_number(result, "items"), number),
            (double)online_number(result, "took_ms") / 1000);
    fprintf(out, "%11s%11s%11s%11s  %-8s  %s\n", "matched", "would act", "undecided", "excepted",
            "mode", "rule");
    json_array_foreach(rules, i, rule) print_rule(out, rule);
    fputc('\n', out);
    print_changes(out, "difference to now       ", result, "items");
    print_changes(out, "if all were enforced    ", result, "if_enforced");
    json_array_foreach(rules, i, rule)
    {
        if (json_is_true(json_object_get(rule, "held")))
            fprintf(out,
                    "\nHELD: with these rules the brake would stop \"%s\", which would change %s "
                    "files;\nlet it go on with: labelctl rules approve RULE --items N\n",
                    online_text(rule, "name"),
                    grouped(online_number(rule, "would_change"), number));
        print_samples(out, rule, samples);
    }
    fprintf(simulating->call->err, "task %s holds the whole difference for an hour\n",
            online_text(task, "id"));
}

static int run(struct simulating *simulating, uint64_t samples)
{
    struct ctl_call *call = simulating->call;
    json_t *input = read_input(simulating);
    if (!input)
        return CTL_USAGE;
    int refused = CTL_OK;
    const char *text = json_string_value(json_object_get(input, "rules"));
    if (text)
        refused = online_rules_refused(call, &simulating->online, simulating->file, text);
    if (refused == CTL_USAGE || refused == CTL_UNREACHABLE) {
        json_decref(input);
        return refused;
    }
    own_json json_t *made =
        online_send(call, &simulating->online, "POST", "/api/v1/tasks",
                    json_pack("{s:s, s:o}", "kind", "simulate", "input", input));
    own_json json_t *task = made ? wait_for(simulating, online_text(made, "id")) : NULL;
    if (!task)
        return call->exit;
    if (strcmp(online_text(task, "state"), "done") != 0)
        return ctl_fail(call, CTL_UNREACHABLE, "the simulation %s: %s", online_text(task, "state"),
                        online_text(task, "error"));
    if (simulating->json)
        return online_print(call, task);
    print_result(simulating, task, samples);
    return CTL_OK;
}

int ctl_rules_simulate(struct ctl_call *call)
{
    uint64_t samples = 3;
    struct simulating simulating = {.call = call};
    const struct ctl_option options[] = {
        {"rules", CTL_TEXT, &simulating.file, "FILE",
         "the rules to try (default: those in force, as if they came now)"},
        {"samples", CTL_NUMBER, &samples, "N", "show so many files of each rule, at most 20 (3)"},
        {"json", CTL_FLAG, &simulating.json, NULL, "the whole result as JSON"},
        ONLINE_OPTIONS(simulating.online),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 0))
        return call->exit;
    return run(&simulating, samples);
}
