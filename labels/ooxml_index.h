/*
 * ooxml_index: what an edit must know of [Content_Types].xml and _rels/.rels (ECMA-376 part 2,
 * 10.1.2 and 9.3): how many children the root has, and which one speaks of a part.
 * Owns: nothing; reads the parts that the stores have loaded.
 */
#ifndef LABELD_LABELS_OOXML_INDEX_H
#define LABELD_LABELS_OOXML_INDEX_H
#include "ooxml_stores.h"

struct ooxml_index {
    size_t children;
    size_t found;    /* the first child that speaks of the part; SIZE_MAX = none */
    bool foreign;    /* the root is another one */
    bool duplicates; /* types: two speak of one part or extension; relationships: two have one Id */
    char type[256];  /* the found child's content type, cut */
};

/* The Override of a part in [Content_Types].xml. */
enum ooxml_outcome ooxml_index_type(struct ooxml_stores *stores, const char *part,
                                    struct ooxml_index *index);

/* The children of _rels/.rels. */
enum ooxml_outcome ooxml_index_relations(struct ooxml_stores *stores, struct ooxml_index *index);

#endif
