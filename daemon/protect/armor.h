/*
 * armor: ASCII armour of age files: strict PEM with the label "AGE ENCRYPTED FILE" (RFC 7468
 * section 3, age-encryption.org/v1 "ASCII armor"). Pure: bytes in, bytes out.
 * Strict means: lines of 64 columns, canonical padded base64, nothing but white space before and
 * after; LF or CRLF. Anything else would make a file with two forms of the same content.
 */
#ifndef LABELD_PROTECT_ARMOR_H
#define LABELD_PROTECT_ARMOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    ARMOR_LINE_BYTES = 48,   /* in one full line */
    ARMOR_LINE_COLUMNS = 64, /* of one full line */
    ARMOR_LINE_MAX = 80,     /* longest line worth collecting; all real ones are shorter */
};

#define ARMOR_BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define ARMOR_END   "-----END AGE ENCRYPTED FILE-----"

enum armor_state { ARMOR_BEFORE, ARMOR_BODY, ARMOR_LAST, ARMOR_AFTER };

struct armor_reader {
    enum armor_state state;
};

/* Take one line without its line end, from the one that begins the armour to the one that ends
 * it. The decoded bytes, if any, go to `out`. ERR_CORRUPT when it is not what must come next. */
bool armor_read_line(struct armor_reader *reader, const char *line, size_t length,
                     uint8_t out[static ARMOR_LINE_BYTES], size_t *out_length, struct err *err);

/* One line of armour from 1 to 48 bytes, with LF, NUL-terminated. */
void armor_write_line(const uint8_t *bytes, size_t length, char line[static ARMOR_LINE_MAX]);

#endif
