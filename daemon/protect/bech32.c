#include "protect/bech32.h"

#include <sodium.h>
#include <string.h>

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
enum { CHECKSUM = 6, PREFIX_MAX = 32 };

static uint32_t step(uint32_t sum, uint8_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < 5; i++)
        if (top >> i & 1)
            sum ^= generator[i];
    return sum;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint32_t begin_sum(const char *prefix)
{
    uint32_t sum = 1;
    for (const char *c = prefix; *c; c++)
        sum = step(sum, (uint8_t)(lower(*c) >> 5));
    sum = step(sum, 0);
    for (const char *c = prefix; *c; c++)
        sum = step(sum, (uint8_t)(lower(*c) & 31));
    return sum;
}

static void put(char **at, uint32_t *sum, uint8_t value, bool upper)
{
    char c = alphabet[value];
    *sum = step(*sum, value);
    *(*at)++ = upper && c >= 'a' ? (char)(c - 'a' + 'A') : c;
}

bool bech32_write(const char *prefix, const uint8_t *bytes, size_t length, char *text, size_t room)
{
    size_t prefix_length = strlen(prefix);
    if (room < prefix_length + 1 + (length * 8 + 4) / 5 + CHECKSUM + 1)
        return false;
    bool upper = prefix[0] >= 'A' && prefix[0] <= 'Z';
    uint32_t sum = begin_sum(prefix);
    uint32_t bits = 0;
    unsigned held = 0;
    memcpy(text, prefix, prefix_length);
    char *at = text + prefix_length;
    *at++ = '1';
    for (size_t i = 0; i < length; i++) {
        bits = (bits << 8 | bytes[i]) & 0xfff;
        for (held += 8; held >= 5; held -= 5)
            put(&at, &sum, bits >> (held - 5) & 31, upper);
    }
    if (held)
        put(&at, &sum, (uint8_t)(bits << (5 - held) & 31), upper);
    uint32_t check = sum;
    for (size_t i = 0; i < CHECKSUM; i++)
        check = step(check, 0);
    check ^= 1;
    for (size_t i = 0; i < CHECKSUM; i++)
        put(&at, &sum, check >> 5 * (CHECKSUM - 1 - i) & 31, upper);
    *at = '\0';
    return true;
}

static bool one_case(const char *text)
{
    bool small = false;
    bool large = false;
    for (; *text; text++) {
        small = small || (*text >= 'a' && *text <= 'z');
        large = large || (*text >= 'A' && *text <= 'Z');
    }
    return !(small && large);
}

static bool has_prefix(const char *text, const char *prefix)
{
    for (; *prefix; text++, prefix++)
        if (lower(*text) != *prefix)
            return false;
    return *text == '1';
}

bool bech32_read(const char *text, const char *prefix, uint8_t *bytes, size_t length,
                 struct err *err)
{
    size_t data = (length * 8 + 4) / 5;
    if (!one_case(text))
        return err_set(err, ERR_USAGE, "the key mixes upper and lower case");
    if (!has_prefix(text, prefix))
        return err_set(err, ERR_USAGE, "the key does not begin with %s1", prefix);
    const char *at = text + strlen(prefix) + 1;
    if (strlen(at) != data + CHECKSUM)
        return err_set(err, ERR_USAGE, "the key has %zu characters, not %zu", strlen(text),
                       strlen(prefix) + 1 + data + CHECKSUM);
    uint32_t sum = begin_sum(prefix);
    uint32_t bits = 0;
    unsigned held = 0;
    size_t done = 0;
    for (size_t i = 0; i < data + CHECKSUM; i++) {
        const char *found = memchr(alphabet, lower(at[i]), sizeof alphabet - 1);
        if (!found)
            return err_set(err, ERR_USAGE, "the key has a character that keys do not have");
        sum = step(sum, (uint8_t)(found - alphabet));
        if (i >= data)
            continue;
        bits = (bits << 5 | (uint32_t)(found - alphabet)) & 0xfff;
        held += 5;
        if (held >= 8 && done < length)
            bytes[done++] = (uint8_t)(bits >> (held -= 8));
    }
    bool padded = held < 5 && (bits & ((1u << held) - 1)) == 0;
    sodium_memzero(&bits, sizeof bits);
    if (sum != 1 || !padded)
        return err_set(err, ERR_USAGE, "the key is mistyped: its checksum is wrong");
    return true;
}
