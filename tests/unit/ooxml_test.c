#include "check.h"

#include "base/mem.h"
#include "gather.h"
#include "zip_builder.h"

#define W               "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" "
#define R               "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" "
#define OFFICE_TYPE     "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define TYPES_SPACE     "http://schemas.openxmlformats.org/package/2006/content-types"
#define RELATIONS_SPACE "http://schemas.openxmlformats.org/package/2006/relationships"
#define WORD_TYPE       "application/vnd.openxmlformats-officedocument.wordprocessingml."
#define SHEET_TYPE      "application/vnd.openxmlformats-officedocument.spreadsheetml."
#define SLIDE_TYPE      "application/vnd.openxmlformats-officedocument.presentationml."

static void add_types(struct zip_builder *zip, const char *main_name, const char *main_type)
{
    char types[2048];
    snprintf(types, sizeof types,
             "<Types xmlns=\"" TYPES_SPACE "\"><Default Extension=\"xml\" "
             "ContentType=\"application/xml\"/><Default Extension=\"rels\" "
             "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
             "<Override PartName=\"/%s\" ContentType=\"%s\"/></Types>",
             main_name, main_type);
    zip_builder_text(zip, "[Content_Types].xml", types);
}

static void add_root(struct zip_builder *zip, const char *main_name)
{
    char relations[2048];
    snprintf(relations, sizeof relations,
             "<Relationships xmlns=\"" RELATIONS_SPACE "\"><Relationship Id=\"rId1\" "
             "Type=\"" OFFICE_TYPE "officeDocument\" Target=\"%s\"/></Relationships>",
             main_name);
    zip_builder_text(zip, "_rels/.rels", relations);
}

/* A package with a main part; more members may follow. */
static struct zip_builder package_of(const char *name, const char *type, const char *main)
{
    struct zip_builder zip = zip_builder_new();
    add_types(&zip, name, type);
    add_root(&zip, name);
    zip_builder_text(&zip, name, main);
    return zip;
}

static struct zip_builder word_of(const char *body)
{
    static char main[256 * 1024];
    snprintf(main, sizeof main,
             "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
             "<w:document " W R "><w:body>%s</w:body></w:document>",
             body);
    return package_of("word/document.xml", WORD_TYPE "document.main+xml", main);
}

static const char *read_zip(struct gather *gather, struct zip_builder *zip)
{
    zip_builder_end(zip);
    const char *text = gather_read(gather, zip->out.bytes, zip->out.length);
    assert_true(gather->ok);
    assert_false(gather->torn);
    return text;
}

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
        own_zip struct zip_builder zip = word_of(word_cases[i].body);
        own_gather struct gather gather;
        gather_init(&gather);
        const char *text = read_zip(&gather, &zip);
        const char *start = strchr(text, ']');
        if (!start || strcmp(start + 1, word_cases[i].text) != 0)
            print_message("case %zu: %s\n", i, text);
        CHECK_CASE(i, start && strcmp(start + 1, word_cases[i].text) == 0);
        CHECK_CASE(i, gather.report.format == FORMAT_DOCX);
        CHECK_CASE(i, gather.report.status == REPORT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_document_reads_as_its_paragraphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
