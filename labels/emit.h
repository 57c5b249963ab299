/*
 * emit: extracted text on its way to the sink, gathered into larger pieces, with the separators
 * between words, cells and paragraphs put in only where text follows.
 * Owns: nothing; a plain value.
 */
#ifndef LABELD_LABELS_EMIT_H
#define LABELD_LABELS_EMIT_H
#include "format.h"

struct emit {
    const struct format_sink *sink;
    uint64_t sent; /* bytes of text, all parts, without what waits */
    size_t length; /* of what waits in `bytes` */
    char pending;  /* separator before the next text: 0, space, tab or newline */
    char last;     /* of the text; a newline also where a part begins */
    bool stopped;  /* the sink wants no more; everything is refused from now on */
    char bytes[16 * 1024];
};

/* Start with an empty buffer. */
void emit_init(struct emit *emit, const struct format_sink *sink);

/* A part begins; what waits of the one before is sent first. False: stop. */
bool emit_part(struct emit *emit, const char *path, bool table);

/* Valid UTF-8, of whole characters. False: stop. */
bool emit_text(struct emit *emit, const char *text, size_t length);

/* The same without control characters that would end a cell or a row. */
bool emit_cell(struct emit *emit, const char *text, size_t length);

/* A separator (space, tab, newline) before the next text of this part; the strongest counts. */
void emit_separate(struct emit *emit, char separator);

/* A tab or newline that stands for itself. False: stop. */
bool emit_sign(struct emit *emit, char sign);

/* Send what waits. False: stop. */
bool emit_flush(struct emit *emit);

#endif
