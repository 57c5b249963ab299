/*
 * types_finds: the key `find` of a type: its shapes, patterns and words.
 */
#ifndef LABELD_CLASSIFIERS_TYPES_FINDS_H
#define LABELD_CLASSIFIERS_TYPES_FINDS_H
#include "types_read.h"

/* Read `find` into the struct types_row at `target`. Mistakes are told by types_read_fault. */
void types_finds_read(struct types_reader *reader, void *target, const struct yaml_node *node);

#endif
