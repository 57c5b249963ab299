#include "check.h"

#include "base/mem.h"
#include "base/text.h"
#include "policy/glob.h"

static const struct {
    const char *glob;
    bool path;
    const char *text;
    bool matches;
} cases[] = {
    {"*", false, "", true},
    {"*", false, "a/b", true},
    {"*.pem", false, "server.pem", true},
    {"*.pem", false, "server.pem.txt", false},
    {"*.PEM", false, "Server.pem", true},
    {"a?c", false, "abc", true},
    {"a?c", false,
     "a\xc3\xbc"
     "c",
     true},
    {"a??c", false,
     "a\xc3\xbc"
     "c",
     false},
    {"stra\xc3\x9f"
     "e",
     false, "STRASSE", true},
    {"Caf\xc3\xa9", false, "cafe\xcc\x81", true},
    {"\\*x", false, "*x", true},
    {"\\*x", false, "ax", false},
    {"a\\?", false, "a?", true},
    {"a\\?", false, "ab", false},
    {"*a*b*c", false, "xxaxxbxxc", true},
    {"*a*b*c", false, "xxaxxcxxb", false},
    {"", false, "", true},
    {"", false, "a", false},
    {"*@example.com", false, "anna@Example.COM", true},
    {"/Finance/", true, "/FINANCE/2026/q3.xlsx", true},
    {"/Finance/", true, "/finance/a.txt", true},
    {"/Finance/", true, "/Finance", false},
    {"/Finance/", true, "/x/Finance/a", false},
    {"/Finance/**", true, "/Finance/a/b", true},
    {"/Finance", true, "/finance", true},
    {"/Finance/*", true, "/Finance/a", true},
    {"/Finance/*", true, "/Finance/a/b", false},
    {"/a/**/z", true, "/a/z", true},
    {"/a/**/z", true, "/a/b/c/z", true},
    {"/a/**/z", true, "/a/b/c/y", false},
    {"**/secret/*", true, "/secret/x", true},
    {"**/secret/*", true, "/a/b/secret/x", true},
    {"**/secret/*", true, "/a/b/secret/x/y", false},
    {"/**/secret/*", true, "/secret/x", true},
    {"/a/**/b/**/c", true, "/a/x/b/y/b/z/c", true},
    {"/a/**/b/**/c", true, "/a/x/c", false},
    {"/a?b", true, "/a/b", false},
    {"/a*b", true, "/a/b", false},
    {"/a**b", true, "/axxb", true},
    {"/a**b", true, "/a/b", false},
    {"/Marketing/brochure.pdf", true, "/marketing/Brochure.pdf", true},
    {"/", true, "/x", true},
};

TEST(a_glob_matches_the_whole_text_folded)
{
    own_arena struct arena arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct glob glob;
        CHECK_CASE(i, glob_compile(&glob, cases[i].glob, cases[i].path, &arena));
        CHECK_CASE(i, glob_match(&glob, text_fold(&arena, cases[i].text)) == cases[i].matches);
    }
}

TEST(a_pattern_that_is_too_long_is_refused)
{
    own_arena struct arena arena = arena_new(1 << 20);
    char pattern[GLOB_MAX_BYTES + 2];
    memset(pattern, 'a', sizeof pattern - 1);
    pattern[sizeof pattern - 1] = '\0';
    struct glob glob;
    assert_false(glob_compile(&glob, pattern, false, &arena));
}

TEST(a_literal_has_no_special_character)
{
    assert_true(glob_is_literal("/Finance/a.txt"));
    assert_false(glob_is_literal("*.pem"));
    assert_false(glob_is_literal("a?"));
    assert_false(glob_is_literal("a\\*"));
}

TEST(memory_may_run_out_anywhere)
{
    for (size_t nth = 1; nth < 8; nth++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct glob glob;
        mem_fail_nth(nth, 0);
        if (glob_compile(&glob, "/a/**/b*", true, &arena))
            assert_true(glob_match(&glob, "/a/bc"));
        mem_fail_nth(0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glob_matches_the_whole_text_folded),
        cmocka_unit_test(a_pattern_that_is_too_long_is_refused),
        cmocka_unit_test(a_literal_has_no_special_character),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
