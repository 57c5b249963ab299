/*
 * office: small Office packages for tests.
 */
#ifndef LABELD_TESTS_OFFICE_H
#define LABELD_TESTS_OFFICE_H
#include "gather.h"
#include "zip_builder.h"

#define OFFICE_W "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" "
#define OFFICE_S "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" "
#define OFFICE_P                                                                                   \
    "xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\" "                      \
    "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" "
#define OFFICE_R     "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" "
#define OFFICE_TYPE  "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define OFFICE_WORD  "application/vnd.openxmlformats-officedocument.wordprocessingml."
#define OFFICE_SHEET "application/vnd.openxmlformats-officedocument.spreadsheetml."
#define OFFICE_SLIDE "application/vnd.openxmlformats-officedocument.presentationml."
#define OFFICE_TYPES "http://schemas.openxmlformats.org/package/2006/content-types"
#define OFFICE_RELS  "http://schemas.openxmlformats.org/package/2006/relationships"

/* One relationship. */
#define OFFICE_TO(id, type, target)                                                                \
    "<Relationship Id=\"" id "\" Type=\"" OFFICE_TYPE type "\" Target=\"" target "\"/>"

/* A package with content types, root relationships and a main part; more members may follow. */
struct zip_builder office_package(const char *name, const char *type, const char *main);

/* A Word document with that body. */
struct zip_builder office_word(const char *body);

/* A workbook with one sheet "xl/worksheets/sheet1.xml" holding `rows`; shared strings (`si`
 * elements) and number formats (`xf` elements) may be "". */
struct zip_builder office_book(const char *rows, const char *strings, const char *formats);

/* A relationships part; `rows` are Relationship elements. */
void office_relations(struct zip_builder *zip, const char *name, const char *rows);

/* Close the archive and read it; the reading must go through. */
const char *office_read(struct gather *gather, struct zip_builder *zip);

#endif
