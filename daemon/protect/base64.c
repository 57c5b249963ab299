#include "protect/base64.h"

#include <sodium.h>

static int variant(bool padded)
{
    return padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
}

bool base64_read(const char *text, size_t text_length, bool padded, uint8_t *bytes, size_t room,
                 size_t *length)
{
    /* libsodium 1.0.18 takes the bytes 0xab and 0xaf for + and /. */
    for (size_t i = 0; i < text_length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    const char *end = text;
    return sodium_base642bin(bytes, room, text, text_length, NULL, length, &end, variant(padded)) ==
               0 &&
           end == text + text_length;
}

size_t base64_columns(size_t length, bool padded)
{
    return sodium_base64_encoded_len(length, variant(padded)) - 1;
}

void base64_write(const uint8_t *bytes, size_t length, bool padded, char *text)
{
    sodium_bin2base64(text, base64_columns(length, padded) + 1, bytes, length, variant(padded));
}
