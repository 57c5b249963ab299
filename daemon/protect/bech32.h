/*
 * bech32: the text form of age's keys (BIP 173, without its limit of 90 characters).
 */
#ifndef LABELD_PROTECT_BECH32_H
#define LABELD_PROTECT_BECH32_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Write `prefix`, "1", the data and the checksum, NUL-terminated, in the case of `prefix` (all of
 * it lower or all upper). False: `room` is too small. */
bool bech32_write(const char *prefix, const uint8_t *bytes, size_t length, char *text, size_t room);

/* Read a text of exactly `length` data bytes whose prefix, in lower case, is `prefix`.
 * Mixed case, a wrong checksum, another prefix or length, or padding bits that are not zero:
 * ERR_USAGE, without the text in it (it may be a secret key). */
bool bech32_read(const char *text, const char *prefix, uint8_t *bytes, size_t length,
                 struct err *err);

#endif
