#include "fuzz/target.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "format.h"
#include "unit/zip_builder.h"

enum { main_max = 1 << 20 };

#define OPEN  "application/vnd.openxmlformats-officedocument."
#define EXCEL "application/vnd.ms-excel."

/* What an input that is no package becomes: the main part and another, by its first byte. */
static const struct {
    const char *name, *type, *beside, *beside_type;
} kinds[] = {
    {"word/document.xml", OPEN "wordprocessingml.document.main+xml", "word/x.xml", "a/xml"},
    {"xl/workbook.xml", OPEN "spreadsheetml.sheet.main+xml", "xl/worksheets/s.xml", "a/xml"},
    {"xl/workbook.xml", OPEN "spreadsheetml.sheet.main+xml", "xl/sharedStrings.xml", "a/xml"},
    {"xl/workbook.xml", OPEN "spreadsheetml.sheet.main+xml", "xl/styles.xml", "a/xml"},
    {"ppt/presentation.xml", OPEN "presentationml.presentation.main+xml",
     "ppt/_rels/presentation.xml.rels", "a/xml"},
    {"word/document.xml", OPEN "wordprocessingml.document.main+xml", "docProps/custom.xml",
     "a/xml"},
    {"xl/workbook.bin", EXCEL "sheet.binary.macroEnabled.main", "xl/s.bin", EXCEL "worksheet"},
};

static bool on_part(void *context, const char *path, bool table)
{
    (void)context;
    (void)table;
    if (!utf8_valid(path, strlen(path)))
        __builtin_trap();
    return true;
}

/* Whatever comes out is UTF-8, and not without end. */
static bool on_text(void *context, const char *text, size_t length)
{
    size_t *left = context;
    if (!utf8_valid(text, length))
        __builtin_trap();
    bool more = length < *left;
    *left -= more ? length : *left;
    return more;
}

static void read_package(const char *bytes, size_t length)
{
    own_arena struct arena arena = arena_new(16u << 20);
    struct limits limits = limits_default();
    limits.expanded_bytes = 16u << 20;
    struct report report = {0};
    size_t left = 32u << 20;
    struct format_reading reading = {
        .limits = &limits,
        .arena = &arena,
        .sink = {&left, on_part, on_text},
        .report = &report,
    };
    const struct format_input input = {.bytes = bytes, .length = length};
    if (!format_read(&reading, &input))
        __builtin_trap();
}

/* The input as a part, stored, so that a fuzzer's changes reach the XML. */
static void read_part(const char *bytes, size_t length, unsigned kind)
{
    char types[1024];
    own_zip struct zip_builder zip = zip_builder_new();
    snprintf(types, sizeof types,
             "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
             "<Override PartName=\"/%s\" ContentType=\"%s\"/>"
             "<Override PartName=\"/%s\" ContentType=\"%s\"/></Types>",
             kinds[kind].name, kinds[kind].type, kinds[kind].beside, kinds[kind].beside_type);
    zip_builder_text(&zip, "[Content_Types].xml", types);
    const struct zip_member member = {
        .name = kinds[kind].name, .bytes = bytes, .length = length, .stored = true};
    struct zip_member beside = member;
    beside.name = kinds[kind].beside;
    zip_builder_add(&zip, &member);
    zip_builder_add(&zip, &beside);
    zip_builder_end(&zip);
    read_package(zip.out.bytes, zip.out.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *text = (const char *)bytes;
    if (length >= 2 && memcmp(text, "PK", 2) == 0)
        read_package(text, length);
    else if (length > 1 && length < main_max)
        read_part(text + 1, length - 1, bytes[0] % (sizeof kinds / sizeof *kinds));
    return 0;
}
