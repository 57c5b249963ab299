/*
 * marked: the text of a whole marked-up document, HTML or XML, from its bytes to the sink.
 * Owns: nothing.
 */
#ifndef LABELD_LABELS_FORMATS_MARKED_H
#define LABELD_LABELS_FORMATS_MARKED_H
#include "format.h"
#include "markup.h"

/* Read all of `input` by these rules. Bytes that are no text become the gap "charset". Returns
 * how deep its elements were nested (XML only; 0 for HTML). */
uint64_t marked_read(struct format_reading *reading, const struct format_input *input,
                     const struct markup_rules *rules);

#endif
