#include "check.h"

#include "policy/digest.h"

static const char *of(const char *text, char hex[static DIGEST_HEX_BYTES])
{
    struct arena arena = arena_new(1 << 20);
    struct yaml_problem problem;
    const struct yaml_node *node = yaml_parse(text, strlen(text), &arena, &problem);
    assert_non_null(node);
    assert_true(digest_node(node, hex));
    arena_fini(&arena);
    return hex;
}

TEST(layout_and_comments_do_not_count)
{
    char a[DIGEST_HEX_BYTES], b[DIGEST_HEX_BYTES];
    assert_string_equal(of("name: Cards\nwhen: { size: { at_least: 1 kB } }\n", a),
                        of("# why\nname: 'Cards'\nwhen:\n  size:\n    at_least: 1 kB # x\n", b));
}

TEST(what_is_said_counts)
{
    static const char *const texts[] = {"{a: b}",      "{a: c}",         "{b: a}", "{a: [b]}",
                                        "{a: {b: c}}", "[a, b]",         "[ab]",   "[[a], b]",
                                        "[[a, b]]",    "{a: b, c: d}",   "a",      "{a: }",
                                        "[{a: b}, c]", "[{a: b, c: ''}]"};
    char hex[sizeof texts / sizeof *texts][DIGEST_HEX_BYTES];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        of(texts[i], hex[i]);
        for (size_t k = 0; k < i; k++)
            CHECK_CASE(i, strcmp(hex[i], hex[k]) != 0);
    }
}

TEST(a_text_has_the_digest_that_everybody_computes)
{
    char hex[DIGEST_HEX_BYTES];
    assert_true(digest_text("abc", 3, hex)); /* FIPS 180-4, one block */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_and_comments_do_not_count),
        cmocka_unit_test(what_is_said_counts),
        cmocka_unit_test(a_text_has_the_digest_that_everybody_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
