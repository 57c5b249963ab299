#include "checks_parts.h"
#include "keccak.h"
#include "sha256.h"

#include <string.h>

enum { most_decoded = 96, most_encoded = 128 };

/* Base58 into exactly `size` bytes, big-endian. */
static bool base58(const char *text, size_t length, uint8_t *out, size_t size)
{
    static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    if (length > most_encoded)
        return false;
    memset(out, 0, size);
    for (size_t i = 0; i < length; i++) {
        const char *place = memchr(alphabet, text[i], 58);
        if (!place)
            return false;
        unsigned carry = (unsigned)(place - alphabet);
        for (size_t k = size; k-- > 0;) {
            carry += out[k] * 58U;
            out[k] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry)
            return false;
    }
    return true;
}

/* The last four bytes are the first of SHA-256 of SHA-256 of the rest. */
static bool base58check(const struct checks_input *input, uint8_t *out, size_t size)
{
    if (!base58(input->value, input->length, out, size))
        return false;
    uint8_t digest[32];
    sha256_of(out, size - 4, digest);
    sha256_of(digest, sizeof(digest), digest);
    return memcmp(digest, out + size - 4, 4) == 0;
}

struct versions {
    size_t size;
    uint32_t versions[8]; /* of the first byte or bytes, ended by UINT32_MAX */
    size_t version_bytes;
};

static bool address(const struct checks_row *row, const struct checks_input *input)
{
    const struct versions *rule = row->rule;
    uint8_t decoded[most_decoded];
    if (!base58check(input, decoded, rule->size))
        return false;
    uint32_t version = 0;
    for (size_t i = 0; i < rule->version_bytes; i++)
        version = version << 8 | decoded[i];
    for (size_t i = 0; i < 8 && rule->versions[i] != UINT32_MAX; i++) {
        if (rule->versions[i] == version)
            return true;
    }
    return false;
}

/* Dash, Litecoin and Dogecoin have a version of one byte, Zcash of two. */
static const struct versions bitcoin = {25, {0x00, 0x05, UINT32_MAX}, 1};
static const struct versions others = {25, {0x30, 0x32, 0x1e, 0x4c, UINT32_MAX}, 1};
static const struct versions zcash = {26, {0x1cb8, 0x1cbd, UINT32_MAX}, 2};
static const struct versions wif_long = {38, {0x80, UINT32_MAX}, 1};
static const struct versions wif_short = {37, {0x80, UINT32_MAX}, 1};
static const struct versions xprv = {
    82, {0x0488ade4, 0x049d7878, 0x04b2430c, 0x04358394, UINT32_MAX}, 4};

static bool either(const struct versions *one, const struct versions *other,
                   const struct checks_input *input)
{
    const struct checks_row first = {.rule = one}, second = {.rule = other};
    return address(&first, input) || address(&second, input);
}

static bool altcoin(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return either(&others, &zcash, input);
}

static bool wif(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return either(&wif_long, &wif_short, input);
}

static uint32_t bech32_step(uint32_t check, unsigned value)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = check >> 25;
    check = (check & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < 5; i++)
        check ^= top >> i & 1 ? generator[i] : 0;
    return check;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* BIP-173: the checksum of `prefix` and the data behind its 1; 0 when a character is wrong. */
static uint32_t bech32(const char *prefix, const char *data, size_t length, uint8_t *values)
{
    static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    uint32_t check = 1;
    for (const char *c = prefix; *c; c++)
        check = bech32_step(check, (unsigned)*c >> 5);
    check = bech32_step(check, 0);
    for (const char *c = prefix; *c; c++)
        check = bech32_step(check, (unsigned)*c & 31);
    for (size_t i = 0; i < length; i++) {
        const char *place = memchr(alphabet, lower(data[i]), 32);
        if (!place)
            return 0;
        values[i] = (uint8_t)(place - alphabet);
        check = bech32_step(check, values[i]);
    }
    return check;
}

/* Upper or lower case, but not both. */
static bool one_case(const char *text, size_t length)
{
    bool upper = false, small = false;
    for (size_t i = 0; i < length; i++) {
        upper |= text[i] >= 'A' && text[i] <= 'Z';
        small |= text[i] >= 'a' && text[i] <= 'z';
    }
    return !upper || !small;
}

/* BIP-173 and BIP-350: version 0 has the constant 1 and 20 or 32 bytes. */
static bool segwit(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    uint8_t values[most_encoded];
    if (input->length < 14 || input->length > 90 || lower(input->value[0]) != 'b' ||
        lower(input->value[1]) != 'c' || input->value[2] != '1' ||
        !one_case(input->value, input->length))
        return false;
    uint32_t check = bech32("bc", input->value + 3, input->length - 3, values);
    size_t program = (input->length - 3 - 7) * 5 / 8;
    if (values[0] == 0)
        return check == 1 && (program == 20 || program == 32);
    return check == 0x2bc830a3 && values[0] <= 16 && program >= 2 && program <= 40;
}

/* age: a Bech32 string whose prefix is part of the word. */
static bool age_key(const struct checks_row *row, const struct checks_input *input)
{
    static const char prefix[] = "age-secret-key-";
    (void)row;
    uint8_t values[most_encoded];
    size_t skip = sizeof(prefix) - 1;
    return input->raw_length == skip + 59 && input->raw[skip] == '1' &&
           bech32(prefix, input->raw + skip + 1, 58, values) == 1;
}

static int hex(char c)
{
    return c >= 'a' && c <= 'f'   ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : digits_value(c);
}

/* EIP-55: a letter is upper case where the digest of the small letters has a nibble above 7. */
static bool eip55_holds(const char *text)
{
    char small[40];
    uint8_t digest[32];
    for (size_t i = 0; i < 40; i++)
        small[i] = lower(text[i]);
    keccak_short(small, sizeof(small), digest);
    for (size_t i = 0; i < 40; i++) {
        unsigned nibble = i % 2 ? digest[i / 2] & 15 : digest[i / 2] >> 4;
        if (digits_value(text[i]) < 0 && (nibble > 7) != (text[i] < 'a'))
            return false;
    }
    return true;
}

static const char *eth_digits(const struct checks_input *input)
{
    if (input->length != 42 || input->value[0] != '0' || lower(input->value[1]) != 'x')
        return NULL;
    for (size_t i = 2; i < 42; i++) {
        if (hex(input->value[i]) < 0)
            return NULL;
    }
    return input->value + 2;
}

static bool eip55(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *text = eth_digits(input);
    return text && !one_case(text, 40) && eip55_holds(text);
}

/* Without mixed case there is nothing to check. */
static bool eth(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *text = eth_digits(input);
    return text && !digits_dull(text, 40) && (one_case(text, 40) || eip55_holds(text));
}

static const struct checks_row rows[] = {
    {"btc-address", UINT32_MAX, address, &bitcoin},
    {"ltc-doge-addresses", UINT32_MAX, altcoin, NULL},
    {"btc-wif", UINT32_MAX, wif, NULL},
    {"bip32-xprv", UINT32_MAX, address, &xprv},
    {"btc-bech32", UINT32_MAX, segwit, NULL},
    {"age-secret-key", UINT32_MAX, age_key, NULL},
    {"eth-address", 1000, eth, NULL},
    {"eip55", 32768, eip55, NULL},
};

const struct checks_table checks_crypto = CHECKS_TABLE(rows);
