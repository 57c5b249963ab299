#include "check.h"

#include "office.h"

/* A member made from pieces. */
static void add(struct zip_builder *zip, const char *name, struct buf *text)
{
    assert_false(text->failed);
    zip_builder_text(zip, name, buf_text(text));
    buf_fini(text);
}

void office_relations(struct zip_builder *zip, const char *name, const char *rows)
{
    struct buf text = buf_new(16u << 20);
    buf_printf(&text, "<Relationships xmlns=\"" OFFICE_RELS "\">%s</Relationships>", rows);
    add(zip, name, &text);
}

struct zip_builder office_package(const char *name, const char *type, const char *main)
{
    struct zip_builder zip = zip_builder_new();
    struct buf types = buf_new(1u << 20);
    buf_printf(&types,
               "<Types xmlns=\"" OFFICE_TYPES "\"><Default Extension=\"xml\" "
               "ContentType=\"application/xml\"/><Default Extension=\"rels\" "
               "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
               "<Default Extension=\"bin\" ContentType=\"application/octet-stream\"/>"
               "<Override PartName=\"/%s\" ContentType=\"%s\"/></Types>",
               name, type);
    add(&zip, "[Content_Types].xml", &types);
    struct buf root = buf_new(1u << 20);
    buf_printf(&root,
               "<Relationship Id=\"rId1\" Type=\"" OFFICE_TYPE "officeDocument\" Target=\"%s\"/>",
               name);
    office_relations(&zip, "_rels/.rels", buf_text(&root));
    buf_fini(&root);
    zip_builder_text(&zip, name, main);
    return zip;
}

struct zip_builder office_word(const char *body)
{
    struct buf main = buf_new(64u << 20);
    buf_printf(&main,
               "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
               "<w:document " OFFICE_W OFFICE_R "><w:body>%s</w:body></w:document>",
               body);
    struct zip_builder zip =
        office_package("word/document.xml", OFFICE_WORD "document.main+xml", buf_text(&main));
    buf_fini(&main);
    return zip;
}

struct zip_builder office_book(const char *rows, const char *strings, const char *formats)
{
    struct zip_builder zip =
        office_package("xl/workbook.xml", OFFICE_SHEET "sheet.main+xml",
                       "<workbook " OFFICE_S OFFICE_R
                       "><sheets><sheet name=\"Cards\" sheetId=\"1\" r:id=\"rId9\"/>"
                       "</sheets></workbook>");
    office_relations(&zip, "xl/_rels/workbook.xml.rels",
                     "<Relationship Id=\"rId7\" Type=\"" OFFICE_TYPE
                     "styles\" Target=\"styles.xml\"/><Relationship Id=\"rId8\" "
                     "Type=\"" OFFICE_TYPE "sharedStrings\" Target=\"sharedStrings.xml\"/>"
                     "<Relationship Id=\"rId9\" Type=\"" OFFICE_TYPE
                     "worksheet\" Target=\"/xl/worksheets/sheet1.xml\"/>");
    struct buf sheet = buf_new(64u << 20), shared = buf_new(64u << 20), styles = buf_new(1u << 20);
    buf_printf(&sheet, "<worksheet " OFFICE_S "><sheetData>%s</sheetData></worksheet>", rows);
    buf_printf(&shared, "<sst " OFFICE_S ">%s</sst>", strings);
    buf_printf(&styles, "<styleSheet " OFFICE_S ">%s</styleSheet>", formats);
    add(&zip, "xl/worksheets/sheet1.xml", &sheet);
    add(&zip, "xl/sharedStrings.xml", &shared);
    add(&zip, "xl/styles.xml", &styles);
    return zip;
}

const char *office_read(struct gather *gather, struct zip_builder *zip)
{
    zip_builder_end(zip);
    const char *text = gather_read(gather, zip->out.bytes, zip->out.length);
    assert_true(gather->ok);
    assert_false(gather->torn);
    assert_false(gather->late);
    return text;
}
