/*
 * handlers: the formats that can be read, one const table each, in the file of that name.
 * labels/format.c lists them; the highest bid reads the file.
 */
#ifndef LABELD_LABELS_FORMATS_HANDLERS_H
#define LABELD_LABELS_FORMATS_HANDLERS_H
#include "format.h"

extern const struct format handlers_ooxml; /* Office packages: docx, xlsx, pptx, ... */
extern const struct format handlers_zip;   /* archives and documents in a zip: told only */
extern const struct format handlers_text;  /* plain text, and what is written as text */
extern const struct format handlers_csv;   /* tables of text: , ; tab | */
extern const struct format handlers_json;  /* JSON, JSON lines, Jupyter notebooks */
extern const struct format handlers_xml;   /* XML, SVG, flat OpenDocument */
extern const struct format handlers_html;  /* HTML and XHTML */

#endif
