#include "picture.h"

#include "check.h"
#include "shapes.h"

static const struct match_case {
    const char *picture, *text;
    bool exact, matches;
} match_cases[] = {
    {"999_99_9999", "536-22-8726", false, true},
    {"999_99_9999", "536228726", false, true},
    {"999_99_9999", "536-22 8726", false, false},
    {"999_99_9999", "536 - 22 - 8726", false, true},
    {"AA9{2,3}", "ab123", false, true},
    {"AA9{2,3}", "ab123", true, false},
    {"AA9{2,3}", "AB1234", false, false},
    {"[A-C1-3]X?9", "b7", false, true},
    {"[A-C1-3]X?9", "d7", false, false},
    {"(19|20)99", "2031", false, true},
    {"(19|20)99", "3131", false, false},
    {"\\(999\\) ?999", "(202)555", false, true},
    {"\\9\\A9", "9A5", false, true},
    {"99[./]99", "12/34", false, true},
    {"99[./]99", "1234", false, false},
};

TEST(pictures_match_what_they_show)
{
    for (size_t i = 0; i < sizeof match_cases / sizeof *match_cases; i++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct picture picture;
        struct err err = {0};
        const struct match_case *row = &match_cases[i];
        CHECK_CASE(i, picture_read(row->picture, row->exact, &arena, &picture, &err));
        CHECK_CASE(i, shapes_match(&picture, row->text, 0, strlen(row->text)) == row->matches);
    }
}

TEST(broken_pictures_are_refused_with_a_reason)
{
    static const char *const cases[][2] = {
        {"9{", "a number belongs here"},
        {"9{2", "is not closed"},
        {"9{3,2}", "smaller"},
        {"[12", "is not closed"},
        {"[]9", "is empty"},
        {"[3-1]9", "backwards"},
        {"(99", "is not closed"},
        {"99)", "has no ("},
        {"9{65}", "at most 64"},
        {"[9-.]9", "backwards"},
        {"(9{1,40}){1,40}", "256 forms"},
        {"9", "two letters or digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct picture picture;
        struct err err = {0};
        CHECK_CASE(i, !picture_read(cases[i][0], false, &arena, &picture, &err));
        if (!strstr(err.text, cases[i][1]))
            print_error("case %zu: %s\n", i, err.text);
        CHECK_CASE(i, strstr(err.text, cases[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_match_what_they_show),
        cmocka_unit_test(broken_pictures_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
