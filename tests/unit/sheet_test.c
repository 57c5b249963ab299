#include "check.h"

#include "office.h"

static const char *const styles =
    "<numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"0000\\-0000\\-0000\\-0000\"/>"
    "<numFmt numFmtId=\"165\" formatCode=\"&quot;No. &quot;0\"/></numFmts><cellStyleXfs><xf "
    "numFmtId=\"9\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf "
    "numFmtId=\"14\"/><xf numFmtId=\"165\"/></cellXfs>";

static const char *const strings =
    "<si><t>Name</t></si><si><r><t>Ca</t></r><r><rPr><b/></rPr><t>rd</t></r><rPh><t>kana</t></rPh>"
    "</si><si><t xml:space=\"preserve\">two\nlines</t></si>";

static const struct sheet_case {
    const char *rows, *text;
} sheet_cases[] = {
    {"<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" "
     "t=\"s\"><v>2</v></c></row>",
     "Name\tCard\ttwo lines\n"},
    {"<row r=\"1\"><c r=\"A1\"><v>4.539044348743998E15</v></c><c r=\"C1\" s=\"1\"><v>"
     "4539044348743998</v></c></row><row r=\"5\"><c r=\"B5\" s=\"2\"><v>46350</v></c></row>",
     "4539044348743998\t\t4539-0443-4874-3998\n\t2026-11-24\n"},
    {"<row><c t=\"b\"><v>1</v></c><c t=\"b\"><v>0</v></c><c t=\"e\"><v>#N/A</v></c><c t=\"str\"><v>"
     "x</v></c><c t=\"d\"><v>2026-01-02</v></c></row>",
     "TRUE\tFALSE\t#N/A\tx\t2026-01-02\n"},
    {"<row><c t=\"inlineStr\"><is><r><t>in</t></r><r><t>line</t></r></is></c><c "
     "s=\"3\"><v>7</v></c>"
     "</row>",
     "inline\tNo. 7\n"},
    {"<row><c r=\"A1\"/><c r=\"B1\" s=\"1\"/></row><row/><row><c r=\"D3\"><v>1</v></c></row>",
     "\t\t\t1\n"},
    {"<row><c><f>IF(A1=\"a \"\"b\"\"\",\"secret\",\"\")</f><v>1</v></c></row><row><c><f>"
     "IF(A2,\"secret\")</f><v>2</v></c></row>",
     "1\n2\na \"\"b\"\"\nsecret\n"},
    {"<row><c t=\"s\"><v> 0 </v></c><c s=\"99\"><v>5</v></c></row>", "Name\t5\n"},
};

/* What stands behind the announcement of the sheet, up to the next part. */
static bool sheet_is(const char *text, const char *wanted)
{
    const char *start = strstr(text, "sheet1.xml|]");
    return start && strncmp(start + 12, wanted, strlen(wanted)) == 0 &&
           (start[12 + strlen(wanted)] == '[' || !start[12 + strlen(wanted)]);
}

TEST(cells_are_read_as_a_person_sees_them)
{
    for (size_t i = 0; i < sizeof sheet_cases / sizeof *sheet_cases; i++) {
        own_zip struct zip_builder zip = office_book(sheet_cases[i].rows, strings, styles);
        own_gather struct gather gather;
        gather_init(&gather);
        const char *text = office_read(&gather, &zip);
        if (!sheet_is(text, sheet_cases[i].text))
            print_message("case %zu: %s\n", i, text);
        CHECK_CASE(i, sheet_is(text, sheet_cases[i].text));
        CHECK_CASE(i, gather.report.status == REPORT_OK);
        CHECK_CASE(i, gather.report.format == FORMAT_XLSX);
    }
}

TEST(shared_strings_without_a_cell_are_found)
{
    own_zip struct zip_builder zip = office_book("<row><c t=\"s\"><v>0</v></c></row>", strings, "");
    own_gather struct gather gather;
    gather_init(&gather);
    const char *text = office_read(&gather, &zip);
    assert_non_null(strstr(text, "[xl/sharedStrings.xml]Card\ntwo lines"));
}

TEST(dates_count_from_1904_where_the_workbook_says_so)
{
    own_zip struct zip_builder zip = office_package(
        "xl/workbook.xml", OFFICE_SHEET "sheet.main+xml",
        "<workbook " OFFICE_S OFFICE_R "><workbookPr date1904=\"1\"/><sheets><sheet name=\"D\" "
        "state=\"veryHidden\" r:id=\"s\"/></sheets></workbook>");
    office_relations(&zip, "xl/_rels/workbook.xml.rels",
                     OFFICE_TO("s", "worksheet", "d.xml") OFFICE_TO("t", "styles", "t.xml"));
    zip_builder_text(&zip, "xl/d.xml",
                     "<worksheet " OFFICE_S "><sheetData><row><c s=\"0\"><v>44888</v></c></row>"
                     "</sheetData></worksheet>");
    zip_builder_text(&zip, "xl/t.xml",
                     "<styleSheet " OFFICE_S "><cellXfs><xf numFmtId=\"14\"/></cellXfs>"
                     "</styleSheet>");
    own_gather struct gather gather;
    gather_init(&gather);
    assert_string_equal(office_read(&gather, &zip), "[xl/workbook.xml]D[xl/d.xml|]2026-11-24\n");
}

TEST(what_surrounds_the_cells_is_text_too)
{
    own_zip struct zip_builder zip = office_package(
        "xl/workbook.xml", OFFICE_SHEET "sheet.main+xml",
        "<workbook " OFFICE_S "><definedNames><definedName name=\"rate\">\"4 %\"</definedName>"
        "</definedNames></workbook>");
    zip_builder_text(
        &zip, "xl/worksheets/s.xml",
        "<worksheet " OFFICE_S "><sheetData/><hyperlinks><hyperlink ref=\"A1\" display=\"go\" "
        "location=\"'P 2'!A1\"/></hyperlinks><headerFooter><oddHeader>&amp;L&amp;\"Arial,Bold\""
        "&amp;12Secret &amp;&amp; more&amp;CPage &amp;P</oddHeader></headerFooter></worksheet>");
    zip_builder_text(&zip, "xl/comments1.xml",
                     "<comments " OFFICE_S "><authors><author>Jo</author></authors><commentList>"
                     "<comment><text><r><t>pass</t></r><r><t>word</t></r></text></comment>"
                     "</commentList></comments>");
    zip_builder_text(&zip, "xl/pivot.xml",
                     "<pivotCacheRecords " OFFICE_S "><r><s v=\"Ann\"/><n v=\"12\"/></r>"
                     "</pivotCacheRecords>");
    own_gather struct gather gather;
    gather_init(&gather);
    assert_string_equal(office_read(&gather, &zip),
                        "[xl/workbook.xml]rate\n\"4 %\"[xl/worksheets/s.xml|]go 'P 2'!A1\n"
                        "Secret & more Page [xl/comments1.xml]Jo\npassword[xl/pivot.xml]Ann\n12");
}

static const struct absurd_case {
    const char *rows;
    const char *reason;
} absurd_cases[] = {
    {"<row><c r=\"XFE1\"><v>1</v></c></row>", "sheet-columns"},
    {"<row><c r=\"ZZZZZZZZZZ1\"><v>1</v></c></row>", "sheet-columns"},
    {"<row r=\"1048577\"><c><v>1</v></c></row>", "sheet-rows"},
    {"<row><c t=\"s\"><v>3</v></c></row>", "shared-strings"},
    {"<row><c t=\"s\"><v>4294967295</v></c></row>", "shared-strings"},
};

TEST(absurd_places_and_numbers_are_hostile)
{
    for (size_t i = 0; i < sizeof absurd_cases / sizeof *absurd_cases; i++) {
        own_zip struct zip_builder zip = office_book(absurd_cases[i].rows, strings, "");
        own_gather struct gather gather;
        gather_init(&gather);
        office_read(&gather, &zip);
        CHECK_CASE(i, gather.report.status == REPORT_HOSTILE);
        CHECK_CASE(i, strcmp(gather.report.reason, absurd_cases[i].reason) == 0);
    }
}

static char *repeat(struct buf *buf, const char *piece, size_t times)
{
    buf_reset(buf);
    for (size_t i = 0; i < times; i++)
        buf_puts(buf, piece);
    assert_false(buf->failed);
    return buf->bytes;
}

TEST(a_million_columns_are_hostile_and_many_far_cells_stay_small)
{
    own_buf struct buf rows = buf_new(64u << 20);
    buf_puts(&rows, "<row>");
    for (size_t i = 0; i < 1000000; i++)
        buf_puts(&rows, "<c><v>1</v></c>");
    buf_puts(&rows, "</row>");
    own_zip struct zip_builder wide = office_book(buf_text(&rows), "", "");
    own_gather struct gather gather;
    gather_init(&gather);
    office_read(&gather, &wide);
    assert_int_equal(gather.report.status, REPORT_HOSTILE);
    assert_string_equal(gather.report.reason, "sheet-columns");

    own_zip struct zip_builder far =
        office_book(repeat(&rows, "<row><c r=\"XFD1\"><v>12345678</v></c></row>", 100000), "", "");
    office_read(&gather, &far);
    assert_int_equal(gather.report.status, REPORT_OK);
    assert_true(gather.text.length < 20u << 20);
}

TEST(shared_strings_over_the_budget_are_text_without_a_cell)
{
    own_buf struct buf shared = buf_new(64u << 20);
    repeat(&shared, "<si><t>0123456789012345678901234567890123456789</t></si>", 220000);
    buf_puts(&shared, "<si><t>last one</t></si>");
    own_zip struct zip_builder zip = office_book(
        "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>220000</v></c></row>", buf_text(&shared), "");
    own_gather struct gather gather;
    gather_init(&gather);
    gather.limits.parse_memory_bytes = 32u << 20;
    const char *text = office_read(&gather, &zip);
    assert_int_equal(gather.report.status, REPORT_PARTIAL);
    assert_string_equal(gather.report.reason, "shared-strings");
    assert_non_null(strstr(text, "last one"));
}

/* Records of a binary workbook: an id of one or two bytes, a size, content. */
static void put_record(struct buf *buf, unsigned id, const void *bytes, size_t length)
{
    if (id < 128) {
        buf_putc(buf, (char)id);
    } else {
        buf_putc(buf, (char)(id | 0x80));
        buf_putc(buf, (char)(id >> 7));
    }
    if (length > 127)
        buf_putc(buf, (char)(length | 0x80));
    buf_putc(buf, (char)(length > 127 ? length >> 7 : length));
    buf_append(buf, bytes, length);
}

static void add_part(struct zip_builder *zip, const char *name, const struct buf *buf)
{
    assert_false(buf->failed);
    const struct zip_member member = {.name = name, .bytes = buf->bytes, .length = buf->length};
    zip_builder_add(zip, &member);
}

/* A text of the table below as UTF-16 with its count in front. */
#define WIDE(count, text)      count "\0\0\0" text
#define CELL(column, style)    column "\0\0\0" style "\0\0\0"
#define RECORD(buf, id, bytes) put_record(buf, id, bytes, sizeof(bytes) - 1)

static void put_sheet(struct buf *buf)
{
    buf_reset(buf);
    RECORD(buf, 145, "");
    RECORD(buf, 0, "\0\0\0\0");
    RECORD(buf, 7, CELL("\0", "\0") "\0\0\0\0");
    RECORD(buf, 5, CELL("\2", "\1") "\0\0\0\0\0\x4A\x93\x40"); /* 1234.5 */
    RECORD(buf, 2, CELL("\3", "\0") "\x1E\0\0\0");             /* 7 */
    RECORD(buf, 0, "\1\0\0\0");
    RECORD(buf, 6, CELL("\1", "\0") WIDE("\2", "\x3D\xD8\0\xDE")); /* U+1F600 */
    RECORD(buf, 4, CELL("\2", "\0") "\1");
    RECORD(buf, 8, CELL("\3", "\0") WIDE("\1", "f\0"));
    RECORD(buf, 146, "");
}

TEST(binary_workbooks_show_their_cells)
{
    own_zip struct zip_builder zip = zip_builder_new();
    zip_builder_text(
        &zip, "[Content_Types].xml",
        "<Types xmlns=\"" OFFICE_TYPES "\"><Override PartName=\"/xl/workbook.bin\" "
        "ContentType=\"application/vnd.ms-excel.sheet.binary.macroEnabled.main\"/><Override "
        "PartName=\"/xl/s.bin\" ContentType=\"application/vnd.ms-excel.worksheet\"/><Default "
        "Extension=\"bin\" ContentType=\"application/vnd.ms-excel.styles\"/></Types>");
    office_relations(&zip, "_rels/.rels", OFFICE_TO("a", "officeDocument", "xl/workbook.bin"));
    office_relations(&zip, "xl/_rels/workbook.bin.rels",
                     OFFICE_TO("s", "worksheet", "s.bin") OFFICE_TO("t", "styles", "t.bin")
                         OFFICE_TO("u", "sharedStrings", "u.bin"));
    own_buf struct buf buf = buf_new(1u << 16);
    RECORD(&buf, 156, "\0\0\0\0\1\0\0\0" WIDE("\1", "s\0") WIDE("\2", "H\0i\0"));
    add_part(&zip, "xl/workbook.bin", &buf);
    buf_reset(&buf);
    RECORD(&buf, 44, "\xAA\0" WIDE("\6", "0\0000\0000\0000\0000\0000\0"));
    RECORD(&buf, 617, "");
    RECORD(&buf, 47, "\0\0\0\0");
    RECORD(&buf, 47, "\0\0\xAA\0");
    RECORD(&buf, 618, "");
    add_part(&zip, "xl/t.bin", &buf);
    buf_reset(&buf);
    RECORD(&buf, 19, "\0" WIDE("\2", "o\0k\0"));
    add_part(&zip, "xl/u.bin", &buf);
    put_sheet(&buf);
    add_part(&zip, "xl/s.bin", &buf);
    own_gather struct gather gather;
    gather_init(&gather);
    assert_string_equal(office_read(&gather, &zip),
                        "[xl/workbook.bin]Hi[xl/u.bin][xl/t.bin][xl/s.bin|]ok\t\t001235\t7\n"
                        "\t\xF0\x9F\x98\x80\tTRUE\tf\n");
    assert_int_equal(gather.report.format, FORMAT_XLSB);
    assert_int_equal(gather.report.status, REPORT_PARTIAL);
    assert_string_equal(gather.report.reason, "xlsb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read_as_a_person_sees_them),
        cmocka_unit_test(shared_strings_without_a_cell_are_found),
        cmocka_unit_test(dates_count_from_1904_where_the_workbook_says_so),
        cmocka_unit_test(what_surrounds_the_cells_is_text_too),
        cmocka_unit_test(absurd_places_and_numbers_are_hostile),
        cmocka_unit_test(a_million_columns_are_hostile_and_many_far_cells_stay_small),
        cmocka_unit_test(binary_workbooks_show_their_cells),
        cmocka_unit_test(shared_strings_over_the_budget_are_text_without_a_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
