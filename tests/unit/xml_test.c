#include "check.h"

#include "base/buf.h"
#include "xml.h"

/* Everything that is heard, written down. */
static bool note_start(void *context, const struct xml_element *element)
{
    struct buf *heard = context;
    buf_printf(heard, "<%s", element->name);
    for (size_t i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &element->attributes[i];
        buf_printf(heard, " %s=%.*s", attribute->name, (int)(attribute->end - attribute->value),
                   attribute->value);
    }
    return buf_puts(heard, ">");
}

static bool note_end(void *context, const char *name, const char *space)
{
    (void)space;
    return buf_printf(context, "</%s>", name);
}

static bool note_text(void *context, const char *text, size_t length)
{
    return buf_append(context, text, length);
}

static bool refuse_text(void *context, const char *text, size_t length)
{
    (void)context;
    (void)text;
    (void)length;
    return false;
}

static const struct xml_handler noting = {note_start, note_end, note_text};

static const struct {
    const char *document;
    const char *heard;
    enum xml_result result;
} cases[] = {
    {"<a/>", "<a></a>", XML_OK},
    {"<a b='x&amp;y&#38;z&lt;'>1&amp;2&#x33;<![CDATA[<4>]]></a>", "<a b=x&y&z<>1&23<4></a>",
     XML_OK},
    {"<p:a xmlns:p='urn:x' p:b='1'/>", "<a b=1></a>", XML_OK},
    {"\xef\xbb\xbf<a>\xc3\xa9</a>", "<a>\xc3\xa9</a>", XML_OK},
    {"<!DOCTYPE a><a/>", "", XML_DOCTYPE},
    {"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "", XML_DOCTYPE},
    {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "", XML_DOCTYPE},
    {"<a>&undeclared;</a>", "<a>", XML_MALFORMED},
    {"<a><b></a>", "<a><b>", XML_MALFORMED},
    {"<a>", "", XML_MALFORMED},
    {"", "", XML_MALFORMED},
    {"<a/>trailing", "<a></a>", XML_MALFORMED},
    {"<a><b><c><d/></c></b></a>", "<a><b><c>", XML_DEPTH},
};

TEST(documents_are_heard_or_refused_with_their_cause)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_buf struct buf heard = buf_new(4096);
        enum xml_result result =
            xml_read(cases[i].document, strlen(cases[i].document), &noting, &heard, 3);
        CHECK_CASE(i, result == cases[i].result);
        CHECK_CASE(i, strcmp(buf_text(&heard), cases[i].heard) == 0);
    }
}

TEST(the_cut_of_the_bytes_does_not_matter)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_buf struct buf heard = buf_new(4096);
        own_xml struct xml_reader *reader = xml_open(&noting, &heard, 3);
        for (const char *at = cases[i].document; *at; at++)
            xml_push(reader, at, 1);
        CHECK_CASE(i, xml_finish(reader) == cases[i].result);
        if (cases[i].result == XML_OK)
            CHECK_CASE(i, strcmp(buf_text(&heard), cases[i].heard) == 0);
    }
}

TEST(utf_16_is_read)
{
    static const char document[] = "\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>\0";
    own_buf struct buf heard = buf_new(4096);
    assert_int_equal(xml_read(document, sizeof document - 1, &noting, &heard, 3), XML_OK);
    assert_string_equal(buf_text(&heard), "<a>\xc3\xa9</a>");
}

TEST(a_callback_can_stop)
{
    const struct xml_handler stopping = {NULL, NULL, refuse_text};
    assert_int_equal(xml_read("<a>x</a>", 8, &stopping, NULL, 3), XML_STOPPED);
}

TEST(an_attribute_is_found_by_its_namespace)
{
    const struct xml_attribute list[] = {{"id", "r", "urn:r", "1", NULL},
                                         {"id", NULL, NULL, "2", NULL}};
    const struct xml_element element = {"a", "urn:a", list, 2};
    assert_ptr_equal(xml_find(&element, "id", "urn:r"), &list[0]);
    assert_ptr_equal(xml_find(&element, "id", NULL), &list[1]);
    assert_null(xml_find(&element, "id", "urn:x"));
    assert_true(xml_is("a", "urn:a", "a", "urn:b", "urn:a"));
    assert_false(xml_is("a", NULL, "a", "urn:b", NULL));
}

int main(void)
{
    xml_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_heard_or_refused_with_their_cause),
        cmocka_unit_test(the_cut_of_the_bytes_does_not_matter),
        cmocka_unit_test(utf_16_is_read),
        cmocka_unit_test(a_callback_can_stop),
        cmocka_unit_test(an_attribute_is_found_by_its_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
