/*
 * utf8: reading UTF-8 byte by byte, strictly (RFC 3629: no overlong forms, no surrogates).
 */
#ifndef LABELD_BASE_UTF8_H
#define LABELD_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode one character at `text` of `length` bytes. Its length in bytes; 0 when it is not valid. */
size_t utf8_decode(const char *text, size_t length, uint32_t *character);

/* Encode a character into `out` (4 bytes). Its length; 0 for a surrogate or above U+10FFFF. */
size_t utf8_encode(uint32_t character, char out[static 4]);

/* Whether all of it is valid. */
bool utf8_valid(const char *text, size_t length);

/* Where to cut a valid text so that at most `most` bytes stay and no character is split. */
size_t utf8_cut(const char *text, size_t length, size_t most);

#endif
