/*
 * ooxml_edit: the new text of the parts that a label edit changes. Parts are edited as text: what
 * is not the label's own stays byte for byte.
 * Owns: the new texts.
 */
#ifndef LABELD_LABELS_OOXML_EDIT_H
#define LABELD_LABELS_OOXML_EDIT_H
#include "ooxml_stores.h"

struct ooxml_edit {
    struct buf bytes[OOXML_PARTS];
    bool changed[OOXML_PARTS];
    bool added[OOXML_PARTS]; /* a part that was not there, named stores->parts[].name */
    enum label_done done;    /* LABEL_UNCHANGED when no part changes, else as planned */
};

#define own_ooxml_edit __attribute__((cleanup(ooxml_edit_close)))

/* Carry out a plan on the stores of a package. OOXML_REFUSED: stores->code and message. The names
 * of parts to be added are put into the stores. ooxml_edit_close in any case. */
enum ooxml_outcome ooxml_edit_make(struct ooxml_stores *stores, const struct label_edit *edit,
                                   const struct label_plan *plan, struct ooxml_edit *made);
void ooxml_edit_close(struct ooxml_edit *made);

/* Whether a child of the custom properties goes away in this edit: our label's own, or the plain
 * Sensitivity property that repeats the old label's name. */
bool ooxml_edit_cuts(const struct ooxml_stores *stores, const struct label_edit *edit,
                     const struct label_plan *plan, const struct ooxml_property *property);

#endif
