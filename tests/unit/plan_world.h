/* plan_world: labels, rules from a text, facts as a test in a rules file gives them. */
#ifndef LABELD_TESTS_PLAN_WORLD_H
#define LABELD_TESTS_PLAN_WORLD_H
#include "base/mem.h"
#include "check.h"
#include "policy/expect.h"
#include "rules_world.h"

#define DAY_US (24ll * 3600 * 1000000)
#define SITE   "site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10\n"
#define LABELS                                                                                     \
    SITE "labels:\n"                                                                               \
         "  - { name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }\n"                       \
         "  - name: Confidential\n"                                                                \
         "    id: 5b0e2b44-3f39-4d6e-8c8a-7b6f0d5a9e02\n"                                          \
         "    sub:\n"                                                                              \
         "      - { name: Personal data, id: 9d3c8a70-7d4e-4b0f-8f51-2f1f6a3b8c03 }\n"             \
         "      - { name: Finance, id: c1e5b9d4-0a63-4f8d-b2a7-6e9d4c7f5b04 }\n"                   \
         "  - { name: Secret, id: e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05 }\n"

static inline struct policy *plan_parse(const char *text, struct arena *arena)
{
    struct policy_problems problems;
    struct policy *policy = rules_world_parse(text, arena, &problems);
    if (!policy)
        fail_msg("%s\n%s", text, rules_world_print(&problems, arena));
    return policy;
}

/* Facts of a test in YAML, as the tests of a rules file give them. */
static inline void plan_facts(const char *yaml, struct arena *arena, struct facts *facts)
{
    const char *text = arena_printf(
        arena, LABELS "rules: [{ name: R, when: always, then: { alert: low } }]\ntests: [%s]\n",
        yaml);
    struct policy *policy = plan_parse(text, arena);
    size_t count;
    facts_init(facts);
    expect_overlay(facts, &expect_tests(policy, &count)->facts);
    /* the facts' texts lie in this policy: freed with the test process */
    static struct policy *kept[4096];
    static size_t kept_count;
    assert_true(kept_count < sizeof kept / sizeof *kept);
    kept[kept_count++] = policy;
}

#endif
