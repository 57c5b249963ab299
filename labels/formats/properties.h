/*
 * properties: a document's core, application and custom properties (ECMA-376 part 2, 11; part 1,
 * 22.2 and 22.3), as text lines "name: value" and, of the file itself, for the report.
 * Sensitivity labels (MSIP_Label_*) are left out: they are not content.
 * Owns: nothing.
 */
#ifndef LABELD_LABELS_FORMATS_PROPERTIES_H
#define LABELD_LABELS_FORMATS_PROPERTIES_H
#include "emit.h"
#include "xml.h"

enum { PROPERTIES_MAX = 64, PROPERTIES_TEXT = 256 };

enum properties_kind { PROPERTIES_NONE, PROPERTIES_CORE, PROPERTIES_APP, PROPERTIES_CUSTOM };

struct properties {
    struct format_reading *reading;
    struct emit *emit;
    enum properties_kind kind;
    uint32_t depth;
    size_t name_length, value_length;
    bool skips;  /* the present one does not count */
    bool filled; /* the present one has text */
    bool no_memory;
    char name[PROPERTIES_TEXT], value[PROPERTIES_TEXT];
};

/* The kind of a part by its root element. */
enum properties_kind properties_kind_of(const struct xml_element *root);

/* A part of that kind begins; its root is not among the events. */
void properties_begin(struct properties *properties, struct format_reading *reading,
                      struct emit *emit, enum properties_kind kind);

/* The events of its XML. False: stop. */
bool properties_start(struct properties *properties, const struct xml_element *element);
bool properties_end(struct properties *properties);
bool properties_text(struct properties *properties, const char *text, size_t length);

#endif
