/*
 * compound: the names in the root of a compound file ("OLE2", [MS-CFB] 2.2, 2.3, 2.6), enough to
 * tell what wrote it.
 * Owns: nothing; reads the caller's bytes.
 */
#ifndef LABELD_LABELS_COMPOUND_H
#define LABELD_LABELS_COMPOUND_H
#include "base/formats.h"
#include "format.h"

/* Whether it begins as a compound file. */
bool compound_is(const struct format_input *input);

/* The format by the streams and storages of the root: doc, xls, ppt, vsd, mpp, pub, msg, or
 * FORMAT_ENCRYPTED for a package encrypted by password or rights management ([MS-OFFCRYPTO] 2.3).
 * FORMAT_UNKNOWN when no name is known or the directory cannot be read. */
enum format_id compound_format(const struct format_input *input);

#endif
