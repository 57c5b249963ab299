/*
 * hkdf: HKDF-SHA-256 (RFC 5869) from libsodium's HMAC-SHA-256; libsodium 1.0.18 has none.
 */
#ifndef LABELD_PROTECT_HKDF_H
#define LABELD_PROTECT_HKDF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Extract with `salt` (NULL and 0: a salt of zeros, RFC 5869 section 2.2), then expand with `info`
 * to `length` bytes, at most 255 * 32. False: more was asked for. */
bool hkdf_sha256(const void *secret, size_t secret_length, const void *salt, size_t salt_length,
                 const void *info, size_t info_length, uint8_t *out, size_t length);

#endif
