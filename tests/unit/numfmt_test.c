#include "check.h"

#include "formats/numfmt.h"

static const struct show_case {
    const char *code, *number, *shown;
    bool since_1904;
} show_cases[] = {
    {"General", "4.539044348743998E15", "4539044348743998", false},
    {"General", "4539044348743998", "4539044348743998", false},
    {"General", "0.1", "0.1", false},
    {"General", "0.30000000000000004", "0.3", false},
    {"General", "-12.50", "-12.5", false},
    {"General", "1E-3", "0.001", false},
    {"General", "0", "0", false},
    {"General", "1E300", "1E300", false},
    {"General", "not a number", "not a number", false},
    {"0.00E+00", "4.539044348743998E15", "4539044348743998", false},
    {"0000-0000-0000-0000", "4539044348743998", "4539-0443-4874-3998", false},
    {"0000\\ 0000\\ 0000\\ 0000", "4.539044348743998E+15", "4539 0443 4874 3998", false},
    {"000\\-00\\-0000", "78051120", "078-05-1120", false},
    {"00000", "1234", "01234", false},
    {"[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "5551234", "555-1234", false},
    {"[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "2025551234", "(202) 555-1234", false},
    {"#,##0.00", "1234.5", "1234.50", false},
    {"#,##0.00", "4539044348743998", "4539044348743998", false},
    {"#,##0,", "4539044348743998", "4539044348743998", false},
    {"0.00%", "0.125", "12.50%", false},
    {"0;(0)", "-7", "(7)", false},
    {"0.0", "-9.96", "-10.0", false},
    {"[$EUR-407]\\ #,##0.00", "12", "EUR 12.00", false},
    {"[Red]\"No. \"0", "42", "No. 42", false},
    {";;;", "4539044348743998", "4539044348743998", false},
    {"\"hidden\"", "4539044348743998", "hidden 4539044348743998", false},
    {"dd/mm/yyyy", "46350", "2026-11-24", false},
    {"m/d/yy h:mm", "46350.5", "2026-11-24 12:00:00", false},
    {"[h]:mm:ss", "1.5", "36:00:00", false},
    {"yyyy-mm-dd", "1", "1900-01-01", false},
    {"yyyy-mm-dd", "60", "1900-02-29", false},
    {"yyyy-mm-dd", "61", "1900-03-01", false},
    {"yyyy-mm-dd", "0", "1904-01-01", true},
    {"yyyy-mm-dd", "44888", "2026-11-24", true},
    {"yyyy-mm-dd", "4539044348743998", "4539044348743998", false},
    {"\"day\" 0", "3", "day 3", false},
    {"[", "5", "5", false},
    {"\"open", "5", "open 5", false},
    {"0\\", "5", "5\\", false},
};

TEST(a_number_is_shown_as_its_format_says)
{
    for (size_t i = 0; i < sizeof show_cases / sizeof *show_cases; i++) {
        const struct show_case *row = &show_cases[i];
        struct numfmt format = numfmt_of_code(row->code);
        char shown[NUMFMT_MAX];
        size_t length = numfmt_show(&format, row->number, row->since_1904, shown);
        if (strcmp(shown, row->shown) != 0)
            print_message("case %zu: %s\n", i, shown);
        CHECK_CASE(i, strcmp(shown, row->shown) == 0);
        CHECK_CASE(i, length == strlen(shown));
    }
}

TEST(built_in_formats_have_their_meaning)
{
    static const struct {
        unsigned id;
        const char *number, *shown;
    } rows[] = {
        {0, "5", "5"},
        {1, "5.4", "5"},
        {2, "5", "5.00"},
        {9, "0.5", "50%"},
        {14, "46350", "2026-11-24"},
        {20, "0.25", "06:00:00"},
        {22, "46350.25", "2026-11-24 06:00:00"},
        {49, "5", "5"},
        {11, "1234.5", "1234.5"},
        {163, "5", "5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct numfmt format = numfmt_of_id(rows[i].id);
        char shown[NUMFMT_MAX];
        numfmt_show(&format, rows[i].number, false, shown);
        CHECK_CASE(i, strcmp(shown, rows[i].shown) == 0);
    }
}

TEST(no_format_and_no_number_writes_past_the_end)
{
    char code[1000], number[1000], shown[NUMFMT_MAX];
    static const char *const pieces[] = {"0",  "#", "\\x", "\"a\"", "[$y]",
                                         "_-", "*", "E+",  ".",     ";"};
    for (size_t piece = 0; piece < sizeof pieces / sizeof *pieces; piece++) {
        code[0] = '\0';
        for (size_t at = 0; at + 8 < sizeof code; at += strlen(pieces[piece]))
            memcpy(code + at, pieces[piece], strlen(pieces[piece]) + 1);
        memset(number, '9', sizeof number - 1);
        number[sizeof number - 1] = '\0';
        for (size_t length = 1; length < sizeof number; length = length * 3 + 1) {
            struct numfmt format = numfmt_of_code(code);
            assert_true(numfmt_show(&format, number + sizeof number - 1 - length, false, shown) <
                        NUMFMT_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_shown_as_its_format_says),
        cmocka_unit_test(built_in_formats_have_their_meaning),
        cmocka_unit_test(no_format_and_no_number_writes_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
