#include "classifier.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "check.h"
#include "type_files.h"

static const char types[] =
    "types:\n"
    "  - id: credit-card\n"
    "    category: card\n"
    "    find:\n"
    "      - shape: '9{12,19}'\n"
    "      - shape: '9999_9999_9999_9999(_9{1,3})?'\n"
    "      - shape: '9999_9{6}_9{4,5}'\n"
    "    check: luhn\n"
    "    bare: true\n"
    "    keywords: [credit card, card number, kreditkarte]\n"
    "    test_values: ['4111 1111 1111 1111']\n"
    "    examples:\n"
    "      - { text: 'card number 4539 1488 0343 6467', expect: high }\n"
    "      - { text: '4539 1488 0343 6468', expect: none }\n"
    "  - id: card-visa\n"
    "    category: card\n"
    "    parent: credit-card\n"
    "    find: { shape: '\\4999_9999_9999_9999' }\n"
    "    check: luhn\n"
    "    bare: true\n"
    "    examples:\n"
    "      - { text: '4539 1488 0343 6467', expect: medium }\n"
    "      - { text: '5539 1488 0343 6467', expect: none }\n"
    "  - id: ssn\n"
    "    category: identity\n"
    "    find:\n"
    "      - shape: '999_99_9999'\n"
    "      - { shape: '999999999', needs: keyword }\n"
    "    keywords: { words: [social security, ssn] }\n"
    "    confidence: { found: medium, keyword: high }\n"
    "    exclude: { values: ['078-05-1120'], words: [part number] }\n"
    "    examples:\n"
    "      - { text: 'ssn 536-22-8726', expect: high }\n"
    "      - { text: '078-05-1120', expect: none }\n"
    "  - id: one-id\n"
    "    find: { shape: '99-99-99-99-99' }\n"
    "    check: luhn\n"
    "    keywords: [first id]\n"
    "    examples: [{ text: '83-19-46-20-50', expect: low }, { text: '1', expect: none }]\n"
    "  - id: two-id\n"
    "    find: { shape: '9{2}-99-99-99-99' }\n"
    "    check: luhn\n"
    "    keywords: [second id]\n"
    "    examples: [{ text: 'second id 83-19-46-20-50', expect: high },\n"
    "               { text: '1', expect: none }]\n"
    "  - id: staff\n"
    "    find: { words: [project nightjar, \xc3\x9c"
    "bermut] }\n"
    "    examples: [{ text: 'Project Nightjar', expect: low }, { text: 'x', expect: none }]\n"
    "  - id: mail\n"
    "    find: { pattern: '\\b[a-z0-9._-]{1,64}@[a-z0-9.-]{1,200}\\.[a-z]{2,20}\\b',\n"
    "            caseless: true }\n"
    "    confidence: { found: medium }\n"
    "    examples: [{ text: 'To Jane.Doe@corp.net', expect: medium },\n"
    "               { text: 'a@b', expect: none }]\n"
    "  - id: sort-account\n"
    "    find: { shape: '99-99-99' }\n"
    "    near: { shape: '99999999', within: 30 }\n"
    "    examples: [{ text: '20-18-15 account 55779911', expect: low },\n"
    "               { text: '20-18-15', expect: none }]\n"
    "  - id: cvv\n"
    "    find: { shape: '999' }\n"
    "    keywords: { words: [cvv], required: true, near: 20 }\n"
    "    near: { type: credit-card, within: 100 }\n"
    "    examples: [{ text: '4539148803436467 cvv 123', expect: medium },\n"
    "               { text: 'cvv 123', expect: none }]\n";

static struct classifier *classifier;

static int open_types(void **state)
{
    own_buf struct buf problems = buf_new(1 << 16);
    (void)state;
    classifier = type_files_open(types, &problems);
    if (!classifier)
        print_error("%s", buf_text(&problems));
    return classifier ? 0 : -1;
}

static int close_types(void **state)
{
    (void)state;
    classifier_close(classifier);
    type_files_remove();
    return 0;
}

static const struct told_case {
    bool table;
    const char *text, *told;
} told_cases[] = {
    {false, "", ""},
    {false, "4539 1488 0343 6467", "credit-card:medium:1/1+card-visa:1"},
    {false, "card number: 4539-1488-0343-6467", "credit-card:high:1/1+card-visa:1"},
    /* one value in two rows' reach stands in the row of its highest confidence */
    {false,
     "card number: 4539148803436467 .............................................................."
     "......................................................................................"
     "......................................................................................"
     "........................................................................... "
     "again 4539148803436467",
     "credit-card:high:2/1+card-visa:2"},
    {false, "4111 1111 1111 1111", "credit-card:low:1/1+card-visa:1+test-number:1"},
    /* neighbours and longer runs */
    {false, "x4539148803436467", ""},
    {false, "4539148803436467_1", ""},
    {false, "4539-1488-0343-6467-7890", ""},
    {false, "1234 4539 1488 0343 6467", ""},
    {false, "4539148803436467.55", ""},
    {false, "$4539148803436467", ""},
    {false, "4539 1488-0343 6467", ""},
    {false, "https://x.test/?c=4539148803436467", ""},
    /* with a keyword separators may stand anywhere */
    {false, "credit card 453914 8803 436467", "credit-card:high:1/1"},
    /* other digits, spaces and dashes, with offsets of the text */
    {false, "\xef\xbc\x95\xef\xbc\x93\xef\xbc\x96-22-8726", "ssn:medium:1/1"},
    {false,
     "536\xc2\xa0"
     "22\xc2\xa0"
     "8726",
     "ssn:medium:1/1"},
    {false,
     "536\xe2\x80\x93"
     "22\xe2\x80\x93"
     "8726",
     "ssn:medium:1/1"},
    {false,
     "\xe7\xa4\xbe\xe4\xbf\x9d"
     "536-22-8726",
     "ssn:medium:1/1"},
    {false, "SSN 536228726", "ssn:high:1/1"},
    {false, "536228726", ""},
    {false, "part number 536-22-8726", ""},
    {false, "536-22-8726, 536 22 8726, 536-22-8727", "ssn:medium:3/2"},
    /* columns */
    {true, "id\tssn\n536228726\t1\n", ""},
    {true, "id\tssn\n1\t536228726\n2\t536228727\n", "ssn:high:2/2"},
    {true, "id\tnote\n1\tssn 536228726\n", "ssn:high:1/1"},
    /* equal shapes */
    {false, "83-19-46-20-50", "one-id:low:1/1~two-id"},
    {false, "second id 83-19-46-20-50", "two-id:high:1/1"},
    {false, "first id second id 83-19-46-20-50", "one-id:high:1/1~two-id"},
    /* words, patterns, neighbours */
    {false, "PROJECT NIGHTJAR and projects nightjars", "staff:low:1/1"},
    {false,
     "\xc3\xbc"
     "bermut \xc3\x9c"
     "BERMUT",
     "staff:low:2/1"},
    {false, "a Jane.Doe@corp.net b jane.doe@CORP.net", "mail:medium:2/1"},
    {false, "4539148803436467 cvv 123", "credit-card:medium:1/1+card-visa:1 cvv:medium:1/1"},
    {false, "cvv 123", ""},
};

TEST(texts_give_the_findings_that_people_expect)
{
    size_t failed = 0;
    for (size_t i = 0; i < sizeof told_cases / sizeof *told_cases; i++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct report report = {0};
        const struct told_case *row = &told_cases[i];
        assert_true(type_files_classify(classifier, row->text, strlen(row->text), row->table, 0,
                                        &arena, &report));
        const char *told = type_files_told(&report, &arena);
        if (strcmp(told, row->told) != 0)
            print_error("case %zu '%s': %s\n", i, row->text, told);
        failed += strcmp(told, row->told) != 0;
    }
    assert_int_equal(failed, 0);
}

TEST(places_are_bytes_of_the_text)
{
    static const char text[] = "\xc3\xa4\xc3\xb6 ssn 536\xe2\x80\x93"
                               "22\xe2\x80\x93"
                               "8726.";
    own_arena struct arena arena = arena_new(1 << 20);
    struct report report = {0};
    assert_true(type_files_classify(classifier, text, strlen(text), false, 0, &arena, &report));
    assert_int_equal(report.findings_count, 1);
    assert_int_equal(report.findings[0].where_count, 1);
    assert_int_equal(report.findings[0].where[0].offset, 9);
    assert_int_equal(report.findings[0].where[0].length, 15);
}

/* A long text in which values lie at every place a window may end. */
static char *long_text(size_t *length)
{
    static const char *const pieces[] = {"card number 4539 1488 0343 6467 and so on. ",
                                         "ssn: 536-22-8726\n",
                                         "to jane.doe@corp.net; ",
                                         "lorem ipsum dolor sit amet, 12 of 340 -- ",
                                         "83-19-46-20-50 ",
                                         "\xc3\xa4\xe4\xbd\xa0 ",
                                         "Project Nightjar "};
    const size_t most = 700000;
    char *text = mem_alloc(most + 64);
    uint32_t seed = 7;
    for (*length = 0; text && *length < most;) {
        seed = seed * 1664525 + 1013904223;
        const char *piece = pieces[(seed >> 16) % 7];
        memcpy(text + *length, piece, strlen(piece));
        *length += strlen(piece);
    }
    return text;
}

TEST(findings_do_not_depend_on_how_the_text_was_cut)
{
    static const size_t steps[] = {1, 7, 4096, 65536, 262143};
    size_t length;
    char *text = long_text(&length);
    own_arena struct arena arena = arena_new(1 << 22);
    struct report whole = {0};
    assert_true(type_files_classify(classifier, text, length, false, 0, &arena, &whole));
    const char *told = type_files_told(&whole, &arena);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct report cut = {0};
        assert_true(type_files_classify(classifier, text, length, false, steps[i], &arena, &cut));
        CHECK_CASE(i, strcmp(told, type_files_told(&cut, &arena)) == 0);
        CHECK_CASE(i, memcmp(whole.text_digest, cut.text_digest, 32) == 0);
        for (uint32_t k = 0; k < whole.findings_count; k++)
            for (uint32_t w = 0; w < whole.findings[k].where_count; w++)
                CHECK_CASE(i, whole.findings[k].where[w].offset == cut.findings[k].where[w].offset);
    }
    mem_free(text);
}

/* The same count as piece by piece: nothing is lost or told twice where windows meet. */
TEST(every_value_of_a_long_text_counts_once)
{
    static const char line[] = "order of today: 536-22-8726 was sent to them\n";
    enum { lines = 20000 };
    size_t size = strlen(line);
    char *text = mem_alloc(size * lines);
    own_arena struct arena arena = arena_new(1 << 22);
    struct report report = {0};
    for (size_t i = 0; i < lines; i++)
        memcpy(text + i * size, line, size);
    assert_true(type_files_classify(classifier, text, size * lines, false, 0, &arena, &report));
    assert_int_equal(report.findings_count, 1);
    assert_int_equal(report.findings[0].count, lines);
    assert_int_equal(report.findings[0].unique_count, 1);
    assert_int_equal(report.findings[0].where_count, 20);
    mem_free(text);
}

TEST(a_header_counts_for_its_column_far_down)
{
    enum { lines = 60000 };
    own_buf struct buf text = buf_new(8 << 20);
    own_arena struct arena arena = arena_new(1 << 22);
    struct report report = {0};
    buf_puts(&text, "no\tssn\tamount\n");
    for (unsigned i = 0; i < lines; i++)
        buf_printf(&text, "%u\t5362287%02u\t%09u\n", i, i % 90 + 10, 536228000 + i);
    assert_true(
        type_files_classify(classifier, buf_text(&text), text.length, true, 0, &arena, &report));
    assert_string_equal(type_files_told(&report, &arena), "ssn:high:60000/90");
}

TEST(the_text_limit_makes_the_report_partial)
{
    own_arena struct arena arena = arena_new(1 << 20);
    struct limits limits = limits_default();
    struct report report = {0};
    limits.text_bytes = 1024;
    struct classify *classify = classify_open(classifier, &limits);
    char text[1500];
    memset(text, ' ', sizeof text);
    memcpy(text + 1005, "536-22-8726", 11);
    memcpy(text + 1100, "536-22-8727", 11);
    assert_true(classify_part(classify, "a", false));
    assert_false(classify_text(classify, text, sizeof text));
    assert_false(classify_text(classify, text, 1));
    assert_true(classify_finish(classify, &arena, &report));
    assert_int_equal(report.status, REPORT_PARTIAL);
    assert_string_equal(report.reason, "text-bytes");
    assert_int_equal(report.text_bytes, 1024);
    assert_string_equal(type_files_told(&report, &arena), "ssn:medium:1/1");
    classify_close(classify);
}

TEST(a_full_set_of_values_says_at_least)
{
    own_arena struct arena arena = arena_new(1 << 20);
    own_buf struct buf text = buf_new(1 << 20);
    struct limits limits = limits_default();
    struct report report = {0};
    limits.distinct_values = 100;
    limits.places = 5;
    for (unsigned i = 0; i < 300; i++)
        buf_printf(&text, "536-22-%04u\n", 8000 + i);
    struct classify *classify = classify_open(classifier, &limits);
    assert_true(classify_part(classify, "a", false));
    assert_true(classify_text(classify, buf_text(&text), text.length));
    assert_true(classify_finish(classify, &arena, &report));
    assert_string_equal(type_files_told(&report, &arena), "ssn:medium:300/100");
    assert_true(report.findings[0].at_least);
    assert_int_equal(report.findings[0].where_count, 5);
    classify_close(classify);
}

TEST(matches_are_shown_masked)
{
    static const char text[] = "4539 1488 0343 6467, 536-22-8726";
    own_arena struct arena arena = arena_new(1 << 20);
    const struct limits limits = limits_default();
    struct masked_list list = {0};
    struct classify *classify = classify_open(classifier, &limits);
    assert_true(classify_part(classify, "p", false));
    assert_true(classify_text(classify, text, strlen(text)));
    assert_true(classify_masked(classify, &arena, &list));
    assert_int_equal(list.matches_count, 2);
    assert_string_equal(list.matches[0].masked, "4539 14** **** 6467");
    assert_string_equal(list.matches[0].type, "credit-card");
    assert_string_equal(list.matches[0].where.part, "p");
    assert_string_equal(list.matches[1].masked, "53*-**-**26");
    classify_close(classify);
}

TEST(memory_that_runs_out_is_told_wherever_it_happens)
{
    static const char text[] = "card number 4539 1488 0343 6467 ssn 536-22-8726 a@corp.net";
    for (size_t nth = 1; nth < 400; nth++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct report report = {0};
        mem_fail_nth(nth, 0);
        bool ok = type_files_classify(classifier, text, strlen(text), false, 3, &arena, &report);
        size_t calls = mem_calls();
        mem_fail_nth(0, 0);
        CHECK_CASE(nth, ok == (calls < nth));
        if (ok)
            return;
    }
    fail_msg("never got through");
}

TEST(hostile_texts_are_bounded)
{
    static const char *const units[] = {"1 ", "a@", "4539 ", "card number ",
                                        "\t", "\n", "ssn",   "9-9-",
                                        "@",  "0",  "&a",    "\xef\xbc\x91"};
    enum { size = 600000 };
    char *text = mem_alloc(size);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        own_arena struct arena arena = arena_new(1 << 24);
        struct report report = {0};
        size_t unit = strlen(units[i]);
        for (size_t at = 0; at < size; at++)
            text[at] = units[i][at % unit];
        CHECK_CASE(i, type_files_classify(classifier, text, size / unit * unit, i % 2, 0, &arena,
                                          &report));
    }
    mem_free(text);
}

TEST(the_database_is_cached_only_in_a_folder_of_ones_own)
{
    char cache[] = "/tmp/labeld-cache-XXXXXX", command[64];
    own_buf struct buf problems = buf_new(4096);
    const char *dirs[] = {type_files_make(types)};
    struct err err = {0};
    assert_non_null(mkdtemp(cache));
    const struct classifier_options options = {
        .type_dirs = dirs, .type_dir_count = 1, .cache_dir = cache};
    static const struct {
        mode_t mode;
        bool cached;
    } steps[] = {{0700, false}, {0700, true}, {0770, false}, {0700, true}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(chmod(cache, steps[i].mode), 0);
        struct classifier *opened = classifier_open(&options, &problems, &err);
        CHECK_CASE(i, opened);
        CHECK_CASE(i, classifier_cached(opened) == steps[i].cached);
        classifier_close(opened);
    }
    snprintf(command, sizeof command, "rm -r %s", cache);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_give_the_findings_that_people_expect),
        cmocka_unit_test(places_are_bytes_of_the_text),
        cmocka_unit_test(findings_do_not_depend_on_how_the_text_was_cut),
        cmocka_unit_test(every_value_of_a_long_text_counts_once),
        cmocka_unit_test(a_header_counts_for_its_column_far_down),
        cmocka_unit_test(the_text_limit_makes_the_report_partial),
        cmocka_unit_test(a_full_set_of_values_says_at_least),
        cmocka_unit_test(matches_are_shown_masked),
        cmocka_unit_test(memory_that_runs_out_is_told_wherever_it_happens),
        cmocka_unit_test(hostile_texts_are_bounded),
        cmocka_unit_test(the_database_is_cached_only_in_a_folder_of_ones_own),
    };
    return cmocka_run_group_tests(tests, open_types, close_types);
}
