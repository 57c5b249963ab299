#include "policy/gate.h"

#include <string.h>

#include "base/clock.h"
#include "policy/expect.h"

bool gate_test(const struct policy *policy, const char *name, int64_t now_us, struct arena *arena,
               struct err *err)
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
            return err_set(err, ERR_MEMORY, "%s: testing the rules: out of memory", name);
        if (mismatch)
            return err_set(err, ERR_CONFIG, "%s:%u: test %zu failed: %s", name, tests[i].line,
                           i + 1, mismatch);
    }
    return true;
}

struct policy *gate_load(const struct gate *gate, const char *name, const char *text,
                         struct arena *arena, struct policy_problems *problems, struct err *err)
{
    const struct policy_world world = {
        .types = gate->types,
        .targets = gate->targets,
        .target_count = gate->target_count,
        .connections = gate->connections,
        .connection_count = gate->connection_count,
        .now_us = clock_now_us(),
        .max_bytes = gate->limits->rules_bytes,
        .recipient = gate->recipient,
        .max_rules = gate->limits->rules_count,
    };
    *problems = (struct policy_problems){0};
    if (!*text)
        return policy_empty(err);
    err_clear(err);
    struct policy *policy = policy_parse(name, text, strlen(text), &world, arena, problems, err);
    if (!policy && err->kind == ERR_NONE)
        err_set(err, ERR_CONFIG, "%s: %zu error%s; labelctl rules check shows them", name,
                problems->errors, problems->errors == 1 ? "" : "s");
    return policy;
}
