/*
 * book: what the cells of a workbook refer to: shared strings, number formats, the date system
 * (ECMA-376 part 1, 18.4 and 18.8). Filled from its parts before the first sheet is read.
 * Owns: its strings and formats.
 */
#ifndef LABELD_LABELS_FORMATS_BOOK_H
#define LABELD_LABELS_FORMATS_BOOK_H
#include "emit.h"
#include "formats/numfmt.h"
#include "formats/strings.h"
#include "xml.h"

struct book {
    struct strings strings;
    struct arena codes; /* texts of number formats */
    struct buf custom;  /* struct book_format, sorted by id once the part was read */
    struct buf styles;  /* uint32_t: format id of each cell style */
    struct buf shown;   /* struct numfmt of each cell style */
    struct buf string;  /* the shared string that is being read */
    bool since_1904;
    bool in_styles;       /* inside cellXfs */
    bool collects, skips; /* inside t; inside rPh */
    bool no_memory;
    bool string_cut; /* a shared string was longer than any cell may be */
};

struct book_format {
    uint32_t id;
    const char *code;
};

/* Shared strings take at most three eighths of the memory limit, a quarter of that in each package
 * further inside. */
void book_init(struct book *book, const struct limits *limits, uint32_t depth);
void book_fini(struct book *book);

/* Events of the shared strings part; what cannot be kept goes to the emit. False: stop. */
bool book_strings_start(struct book *book, const struct xml_element *element);
bool book_strings_end(struct book *book, const char *name, struct emit *emit);
bool book_strings_text(struct book *book, const char *text, size_t length);

/* Events of the styles part, and its end. False: memory is out. */
bool book_styles_start(struct book *book, const struct xml_element *element);
void book_styles_end(struct book *book, const char *name);
bool book_styles_finish(struct book *book);

/* The same from a workbook that is not XML. A string that cannot be kept goes to the emit. False:
 * memory is out, or the emit wants no more. */
bool book_add_string(struct book *book, const char *text, size_t length, struct emit *emit);
bool book_add_format(struct book *book, uint32_t id, const char *code, size_t length);
bool book_add_style(struct book *book, uint32_t id);

/* The number format of a cell style; general outside the list. */
struct numfmt book_format_of(const struct book *book, uint32_t style);

/* Shared strings that no cell used: hidden data. False: the emit wants no more. */
bool book_send_unused(const struct book *book, struct emit *emit);

#endif
