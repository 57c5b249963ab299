#include "check.h"

#include "base/mem.h"
#include "base/yaml.h"

static const struct {
    const char *text;
    int fault; /* -1: read */
    unsigned line, column;
} cases[] = {
    {"a: 1\nb: [x, 'y']\n", -1, 0, 0},
    {"a:\n  b: {c: d}\n", -1, 0, 0},
    {"a: 1\nb: 2\na: 3\n", YAML_DUPLICATE, 3, 1},
    {"owner: *@example.com\n", YAML_ALIAS, 1, 8},
    {"a: &x 1\n", YAML_ANCHOR, 1, 4},
    {"a: !!str 1\n", YAML_TAG, 1, 4},
    {"a: {b: 1}\n<<: c\n", YAML_MERGE, 2, 1},
    {"", YAML_EMPTY, 1, 1},
    {"# only a comment\n", YAML_EMPTY, 1, 1},
    {"--- a\n--- b\n", YAML_MANY, 2, 5},
    {"a: [1, 2\nb: 3\n", YAML_SYNTAX, 0, 0},
    {"a: b: c\n", YAML_SYNTAX, 0, 0},
    {"\ta: 1\n", YAML_SYNTAX, 0, 0},
    {"{[a]: 1}\n", YAML_KEY, 1, 2},
    {"a: 1\nb: x\xff\n", YAML_SYNTAX, 2, 5},
    {"%YAML 1.2\n--- a\n", YAML_SYNTAX, 1, 1},
    {"a: b\n%\xff\xff\n", YAML_SYNTAX, 2, 1},
    {"gr\xc3\xbc\xc3\x9f: &x 1\n", YAML_ANCHOR, 1, 7},
};

TEST(each_fault_is_told_with_its_place)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct yaml_problem problem;
        const struct yaml_node *root =
            yaml_parse(cases[i].text, strlen(cases[i].text), &arena, &problem);
        CHECK_CASE(i, (root != NULL) == (cases[i].fault < 0));
        if (root)
            continue;
        CHECK_CASE(i, (int)problem.fault == cases[i].fault);
        CHECK_CASE(i, cases[i].line == 0 || cases[i].line == problem.line);
        CHECK_CASE(i, cases[i].column == 0 || cases[i].column == problem.column);
    }
}

TEST(values_keep_their_text_and_place)
{
    own_arena struct arena arena = arena_new(1 << 20);
    struct yaml_problem problem;
    const char *text = "name: 'quoted'\nlist:\n  - one\n  - two\nnull:\n";
    const struct yaml_node *root = yaml_parse(text, strlen(text), &arena, &problem);
    assert_non_null(root);
    assert_int_equal(root->count, 3);
    const struct yaml_node *name = yaml_get(root, "name");
    assert_string_equal(name->text, "quoted");
    assert_true(name->quoted);
    const struct yaml_node *list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_string_equal(list->items[1].text, "two");
    assert_int_equal(list->items[1].line, 4);
    assert_int_equal(list->items[1].column, 5);
    assert_string_equal(yaml_get(root, "null")->text, "");
    assert_null(yaml_get(root, "nothing"));
}

TEST(depth_is_bounded)
{
    char text[400];
    memset(text, '[', 200);
    memset(text + 200, ']', 200);
    own_arena struct arena arena = arena_new(1 << 20);
    struct yaml_problem problem;
    assert_null(yaml_parse(text, sizeof text, &arena, &problem));
}

TEST(memory_may_run_out_anywhere)
{
    const char *text = "a: [1, 2, {b: c}]\nd: e\n";
    for (size_t nth = 1; nth < 100; nth++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct yaml_problem problem;
        mem_fail_nth(nth, 0);
        const struct yaml_node *root = yaml_parse(text, strlen(text), &arena, &problem);
        size_t calls = mem_calls();
        mem_fail_nth(0, 0);
        if (calls < nth) {
            assert_non_null(root);
            return;
        }
        assert_null(root);
        assert_int_equal(problem.fault, YAML_MEMORY);
    }
    fail_msg("never got through");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_told_with_its_place),
        cmocka_unit_test(values_keep_their_text_and_place),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
