/*
 * mask: matches with their middle taken out, for the person at the terminal.
 * Owns: the masked texts; the values are gone once they are added.
 */
#ifndef LABELD_CLASSIFIERS_MASK_H
#define LABELD_CLASSIFIERS_MASK_H
#include "base/report.h"
#include "types.h"

struct masks;

struct masks_match {
    const struct types_row *row;
    const char *type; /* id to tell */
    enum types_level level;
    uint64_t offset;
    uint32_t part;
    const char *text;
    uint32_t length;
};

/* NULL when memory is out. */
struct masks *masks_open(void);
void masks_close(struct masks *masks);

/* Keep one match, masked: cards show six and four digits, others two and two characters. At most
 * 20,000 are kept. False when memory is out. */
bool masks_add(struct masks *masks, const struct masks_match *match);

/* All of them, in order of part and offset. False when memory is out. */
bool masks_list(const struct masks *masks, const char *const *parts, struct arena *arena,
                struct masked_list *list);

#endif
