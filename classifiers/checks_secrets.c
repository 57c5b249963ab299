#include "checks_parts.h"

#include <math.h>
#include <string.h>

enum { most_looked_at = 4096 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Whether the small-letter word stands anywhere in the text, in any case. */
static bool contains(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= length; i++) {
        size_t k = 0;
        while (k < size && lower(text[i + k]) == word[k])
            k++;
        if (k == size)
            return true;
    }
    return false;
}

/* What people write where a secret will stand. */
static bool placeholder(const char *text, size_t length)
{
    static const char *const words[] = {
        "xxxx",  "****",      "....",      "${",       "{{",     "<",      "%(",          "your_",
        "your-", "changeme",  "change_me", "example",  "dummy",  "redact", "placeholder", "insert",
        "todo",  "undefined", "password",  "passwort", "secret", "env.",   "environ",     "getenv",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (contains(text, length, words[i]))
            return true;
    }
    return false;
}

/* Shannon entropy in bits a byte. */
static double entropy(const char *text, size_t length)
{
    size_t counts[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < length; i++)
        counts[(unsigned char)text[i]]++;
    for (size_t i = 0; i < 256; i++) {
        double share = (double)counts[i] / (double)length;
        bits -= counts[i] ? share * log2(share) : 0;
    }
    return bits;
}

static size_t looked_at(const struct checks_input *input)
{
    return input->raw_length < most_looked_at ? input->raw_length : most_looked_at;
}

/* No placeholder anywhere in it, and not one character over and over. */
static bool no_placeholder(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    size_t length = looked_at(input);
    return length > 0 && !contains(input->raw, length, "xxxx") &&
           !contains(input->raw, length, "example") && !contains(input->raw, length, "0000000") &&
           entropy(input->raw, length) >= 2.5;
}

/* The part behind the first of = and :, without quotes and blanks around it. */
static const char *assigned(const struct checks_input *input, size_t *length)
{
    const char *text = input->raw, *end = text + looked_at(input);
    while (text < end && *text != '=' && *text != ':')
        text++;
    while (text < end && memchr("=:> \t\"'", *text, 7))
        text++;
    const char *start = text;
    while (text < end && !memchr(" \t\r\n\"',;", *text, 8))
        text++;
    *length = (size_t)(text - start);
    return start;
}

/* A variable, a call or a path rather than the secret itself. */
static bool refers(const char *text, size_t length)
{
    size_t slashes = 0;
    for (size_t i = 0; i < length; i++) {
        if (memchr("()[]{}$<>", text[i], 9))
            return true;
        slashes += text[i] == '/' || text[i] == '\\';
    }
    return slashes > 1 && (text[0] == '/' || text[0] == '.' || text[0] == '~');
}

static size_t count_digits(const char *text, size_t length)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++)
        digits += digits_value(text[i]) >= 0;
    return digits;
}

/* `name = value` whose value looks random. Short values cannot reach 3.5 bits. */
static bool generic(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    size_t length;
    const char *value = assigned(input, &length);
    if (length < 8 || placeholder(value, length) || refers(value, length))
        return false;
    size_t digits = count_digits(value, length);
    double least = length >= 16 ? 3.5 : length >= 12 ? 3.2 : 2.75;
    return digits > 0 && digits < length && entropy(value, length) >= least;
}

/* `name = value` that is not a placeholder. */
static bool assigned_value(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    size_t length;
    const char *value = assigned(input, &length);
    return length >= 4 && !placeholder(value, length) && !refers(value, length);
}

/* scheme://user:password@host with a password of its own, at a host of its own. */
static bool url_password(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *text = input->raw, *end = text + looked_at(input);
    while (end - text >= 3 && memcmp(text, "://", 3) != 0)
        text++;
    const char *user = text + 3;
    const char *colon = end - text > 3 ? memchr(user, ':', (size_t)(end - user)) : NULL;
    const char *at = colon ? memchr(colon, '@', (size_t)(end - colon)) : NULL;
    if (!at || at - colon < 4)
        return false;
    const char *password = colon + 1;
    size_t length = (size_t)(at - password), host = (size_t)(end - at - 1);
    return !placeholder(password, length) && !refers(password, length) &&
           !(length == 4 && contains(password, length, "pass")) &&
           !contains(at + 1, host, "example.");
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (digits_value(c) >= 0)
        return digits_value(c) + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Decode up to `most` bytes from both alphabets of base64 until a character of neither. */
static size_t base64(const char *text, size_t length, uint8_t *out, size_t most)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t count = 0;
    for (size_t i = 0; i < length && count < most; i++) {
        int value = base64_value(text[i]);
        if (value < 0)
            break;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        out[count++] = (uint8_t)(bits >> have);
    }
    return count;
}

/* Where the last word of base64 begins; quotes and padding may follow it. */
static size_t last_word(const char *text, size_t length)
{
    size_t end = length;
    while (end > 0 && base64_value(text[end - 1]) < 0)
        end--;
    while (end > 0 && base64_value(text[end - 1]) >= 0)
        end--;
    return end;
}

/* The last word decodes to user:password in printable characters. */
static bool basic_credentials(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    uint8_t decoded[256];
    size_t length = looked_at(input), at = last_word(input->raw, length);
    size_t count = base64(input->raw + at, length - at, decoded, sizeof(decoded));
    const uint8_t *colon = memchr(decoded, ':', count);
    if (!colon || colon == decoded || colon == decoded + count - 1)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (decoded[i] < 0x20 || decoded[i] == 0x7f)
            return false;
    }
    return true;
}

/* Basic must decode; other schemes take any token. */
static bool http_authorization(const struct checks_row *row, const struct checks_input *input)
{
    size_t length = looked_at(input);
    if (contains(input->raw, length, "basic"))
        return basic_credentials(row, input);
    return no_placeholder(row, input) && count_digits(input->raw, length) > 0;
}

/* RFC 7519: the first part decodes to a JSON object that names an algorithm. */
static bool jwt(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    uint8_t header[512];
    size_t count = base64(input->raw, looked_at(input), header, sizeof(header));
    return count > 8 && header[0] == '{' && contains((const char *)header, count, "\"alg\"") &&
           !contains((const char *)header, count, "\"none\"");
}

/* Curve25519 keys are clamped before WireGuard writes them. */
static bool wireguard(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    uint8_t key[33];
    size_t length = looked_at(input), at = last_word(input->raw, length);
    return base64(input->raw + at, length - at, key, sizeof(key)) == 32 && (key[0] & 7) == 0 &&
           (key[31] & 192) == 64;
}

/* At least 64 characters of base64 behind the header, rather than the header in prose. */
static bool pem_body(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *text = input->raw;
    size_t length = looked_at(input), run = 0, header = 0;
    for (size_t i = 5; i + 5 <= length && !header; i++)
        header = memcmp(text + i, "-----", 5) == 0 ? i + 5 : 0;
    for (size_t i = header; header && i < length && run < 64; i++) {
        if (base64_value(text[i]) >= 0 && text[i] != '-' && text[i] != '_')
            run++;
        else if (!memchr("\r\n\\= ", text[i], 5))
            run = 0;
    }
    return run >= 64;
}

static uint32_t crc32_of(const char *text, size_t length)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* GitHub, "Behind GitHub's new authentication token formats": six characters of base 62. */
static bool github_crc(const struct checks_row *row, const struct checks_input *input)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz";
    (void)row;
    if (input->raw_length != 40)
        return false;
    uint32_t crc = crc32_of(input->raw + 4, 30);
    for (size_t i = 40; i-- > 34; crc /= 62) {
        if (input->raw[i] != digits[crc % 62])
            return false;
    }
    return true;
}

/* Live keys of a payment provider, against its sandbox's. */
static bool stripe_live(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return contains(input->raw, looked_at(input), "_live_");
}

static bool aws_key_id(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->raw_length == 20 && !contains(input->raw, 20, "example") &&
           entropy(input->raw, 20) >= 3.0;
}

/* 40 characters of base64 at the end that are neither a digest in hex nor dull. */
static bool aws_secret(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->raw_length < 40)
        return false;
    const char *key = input->raw + input->raw_length - 40;
    size_t hexes = 0;
    for (size_t i = 0; i < 40; i++)
        hexes += digits_value(key[i]) >= 0 || (lower(key[i]) >= 'a' && lower(key[i]) <= 'f');
    return hexes < 40 && !contains(key, 40, "example") && entropy(key, 40) >= 4.25;
}

/* RFC 5321 as people use it: no dots side by side or at an end, no documentation domains. */
static bool email(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *at = memchr(input->raw, '@', input->raw_length);
    if (!at || at == input->raw || input->raw_length > 254)
        return false;
    size_t local = (size_t)(at - input->raw), domain = input->raw_length - local - 1;
    if (local > 64 || domain < 4 || input->raw[0] == '.' || at[-1] == '.' ||
        contains(input->raw, input->raw_length, "..") || at[1] == '-')
        return false;
    return !contains(at, domain + 1, "@example.") && !contains(at, domain + 1, ".example.") &&
           !contains(input->raw, local + 1, "noreply@") &&
           !contains(input->raw, local + 1, "no-reply@");
}

static const struct checks_row rows[] = {
    {"no-placeholder", 2, no_placeholder, NULL},
    {"generic-secret", 10, generic, NULL},
    {"assigned-value", 2, assigned_value, NULL},
    {"url-password", 2, url_password, NULL},
    {"basic-credentials", 50, basic_credentials, NULL},
    {"http-authorization", 2, http_authorization, NULL},
    {"jwt", 1000, jwt, NULL},
    {"wireguard-key", 32, wireguard, NULL},
    {"pem-body", 1000, pem_body, NULL},
    {"github-crc", UINT32_MAX, github_crc, NULL},
    {"stripe-live", 2, stripe_live, NULL},
    {"aws-access-key", 2, aws_key_id, NULL},
    {"aws-secret-key", 10, aws_secret, NULL},
    {"email", 2, email, NULL},
};

const struct checks_table checks_secrets = CHECKS_TABLE(rows);
