#include "ctl/ctl.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/own.h"
#include "config/config.h"
#include "ctl/source.h"
#include "policy/expect.h"
#include "policy/explain.h"
#include "protect/recipients.h"

static const size_t arena_max_bytes = 1u << 30;

/* What all three commands start from. */
struct rules {
    struct ctl_call *call;
    bool json;
    const char *file, *config_file;
    struct ctl_list type_dirs;
    struct limits limits;
    struct arena arena;
    int64_t now_us;

    struct config config;
    struct parser *parser;
    struct type_list types;
    char types_revision[65];
    struct policy *policy;
    struct policy_problems problems;
};

static void rules_init(struct rules *rules, struct ctl_call *call)
{
    *rules = (struct rules){
        .call = call,
        .limits = limits_default(),
        .arena = arena_new(arena_max_bytes),
        .now_us = clock_now_us(),
    };
}

static void rules_fini(struct rules *rules)
{
    if (rules->parser)
        parser_close(rules->parser);
    policy_free(rules->policy);
    arena_fini(&rules->arena);
}

/* Loading ------------------------------------------------------------------------------------ */

static bool load_config(struct rules *rules)
{
    own_buf struct buf problems = buf_new(1u << 20);
    struct err err = {0};
    if (!rules->config_file)
        return true;
    if (!config_load(rules->config_file, &rules->config, &rules->arena, &problems, &err)) {
        fputs(buf_text(&problems), rules->call->err);
        if (problems.length == 0)
            ctl_fail(rules->call, CTL_USAGE, "%s", err.text);
        return false;
    }
    rules->limits = rules->config.limits;
    if (!rules->file)
        rules->file = rules->config.rules;
    struct ctl_list *dirs = &rules->type_dirs;
    size_t room = sizeof dirs->items / sizeof *dirs->items;
    for (size_t i = 0; i < rules->config.types.count && dirs->count < room; i++)
        dirs->items[dirs->count++] = rules->config.types.items[i];
    return true;
}

static bool load_types(struct rules *rules)
{
    struct err err = {0};
    struct parser_facts facts;
    rules->parser = ctl_parser(rules->call, &rules->type_dirs, 1);
    if (!rules->parser)
        return false;
    if (!parser_types(rules->parser, &rules->arena, &rules->types, &err)) {
        ctl_fail(rules->call, CTL_USAGE, "%s", err.text);
        return false;
    }
    parser_facts(rules->parser, &facts);
    for (size_t i = 0; i < sizeof facts.types_digest; i++)
        snprintf(rules->types_revision + 2 * i, 3, "%02x", facts.types_digest[i]);
    return true;
}

static bool world_of(struct rules *rules, struct policy_world *world)
{
    const struct config *config = &rules->config;
    *world = (struct policy_world){
        .types = &rules->types,
        .now_us = rules->now_us,
        .max_bytes = rules->limits.rules_bytes,
        .recipient = recipients_check,
        .max_rules = rules->limits.rules_count,
    };
    if (!rules->config_file)
        return true;
    const char **targets = arena_alloc(&rules->arena, config->target_count + 1, sizeof *targets);
    const char **connections =
        arena_alloc(&rules->arena, config->connection_count + 1, sizeof *connections);
    if (!targets || !connections)
        return false;
    for (size_t i = 0; i < config->target_count; i++)
        targets[i] = config->targets[i].name;
    for (size_t i = 0; i < config->connection_count; i++)
        connections[i] = config->connections[i].name;
    world->targets = targets;
    world->target_count = config->target_count;
    world->connections = connections;
    world->connection_count = config->connection_count;
    return true;
}

/* The rules file; problems are there also when it has errors. False after a message when it could
 * not be read at all. */
static bool load(struct rules *rules)
{
    struct err err = {0};
    struct policy_world world;
    if (!load_config(rules) || !load_types(rules))
        return false;
    if (!rules->file)
        rules->file = "rules.yaml";
    if (!world_of(rules, &world))
        err_set(&err, ERR_MEMORY, "out of memory");
    else
        rules->policy = policy_load(rules->file, &world, &rules->arena, &rules->problems, &err);
    if (!rules->policy && rules->problems.errors == 0) {
        ctl_fail(rules->call, CTL_USAGE, "%s", err.text);
        return false;
    }
    return true;
}

static int print_json(struct ctl_call *call, json_t *json)
{
    own_buf struct buf line = buf_new(64u << 20);
    bool ok = json && json_write(json, &line);
    json_decref(json);
    if (!ok)
        return ctl_fail(call, CTL_UNREADABLE, "out of memory");
    fprintf(call->out, "%s\n", buf_text(&line));
    return CTL_OK;
}

static json_t *problem_json(const struct policy_problem *problem)
{
    return json_pack("{s:o, s:i, s:i, s:s, s:s, s:o, s:o?}", "file", json_text(problem->file),
                     "line", (int)problem->line, "column", (int)problem->column, "severity",
                     problem->severity == POLICY_ERROR ? "error" : "warning", "code", problem->code,
                     "message", json_text(problem->message), "suggestion",
                     problem->suggestion ? json_text(problem->suggestion) : json_null());
}

static int print_problems(const struct rules *rules, FILE *out, bool summary)
{
    const struct policy_problems *problems = &rules->problems;
    for (size_t i = 0; i < problems->count; i++) {
        const struct policy_problem *problem = &problems->items[i];
        if (!rules->json) {
            fprintf(out, "%s:%u:%u: %s: %s\n", problem->file, problem->line, problem->column,
                    problem->severity == POLICY_ERROR ? "error" : "warning", problem->message);
            continue;
        }
        struct ctl_call to = *rules->call;
        to.out = out;
        int code = print_json(&to, problem_json(problem));
        if (code != CTL_OK)
            return code;
    }
    if (summary && !rules->json)
        fprintf(out, "%s: %zu error%s, %zu warning%s\n", rules->file, problems->errors,
                problems->errors == 1 ? "" : "s", problems->warnings,
                problems->warnings == 1 ? "" : "s");
    return CTL_OK;
}

/* Load for a command that needs good rules: a broken file prints what check prints. */
static bool load_good(struct rules *rules)
{
    if (!load(rules))
        return false;
    if (!rules->policy)
        print_problems(rules, rules->call->err, true);
    return rules->policy != NULL;
}

/* check -------------------------------------------------------------------------------------- */

int ctl_rules_check(struct ctl_call *call)
{
    struct rules rules;
    rules_init(&rules, call);
    const struct ctl_option options[] = {
        {"rules", CTL_TEXT, &rules.file, "FILE", "the rules file (default rules.yaml)"},
        {"config", CTL_TEXT, &rules.config_file, "FILE",
         "labeld.yaml, to check targets and connections too"},
        {"types", CTL_LIST, &rules.type_dirs, "DIR", "a folder with type files of your own"},
        {"json", CTL_FLAG, &rules.json, NULL, "one object a line"},
    };
    int code;
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 1)) {
        code = call->exit;
    } else {
        if (call->argc == 1)
            rules.file = call->argv[0];
        code = CTL_USAGE;
        if (load(&rules)) {
            code = print_problems(&rules, call->out, true);
            if (code == CTL_OK && rules.problems.errors)
                code = CTL_NO;
        }
    }
    rules_fini(&rules);
    return code;
}

/* Facts of a file ---------------------------------------------------------------------------- */

/* Examine a file. False: err says why it could not be looked at. */
static bool examine(struct rules *rules, const char *path, struct facts *facts, struct err *err)
{
    struct source source;
    struct parser_cost cost;
    struct report *report = arena_alloc(&rules->arena, 1, sizeof *report);
    if (!report)
        return err_set(err, ERR_MEMORY, "%s: out of memory", path);
    if (!source_open(&source, path, &rules->limits, err))
        return err_add(err, "%s", path);
    bool ok = true;
    if (source.too_large)
        *report = (struct report){.status = REPORT_TOO_LARGE,
                                  .reason = "fetch-bytes",
                                  .mime = "application/octet-stream"};
    else
        ok = parser_examine(rules->parser, PARSE_LIVE, source.fd, &rules->limits, &rules->arena,
                            report, &cost, err);
    uint64_t size = source.size;
    source_close(&source);
    if (ok)
        facts_from_report(facts, report, size, policy_site(rules->policy));
    return ok;
}

static void describe(const struct rules *rules, struct explain *explain, const char *path,
                     const struct facts *facts, const struct plan *plan)
{
    *explain = (struct explain){
        .policy = rules->policy,
        .facts = facts,
        .plan = plan,
        .path = path,
        .rules_file = rules->file,
        .types_revision = rules->types_revision,
    };
}

/* test --------------------------------------------------------------------------------------- */

/* `file:` is relative to the rules file. */
static const char *beside_rules(struct rules *rules, const char *file)
{
    const char *slash = strrchr(rules->file, '/');
    if (file[0] == '/' || !slash)
        return file;
    return arena_printf(&rules->arena, "%.*s/%s", (int)(slash - rules->file), rules->file, file);
}

static bool test_facts(struct rules *rules, const struct expect_test *test, struct facts *facts,
                       struct err *err)
{
    facts_init(facts);
    if (test->facts.given[EXPECT_FILE]) {
        const char *path = beside_rules(rules, test->facts.file);
        if (!path)
            return err_set(err, ERR_MEMORY, "out of memory");
        if (!examine(rules, path, facts, err))
            return false;
        facts->path = "/test";
    }
    expect_overlay(facts, &test->facts);
    return true;
}

static int print_test_json(struct rules *rules, const struct expect_test *test, size_t number,
                           const char *mismatch, const struct explain *explain)
{
    json_t *why = mismatch && explain ? explain_json(explain) : json_null();
    return print_json(
        rules->call, json_pack("{s:i, s:o, s:o, s:i, s:s, s:o, s:o}", "number", (int)number, "name",
                               json_text(test->name), "file", json_text(rules->file), "line",
                               (int)test->line, "result", mismatch ? "failed" : "ok", "message",
                               mismatch ? json_text(mismatch) : json_null(), "explain", why));
}

static int print_test(struct rules *rules, const struct expect_test *test, size_t number,
                      const char *mismatch, const struct explain *explain)
{
    FILE *out = rules->call->out;
    const char *space = *test->name ? " " : "";
    if (rules->json)
        return print_test_json(rules, test, number, mismatch, explain);
    if (!mismatch) {
        fprintf(out, "ok %zu%s%s\n", number, space, test->name);
        return CTL_OK;
    }
    fprintf(out, "FAILED %zu%s%s (%s:%u): %s\n", number, space, test->name, rules->file, test->line,
            mismatch);
    own_buf struct buf text = buf_new(16u << 20);
    if (explain && explain_text(explain, &text))
        fputs(buf_text(&text), out);
    return CTL_OK;
}

/* One test; *failed counts. */
static int run_test(struct rules *rules, const struct expect_test *test, size_t number,
                    size_t *failed)
{
    struct facts facts;
    struct plan plan;
    struct err err = {0};
    struct explain explain;
    const char *mismatch = NULL;
    int64_t now = test->facts.given[EXPECT_NOW] ? test->facts.now_us : rules->now_us;
    if (!test_facts(rules, test, &facts, &err)) {
        (*failed)++;
        return print_test(rules, test, number, err.text, NULL);
    }
    own_arena struct arena arena = arena_new(arena_max_bytes);
    if (!expect_run(rules->policy, test, &facts, now, &arena, &plan, &mismatch))
        return ctl_fail(rules->call, CTL_UNREADABLE, "out of memory");
    describe(rules, &explain, test->facts.file ? test->facts.file : facts.path, &facts, &plan);
    *failed += mismatch != NULL;
    return print_test(rules, test, number, mismatch, &explain);
}

static int run_tests(struct rules *rules)
{
    size_t count, failed = 0;
    const struct expect_test *tests = expect_tests(rules->policy, &count);
    for (size_t i = 0; i < count; i++) {
        int code = run_test(rules, &tests[i], i + 1, &failed);
        if (code != CTL_OK)
            return code;
    }
    fprintf(rules->call->err, "%s: %zu passed, %zu failed\n", rules->file, count - failed, failed);
    return failed ? CTL_NO : CTL_OK;
}

int ctl_rules_test(struct ctl_call *call)
{
    struct rules rules;
    rules_init(&rules, call);
    const struct ctl_option options[] = {
        {"rules", CTL_TEXT, &rules.file, "FILE", "the rules file (default rules.yaml)"},
        {"types", CTL_LIST, &rules.type_dirs, "DIR", "a folder with type files of your own"},
        {"json", CTL_FLAG, &rules.json, NULL, "one object a test"},
    };
    int code = CTL_USAGE;
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 0, 1))
        code = call->exit;
    else {
        if (call->argc == 1)
            rules.file = call->argv[0];
        if (load_good(&rules))
            code = run_tests(&rules);
    }
    rules_fini(&rules);
    return code;
}

/* explain ------------------------------------------------------------------------------------ */

/* Facts that may be given: the option's name with `_` is the fact's. */
static const struct {
    const char *option, *fact, *word, *help;
} given_options[] = {
    {"now", "now", "TIME", "decide as if it were then: 2026-06-30, or 3 days ago"},
    {"exposure", "exposure", "STEP", "private, internal-people, ... public"},
    {"shared-with", "shared_with", "A,B", "who has access besides the owner"},
    {"path", "path", "PATH", "path within the connection (default / and FILE)"},
    {"connection", "connection", "NAME", "name of the connection"},
    {"owner", "owner", "WHO", "address or name of the owner"},
    {"label", "label", "NAME", "the label in force instead of the file's"},
    {"set-by", "set_by", "WHO", "manual or automatic"},
    {"label-change", "label_change", "WORD", "lowered, removed or raised"},
    {"previous", "previous", "NAME", "the label lost in the change"},
    {"format", "format", "WORD", "instead of the file's"},
    {"created", "created", "TIME", "when the file was made"},
    {"modified", "modified", "TIME", "when it was last changed"},
    {"shared", "shared", "TIME", "when the present exposure was reached"},
};

enum { given_count = sizeof given_options / sizeof *given_options, own_count = 4 };

struct explaining {
    struct rules rules;
    const char *texts[given_count];
    struct expect_facts given;
    bool all;
};

static bool read_given(struct explaining *explaining)
{
    struct rules *rules = &explaining->rules;
    for (size_t i = 0; i < given_count; i++) {
        struct err err = {0};
        if (!explaining->texts[i])
            continue;
        if (!expect_read(rules->policy, given_options[i].fact, explaining->texts[i], rules->now_us,
                         &rules->arena, &explaining->given, &err)) {
            ctl_fail(rules->call, CTL_USAGE, "--%s: %s", given_options[i].option, err.text);
            return false;
        }
        if (explaining->given.given[EXPECT_NOW])
            rules->now_us = explaining->given.now_us;
    }
    return true;
}

/* `/` and the file as given, without what only the shell needs. */
static const char *path_of(struct rules *rules, const char *file)
{
    while (strncmp(file, "./", 2) == 0)
        file += 2;
    file += strspn(file, "/");
    return arena_printf(&rules->arena, "/%s", file);
}

static int print_explained(struct explaining *explaining, const struct explain *explain, bool first)
{
    struct ctl_call *call = explaining->rules.call;
    if (explaining->rules.json)
        return print_json(call, explain_json(explain));
    own_buf struct buf text = buf_new(64u << 20);
    if (!explain_text(explain, &text))
        return ctl_fail(call, CTL_UNREADABLE, "out of memory");
    fprintf(call->out, "%s%s", first ? "" : "\n", buf_text(&text));
    return CTL_OK;
}

static int explain_one(struct explaining *explaining, const char *file, bool first)
{
    struct rules *rules = &explaining->rules;
    struct facts facts;
    struct plan plan;
    struct explain explain;
    struct err err = {0};
    if (!examine(rules, file, &facts, &err))
        return ctl_fail(rules->call, CTL_UNREADABLE, "%s", err.text);
    facts.path = path_of(rules, file);
    expect_overlay(&facts, &explaining->given);
    if (!facts.path || !plan_for(rules->policy, &facts, rules->now_us, true, &rules->arena, &plan))
        return ctl_fail(rules->call, CTL_UNREADABLE, "%s: out of memory", file);
    describe(rules, &explain, file, &facts, &plan);
    explain.all = explaining->all;
    explain.hints = true;
    return print_explained(explaining, &explain, first);
}

static int explain_all(struct explaining *explaining)
{
    struct ctl_call *call = explaining->rules.call;
    int code = CTL_OK;
    if (!load_good(&explaining->rules) || !read_given(explaining))
        return CTL_USAGE;
    for (int i = 0; i < call->argc; i++) {
        int one = explain_one(explaining, call->argv[i], i == 0);
        code = one > code ? one : code;
    }
    return code;
}

int ctl_rules_explain(struct ctl_call *call)
{
    struct explaining explaining = {.all = false};
    rules_init(&explaining.rules, call);
    struct ctl_option options[own_count + given_count] = {
        {"rules", CTL_TEXT, &explaining.rules.file, "FILE", "the rules file (default rules.yaml)"},
        {"types", CTL_LIST, &explaining.rules.type_dirs, "DIR",
         "a folder with type files of your own"},
        {"json", CTL_FLAG, &explaining.rules.json, NULL, "one object a file"},
        {"all", CTL_FLAG, &explaining.all, NULL, "the conditions of rules that do not match too"},
    };
    for (size_t i = 0; i < given_count; i++)
        options[own_count + i] =
            (struct ctl_option){given_options[i].option, CTL_TEXT, &explaining.texts[i],
                                given_options[i].word, given_options[i].help};
    int code = ctl_parse(call, options, own_count + given_count, 1, INT_MAX)
                   ? explain_all(&explaining)
                   : call->exit;
    rules_fini(&explaining.rules);
    return code;
}
