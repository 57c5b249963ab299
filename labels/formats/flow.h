/*
 * flow: the running text of an Office part, whatever its kind: paragraphs, runs, tables, text
 * boxes, notes, slides, charts, and of any other XML what its elements hold. Which element means
 * what is a table (elements.def).
 * Runs are joined; paragraphs end with a newline, cells with a tab, rows with a newline. Deleted
 * text, field codes and texts in attributes follow behind their paragraph, so that what a
 * reader sees stays in one piece.
 * Owns: its buffer for what follows behind; the emit is the caller's.
 */
#ifndef LABELD_LABELS_FORMATS_FLOW_H
#define LABELD_LABELS_FORMATS_FLOW_H
#include "base/buf.h"
#include "emit.h"
#include "xml.h"

enum { FLOW_DEPTH_MAX = 4096, FLOW_SLOTS = 256, FLOW_SPACES = 8 };

/* An open element. */
struct flow_frame {
    uint8_t space; /* its namespace */
    uint8_t action;
    uint16_t cells; /* of a row: so many have begun */
    uint32_t place; /* of a choice: how much text there was, modulo 2^32 */
    bool skips;     /* its text does not count, and its children's */
    bool cell;      /* inside a table cell */
    bool chosen;    /* of alternate content: a choice had text */
};

/* A namespace and what it is; the parser gives one namespace of a part always at one address. */
struct flow_space {
    const char *uri;
    uint8_t space;
    bool office;
};

struct flow {
    struct emit *emit;
    struct buf aside;                      /* what follows behind the paragraph */
    uint64_t aside_at;                     /* place in the text where it was last added to */
    struct flow_space spaces[FLOW_SPACES]; /* namespaces looked up lately, by their address */
    bool foreign;      /* the last one is nobody's in Office: attributes are content */
    bool foreign_root; /* and so is the root's */
    bool no_memory;
    size_t name_length; /* of `name`; 0: nothing stands in front of the next text */
    char name[64];      /* the foreign element that has just begun: names are keywords in data */
    uint32_t depth;
    uint8_t slots[FLOW_SLOTS]; /* hash of the elements table: row + 1 */
    struct flow_frame frames[FLOW_DEPTH_MAX + 1];
};

/* For any number of parts, one after the other. */
void flow_init(struct flow *flow, struct emit *emit);
void flow_fini(struct flow *flow);

/* A part begins. */
void flow_begin(struct flow *flow);

/* The events of its XML. False: stop (no_memory, or the emit is stopped). */
bool flow_start(struct flow *flow, const struct xml_element *element);
bool flow_end(struct flow *flow);
bool flow_text(struct flow *flow, const char *text, size_t length);

/* The part is over, well or badly: what waits is sent. */
bool flow_finish(struct flow *flow);

#endif
