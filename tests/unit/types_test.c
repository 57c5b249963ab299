#include "types.h"

#include "check.h"
#include "type_files.h"

#define FIND     "find: { shape: '999-999' }"
#define EXAMPLES "examples: [{ text: '123-457', expect: low }, { text: 'x', expect: none }]"

static const struct fault_case {
    const char *yaml, *message;
} fault_cases[] = {
    {"types: [{ id: a-b, chekc: luhn, " FIND ", " EXAMPLES " }]",
     "t.yaml:1:20: error: unknown key 'chekc' (did you mean 'check'?)"},
    {"types: [{ id: a-b, check: luhm, " FIND ", " EXAMPLES " }]",
     "error: there is no check 'luhm' (did you mean 'luhn'?)"},
    {"types: [{ " FIND ", " EXAMPLES " }]", "t.yaml:1:9: error: a type needs an 'id'"},
    {"types: [{ id: A_b, " FIND ", " EXAMPLES " }]", "'A_b' is no id"},
    {"types: [{ id: a-b, " EXAMPLES " }]", "has no 'find'"},
    {"types: [{ id: a-b, " FIND " }]", "has no 'examples'"},
    {"types: [{ id: a-b, " FIND ", examples: [{ text: x, expect: none }] }]",
     "'examples' needs one that is found and one that is not"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", category: cart }]",
     "there is no category 'cart' (did you mean 'card'?)"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", regions: [usa] }]", "'usa' is no region"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", parent: a-c }]",
     "there is no type 'a-c' to be the parent (did you mean 'a-b'?)"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", parent: a-b }]", "run in a circle"},
    {"types: [{ extends: a-c, id: a-b }]", "there is no type 'a-c' to extend"},
    {"types: [{ id: a-b, find: { shape: '9{2' }, " EXAMPLES " }]", "a { is not closed"},
    {"types: [{ id: a-b, find: { shape: '99', pattern: x }, " EXAMPLES " }]", "give one of shape"},
    {"types: [{ id: a-b, find: { pattern: 'a(' }, " EXAMPLES " }]",
     "the pattern cannot be searched: "},
    {"types: [{ id: a-b, find: { pattern: 'a*' }, " EXAMPLES " }]", "it matches an empty text"},
    {"types: [{ id: a-b, find: { shape: '999-999', needs: keyword }, " EXAMPLES " }]",
     "in a type without keywords finds nothing"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", near: { within: 3 } }]", "one of type and shape"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", near: { type: a-c } }]", "to stand near"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", cap: hihg }]", "(did you mean 'high'?)"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES ", entropy: 9 }]", "'entropy' is a number"},
    {"types: [{ id: a-b, " FIND ", examples: [{ text: '123-457', expect: high },"
     " { text: x, expect: none }] }]",
     "this example of 'a-b' is found with confidence low, not high"},
    {"types: [{ id: a-b, " FIND ", " EXAMPLES " }, { id: a-b, " FIND ", " EXAMPLES " }]",
     "the type 'a-b' is already defined in"},
    {"bundles: { All: [a-b] }", "the bundle 'All' names 'a-b', but there is no such type"},
    {"bundles: { A: [B], B: [A] }", "contains itself"},
    {"types: 3", "'types' needs a list"},
    {"tpyes: []", "unknown key 'tpyes' (did you mean 'types'?)"},
    {"types: [", "t.yaml:"},
};

TEST(every_mistake_in_a_type_file_is_told_at_its_place)
{
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++) {
        own_buf struct buf problems = buf_new(1 << 16);
        struct classifier *classifier = type_files_open(fault_cases[i].yaml, &problems);
        if (classifier || !strstr(buf_text(&problems), fault_cases[i].message))
            print_error("case %zu: %s\n", i, buf_text(&problems));
        CHECK_CASE(i, !classifier);
        CHECK_CASE(i, strstr(buf_text(&problems), fault_cases[i].message));
    }
    type_files_remove();
}

TEST(all_built_in_examples_pass)
{
    own_buf struct buf problems = buf_new(1 << 16);
    own_arena struct arena arena = arena_new(16 << 20);
    struct err err = {0};
    struct type_list list = {0};
    const struct classifier_options options = {.builtin_dir = SOURCE_DIR "/classifiers/types",
                                               .run_examples = true};
    struct classifier *classifier = classifier_open(&options, &problems, &err);
    if (!classifier)
        fail_msg("%s", buf_text(&problems));
    assert_true(classifier_list(classifier, &arena, &list, &err));
    assert_true(list.types_count >= 40);
    classifier_close(classifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_in_a_type_file_is_told_at_its_place),
        cmocka_unit_test(all_built_in_examples_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
