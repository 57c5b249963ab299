/*
 * sheet: a worksheet as rows of cells, each cell as a person sees it (ECMA-376 part 1, 18.3).
 * A cell stands in its column: empty ones before it leave their tab. Literal strings of formulas
 * follow behind the rows; everything else of the part (hyperlinks, headers and footers,
 * validations) is left to the flow.
 * Owns: its buffers; book, flow and emit are the caller's.
 */
#ifndef LABELD_LABELS_FORMATS_SHEET_H
#define LABELD_LABELS_FORMATS_SHEET_H
#include "formats/book.h"
#include "formats/flow.h"

enum { SHEET_SEEN = 256 };

struct sheet {
    struct format_reading *reading;
    struct book *book;
    struct flow *flow;
    struct emit *emit;
    struct buf value;          /* of the present cell, or a page header */
    struct buf formula;        /* of the present cell */
    struct buf literals;       /* strings of formulas, one a line */
    uint64_t seen[SHEET_SEEN]; /* hashes of literals, so that a copied formula counts once */
    uint64_t padding;          /* tabs for empty cells so far */
    uint32_t depth;            /* inside sheetData; 0 outside */
    uint32_t skip_depth;       /* elements at or below it are left out; 0 none */
    uint32_t column;           /* of the present cell, from 1 */
    uint32_t filled;           /* the last column of the row that has text */
    uint32_t rows;
    uint32_t style;
    char kind;     /* n, s, b, e, d or t: what the value is */
    char collects; /* v, f, h (page header) or 0 */
    bool no_memory, broken;
};

void sheet_init(struct sheet *sheet, struct format_reading *reading, struct book *book,
                struct flow *flow);
void sheet_fini(struct sheet *sheet);

/* A part begins; flow_begin was called. */
void sheet_begin(struct sheet *sheet);

/* The events of its XML. False: stop: no memory, no more wanted, or `broken` (the gap is noted:
 * hostile "sheet-columns", "sheet-rows" or "shared-strings"). */
bool sheet_start(struct sheet *sheet, const struct xml_element *element);
bool sheet_end(struct sheet *sheet, const char *name);
bool sheet_text(struct sheet *sheet, const char *text, size_t length);

/* The same for a sheet that is not XML: rows and cells from 1, 0 where unknown; `kind` as in the
 * struct, the value as it would stand in XML. False as above. */
bool sheet_row(struct sheet *sheet, uint32_t number);
bool sheet_cell(struct sheet *sheet, uint32_t column, uint32_t style, char kind, const char *text,
                size_t length);
bool sheet_row_end(struct sheet *sheet);

/* The part is over, well or badly. */
bool sheet_finish(struct sheet *sheet);

#endif
