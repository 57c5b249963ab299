/*
 * guid: GUIDs as text, 36 characters with four hyphens (RFC 9562, section 4).
 */
#ifndef LABELD_BASE_GUID_H
#define LABELD_BASE_GUID_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUID_LENGTH 36

/* Read a GUID at `text` of `length` bytes, in braces or not, in any case, and nothing else.
 * Writes it in lower case without braces, with a NUL. False: not a GUID. */
bool guid_parse(const char *text, size_t length, char out[static GUID_LENGTH + 1]);

/* A version 4 GUID from 16 random bytes. */
void guid_format(const uint8_t random[static 16], char out[static GUID_LENGTH + 1]);

#endif
