/*
 * opc: the Open Packaging Conventions over a zip (ECMA-376 part 2): content types, relationships,
 * part names. Parts are named by their entry's index in the package.
 * Owns: the content types; the package is the caller's.
 */
#ifndef LABELD_LABELS_OPC_H
#define LABELD_LABELS_OPC_H
#include "package.h"
#include "xml.h"

enum { OPC_NAME_MAX = 1024 };

struct opc {
    struct package *package;
    struct format_reading *reading;
    struct arena arena;
    const char **types; /* of each entry; "" when there is none */
};

/* One relationship; texts live only during the call that hands it over. */
struct opc_relation {
    const char *id;
    const char *type;   /* behind its last / : "worksheet", "slide", "core-properties" */
    const char *target; /* as written; for the outside when `external` */
    bool external;
    size_t part; /* entry of an internal target; PACKAGE_NONE when it is not there */
};

struct opc_visitor {
    void *context;
    bool (*relation)(void *context, const struct opc_relation *relation);
};

/* Read [Content_Types].xml. PACKAGE_GAP: the gap is noted, the types are what was read so far.
 * Close in any case. */
enum package_result opc_open(struct opc *opc, struct package *package,
                             struct format_reading *reading);
void opc_close(struct opc *opc);

/* The content type of an entry, as written. */
const char *opc_type(const struct opc *opc, size_t part);

/* Hand over the relationships of a part, in order; of the package itself for PACKAGE_NONE.
 * *from: the entry they were read from, PACKAGE_NONE when there is none (which is PACKAGE_OK). */
enum package_result opc_relations(struct opc *opc, size_t part, const struct opc_visitor *visitor,
                                  size_t *from);

/* The part that an entry holds the relationships of: its entry, or PACKAGE_NONE for the package
 * itself. False when the name is not that of a relationships part. */
bool opc_is_relations(const struct opc *opc, size_t entry, size_t *part);

/* A target seen from the part `base`, as an entry's name without leading slash: ".." is clamped at
 * the root, %xx decoded, a fragment dropped. False when it is too long. */
bool opc_resolve(const char *base, const char *target, char name[static OPC_NAME_MAX]);

/* Read an XML part through the handler, cut into pieces between which time is watched.
 * Gaps: hostile "dtd" or "xml-depth", corrupt "xml", and those of package_read.
 * PACKAGE_STOPPED: the handler said so. */
enum package_result opc_read_xml(struct opc *opc, size_t part, const struct xml_handler *handler,
                                 void *context);

#endif
