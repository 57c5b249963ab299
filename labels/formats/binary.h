/*
 * binary: the parts of a binary workbook (xlsb) as far as they hold text: sheets, shared strings,
 * styles, names of sheets, comments ([MS-XLSB] 2.1.4 records, 2.4 their content).
 * Owns: the record that is being put together.
 */
#ifndef LABELD_LABELS_FORMATS_BINARY_H
#define LABELD_LABELS_FORMATS_BINARY_H
#include "formats/sheet.h"

struct binary {
    struct sheet *sheet;
    struct book *book;
    struct emit *emit;
    struct buf record;    /* content so far */
    struct buf text;      /* of the record, as UTF-8 */
    uint32_t id, size;    /* of the record; `size` bytes are still to come */
    uint8_t header_bytes; /* of its header so far; 0: a record begins */
    uint8_t id_bytes;
    bool in_header;
    bool in_row, in_styles;
    bool no_memory;
    bool cut; /* a record was longer than is kept */

    /* Told of each sheet's relationship in the workbook, in order. NULL: nobody asks. */
    bool (*mention)(void *context, const char *id);
    void *context;
};

void binary_init(struct binary *binary, struct sheet *sheet);
void binary_fini(struct binary *binary);

/* A part begins; its bytes, in pieces; it is over. False: stop (no_memory, the emit is stopped, or
 * the sheet is broken). */
void binary_begin(struct binary *binary);
bool binary_bytes(struct binary *binary, const char *bytes, size_t length);
bool binary_finish(struct binary *binary);

#endif
