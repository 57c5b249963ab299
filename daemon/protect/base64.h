/*
 * base64: canonical base64 as age has it (RFC 4648 sections 3.5 and 4): the standard alphabet, no
 * bit set behind the last byte, padding exactly where it belongs.
 */
#ifndef LABELD_PROTECT_BASE64_H
#define LABELD_PROTECT_BASE64_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read all of `text`, of which `padded` says whether it is padded with =. False: anything else
 * than the one form of at most `room` bytes. */
bool base64_read(const char *text, size_t text_length, bool padded, uint8_t *bytes, size_t room,
                 size_t *length);

/* Characters for so many bytes, without a NUL. */
size_t base64_columns(size_t length, bool padded);

/* Write with a NUL: base64_columns() + 1 characters. */
void base64_write(const uint8_t *bytes, size_t length, bool padded, char *text);

#endif
