/*
 * formats: the closed list of what a file can be (formats.def).
 * The content decides, never the name; here is only the table.
 */
#ifndef LABELD_BASE_FORMATS_H
#define LABELD_BASE_FORMATS_H
#include <stdbool.h>

enum format_id {
#define FORMAT(id, word, mime, family, labelable) FORMAT_##id,
#include "base/formats.def"
#undef FORMAT
    FORMAT_COUNT
};

struct formats_row {
    const char *word;   /* as in reports and rules: "docx" */
    const char *mime;   /* of the format as such */
    const char *family; /* "document", "spreadsheet", ...; "" for unknown */
    bool labelable;     /* a label can be written into the file itself */
};

/* The row of a format; an id outside the list gets the row of FORMAT_UNKNOWN. */
const struct formats_row *formats_row(enum format_id id);

/* The format of a word; false when there is none of that name. */
bool formats_find(const char *word, enum format_id *id);

#endif
