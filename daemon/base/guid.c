#include "base/guid.h"

#include <stdio.h>

static bool hyphen_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static char hex_lower(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))
        return c;
    return c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : '\0';
}

bool guid_parse(const char *text, size_t length, char out[static GUID_LENGTH + 1])
{
    if (length == GUID_LENGTH + 2 && text[0] == '{' && text[length - 1] == '}') {
        text++;
        length -= 2;
    }
    if (length != GUID_LENGTH)
        return false;
    for (size_t i = 0; i < GUID_LENGTH; i++) {
        char c = hyphen_at(i) ? (char)(text[i] == '-' ? '-' : '\0') : hex_lower(text[i]);
        if (!c)
            return false;
        out[i] = c;
    }
    out[GUID_LENGTH] = '\0';
    return true;
}

void guid_format(const uint8_t random[static 16], char out[static GUID_LENGTH + 1])
{
    uint8_t b[16];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = random[i];
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, GUID_LENGTH + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}
