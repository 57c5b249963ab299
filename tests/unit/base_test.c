#include "check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/formats.h"
#include "base/guid.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>

TEST(an_error_is_wrapped_outward_and_keeps_its_kind)
{
    struct err err = {0};
    assert_false(err_set(&err, ERR_LIMIT, "part %s is too big", "a.xml"));
    assert_false(err_add(&err, "relabel \"%s\"", "Budget.docx"));
    assert_string_equal(err.text, "relabel \"Budget.docx\": part a.xml is too big");
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err_kind_word(err.kind), "limit");
    assert_int_equal(err_kind_retry(ERR_CONFLICT), ERR_RETRY_RESTART);
}

TEST(errno_becomes_a_kind)
{
    struct err err = {0};
    errno = ENOENT;
    err_errno(&err, "opening %s", "x");
    assert_int_equal(err.kind, ERR_GONE);
    errno = EIO;
    err_errno(&err, "reading");
    assert_int_equal(err.kind, ERR_IO);
}

TEST(a_long_error_is_cut_not_overrun)
{
    struct err err = {0};
    err_set(&err, ERR_IO, "%0600d", 1);
    err_add(&err, "%0600d", 2);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

TEST(an_arena_refuses_more_than_its_maximum)
{
    own_arena struct arena arena = arena_new(64 * 1024);
    assert_non_null(arena_alloc(&arena, 60, 1024));
    assert_null(arena_alloc(&arena, 8, 1024));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2, 4));
    assert_string_equal(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
}

TEST(a_buffer_keeps_its_content_when_an_append_fails)
{
    own_buf struct buf buf = buf_new(8);
    assert_true(buf_puts(&buf, "12345678"));
    assert_false(buf_putc(&buf, '9'));
    assert_true(buf.failed);
    assert_string_equal(buf_text(&buf), "12345678");
}

TEST(the_nth_allocation_fails_when_a_test_asks_for_it)
{
    own_buf struct buf buf = buf_new(1 << 20);
    mem_fail_nth(1, 0);
    assert_false(buf_puts(&buf, "x"));
    mem_fail_nth(0, 0);
    buf_reset(&buf);
    assert_true(buf_puts(&buf, "x"));
}

static const struct {
    const char *text;
    const char *utc; /* NULL: refused */
} times[] = {
    {"2026-03-01T09:30:00Z", "2026-03-01T09:30:00Z"},
    {"2026-03-01", "2026-03-01T00:00:00Z"},
    {"2024-02-29", "2024-02-29T00:00:00Z"},
    {"2023-02-29", NULL},
    {"2020-01-01T00:00:00.1234567Z", "2020-01-01T00:00:00Z"},
    {"2020-06-05T10:00:00.8427028-07:00", "2020-06-05T17:00:00Z"},
    {"2020-06-05T10:00:00-0800", "2020-06-05T18:00:00Z"},
    {"1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
    {"2020-13-01", NULL},
    {"2020-1-1", NULL},
    {"2020-01-01T25:00:00Z", NULL},
    {"2020-01-01T00:00:00Zx", NULL},
    {"", NULL},
};

TEST(times_are_read_in_every_form_seen_in_files)
{
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t us = 0;
        char text[21];
        bool ok = clock_parse(times[i].text, &us);
        CHECK_CASE(i, ok == (times[i].utc != NULL));
        if (!ok)
            continue;
        clock_format(us, text);
        assert_string_equal(text, times[i].utc);
    }
}

TEST(guids_are_read_with_and_without_braces_in_any_case)
{
    char out[GUID_LENGTH + 1];
    const char *good = "{0F7A6C1E-6F0A-4C52-9D7B-0B7A3F1D2C11}";
    assert_true(guid_parse(good, strlen(good), out));
    assert_string_equal(out, "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11");
    assert_false(guid_parse("0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c1", 35, out));
    assert_false(guid_parse("0f7a6c1e_6f0a-4c52-9d7b-0b7a3f1d2c11", 36, out));
    assert_false(guid_parse("{f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11", 36, out));
}

TEST(limits_are_found_under_both_spellings_and_keep_their_bounds)
{
    struct limits limits = limits_default();
    const struct limits_row *row = limits_find("text-bytes");
    assert_ptr_equal(row, limits_find("text_bytes"));
    assert_int_equal(limits_get(&limits, row), 256u << 20);
    assert_false(limits_set(&limits, row, 1));
    assert_true(limits_set(&limits, row, 4096));
    assert_int_equal(limits.text_bytes, 4096);
    assert_null(limits_find("text-byte"));
}

TEST(formats_are_found_by_their_word)
{
    enum format_id id;
    for (unsigned i = 0; i < FORMAT_COUNT; i++) {
        assert_true(formats_find(formats_row((enum format_id)i)->word, &id));
        assert_int_equal(id, i);
    }
    assert_false(formats_find("DOCX", &id));
}

TEST(only_strict_utf8_is_valid)
{
    assert_true(utf8_valid("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15));
    assert_false(utf8_valid("\xc0\x80", 2));
    assert_false(utf8_valid("\xed\xa0\x80", 3));
    assert_false(utf8_valid("\xf4\x90\x80\x80", 4));
    assert_false(utf8_valid("\xe2\x82", 2));
    assert_int_equal(utf8_cut("a\xe2\x82\xac", 4, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_wrapped_outward_and_keeps_its_kind),
        cmocka_unit_test(errno_becomes_a_kind),
        cmocka_unit_test(a_long_error_is_cut_not_overrun),
        cmocka_unit_test(an_arena_refuses_more_than_its_maximum),
        cmocka_unit_test(a_buffer_keeps_its_content_when_an_append_fails),
        cmocka_unit_test(the_nth_allocation_fails_when_a_test_asks_for_it),
        cmocka_unit_test(times_are_read_in_every_form_seen_in_files),
        cmocka_unit_test(guids_are_read_with_and_without_braces_in_any_case),
        cmocka_unit_test(limits_are_found_under_both_spellings_and_keep_their_bounds),
        cmocka_unit_test(formats_are_found_by_their_word),
        cmocka_unit_test(only_strict_utf8_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
