#include "check.h"

#include "base/own.h"
#include "format.h"
#include "gather.h"

/* One document each, its format, and the text that is read from it. */
struct document {
    const char *bytes;
    enum format_id format;
    const char *text;
};

static const struct document tables[] = {
    {"a,b,c\n1,2,3\n", FORMAT_CSV, "[|]a\tb\tc\n1\t2\t3\n"},
    {"a;b\n1;2\n3;4", FORMAT_CSV, "[|]a\tb\n1\t2\n3\t4"},
    {"a\tb\tc\r\n1\t2\t3\r\n", FORMAT_CSV, "[|]a\tb\tc\n1\t2\t3\n"},
    {"a|b|c\n1|2|3\n", FORMAT_CSV, "[|]a\tb\tc\n1\t2\t3\n"},
    {"a,b,c\r1,2,3\r4,5,6\n1,2,3", FORMAT_TXT, "a,b,c\r1,2,3\r4,5,6\n1,2,3"},
    {"name,card,x\n\"Doe, Ann\",\"45\"\"39\",\n,,\n", FORMAT_CSV,
     "[|]name\tcard\tx\nDoe, Ann\t45\"39\t\n\t\t\n"},
    {"a,b,c\n\"two\nlines\t!\",2,3\n1,2,3\n", FORMAT_CSV,
     "[|]a\tb\tc\ntwo lines !\t2\t3\n1\t2\t3\n"},
    {"sep=;\na;b\n1;2\n", FORMAT_CSV, "[|]a\tb\n1\t2\n"},
    {"a,b,c\n1,2,3\n\n4,5,\"6 and the rest", FORMAT_CSV,
     "[|]a\tb\tc\n1\t2\t3\n\n4\t5\t6 and the rest"},
    {"a,b,c\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n1,2,\"3\"x\n1,2,\"\"\n", FORMAT_CSV,
     "[|]"
     "a\tb\tc\n1\t2\t3\n1\t2\t3\n1\t2\t3\n1\t2\t3\n1\t2\t3\n1\t2\t3\n1\t2\t3\n1\t2\t3x\n1\t2\t\n"},
    {"\tPROGRAM A\n\tCALL B\n\tEND\n", FORMAT_TXT, "\tPROGRAM A\n\tCALL B\n\tEND\n"},
    {"\" one\n\" two:\tx\n\" three:\ty\n", FORMAT_TXT, "\" one\n\" two:\tx\n\" three:\ty\n"},
    {"Dear Ann,\nthe number is 12.\n", FORMAT_TXT, "Dear Ann,\nthe number is 12.\n"},
    {"int a;\nint b;\nint c;\n", FORMAT_TXT, "int a;\nint b;\nint c;\n"},
    {"one line, with, commas", FORMAT_TXT, "one line, with, commas"},
};

static const struct document jsons[] = {
    {"{\"card\":\"4539\",\"n\":12}", FORMAT_JSON, "card: 4539\nn: 12"},
    {"[1, 2.5e3, true, null]", FORMAT_JSON, "1\n2.5e3\ntrue\nnull"},
    {"{\"a\":1}\n{\"a\":2}\n", FORMAT_JSON, "a: 1\na: 2"},
    {"{\"a\":\"x\\n4\\t5\\\"\\\\\\/\\u0041\\ud83d\\ude00\\ud83d!\"}", FORMAT_JSON,
     "a: x\n4 5\"\\/A\xf0\x9f\x98\x80\xef\xbf\xbd!"},
    {"{\"a\":\"\\u00e9\\u12\"}", FORMAT_JSON, "a: \xc3\xa9"},
    {"{\"a\":\"4539", FORMAT_JSON, "a: 4539"},
    {"\xef\xbb\xbf{\"a\": {\"b\": [\"c\"]}}", FORMAT_JSON, "a:\nb:\nc"},
    {"{\"cells\":[],\"nbformat\":4}", FORMAT_IPYNB, "cells:\nnbformat: 4"},
    {"[section]\nkey=1\n", FORMAT_TXT, "[section]\nkey=1\n"},
    {"[1] a reference\n", FORMAT_TXT, "[1] a reference\n"},
    {"{\"a\": 1, // why\n}", FORMAT_TXT, "{\"a\": 1, // why\n}"},
    {"\"just a string\"", FORMAT_TXT, "\"just a string\""},
};

static const struct document xmls[] = {
    {"<?xml version=\"1.0\"?><a>x</a>", FORMAT_XML, "a: x"},
    {"<list><card>4539</card><card>1488</card></list>", FORMAT_XML, "card: 4539\ncard: 1488"},
    {"<para>45<b>39</b>14</para>", FORMAT_XML, "para: 453914"},
    {"<r id=\"12\" o='a&amp;b'><x v=\"3\"/></r>", FORMAT_XML, "id: 12\no: a&b\nv: 3"},
    {"<a>1&lt;2&#51;&#x34;&unknown;&</a>", FORMAT_XML, "a: 1<234&unknown;&"},
    {"<a><![CDATA[<b>]]5]]]></a>", FORMAT_XML, "a: <b>]]5]"},
    {"<a>45<!-- 77 -->39</a>", FORMAT_XML, "a: 4539\n 77 "},
    {"<a>45<?pi 77?>39</a>", FORMAT_XML, "a: 4539\npi 77"},
    {"<!DOCTYPE a [<!ENTITY e \"45]39\"> <!-- don't -->]><a>&e;</a>", FORMAT_XML,
     "<!ENTITY e \"45]39\"> <!-- don't -->]\na: &e;"},
    {"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a>7</a>", FORMAT_XML, "file:///etc/passwd\na: 7"},
    {"<?xml version='1.0'?><a>12<b>34</a> 5 < 6 <7 </c d", FORMAT_XML, "a: 1234 5 < 6 <7\nd"},
    {"<?xml version='1.0'?><a href='4539", FORMAT_XML, "href: 4539"},
    {"<svg xmlns=\"http://www.w3.org/2000/svg\"><text>12</text></svg>", FORMAT_SVG,
     "http://www.w3.org/2000/svg\n12"},
    {"<?xml version='1.0'?><o:document o:mimetype='application/vnd.oasis.opendocument.text'>"
     "<t:p>12</t:p></o:document>",
     FORMAT_FODT, "application/vnd.oasis.opendocument.text\n12"},
    {"<john> hi\n<ann> hello <john>\n", FORMAT_TXT, "<john> hi\n<ann> hello <john>\n"},
    {"<?php echo 1; ?>", FORMAT_TXT, "<?php echo 1; ?>"},
};

static const struct document htmls[] = {
    {"<html><body><p>4539<b>14</b>88</p><p>x</p></body></html>", FORMAT_HTML, "45391488\nx"},
    {"<!DOCTYPE html><title>T</title>a<br>b", FORMAT_HTML, "T\na\nb"},
    {"<!doctype HTML PUBLIC \"-//W3C//DTD\">x", FORMAT_HTML, "x"},
    {"<table><tr><td>a<td>b</tr><tr><td>1</td><td>2</td></tr></table>", FORMAT_HTML, "a\tb\n1\t2"},
    {"<p>45&nbsp;39&shy;14&eacute;&#56;&#x38;&period;&bogus;&amp</p>", FORMAT_HTML,
     "45 3914\xc3\xa9"
     "88.&bogus;&"},
    {"<p>45<a href=\"/x?q=77\" title='t'>39</a></p>", FORMAT_HTML, "4539\n/x?q=77\nt"},
    {"<p><input name=card value=4539 disabled>", FORMAT_HTML, "card\n4539\ndisabled"},
    {"<p>a</p><script>if (a < 4539) { x = '</b>'; }</script><p>b", FORMAT_HTML,
     "a\nif (a < 4539) { x = '</b>'; }\nb"},
    {"<SCRIPT>4539</scr</SCRIPT >b", FORMAT_HTML, "4539</scr\nb"},
    {"<p>a\n  b</p><pre>c\n d</pre>", FORMAT_HTML, "a b\nc\nd"},
    {"<p>mail <ann@example.com> or 1 < 2", FORMAT_HTML, "mail or 1 < 2\nann@example.com"},
    {"<p>a <b and 4539148803436467", FORMAT_HTML, "a\nand\n4539148803436467"},
    {"<p>a<!-- 45 --- 39 -->b", FORMAT_HTML, "ab\n 45 --- 39 "},
    {"<?xml version='1.0'?><html xmlns='u'>x</html>", FORMAT_HTML, "u\nx"},
};

static const struct {
    const struct document *list;
    size_t count;
} groups[] = {
    {tables, sizeof tables / sizeof *tables},
    {jsons, sizeof jsons / sizeof *jsons},
    {xmls, sizeof xmls / sizeof *xmls},
    {htmls, sizeof htmls / sizeof *htmls},
};

static void check_document(const struct document *document)
{
    own_gather struct gather gather;
    gather_init(&gather);
    const char *text = gather_read(&gather, document->bytes, strlen(document->bytes));
    if (gather.report.format != document->format || strcmp(text, document->text) != 0)
        fail_msg("%s\nis %s, reads as:\n%s", document->bytes,
                 formats_row(gather.report.format)->word, text);
    assert_true(gather.ok);
    assert_false(gather.torn);
    assert_int_equal(gather.report.status, REPORT_OK);
}

TEST(each_document_gives_its_text)
{
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t i = 0; i < groups[g].count; i++)
            check_document(&groups[g].list[i]);
}

/* The same document in UTF-16 and UTF-32: the same text. */
TEST(the_charset_does_not_change_the_text)
{
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t i = 0; i < groups[g].count; i++) {
            const struct document *document = &groups[g].list[i];
            char wide[4096] = "\xff\xfe";
            size_t length = 2;
            if (document->bytes[0] < 0 || document->format == FORMAT_TXT)
                continue;
            for (const char *at = document->bytes; *at; at++, length += 2)
                wide[length] = *at;
            own_gather struct gather gather;
            gather_init(&gather);
            CHECK_CASE(i, strcmp(gather_read(&gather, wide, length), document->text) == 0);
            CHECK_CASE(i, gather.report.format == document->format);
        }
}

TEST(a_document_cut_anywhere_is_read_to_the_cut)
{
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t i = 0; i < groups[g].count; i++) {
            const char *bytes = groups[g].list[i].bytes;
            for (size_t cut = 0; cut < strlen(bytes); cut++) {
                own_free char *copy = mem_strndup(bytes, cut); /* ASan sees reads behind it */
                own_gather struct gather gather;
                gather_init(&gather);
                gather_read(&gather, copy, cut);
                CHECK_CASE(i, gather.ok && !gather.torn);
            }
        }
}

/* A filler that moves the interesting place over the border between two blocks. */
TEST(the_border_of_blocks_does_not_show)
{
    static const struct {
        const char *head, *body, *tail;
        const char *found; /* in the text */
    } cases[] = {
        {"{\"a\":\"", "\\u0034\\ud83d\\ude00\\\"5\xc3\xa9", "\"}", "4\xf0\x9f\x98\x80\"5\xc3\xa9"},
        {"<p>", "45<b class='\xc3\xa9'>39</b>&eacute;<!-- 1 --- 2 -->77", "</p>",
         "4539\xc3\xa9"
         "77"},
        {"<p>", "</p><script>a</scripty>b</script>c", "</p>", "a</scripty>b\nc"},
        {"<?xml version='1.0'?><a>", "1<![CDATA[<]]>&#233;<b xx='1&amp;2'/>", "</a>",
         "1<\xc3\xa9\nxx: 1&2"},
        {"a,b,c\n1,2,3\n4,", ",\"7\"\"8\"\r\n9,\"1\n2\",3", "\n", "7\"8\n9\t1 2\t3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t shift = 0; shift < 64; shift++) {
            own_buf struct buf document = buf_new(1u << 20);
            own_gather struct gather gather;
            gather_init(&gather);
            buf_puts(&document, cases[i].head);
            while (document.length < 32 * 1024 - shift)
                buf_putc(&document, 'x');
            buf_puts(&document, cases[i].body);
            buf_puts(&document, cases[i].tail);
            const char *text = gather_read(&gather, document.bytes, document.length);
            CHECK_CASE(i, strstr(text, cases[i].found));
            CHECK_CASE(i, !gather.torn);
        }
}

/* `count` times `part`, and the reading of it. */
static const char *read_many(struct gather *gather, const char *head, const char *part,
                             size_t count, const char *tail)
{
    own_buf struct buf document = buf_new(64u << 20);
    buf_puts(&document, head);
    for (size_t i = 0; i < count; i++)
        buf_puts(&document, part);
    buf_puts(&document, tail);
    return gather_read(gather, document.bytes, document.length);
}

TEST(deep_nesting_is_read_and_said)
{
    own_gather struct gather gather;
    gather_init(&gather);
    assert_non_null(
        strstr(read_many(&gather, "<?xml version='1.0'?>", "<a>", 100000, "4539"), "4539"));
    assert_int_equal(gather.report.status, REPORT_HOSTILE);
    assert_string_equal(gather.report.reason, "xml-depth");
    read_many(&gather, "<?xml version='1.0'?>", "<a>", 256, "");
    assert_int_equal(gather.report.status, REPORT_OK);
    read_many(&gather, "<?xml version='1.0'?>", "<a>", 257, "");
    assert_int_equal(gather.report.status, REPORT_HOSTILE);
    assert_non_null(strstr(read_many(&gather, "<html>", "<div>", 100000, "4539"), "4539"));
    assert_int_equal(gather.report.status, REPORT_OK);
    assert_string_equal(read_many(&gather, "", "[", 100000, "4539"), "4539");
    assert_string_equal(read_many(&gather, "", "{\"a\":", 2, "4539"), "a:\na: 4539");
}

TEST(entities_are_not_expanded)
{
    static const char bomb[] =
        "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\">"
        "<!ENTITY c \"&b;&b;&b;&b;\"><!ENTITY p SYSTEM \"file:///etc/passwd\">]><l>&c;&p;</l>";
    own_gather struct gather gather;
    gather_init(&gather);
    const char *text = gather_read(&gather, bomb, sizeof bomb - 1);
    assert_non_null(strstr(text, "l: &c;&p;"));
    assert_null(strstr(text, "root:"));
    assert_true(strlen(text) < sizeof bomb);
}

TEST(hostile_repetitions_take_linear_time)
{
    static const char *const parts[] = {"<",        "&",         "<!",         "<!-", "-",   "<a ",
                                        "\"",       "<a b='",    "]]",         "<?",  "</",  "&#",
                                        "<script>", "{\"",       "\\u",        "a,",  ";\n", "<a b",
                                        "\xc3\xa9", "<\xc3\xa9", "<a \xc3\xa9"};
    static const char *const heads[] = {
        "<html>",     "<?xml version='1.0'?>",          "{\"a\":\"",      "a,b,c\n1,2,3\n",
        "<html><!--", "<?xml version='1.0'?><![CDATA[", "<html><script>", "<html><p class='"};
    own_gather struct gather gather;
    gather_init(&gather);
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++)
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            read_many(&gather, heads[h], parts[p], 200000 / strlen(parts[p]), "");
            CHECK_CASE(h * 100 + p, gather.ok && !gather.torn);
        }
}

/* An attribute that is longer than what is held back stays in one piece. */
TEST(a_long_value_is_not_cut)
{
    for (size_t length = 8180; length < 8200; length++) {
        own_buf struct buf document = buf_new(1u << 20);
        own_gather struct gather gather;
        gather_init(&gather);
        buf_puts(&document, "<html><p>45<i data='");
        for (size_t i = 0; i < length; i++)
            buf_putc(&document, 'x');
        buf_puts(&document, "&amp;4539148803436467'>39");
        const char *text = gather_read(&gather, document.bytes, document.length);
        assert_non_null(strstr(text, "x&4539148803436467"));
    }
}

TEST(used_up_time_and_a_full_sink_stop_each_reader)
{
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        const char *bytes = groups[g].list[0].bytes;
        own_gather struct gather gather;
        gather_init(&gather);
        gather.cpu_deadline_us = 1;
        gather_read(&gather, bytes, strlen(bytes));
        assert_int_equal(gather.report.status, REPORT_PARTIAL);
        assert_string_equal(gather.report.reason, "parse-cpu-ms");
    }
    static const char *const heads[] = {"<html>", "<?xml version='1.0'?>", "{\"a\":\"",
                                        "a,b,c\n1,2,3\n"};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        own_gather struct gather gather;
        gather_init(&gather);
        gather.stop_after = 1;
        read_many(&gather, heads[h], "word ", 100000, "");
        assert_int_equal(gather.pieces, 1);
        assert_false(gather.late);
    }
}

int main(void)
{
    if (!format_prepare(NULL))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_gives_its_text),
        cmocka_unit_test(the_charset_does_not_change_the_text),
        cmocka_unit_test(a_document_cut_anywhere_is_read_to_the_cut),
        cmocka_unit_test(the_border_of_blocks_does_not_show),
        cmocka_unit_test(deep_nesting_is_read_and_said),
        cmocka_unit_test(entities_are_not_expanded),
        cmocka_unit_test(hostile_repetitions_take_linear_time),
        cmocka_unit_test(a_long_value_is_not_cut),
        cmocka_unit_test(used_up_time_and_a_full_sink_stop_each_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
