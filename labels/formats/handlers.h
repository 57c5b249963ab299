/*
 * handlers: the formats that can be read, one const table each, in the file of that name.
 * labels/format.c lists them; the highest bid reads the file.
 */
#ifndef LABELD_LABELS_FORMATS_HANDLERS_H
#define LABELD_LABELS_FORMATS_HANDLERS_H
#include "format.h"

extern const struct format handlers_ooxml; /* ooxml.c: Office packages: docx, xlsx, pptx, ... */
extern const struct format handlers_zip;   /* zip.c: archives and documents in a zip: told only */
extern const struct format handlers_text; /* text.c: plain text, and what is written as text */

#endif
