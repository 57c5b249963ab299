#include <stdint.h>
#include <string.h>

#include "base/buf.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool buf_base64(struct buf *buf, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t three = 0;
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (i + k < length ? from[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            buf_putc(buf, i + k > length ? '=' : digits[three >> (18 - 6 * k) & 63]);
    }
    return !buf->failed;
}

/* Four digits, the last one or two of which may be padding; how many bytes they are, 0 = bad. */
static size_t read_group(const char *four, unsigned char bytes[static 3])
{
    uint32_t three = 0;
    size_t padding = four[3] == '=' ? 1 + (four[2] == '=') : 0;
    for (size_t k = 0; k < 4; k++) {
        const char *digit = k < 4 - padding ? strchr(digits, four[k]) : digits;
        if (!digit)
            return 0;
        three = three << 6 | (uint32_t)(digit - digits);
    }
    for (size_t k = 0; k < 3; k++)
        bytes[k] = (unsigned char)(three >> (16 - 8 * k));
    bool spare = (padding > 0 && bytes[2]) || (padding > 1 && bytes[1]);
    return spare ? 0 : 3 - padding;
}

bool buf_base64_read(struct buf *buf, const char *text)
{
    size_t length = strlen(text);
    if (length % 4 != 0)
        return false;
    for (size_t i = 0; i < length; i += 4) {
        unsigned char bytes[3];
        size_t count = read_group(text + i, bytes);
        if (count == 0 || (count < 3 && i + 4 < length) || !buf_append(buf, bytes, count))
            return false;
    }
    return true;
}
