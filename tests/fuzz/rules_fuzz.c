#include "fuzz/target.h"

#include "policy/expect.h"
#include "policy/explain.h"
#include "unit/rules_world.h"

/* Whatever rules file arrives: no crash, messages with places, and what loads can be decided,
 * tested and explained. */
static void run(const struct policy *policy, struct arena *arena)
{
    size_t count;
    const struct expect_test *tests = expect_tests(policy, &count);
    for (size_t i = 0; i < count && i < 16; i++) {
        struct facts facts;
        struct plan plan;
        const char *mismatch;
        facts_init(&facts);
        expect_overlay(&facts, &tests[i].facts);
        if (!expect_run(policy, &tests[i], &facts, RULES_WORLD_NOW, arena, &plan, &mismatch))
            continue;
        const struct explain explain = {.policy = policy,
                                        .facts = &facts,
                                        .plan = &plan,
                                        .path = "x",
                                        .rules_file = "rules.yaml",
                                        .all = true,
                                        .hints = true};
        own_buf struct buf text = buf_new(16u << 20);
        explain_text(&explain, &text);
        json_decref(explain_json(&explain));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    own_arena struct arena arena = arena_new(64u << 20);
    struct policy_problems problems;
    struct err err = {0};
    const struct policy_world world = {
        .types = rules_world_types(), .now_us = RULES_WORLD_NOW, .max_bytes = 64u << 10};
    struct policy *policy =
        policy_parse("rules.yaml", (const char *)bytes, length, &world, &arena, &problems, &err);
    for (size_t i = 0; i < problems.count; i++)
        if (problems.items[i].line == 0 || problems.items[i].column == 0)
            __builtin_trap();
    if (!policy && problems.errors == 0 && err.kind == ERR_NONE)
        __builtin_trap();
    if (policy)
        run(policy, &arena);
    policy_free(policy);
    return 0;
}
