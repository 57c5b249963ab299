/*
 * sniff: what a file is when nobody can read it: by its signature or its inner directory, and,
 * asked last and on its first 4 KiB only, by libmagic.
 * Owns: libmagic's tables, loaded once before the lock-down and inherited by every child.
 */
#ifndef LABELD_LABELS_SNIFF_H
#define LABELD_LABELS_SNIFF_H
#include "base/err.h"
#include "base/formats.h"
#include "format.h"

/* Load libmagic's tables. Once, before the lock-down. ERR_CONFIG when they are missing. */
bool sniff_prepare(struct err *err);

/* The format by structure: signatures, and the streams' names inside a compound file
 * ([MS-CFB]). FORMAT_UNKNOWN when none fits. Allocates nothing. */
enum format_id sniff_structure(const struct format_input *input);

/* The format by libmagic's MIME type, which is copied into `mime` when it is worth telling
 * ("" when not). FORMAT_UNKNOWN when libmagic does not know, or the closed list has no such
 * format. */
enum format_id sniff_magic(const struct format_input *input, char *mime, size_t mime_bytes);

#endif
