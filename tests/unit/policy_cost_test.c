/* What rules cost, in steps and not in time: policy/ and base/text.c are compiled into this test
 * with -fsanitize-coverage=trace-pc, so that each basic block that runs counts one. */
#include "base/own.h"
#include "check.h"
#include "policy/glob.h"
#include "policy/plan.h"
#include "rules_world.h"

void __sanitizer_cov_trace_pc(void);

static uint64_t steps;

void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

/* A work of size n; its steps. */
typedef uint64_t work(unsigned n);

/* Twice the work takes about twice the steps; what is quadratic takes four times as many. */
static void grows_with_its_size(work *run, unsigned n)
{
    uint64_t once = run(n), twice = run(2 * n);
    assert_true(once > n);
    if (twice > once * 5 / 2)
        fail_msg("%u take %llu steps, %u take %llu", n, (unsigned long long)once, 2 * n,
                 (unsigned long long)twice);
}

static uint64_t load_rules(unsigned n)
{
    own_arena struct arena arena = arena_new(1 << 24);
    own_buf struct buf text = buf_new(8 << 20);
    struct policy_problems problems;
    buf_puts(&text, "rules:\n");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&text,
                   "- {name: R%u, when: {findings: {type: PCI}, path: /f%u/}, then: "
                   "{alert: low}}\n",
                   i, i);
    steps = 0;
    struct policy *policy = rules_world_parse(buf_text(&text), &arena, &problems);
    uint64_t taken = steps;
    assert_non_null(policy);
    policy_free(policy);
    return taken;
}

TEST(loading_rules_grows_with_their_number)
{
    grows_with_its_size(load_rules, 5000);
}

/* Each mistake would like a suggestion among all types, labels and rules. */
static uint64_t tell_mistakes(unsigned n)
{
    own_arena struct arena arena = arena_new(1 << 24);
    own_buf struct buf text = buf_new(2 << 20);
    struct policy_problems problems;
    buf_puts(&text, "labels: [{ name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }]\n"
                    "rules:\n");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&text,
                   "- {name: R%u, when: {findings: {type: [credit-crad, ibna, us-snn, x%u]}, is: "
                   "Nam%u}, then: {label: Secrte%u}}\n",
                   i, i, i, i);
    buf_puts(&text, "tests:\n- expect: { rules: [");
    for (unsigned i = 0; i < 16 * n; i++)
        buf_printf(&text, "Q%u, ", i);
    buf_puts(&text, "R1] }\n");
    assert_true(text.length < 1 << 20);
    steps = 0;
    assert_null(rules_world_parse(buf_text(&text), &arena, &problems));
    assert_int_equal(problems.errors, 100);
    return steps;
}

TEST(telling_mistakes_grows_with_their_number)
{
    grows_with_its_size(tell_mistakes, 1500);
}

struct decision {
    unsigned rules, rows;
};

static uint64_t decide(struct decision of)
{
    own_arena struct arena arena = arena_new(1 << 28);
    own_buf struct buf text = buf_new(4 << 20);
    struct policy_problems problems;
    buf_puts(&text, "rules:\n");
    for (unsigned i = 0; i < of.rules; i++)
        buf_printf(&text,
                   "- {name: R%u, when: {findings: {type: [PCI, iban]}, path: '/**/f%u/*'}, "
                   "then: {tag: t%u}}\n",
                   i, i, i);
    struct policy *policy = rules_world_parse(buf_text(&text), &arena, &problems);
    struct report_finding *rows = arena_alloc(&arena, of.rows, sizeof *rows);
    assert_true(policy && rows);
    for (unsigned i = 0; i < of.rows; i++)
        rows[i] = (struct report_finding){
            .type = "iban", .confidence = REPORT_HIGH, .count = 1, .unique_count = 1};
    struct facts facts;
    struct plan plan;
    facts_init(&facts);
    facts.path = "/a/b/c/d/e/f/g/h/f50/x";
    facts.findings = rows;
    facts.finding_count = of.rows;
    steps = 0;
    assert_true(plan_for(policy, &facts, RULES_WORLD_NOW, false, &arena, &plan));
    uint64_t taken = steps;
    assert_int_equal(plan.rules[50].state, PLAN_MATCHED);
    policy_free(policy);
    return taken;
}

static uint64_t decide_rules(unsigned n)
{
    return decide((struct decision){.rules = n, .rows = 100});
}

static uint64_t decide_rows(unsigned n)
{
    return decide((struct decision){.rules = 100, .rows = n});
}

TEST(deciding_grows_with_the_rules_and_with_the_findings)
{
    grows_with_its_size(decide_rules, 500);
    grows_with_its_size(decide_rows, 1000);
}

/* glob.h: at most the pattern's length times the text's; a dozen blocks for each pair. */
TEST(a_hostile_pattern_costs_at_most_its_length_times_the_texts)
{
    own_arena struct arena arena = arena_new(1 << 20);
    char pattern[801], text[4001], path[801], deep[4001];
    for (size_t i = 0; i < 800; i++) {
        pattern[i] = "*a"[i % 2];
        path[i] = "/**"[i % 3];
    }
    for (size_t i = 0; i < 4000; i++) {
        text[i] = 'a';
        deep[i] = "/a"[i % 2];
    }
    pattern[800] = path[800] = text[4000] = deep[4000] = '\0';
    pattern[799] = 'b';
    path[798] = '/', path[799] = 'b';
    struct glob glob;
    assert_true(glob_compile(&glob, pattern, false, &arena));
    steps = 0;
    assert_false(glob_match(&glob, text));
    assert_true(steps > 4000 && steps < 12ull * 800 * 4000);
    assert_true(glob_compile(&glob, path, true, &arena));
    steps = 0;
    assert_false(glob_match(&glob, deep));
    assert_true(steps > 2000 && steps < 12ull * 800 * 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_rules_grows_with_their_number),
        cmocka_unit_test(telling_mistakes_grows_with_their_number),
        cmocka_unit_test(deciding_grows_with_the_rules_and_with_the_findings),
        cmocka_unit_test(a_hostile_pattern_costs_at_most_its_length_times_the_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
