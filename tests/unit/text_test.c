#include "check.h"

#include "base/text.h"

TEST(text_is_folded_the_way_people_compare_it)
{
    static const struct {
        const char *text, *folded;
    } cases[] = {
        {"", ""},
        {"/FINANCE/Q3.xlsx", "/finance/q3.xlsx"},
        {"Stra\xc3\x9f"
         "e",
         "strasse"},
        {"\xc3\x84pfel", "\xc3\xa4pfel"},
        {"A\xcc\x88pfel", "\xc3\xa4pfel"}, /* A and a combining diaeresis */
        {"\xce\xa3\xce\x99\xce\xa3", "\xcf\x83\xce\xb9\xcf\x83"},
        {"\xff!", "\xef\xbf\xbd!"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_arena struct arena arena = arena_new(1 << 16);
        const char *folded = text_fold(&arena, cases[i].text);
        assert_non_null(folded);
        assert_string_equal(folded, cases[i].folded);
    }
}

TEST(the_nearest_word_is_one_that_was_meant)
{
    static const char *const words[] = {"findings", "rules", "labels", "all", "path"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"finding", "findings"}, {"rule", "rules"}, {"lables", "labels"},
        {"al", "all"},           {"pth", "path"},   {"pahth", "path"},
        {"xyz", NULL},           {"an", NULL},      {"findingsss", "findings"},
        {"fndngs", "findings"},  {"fndng", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = text_nearest(cases[i].word, words, sizeof words / sizeof *words);
        CHECK_CASE(i, (near == NULL) == (cases[i].nearest == NULL));
        if (near)
            assert_string_equal(near, cases[i].nearest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_folded_the_way_people_compare_it),
        cmocka_unit_test(the_nearest_word_is_one_that_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
