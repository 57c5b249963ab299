/*
 * ooxml_label: sensitivity labels of Office packages: read, write, verify. They fill the rows
 * `labels`, `relabel` and `verify` of struct format (format.h), which says what they return.
 * Refusals (result->done = LABEL_REFUSED): signed, encrypted, not-opc, damaged, bomb, xml-dtd,
 * too-long, bad-edit.
 * Owns: nothing.
 */
#ifndef LABELD_LABELS_OOXML_LABEL_H
#define LABELD_LABELS_OOXML_LABEL_H
#include "format.h"

/* Labels in force into the report; labels_unread and a gap when a store cannot be read. */
bool ooxml_label_read(struct format_reading *reading, const struct format_input *input);

/* The changed package to `out`; nothing is written when nothing changes or it is refused. The
 * same input and edit make the same bytes. */
bool ooxml_label_relabel(const struct format_input *input, const struct label_edit *edit,
                         const struct limits *limits, int out, struct arena *arena,
                         struct label_result *result, struct err *err);

/* LABEL_VERIFIED: `after` is exactly what this edit makes of `before`, and read by itself it
 * shows the label as planned, all other labels and properties as before, and no duplicates where
 * Office allows none. Else LABEL_DIFFERS. */
bool ooxml_label_verify(const struct format_input *before, const struct format_input *after,
                        const struct label_edit *edit, const struct limits *limits,
                        struct arena *arena, struct label_result *result, struct err *err);

#endif
