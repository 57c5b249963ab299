#include "rulesfile.h"

#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "policy/expect.h"

static const size_t work_max_bytes = 256u << 20;

static void put_problems(const struct policy_problems *problems, struct buf *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct policy_problem *one = &problems->items[i];
        buf_printf(out, "%s:%u:%u: %s: %s\n", one->file, one->line, one->column,
                   one->severity == POLICY_ERROR ? "error" : "warning", one->message);
    }
}

/* Tests that name a file are labelctl's: the daemon has only facts. */
static bool tests_pass(const struct policy *policy, const char *path, int64_t now_us,
                       struct arena *arena, struct err *err)
{
    size_t count;
    const struct expect_test *tests = expect_tests(policy, &count);
    for (size_t i = 0; i < count; i++) {
        struct facts facts;
        struct plan plan;
        const char *mismatch = NULL;
        if (tests[i].facts.file)
            continue;
        facts_init(&facts);
        expect_overlay(&facts, &tests[i].facts);
        if (!expect_run(policy, &tests[i], &facts, now_us, arena, &plan, &mismatch))
            return err_set(err, ERR_MEMORY, "%s: testing the rules: out of memory", path);
        if (mismatch)
            return err_set(err, ERR_CONFIG, "%s:%u: test %zu failed: %s", path, tests[i].line,
                           i + 1, mismatch);
    }
    return true;
}

/* Through the gate: no errors, no failed test. */
static struct policy *pass(const struct rulesfile_options *options, const char *path,
                           bool with_tests, struct buf *messages, struct err *err)
{
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct policy_problems problems = {0};
    const struct policy_world world = {
        .types = options->types,
        .targets = options->targets,
        .target_count = options->target_count,
        .connections = options->connections,
        .connection_count = options->connection_count,
        .now_us = clock_now_us(),
        .max_bytes = options->limits->rules_bytes,
        .max_rules = options->limits->rules_count,
    };
    err_clear(err);
    struct policy *policy = policy_load(path, &world, &arena, &problems, err);
    put_problems(&problems, messages);
    if (!policy) {
        if (err->kind == ERR_NONE)
            err_set(err, ERR_CONFIG, "%s: %zu error%s; labelctl rules check shows them", path,
                    problems.errors, problems.errors == 1 ? "" : "s");
        return NULL;
    }
    if (!with_tests || tests_pass(policy, path, world.now_us, &arena, err))
        return policy;
    policy_free(policy);
    return NULL;
}

/* Keep the file that passed. It was read a moment ago; if it changed since, what is kept still
 * has to pass when it is needed. */
static bool keep(const struct rulesfile_options *options, struct err *err)
{
    size_t length;
    own_free char *text =
        io_read_file(options->path, (size_t)options->limits->rules_bytes, &length, err);
    return text && io_write_file(options->last, text, length, 0600, err);
}

struct policy *rulesfile_check(const struct rulesfile_options *options, struct buf *problems,
                               struct err *err)
{
    if (!options->path)
        return policy_empty(err);
    return pass(options, options->path, true, problems, err);
}

struct policy *rulesfile_reload(const struct rulesfile_options *options, struct buf *problems,
                                struct err *err)
{
    struct policy *policy = rulesfile_check(options, problems, err);
    if (policy && options->path && !keep(options, err)) {
        policy_free(policy);
        return NULL;
    }
    return policy;
}

/* The file is the one that passed last time: a restart does not run its tests again. */
static bool is_last(const struct rulesfile_options *options)
{
    size_t most = (size_t)options->limits->rules_bytes, length = 0, last_length = 0;
    own_free char *text = options->path ? io_read_file(options->path, most, &length, NULL) : NULL;
    own_free char *last = text ? io_read_file(options->last, most, &last_length, NULL) : NULL;
    return last && length == last_length && memcmp(text, last, length) == 0;
}

struct policy *rulesfile_start(const struct rulesfile_options *options, struct arena *arena,
                               struct buf *problems, const char **problem, struct err *err)
{
    struct err why = {0};
    own_buf struct buf ignored = buf_new(64 * 1024);
    *problem = NULL;
    struct policy *policy = is_last(options) ? pass(options, options->path, false, problems, err)
                                             : rulesfile_reload(options, problems, err);
    if (policy)
        return policy;
    policy = pass(options, options->last, false, &ignored, &why);
    if (policy)
        *problem = arena_printf(arena, "%s; the last good rules stay in force", err->text);
    return policy;
}
