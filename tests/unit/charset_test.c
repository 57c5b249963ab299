#include "check.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "charset.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t length;
    enum charset charset;
    const char *text;
    bool skipped;
} cases[] = {
    {BYTES(""), CHARSET_UTF8, "", false},
    {BYTES("a"), CHARSET_UTF8, "a", false},
    {BYTES("\xef\xbb\xbf"
           "a\xc3\xa9"),
     CHARSET_UTF8, "a\xc3\xa9", false},
    {BYTES("\xef\xbb\xbf"), CHARSET_UTF8, "", false},
    {BYTES("a\xf0\x9f\x98\x80z"), CHARSET_UTF8, "a\xf0\x9f\x98\x80z", false},
    {BYTES("caf\xe9 12"), CHARSET_UTF8, "caf 12", true},
    {BYTES("1\xff"
           "2\xc3"),
     CHARSET_UTF8, "12", true},
    {BYTES("\xed\xa0\x80"
           "5"),
     CHARSET_UTF8, "5", true},
    {BYTES("\xff\xfe"
           "1\0\xe9\0\x3d\xd8\x00\xde"),
     CHARSET_UTF16LE, "1\xc3\xa9\xf0\x9f\x98\x80", false},
    {BYTES("\xfe\xff\0"
           "1\0\xe9\xd8\x3d\xde\x00"),
     CHARSET_UTF16BE, "1\xc3\xa9\xf0\x9f\x98\x80", false},
    {BYTES("\xff\xfe"), CHARSET_UTF16LE, "", false},
    {BYTES("\xff\xfe"
           "1"),
     CHARSET_UTF16LE, "", true},
    {BYTES("\xff\xfe"
           "1\0\x3d\xd8"),
     CHARSET_UTF16LE, "1", true},
    {BYTES("\xff\xfe"
           "1\0\x3d\xd8"
           "2\0"),
     CHARSET_UTF16LE, "12", true},
    {BYTES("\xff\xfe"
           "1\0\0\xde"
           "2\0"),
     CHARSET_UTF16LE, "12", true},
    {BYTES("4\0"
           "5\0"
           "3\0"
           "9\0"),
     CHARSET_UTF16LE, "4539", false},
    {BYTES("\0"
           "4\0"
           "5\0"
           "3\0"
           "9"),
     CHARSET_UTF16BE, "4539", false},
    {BYTES("4\0"
           "5\0"
           "3\0"
           "9\0"
           "1"),
     CHARSET_UTF16LE, "4539", true},
    {BYTES("\xff\xfe\0\0"
           "4\0\0\0\xe9\0\0\0"),
     CHARSET_UTF32LE, "4\xc3\xa9", false},
    {BYTES("\0\0\xfe\xff\0\0\0"
           "4\0\x01\xf6\x00"),
     CHARSET_UTF32BE, "4\xf0\x9f\x98\x80", false},
    {BYTES("4\0\0\0"
           "5\0\0\0"),
     CHARSET_UTF32LE, "45", false},
    {BYTES("\0\0\0"
           "4\0\0\0"
           "5"),
     CHARSET_UTF32BE, "45", false},
    {BYTES("\xff\xfe\0\0"
           "4\0\0\0\0\0\x11\0\0\xd8\0\0"
           "5\0\0\0"
           "6\0"),
     CHARSET_UTF32LE, "45", true},
};

static void read_all(struct charset_reader *reader, const char *bytes, size_t length,
                     struct buf *out)
{
    const char *text;
    size_t count;
    charset_open(reader, bytes, length);
    while (charset_next(reader, &text, &count)) {
        assert_true(count > 0 && count <= CHARSET_BLOCK);
        assert_true(utf8_valid(text, count));
        assert_true(buf_append(out, text, count));
    }
}

TEST(each_unicode_form_becomes_utf_8)
{
    static struct charset_reader reader;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_buf struct buf out = buf_new(4096);
        read_all(&reader, cases[i].bytes, cases[i].length, &out);
        CHECK_CASE(i, reader.charset == cases[i].charset);
        CHECK_CASE(i, strcmp(buf_text(&out), cases[i].text) == 0);
        CHECK_CASE(i, reader.skipped == cases[i].skipped);
    }
}

TEST(the_look_at_the_beginning_says_the_same)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct charset_sample sample;
        charset_look(&sample, cases[i].bytes, cases[i].length);
        CHECK_CASE(i, sample.charset == cases[i].charset);
        CHECK_CASE(i, sample.length == strlen(cases[i].text));
        CHECK_CASE(i, memcmp(sample.text, cases[i].text, sample.length) == 0);
        CHECK_CASE(i, (sample.skipped > 0) == cases[i].skipped);
        CHECK_CASE(i, sample.whole);
    }
}

TEST(blocks_are_cut_between_characters)
{
    static const char *const fillers[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a"};
    static struct charset_reader reader;
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        for (size_t shift = 0; shift < 4; shift++) {
            own_buf struct buf bytes = buf_new(1u << 20), out = buf_new(1u << 20);
            for (size_t n = 0; n < shift; n++)
                buf_putc(&bytes, 'x');
            while (bytes.length < 3 * CHARSET_BLOCK)
                buf_puts(&bytes, fillers[i]);
            read_all(&reader, bytes.bytes, bytes.length, &out);
            assert_false(reader.skipped);
            assert_int_equal(out.length, bytes.length);
            assert_memory_equal(out.bytes, bytes.bytes, out.length);
        }
}

TEST(continuation_bytes_alone_end)
{
    static char bytes[2 * CHARSET_BLOCK + 7];
    static struct charset_reader reader;
    own_buf struct buf out = buf_new(4096);
    memset(bytes, 0x80, sizeof bytes);
    bytes[sizeof bytes - 1] = '7';
    read_all(&reader, bytes, sizeof bytes, &out);
    assert_string_equal(buf_text(&out), "7");
    assert_true(reader.skipped);
}

TEST(binary_numbers_are_not_wide_text)
{
    static const char numbers[] = "\1\0\2\0\3\0\4\0\5\0\6\0\7\0\x0e\0";
    size_t mark;
    assert_int_equal(charset_guess(numbers, sizeof numbers - 1, &mark), CHARSET_UTF8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_unicode_form_becomes_utf_8),
        cmocka_unit_test(the_look_at_the_beginning_says_the_same),
        cmocka_unit_test(blocks_are_cut_between_characters),
        cmocka_unit_test(continuation_bytes_alone_end),
        cmocka_unit_test(binary_numbers_are_not_wide_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
