#include "check.h"

#include "base/mem.h"
#include "office.h"

static const struct word_case {
    const char *body, *text;
} word_cases[] = {
    {"<w:p><w:r><w:t>Hel</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>lo</w:t></w:r></w:p>"
     "<w:p><w:r><w:t>world</w:t></w:r></w:p>",
     "Hello\nworld"},
    {"\n <w:p>\n  <w:r>\n <w:t>4539 0443</w:t>\n </w:r> <w:r><w:t xml:space=\"preserve\"> 4874"
     "</w:t></w:r></w:p>",
     "4539 0443 4874"},
    {"<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t>"
     "</w:r></w:p>",
     "a\tb\nc-d"},
    {"<w:p><w:pPr><w:tabs><w:tab w:val=\"left\" w:pos=\"4\"/></w:tabs></w:pPr><w:r><w:t>x</w:t>"
     "</w:r></w:p>",
     "x"},
    {"<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Card"
     "</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p/></w:tc><w:tc><w:p><w:r><w:t>1</w:t></w:r>"
     "</w:p><w:p><w:r><w:t>2</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p><w:r><w:t>end</w:t></w:r>"
     "</w:p>",
     "Name\tCard\n\t1 2\nend"},
    {"<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"2\"/></w:tcPr><w:p><w:r><w:t>wide</w:t></w:r>"
     "</w:p></w:tc><w:tc><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
     "\twide\tc\n"},
    {"<w:p><w:r><w:t>45</w:t></w:r><w:del><w:r><w:delText>99</w:delText></w:r></w:del><w:ins><w:r>"
     "<w:t>39</w:t></w:r></w:ins></w:p><w:p><w:r><w:t>next</w:t></w:r></w:p>",
     "4539\n99\nnext"},
    {"<w:p><w:r><w:t>See </w:t></w:r><w:r><w:instrText> HYPERLINK \"mailto:jo</w:instrText></w:r>"
     "<w:r><w:instrText>@x.example\"</w:instrText></w:r><w:r><w:t>here</w:t></w:r></w:p>",
     "See here\n HYPERLINK \"mailto:jo@x.example\""},
    {"<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>", "hidden"},
    {"<w:sdt><w:sdtPr><w:alias w:val=\"IBAN\"/></w:sdtPr><w:sdtContent><w:p><w:r><w:t>v</w:t>"
     "</w:r></w:p></w:sdtContent></w:sdt>",
     "v\nIBAN"},
    {"<w:p><w:r><w:t>a &amp; b &lt;c&gt; &#8364;</w:t></w:r></w:p>", "a & b <c> \xE2\x82\xAC"},
    {"<w:p><w:r><mc:AlternateContent xmlns:mc=\"http://schemas.openxmlformats.org/"
     "markup-compatibility/2006\"><mc:Choice Requires=\"wps\"><w:txbxContent><w:p><w:r><w:t>box"
     "</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>box"
     "</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
     "box"},
    {"<w:p><w:r><mc:AlternateContent xmlns:mc=\"http://schemas.openxmlformats.org/"
     "markup-compatibility/2006\"><mc:Choice Requires=\"new\"/><mc:Fallback><w:t>old</w:t>"
     "</mc:Fallback></mc:AlternateContent></w:r></w:p>",
     "old"},
};

TEST(a_word_document_reads_as_its_paragraphs)
{
    for (size_t i = 0; i < sizeof word_cases / sizeof *word_cases; i++) {
        own_zip struct zip_builder zip = office_word(word_cases[i].body);
        own_gather struct gather gather;
        gather_init(&gather);
        const char *text = office_read(&gather, &zip);
        const char *start = strchr(text, ']');
        if (!start || strcmp(start + 1, word_cases[i].text) != 0)
            print_message("case %zu: %s\n", i, text);
        CHECK_CASE(i, start && strcmp(start + 1, word_cases[i].text) == 0);
        CHECK_CASE(i, gather.report.format == FORMAT_DOCX);
        CHECK_CASE(i, gather.report.status == REPORT_OK);
    }
}

/* Read, and check that the text is exactly that. */
static void expect_text(struct zip_builder *zip, const char *wanted)
{
    own_gather struct gather gather;
    gather_init(&gather);
    const char *text = office_read(&gather, zip);
    assert_string_equal(text, wanted);
    assert_int_equal(gather.report.status, REPORT_OK);
}

TEST(parts_come_in_the_order_of_relationships_and_hidden_ones_last)
{
    own_zip struct zip_builder zip = office_word("<w:p><w:r><w:t>body</w:t></w:r></w:p>");
    zip_builder_text(&zip, "a/lost.xml", "<x note=\"attr\"><y>one</y><y>two</y></x>");
    zip_builder_text(&zip, "word/header1.xml",
                     "<w:hdr " OFFICE_W "><w:p><w:r><w:t>head</w:t></w:r></w:p></w:hdr>");
    zip_builder_text(&zip, "word/footnotes.xml",
                     "<w:footnotes " OFFICE_W "><w:footnote><w:p><w:r><w:t>note</w:t></w:r></w:p>"
                     "</w:footnote></w:footnotes>");
    zip_builder_text(&zip, "word/comments.xml",
                     "<w:comments " OFFICE_W "><w:comment w:author=\"Jo\"><w:p><w:r><w:t>why"
                     "</w:t></w:r></w:p></w:comment></w:comments>");
    zip_builder_text(&zip, "word/styles.xml", "<w:styles " OFFICE_W "/>");
    office_relations(
        &zip, "word/_rels/document.xml.rels",
        OFFICE_TO("r1", "styles", "styles.xml") OFFICE_TO("r2", "header", "header1.xml")
            OFFICE_TO("r3", "footnotes", "./x/../footnotes.xml")
                OFFICE_TO("r4", "comments",
                          "/word/comments.xml") "<Relationship Id=\"r5\" Type=\"" OFFICE_TYPE
                                                "hyperlink\" "
                                                "Target=\"https://x.example/?a=1&amp;b=2\" "
                                                "TargetMode=\"External\"/>");
    expect_text(&zip, "[word/document.xml]body[word/_rels/document.xml.rels]"
                      "https://x.example/?a=1&b=2[word/header1.xml]head[word/footnotes.xml]note"
                      "[word/comments.xml]Jo\nwhy[a/lost.xml]note: attr\ny: one\ny: two"
                      "[word/styles.xml]");
}

TEST(slides_come_in_their_order_with_their_notes)
{
    own_zip struct zip_builder zip = office_package(
        "ppt/presentation.xml", OFFICE_SLIDE "presentation.main+xml",
        "<p:presentation " OFFICE_P OFFICE_R "><p:sldMasterIdLst><p:sldMasterId r:id=\"m\"/>"
        "</p:sldMasterIdLst><p:sldIdLst><p:sldId id=\"256\" r:id=\"s2\"/><p:sldId id=\"257\" "
        "r:id=\"s1\"/></p:sldIdLst></p:presentation>");
    office_relations(&zip, "ppt/_rels/presentation.xml.rels",
                     OFFICE_TO("m", "slideMaster", "m.xml")
                         OFFICE_TO("s1", "slide", "slides/slide1.xml")
                             OFFICE_TO("s2", "slide", "slides/slide2.xml"));
    office_relations(&zip, "ppt/slides/_rels/slide2.xml.rels",
                     OFFICE_TO("n", "notesSlide", "../notes.xml"));
    zip_builder_text(&zip, "ppt/m.xml",
                     "<p:sldMaster " OFFICE_P "><a:p><a:r><a:t>master</a:t></a:r></a:p>"
                     "</p:sldMaster>");
    zip_builder_text(&zip, "ppt/slides/slide1.xml",
                     "<p:sld " OFFICE_P " show=\"0\"><a:p><a:r><a:t>hid</a:t></a:r><a:r><a:t>den"
                     "</a:t></a:r></a:p></p:sld>");
    zip_builder_text(&zip, "ppt/slides/slide2.xml",
                     "<p:sld " OFFICE_P "><p:sp><p:cNvPr id=\"2\" name=\"T\" descr=\"alt\"/><a:p>"
                     "<a:r><a:t>first</a:t></a:r></a:p></p:sp><a:tbl><a:tr><a:tc><a:p><a:r><a:t>a"
                     "</a:t></a:r></a:p></a:tc><a:tc><a:p><a:r><a:t>b</a:t></a:r></a:p></a:tc>"
                     "</a:tr></a:tbl></p:sld>");
    zip_builder_text(&zip, "ppt/notes.xml",
                     "<p:notes " OFFICE_P "><a:p><a:r><a:t>say it</a:t></a:r></a:p></p:notes>");
    expect_text(&zip, "[ppt/presentation.xml][ppt/slides/slide2.xml]first\nalt\na\tb\n"
                      "[ppt/notes.xml]say it[ppt/slides/slide1.xml]hidden[ppt/m.xml]master");
}

TEST(strict_documents_read_like_transitional_ones)
{
    own_zip struct zip_builder zip = zip_builder_new();
    zip_builder_text(&zip, "[Content_Types].xml",
                     "<c:Types xmlns:c=\"" OFFICE_TYPES "\"><c:Override PartName=\"/d.xml\" "
                     "ContentType=\"" OFFICE_WORD "template.main+xml\"/></c:Types>");
    office_relations(&zip, "_rels/.rels",
                     "<Relationship Id=\"a\" Type=\"http://purl.oclc.org/ooxml/officeDocument/"
                     "relationships/officeDocument\" Target=\"d.xml\"/>");
    zip_builder_text(&zip, "d.xml",
                     "<document xmlns=\"http://purl.oclc.org/ooxml/wordprocessingml/main\"><p><r>"
                     "<t>stri</t></r><r><t>ct</t></r></p></document>");
    own_gather struct gather gather;
    gather_init(&gather);
    assert_string_equal(office_read(&gather, &zip), "[d.xml]strict");
    assert_int_equal(gather.report.format, FORMAT_DOTX);
}

TEST(properties_are_text_and_go_into_the_report)
{
    own_zip struct zip_builder zip = office_word("");
    zip_builder_text(
        &zip, "docProps/core.xml",
        "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/"
        "core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>Pay &amp; "
        "more</dc:title><dc:creator></dc:creator></cp:coreProperties>");
    zip_builder_text(&zip, "docProps/app.xml",
                     "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/"
                     "extended-properties\"><Pages>7</Pages><Company>Acme</Company></Properties>");
    zip_builder_text(
        &zip, "docProps/custom.xml",
        "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/"
        "custom-properties\" xmlns:vt=\"http://schemas.openxmlformats.org/officeDocument/2006/"
        "docPropsVTypes\"><property pid=\"2\" name=\"MSIP_Label_1_Name\"><vt:lpwstr>Secret"
        "</vt:lpwstr></property><property pid=\"3\" name=\"Client\"><vt:lpwstr>Jo</vt:lpwstr>"
        "</property></Properties>");
    own_gather struct gather gather;
    gather_init(&gather);
    assert_string_equal(office_read(&gather, &zip),
                        "[word/document.xml][docProps/core.xml]title: Pay & more"
                        "[docProps/app.xml]Company: Acme[docProps/custom.xml]Client: Jo");
    const struct report *report = &gather.report;
    assert_int_equal(report->properties_count, 3);
    assert_string_equal(report->properties[0].name, "title");
    assert_string_equal(report->properties[0].value, "Pay & more");
    assert_string_equal(report->properties[2].name, "Client");
}

/* Add a built package as a member of another. */
static void embed(struct zip_builder *outer, const char *name, struct zip_builder *inner)
{
    zip_builder_end(inner);
    const struct zip_member member = {
        .name = name, .bytes = inner->out.bytes, .length = inner->out.length};
    zip_builder_add(outer, &member);
}

TEST(packages_in_packages_are_read)
{
    own_zip struct zip_builder zip = office_word("<w:p><w:r><w:t>out</w:t></w:r></w:p>");
    own_zip struct zip_builder inner =
        office_book("<row><c r=\"A1\" t=\"inlineStr\"><is><t>in</t></is></c></row>", "", "");
    embed(&zip, "word/embeddings/x.bin", &inner);
    expect_text(&zip, "[word/document.xml]out[word/embeddings/x.bin!/xl/workbook.xml]Cards"
                      "[word/embeddings/x.bin!/xl/worksheets/sheet1.xml|]in\n");
}

TEST(packages_too_deep_inside_each_other_are_hostile)
{
    struct zip_builder zip = office_word("");
    for (int i = 0; i < 9; i++) {
        struct zip_builder outer = office_word("");
        embed(&outer, "word/embeddings/x.docx", &zip);
        zip_builder_fini(&zip);
        zip = outer;
    }
    own_gather struct gather gather;
    gather_init(&gather);
    office_read(&gather, &zip);
    assert_int_equal(gather.report.status, REPORT_HOSTILE);
    assert_string_equal(gather.report.reason, "archive-depth");
    zip_builder_fini(&zip);
}

static void add_ole(struct zip_builder *zip)
{
    const struct zip_member member = {
        .name = "word/embeddings/o.bin",
        .bytes = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and more",
        .length = 17,
    };
    zip_builder_add(zip, &member);
}

static void add_label(struct zip_builder *zip)
{
    office_relations(zip, "word/_rels/document.xml.rels",
                     "<Relationship Id=\"r1\" Type=\"http://schemas.microsoft.com/office/2020/02/"
                     "relationships/classificationlabels\" Target=\"l.xml\"/>");
    zip_builder_text(zip, "word/l.xml", "<x>label</x>");
}

static void add_dtd(struct zip_builder *zip)
{
    zip_builder_text(zip, "word/x.xml", "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>");
}

static void add_broken(struct zip_builder *zip)
{
    zip_builder_text(zip, "word/x.xml", "<x><y></x>");
}

static void add_deep(struct zip_builder *zip)
{
    static char text[300 * 3 + 1];
    for (int i = 0; i < 300; i++)
        memcpy(text + (ptrdiff_t)3 * i, "<x>", 4);
    zip_builder_text(zip, "word/x.xml", text);
}

static void add_twice(struct zip_builder *zip)
{
    zip_builder_text(zip, "Word/Document.xml", "<x>second</x>");
}

static void add_encrypted(struct zip_builder *zip)
{
    const struct zip_member member = {
        .name = "word/x.xml", .bytes = "<x/>", .length = 4, .encrypted = true};
    zip_builder_add(zip, &member);
}

static void add_wrong_crc(struct zip_builder *zip)
{
    const struct zip_member member = {
        .name = "word/x.xml", .bytes = "<x/>", .length = 4, .wrong_crc = true};
    zip_builder_add(zip, &member);
}

static void add_bomb(struct zip_builder *zip)
{
    static const char zeros[1u << 20];
    const struct zip_member member = {
        .name = "word/x.xml", .bytes = zeros, .length = sizeof zeros, .says_size = 300u << 20};
    zip_builder_add(zip, &member);
}

static void add_overlap(struct zip_builder *zip)
{
    const struct zip_member member = {
        .name = "word/x.xml", .bytes = "", .shares = "word/document.xml"};
    zip_builder_add(zip, &member);
}

static void add_pdf(struct zip_builder *zip)
{
    zip_builder_text(zip, "word/embeddings/x.pdf", "%PDF-1.7 nothing");
}

static void add_picture(struct zip_builder *zip)
{
    const struct zip_member member = {
        .name = "word/picture.png", .bytes = "\x89PNG\r\n\x1a\n", .length = 8, .stored = true};
    zip_builder_add(zip, &member);
}

static void add_loose_drawing(struct zip_builder *zip)
{
    zip_builder_text(zip, "word/v.vml",
                     "<xml xmlns:v=\"urn:schemas-microsoft-com:vml\"><v:textbox><div>one<br>two"
                     "</div></v:textbox></xml>");
}

static void add_forbidden_drawing(struct zip_builder *zip)
{
    zip_builder_text(zip, "word/v.vml", "<!DOCTYPE xml><xml/>");
}

static const struct gap_case {
    void (*add)(struct zip_builder *zip);
    enum report_status status;
    const char *reason;
    const char *text;
} gap_cases[] = {
    {add_ole, REPORT_PARTIAL, "embedded-ole", "[word/document.xml]body"},
    {add_label, REPORT_OK, "", "[word/document.xml]body"},
    {add_dtd, REPORT_HOSTILE, "dtd", "[word/document.xml]body"},
    {add_broken, REPORT_CORRUPT, "xml", "[word/document.xml]body[word/x.xml]"},
    {add_deep, REPORT_HOSTILE, "xml-depth", "[word/document.xml]body[word/x.xml]"},
    {add_twice, REPORT_HOSTILE, "duplicate-entry", ""},
    {add_encrypted, REPORT_ENCRYPTED, "zip-entry", "[word/document.xml]body"},
    {add_wrong_crc, REPORT_CORRUPT, "crc", "[word/document.xml]body"},
    {add_bomb, REPORT_HOSTILE, "expand-ratio", "[word/document.xml]body"},
    {add_overlap, REPORT_HOSTILE, "overlap", ""},
    {add_forbidden_drawing, REPORT_HOSTILE, "dtd", "[word/document.xml]body"},
    {add_pdf, REPORT_PARTIAL, "embedded-unsupported", "[word/document.xml]body"},
    {add_picture, REPORT_OK, "", "[word/document.xml]body"},
};

TEST(what_could_not_be_read_is_said)
{
    for (size_t i = 0; i < sizeof gap_cases / sizeof *gap_cases; i++) {
        own_zip struct zip_builder zip = office_word("<w:p><w:r><w:t>body</w:t></w:r></w:p>");
        gap_cases[i].add(&zip);
        own_gather struct gather gather;
        gather_init(&gather);
        const char *text = office_read(&gather, &zip);
        if (gather.report.status != gap_cases[i].status || strcmp(text, gap_cases[i].text) != 0)
            print_message("case %zu: %s: %s\n", i, gather.report.reason, text);
        CHECK_CASE(i, gather.report.status == gap_cases[i].status);
        CHECK_CASE(i, strcmp(gather.report.reason, gap_cases[i].reason) == 0);
        CHECK_CASE(i, strcmp(text, gap_cases[i].text) == 0);
    }
}

TEST(a_drawing_that_is_not_quite_xml_is_read)
{
    own_zip struct zip_builder zip = office_word("");
    add_loose_drawing(&zip);
    own_gather struct gather gather;
    gather_init(&gather);
    const char *text = office_read(&gather, &zip);
    assert_non_null(strstr(text, "one"));
    assert_non_null(strstr(text, "two"));
    assert_int_equal(gather.report.status, REPORT_OK);
}

TEST(a_package_whose_types_are_broken_is_still_that_package)
{
    own_zip struct zip_builder zip = zip_builder_new();
    zip_builder_text(&zip, "[Content_Types].xml", "<!DOCTYPE x><x/>");
    zip_builder_text(&zip, "xl/workbook.xml", "<workbook " OFFICE_S "/>");
    own_gather struct gather gather;
    gather_init(&gather);
    office_read(&gather, &zip);
    assert_int_equal(gather.report.format, FORMAT_XLSX);
    assert_int_equal(gather.report.status, REPORT_HOSTILE);
    assert_string_equal(gather.report.reason, "dtd");
}

static const struct type_case {
    const char *type;
    enum format_id id;
} type_cases[] = {
    {OFFICE_WORD "document.main+xml", FORMAT_DOCX},
    {"application/vnd.ms-word.document.macroEnabled.main+xml", FORMAT_DOCM},
    {OFFICE_WORD "template.main+xml", FORMAT_DOTX},
    {"application/vnd.ms-word.template.macroEnabledTemplate.main+xml", FORMAT_DOTM},
    {OFFICE_SHEET "sheet.main+xml", FORMAT_XLSX},
    {"application/vnd.ms-excel.sheet.macroEnabled.main+xml", FORMAT_XLSM},
    {OFFICE_SHEET "template.main+xml", FORMAT_XLTX},
    {"application/vnd.ms-excel.template.macroEnabled.main+xml", FORMAT_XLTM},
    {OFFICE_SLIDE "presentation.main+xml", FORMAT_PPTX},
    {"application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml", FORMAT_PPTM},
    {OFFICE_SLIDE "template.main+xml", FORMAT_POTX},
    {"application/vnd.ms-powerpoint.template.macroEnabled.main+xml", FORMAT_POTM},
    {OFFICE_SLIDE "slideshow.main+xml", FORMAT_PPSX},
    {"application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml", FORMAT_PPSM},
    {"application/vnd.ms-visio.drawing.main+xml", FORMAT_VSDX},
    {"application/vnd.ms-visio.drawing.macroEnabled.main+xml", FORMAT_VSDM},
};

TEST(the_main_parts_type_decides_the_format)
{
    for (size_t i = 0; i < sizeof type_cases / sizeof *type_cases; i++) {
        own_zip struct zip_builder zip = office_package("any/x.xml", type_cases[i].type, "<x/>");
        own_gather struct gather gather;
        gather_init(&gather);
        office_read(&gather, &zip);
        CHECK_CASE(i, gather.report.format == type_cases[i].id);
        CHECK_CASE(i, gather.report.status == REPORT_OK);
    }
}

static const struct archive_case {
    const char *mimetype; /* NULL: no such member */
    bool encrypted;
    enum format_id id;
    enum report_status status;
} archive_cases[] = {
    {NULL, false, FORMAT_ZIP, REPORT_UNSUPPORTED},
    {NULL, true, FORMAT_ZIP, REPORT_ENCRYPTED},
    {"application/vnd.oasis.opendocument.text", false, FORMAT_ODT, REPORT_UNSUPPORTED},
    {"application/vnd.oasis.opendocument.spreadsheet", false, FORMAT_ODS, REPORT_UNSUPPORTED},
    {"application/epub+zip", false, FORMAT_EPUB, REPORT_UNSUPPORTED},
    {"application/made-up", false, FORMAT_ZIP, REPORT_UNSUPPORTED},
};

TEST(other_archives_are_told_by_their_structure)
{
    for (size_t i = 0; i < sizeof archive_cases / sizeof *archive_cases; i++) {
        const struct archive_case *row = &archive_cases[i];
        own_zip struct zip_builder zip = zip_builder_new();
        const struct zip_member type = {
            .name = "mimetype",
            .bytes = row->mimetype,
            .length = row->mimetype ? strlen(row->mimetype) : 0,
            .stored = true,
        };
        if (row->mimetype)
            zip_builder_add(&zip, &type);
        const struct zip_member other = {
            .name = "content.xml", .bytes = "<x/>", .length = 4, .encrypted = row->encrypted};
        zip_builder_add(&zip, &other);
        own_gather struct gather gather;
        gather_init(&gather);
        assert_string_equal(office_read(&gather, &zip), "");
        CHECK_CASE(i, gather.report.format == row->id);
        CHECK_CASE(i, gather.report.status == row->status);
    }
}

/* A package with a bit of everything. */
static struct zip_builder rich_package(void)
{
    struct zip_builder zip = office_word("<w:p><w:r><w:t>body</w:t></w:r><w:r><w:delText>gone"
                                         "</w:delText></w:r></w:p>");
    struct zip_builder inner = office_book(
        "<row><c r=\"B1\" t=\"s\"><v>0</v></c><c r=\"C1\" s=\"1\"><f>IF(A1,\"yes\",\"no\")</f>"
        "<v>5</v></c></row>",
        "<si><t>x</t></si><si><t>unused</t></si>",
        "<numFmts><numFmt numFmtId=\"170\" formatCode=\"000\"/></numFmts><cellXfs><xf "
        "numFmtId=\"0\"/><xf numFmtId=\"170\"/></cellXfs>");
    embed(&zip, "word/embeddings/x.xlsx", &inner);
    zip_builder_fini(&inner);
    zip_builder_text(&zip, "docProps/core.xml",
                     "<coreProperties><title>t</title></coreProperties>");
    zip_builder_end(&zip);
    return zip;
}

TEST(memory_that_is_out_is_said_and_nothing_leaks)
{
    own_zip struct zip_builder zip = rich_package();
    size_t failed = 0;
    for (size_t nth = 1; nth < 2000; nth++) {
        own_gather struct gather gather;
        gather_init(&gather);
        buf_reserve(&gather.text, 65536);
        mem_fail_nth(nth, nth % 2 == 0);
        gather_read(&gather, zip.out.bytes, zip.out.length);
        bool reached = mem_calls() >= nth;
        mem_fail_nth(0, 0);
        failed += !gather.ok;
        if (!reached) {
            assert_true(gather.ok);
            break;
        }
    }
    assert_true(failed > 10);
}

TEST(a_sink_that_has_enough_hears_nothing_more)
{
    own_zip struct zip_builder zip = rich_package();
    for (size_t pieces = 1; pieces < 6; pieces++) {
        own_gather struct gather gather;
        gather_init(&gather);
        gather.stop_after = pieces;
        gather_read(&gather, zip.out.bytes, zip.out.length);
        assert_true(gather.ok);
        assert_false(gather.late);
    }
}

TEST(a_package_cut_anywhere_is_no_crash)
{
    own_zip struct zip_builder zip = rich_package();
    for (size_t length = 0; length < zip.out.length; length += 7) {
        own_gather struct gather gather;
        gather_init(&gather);
        gather_read(&gather, zip.out.bytes, length);
        assert_true(gather.ok);
        assert_true(length < 4 || gather.report.status == REPORT_CORRUPT);
    }
}

TEST(processor_time_that_is_used_up_ends_the_reading)
{
    own_zip struct zip_builder zip = rich_package();
    own_gather struct gather gather;
    gather_init(&gather);
    gather.cpu_deadline_us = 1;
    gather_read(&gather, zip.out.bytes, zip.out.length);
    assert_int_equal(gather.report.status, REPORT_PARTIAL);
    assert_string_equal(gather.report.reason, "parse-cpu-ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_document_reads_as_its_paragraphs),
        cmocka_unit_test(parts_come_in_the_order_of_relationships_and_hidden_ones_last),
        cmocka_unit_test(slides_come_in_their_order_with_their_notes),
        cmocka_unit_test(strict_documents_read_like_transitional_ones),
        cmocka_unit_test(properties_are_text_and_go_into_the_report),
        cmocka_unit_test(packages_in_packages_are_read),
        cmocka_unit_test(packages_too_deep_inside_each_other_are_hostile),
        cmocka_unit_test(what_could_not_be_read_is_said),
        cmocka_unit_test(a_drawing_that_is_not_quite_xml_is_read),
        cmocka_unit_test(a_package_whose_types_are_broken_is_still_that_package),
        cmocka_unit_test(the_main_parts_type_decides_the_format),
        cmocka_unit_test(other_archives_are_told_by_their_structure),
        cmocka_unit_test(memory_that_is_out_is_said_and_nothing_leaks),
        cmocka_unit_test(a_sink_that_has_enough_hears_nothing_more),
        cmocka_unit_test(a_package_cut_anywhere_is_no_crash),
        cmocka_unit_test(processor_time_that_is_used_up_ends_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
