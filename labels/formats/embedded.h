/*
 * embedded: files inside an Office package: packages in packages, documents that are imported as
 * they are, and what is known to be there but not readable.
 */
#ifndef LABELD_LABELS_FORMATS_EMBEDDED_H
#define LABELD_LABELS_FORMATS_EMBEDDED_H
#include "emit.h"
#include "package.h"

/* Read a member that is no XML part, if it is a file of its own; its parts are called
 * "member!/part". Pictures, fonts and settings are passed over. `outer` is flushed before.
 * Gaps: partial "embedded-ole", "embedded-size" or "embedded-" and a status; hostile
 * "archive-depth" and all that is hostile inside. */
enum package_result embedded_read(struct format_reading *reading, struct package *package,
                                  size_t index, const char *type, struct emit *outer);

#endif
