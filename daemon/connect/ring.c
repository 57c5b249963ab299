#include "connect/ring.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "connect/localdir_key.h"

enum { key_least_bytes = 24, hash_bytes = 32, base64_length = 44 };

static const char secret_prefix[] = "whsec_";
static const char version_prefix[] = "v1,";

/* Keys ---------------------------------------------------------------------------------------- */

void ring_wipe(void *secret, size_t length)
{
    OPENSSL_cleanse(secret, length);
}

/* Strict base64 with padding (RFC 4648, section 4). The number of bytes; 0 = it is none. */
static size_t decode(const char *text, size_t length, uint8_t *bytes, size_t room)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t block[3 * (RING_SECRET_BYTES / 3 + 2)];
    size_t padding = length > 1 && text[length - 1] == '=' ? 1 + (text[length - 2] == '=') : 0;
    if (length == 0 || length % 4 != 0 || length / 4 * 3 > sizeof block ||
        strspn(text, digits) != length - padding)
        return 0;
    int got = EVP_DecodeBlock(block, (const unsigned char *)text, (int)length);
    size_t count = got > 0 ? (size_t)got - padding : 0;
    if (count > room)
        count = 0;
    memcpy(bytes, block, count);
    OPENSSL_cleanse(block, sizeof block);
    return count;
}

bool ring_key_read(const char *text, struct ring_key *key, struct err *err)
{
    size_t length = strlen(text);
    const size_t prefix = sizeof secret_prefix - 1;
    *key = (struct ring_key){.length = 0};
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        length--;
    if (length < prefix || memcmp(text, secret_prefix, prefix) != 0)
        return err_set(err, ERR_CONFIG,
                       "a signing secret is \"whsec_\" and base64; make one with: "
                       "echo whsec_$(openssl rand -base64 32)");
    key->length = decode(text + prefix, length - prefix, key->bytes, sizeof key->bytes);
    if (key->length >= key_least_bytes)
        return true;
    ring_wipe(key, sizeof *key);
    return err_set(err, ERR_CONFIG, "after \"whsec_\" there must be base64 of %d to %d bytes",
                   key_least_bytes, RING_SECRET_BYTES);
}

/* Signatures ---------------------------------------------------------------------------------- */

static bool update(EVP_MAC_CTX *mac, const void *bytes, size_t length)
{
    return EVP_MAC_update(mac, bytes, length) == 1;
}

static bool authenticate(const struct ring_key *key, const struct ring_message *message,
                         uint8_t hash[static hash_bytes])
{
    char digest[] = "SHA256";
    size_t length = 0;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    bool ok = mac && EVP_MAC_init(mac, key->bytes, key->length, parameters) == 1 &&
              update(mac, message->id, strlen(message->id)) && update(mac, ".", 1) &&
              update(mac, message->timestamp, strlen(message->timestamp)) && update(mac, ".", 1) &&
              update(mac, message->body, message->length) &&
              EVP_MAC_final(mac, hash, &length, hash_bytes) == 1 && length == hash_bytes;
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    return ok;
}

bool ring_sign(const struct ring_key *key, const struct ring_message *message,
               char signature[static RING_SIGNATURE_BYTES])
{
    uint8_t hash[hash_bytes];
    bool ok = authenticate(key, message, hash);
    memcpy(signature, version_prefix, sizeof version_prefix);
    if (ok)
        EVP_EncodeBlock((unsigned char *)signature + sizeof version_prefix - 1, hash, hash_bytes);
    OPENSSL_cleanse(hash, sizeof hash);
    return ok;
}

/* Whether a word of the header is `expected`; all words are compared. */
static bool has_word(const char *words, const char *expected)
{
    const size_t length = sizeof version_prefix - 1 + base64_length;
    bool found = false;
    while (*words) {
        size_t word = strcspn(words, " ");
        if (word == length)
            found |= CRYPTO_memcmp(words, expected, length) == 0;
        words += word;
        words += strspn(words, " ");
    }
    return found;
}

/* Printable ASCII without blanks, so that "id.timestamp.body" cannot be cut in two ways by an id
 * that no sender makes. */
static bool is_id(const char *id)
{
    size_t length = 0;
    for (; id[length] > ' ' && id[length] < 127; length++)
        if (length == RING_ID_BYTES)
            return false;
    return length > 0 && id[length] == '\0';
}

/* Decimal digits alone, as signed; -1 = it is none. */
static int64_t read_time(const char *text)
{
    enum { most_digits = 12 };
    int64_t value = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > most_digits || text[length] != '\0')
        return -1;
    for (; *text; text++)
        value = value * 10 + (*text - '0');
    return value;
}

enum ring_verdict ring_check(const struct ring_key *keys, size_t count,
                             const struct ring_message *message, const char *signatures,
                             int64_t now_s)
{
    bool found = false;
    if (!message->id || !message->timestamp || !signatures || !is_id(message->id))
        return RING_MISSING;
    int64_t time = read_time(message->timestamp);
    if (time < 0)
        return RING_MISSING;
    if (time < now_s - RING_TOLERANCE_S || time > now_s + RING_TOLERANCE_S)
        return RING_UNTIMELY;
    for (size_t i = 0; i < count; i++) {
        char expected[RING_SIGNATURE_BYTES];
        if (!ring_sign(&keys[i], message, expected))
            return RING_UNCHECKED;
        found |= has_word(signatures, expected);
    }
    return found ? RING_AUTHENTIC : RING_FORGED;
}

bool ring_same_token(const char *given, const char *expected)
{
    uint8_t a[hash_bytes], b[hash_bytes]; /* digests: the lengths are hidden too */
    return EVP_Digest(given, strlen(given), a, NULL, EVP_sha256(), NULL) == 1 &&
           EVP_Digest(expected, strlen(expected), b, NULL, EVP_sha256(), NULL) == 1 &&
           CRYPTO_memcmp(a, b, hash_bytes) == 0;
}

/* Bodies -------------------------------------------------------------------------------------- */

/* The start of a text, for a message. */
static int shown(const char *text)
{
    enum { most = 80 };
    return (int)utf8_cut(text, strlen(text), most);
}

static bool take_path(const json_t *json, const char *place, struct arena *arena, const char **key,
                      struct err *err)
{
    const char *text = json_string_value(json);
    if (!text)
        return err_set(err, ERR_REFUSED, "%s is not a text", place);
    const char *fault = localdir_key_fault(text);
    if (fault)
        return err_set(err, ERR_REFUSED, "%s \"%.*s\" %s", place, shown(text), text, fault);
    *key = arena_strdup(arena, text);
    return *key || err_set(err, ERR_MEMORY, "out of memory");
}

static bool take_paths(const json_t *paths, size_t most, struct arena *arena,
                       struct ring_list *list, struct err *err)
{
    char place[32];
    size_t count = json_array_size(paths);
    if (!json_is_array(paths) || count == 0)
        return err_set(err, ERR_CORRUPT, "\"paths\" is a list of at least one text");
    if (count > most)
        return err_set(err, ERR_LIMIT, "%zu paths, at most %zu in one webhook", count, most);
    const char **keys = arena_alloc(arena, count, sizeof *keys);
    if (!keys)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        snprintf(place, sizeof place, "paths[%zu]", i);
        if (!take_path(json_array_get(paths, i), place, arena, &keys[i], err))
            return false;
    }
    *list = (struct ring_list){keys, count};
    return true;
}

bool ring_list(const void *body, size_t length, size_t most, struct arena *arena,
               struct ring_list *list, struct err *err)
{
    own_json json_t *json = json_parse(body, length, err);
    if (!json)
        return false;
    const json_t *type = json_object_get(json, "type"), *path = json_object_get(json, "path");
    const json_t *paths = json_object_get(json, "paths");
    if (!json_is_object(json) || (path != NULL) == (paths != NULL))
        return err_set(err, ERR_CORRUPT,
                       "a body is {\"type\":\"file.changed\",\"path\":\"...\"} "
                       "or {\"paths\":[\"...\"]}");
    if (type && !json_is_string(type))
        return err_set(err, ERR_CORRUPT, "\"type\" is not a text");
    if (paths)
        return take_paths(paths, most, arena, list, err);
    const char **key = arena_alloc(arena, 1, sizeof *key);
    if (!key)
        return err_set(err, ERR_MEMORY, "out of memory");
    *list = (struct ring_list){key, 1};
    return take_path(path, "path", arena, key, err);
}
