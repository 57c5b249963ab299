/*
 * part: one XML part of an Office package, read by what its root element says it is: a
 * worksheet, shared strings, styles, properties, or running text.
 * Owns: what the parts of one package have in common (workbook, buffers).
 */
#ifndef LABELD_LABELS_FORMATS_PART_H
#define LABELD_LABELS_FORMATS_PART_H
#include "formats/binary.h"
#include "formats/properties.h"
#include "formats/sheet.h"
#include "opc.h"

enum part_kind { PART_UNKNOWN, PART_FLOW, PART_SHEET, PART_STRINGS, PART_STYLES, PART_PROPERTIES };

/* A relationship that the main part mentioned, in its order. */
struct part_mention {
    char id[24];
    uint32_t rank;
};

struct part {
    struct format_reading *reading;
    const char *path;
    enum part_kind kind;
    bool main; /* it is the package's main part */
    bool announced;
    struct buf mentions; /* struct part_mention; after the main part was read: sorted by id */
    struct emit emit;
    struct flow flow;
    struct book book;
    struct sheet sheet;
    struct binary binary;
    struct properties properties;
    bool no_memory;
};

/* NULL when memory is out. */
struct part *part_new(struct format_reading *reading);
void part_free(struct part *part);

/* Read one part of the package. PACKAGE_STOPPED: the sink wants no more at all. */
enum package_result part_read(struct part *part, struct opc *opc, size_t index, bool main);

/* The same for a part of a binary workbook; `table`: it is a sheet. */
enum package_result part_read_binary(struct part *part, struct opc *opc, size_t index, bool main,
                                     bool table);

/* The place among the mentions of the main part; UINT32_MAX when it is not there. */
uint32_t part_rank(const struct part *part, const char *id);

/* What is left when all parts were read: shared strings that no cell used, and the buffer. */
enum package_result part_finish(struct part *part, const char *strings_path);

#endif
