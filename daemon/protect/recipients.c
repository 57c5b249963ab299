#include "protect/recipients.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "base/io.h"
#include "base/own.h"
#include "protect/base64.h"
#include "protect/bech32.h"
#include "protect/secret.h"
#include "protect/wrap.h"

enum { FILE_MAX = 1u << 20, RECIPIENTS_MAX = 10000 };

struct recipients {
    uint8_t (*keys)[AGE_KEY_BYTES];
    size_t count;
    char *passphrase; /* secret memory; NULL: none */
    unsigned work_factor;
};

/* Kinds of recipients that others have, so that the message can name them. */
static const struct {
    const char *prefix, *kind;
} others[] = {
    {"ssh-", "an SSH key"},
    {"age1pq1", "a post-quantum key"},
    {"age1tag1", "a hardware key"},
    {"age1tagpq1", "a hardware key"},
    {"age1yubikey1", "a key of a plugin"},
};

struct recipients *recipients_new(struct err *err)
{
    struct recipients *recipients =
        sodium_init() < 0 ? NULL : mem_zalloc(1, sizeof(struct recipients));
    if (!recipients)
        err_set(err, ERR_MEMORY, "out of memory");
    return recipients;
}

void recipients_free(struct recipients *recipients)
{
    if (!recipients)
        return;
    secret_free(recipients->passphrase);
    mem_free(recipients->keys);
    mem_free(recipients);
}

size_t recipients_count(const struct recipients *recipients)
{
    return recipients->count + (recipients->passphrase ? 1 : 0);
}

/* A key of low order makes a secret that everybody knows; X25519 with any scalar shows it. */
static bool is_usable(const uint8_t key[AGE_KEY_BYTES])
{
    static const uint8_t scalar[AGE_KEY_BYTES] = {8};
    uint8_t shared[AGE_KEY_BYTES];
    return crypto_scalarmult(shared, scalar, key) == 0;
}

static bool parse(const char *text, uint8_t key[AGE_KEY_BYTES], struct err *err)
{
    if (strncasecmp(text, "AGE-SECRET-KEY", 14) == 0)
        return err_set(err, ERR_USAGE,
                       "this is a secret key; a recipient is the public key age1… that belongs "
                       "to it");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncasecmp(text, others[i].prefix, strlen(others[i].prefix)) == 0)
            return err_set(err, ERR_USAGE, "%s as recipient is not supported; use age1…",
                           others[i].kind);
    if (!bech32_read(text, "age", key, AGE_KEY_BYTES, err))
        return err_add(err, "recipient");
    return is_usable(key) || err_set(err, ERR_USAGE, "recipient: a key that protects nothing");
}

bool recipients_add(struct recipients *recipients, const char *text, struct err *err)
{
    uint8_t key[AGE_KEY_BYTES];
    if (!parse(text, key, err))
        return false;
    if (recipients->passphrase)
        return err_set(err, ERR_USAGE, "a passphrase cannot stand beside other recipients");
    for (size_t i = 0; i < recipients->count; i++)
        if (memcmp(recipients->keys[i], key, sizeof key) == 0)
            return true;
    if (recipients->count == RECIPIENTS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d recipients", RECIPIENTS_MAX);
    void *keys = mem_realloc(recipients->keys, recipients->count + 1, sizeof *recipients->keys);
    if (!keys)
        return err_set(err, ERR_MEMORY, "out of memory");
    recipients->keys = keys;
    memcpy(recipients->keys[recipients->count++], key, sizeof key);
    return true;
}

/* Cut the next line off, without white space at its end. */
static char *next_line(char **rest)
{
    char *line = *rest;
    size_t length = strcspn(line, "\n");
    *rest = line[length] ? line + length + 1 : NULL;
    while (length && isspace((unsigned char)line[length - 1]))
        length--;
    line[length] = '\0';
    return line;
}

bool recipients_check(const char *text, struct err *err)
{
    struct recipients *recipients = recipients_new(err);
    bool ok = recipients && recipients_add(recipients, text, err);
    recipients_free(recipients);
    return ok;
}

bool recipients_add_file(struct recipients *recipients, const char *path, struct err *err)
{
    size_t length = 0;
    own_free char *text = io_read_file(path, FILE_MAX, &length, err);
    if (!text)
        return false;
    if (strlen(text) != length)
        return err_set(err, ERR_USAGE, "%s is not a text", path);
    size_t before = recipients->count;
    char *rest = text;
    for (unsigned number = 1; rest; number++) {
        const char *line = next_line(&rest);
        if (*line && *line != '#' && !recipients_add(recipients, line, err))
            return err_add(err, "%s:%u", path, number);
    }
    return recipients->count > before || err_set(err, ERR_USAGE, "%s names no recipient", path);
}

bool recipients_set_passphrase(struct recipients *recipients, const char *passphrase,
                               unsigned work_factor, struct err *err)
{
    size_t length = strlen(passphrase);
    if (recipients_count(recipients))
        return err_set(err, ERR_USAGE, "a passphrase cannot stand beside other recipients");
    if (length == 0 || length > RECIPIENTS_PASSPHRASE_MAX)
        return err_set(err, ERR_USAGE,
                       length ? "the passphrase is longer than %d bytes"
                              : "the passphrase is empty",
                       RECIPIENTS_PASSPHRASE_MAX);
    recipients->passphrase = secret_new(length + 1, err);
    if (!recipients->passphrase)
        return false;
    memcpy(recipients->passphrase, passphrase, length + 1);
    recipients->work_factor = work_factor;
    return true;
}

void recipients_text(const uint8_t key[static AGE_KEY_BYTES],
                     char text[static RECIPIENTS_TEXT_BYTES])
{
    (void)bech32_write("age", key, AGE_KEY_BYTES, text, RECIPIENTS_TEXT_BYTES);
}

/* Wrapping ----------------------------------------------------------------------------------- */

static bool write_stanza(struct buf *header, const char *const *args, const uint8_t *key,
                         const uint8_t *file_key, struct err *err)
{
    uint8_t body[AGE_WRAPPED_BYTES];
    wrap_seal(key, file_key, body);
    return age_write_stanza(header, args, body, sizeof body) ||
           err_set(err, ERR_LIMIT, "too many recipients for one header (age-header-bytes)");
}

static bool wrap_x25519(const uint8_t recipient[AGE_KEY_BYTES], const uint8_t *file_key,
                        struct buf *header, struct err *err)
{
    struct {
        uint8_t ephemeral[AGE_KEY_BYTES], shared[AGE_KEY_BYTES], key[AGE_KEY_BYTES];
    } *secret = secret_new(sizeof *secret, err);
    uint8_t share[AGE_KEY_BYTES];
    char text[48];
    if (!secret)
        return false;
    randombytes_buf(secret->ephemeral, sizeof secret->ephemeral);
    bool ok = crypto_scalarmult_base(share, secret->ephemeral) == 0 &&
              crypto_scalarmult(secret->shared, secret->ephemeral, recipient) == 0;
    if (!ok)
        err_set(err, ERR_USAGE, "recipient: a key that protects nothing");
    if (ok) {
        wrap_key_x25519(secret->shared, share, recipient, secret->key);
        base64_write(share, sizeof share, false, text);
        ok = write_stanza(header, (const char *const[]){"X25519", text, NULL}, secret->key,
                          file_key, err);
    }
    secret_free(secret);
    return ok;
}

static bool wrap_scrypt(const struct recipients *recipients, const uint8_t *file_key,
                        struct buf *header, struct err *err)
{
    uint8_t salt[AGE_SALT_BYTES];
    char salt_text[24];
    char work[8];
    own_secret uint8_t *key = secret_new(AGE_KEY_BYTES, err);
    if (!key)
        return false;
    randombytes_buf(salt, sizeof salt);
    base64_write(salt, sizeof salt, false, salt_text);
    snprintf(work, sizeof work, "%u", recipients->work_factor);
    return wrap_key_scrypt(recipients->passphrase, salt, recipients->work_factor, key, err) &&
           write_stanza(header, (const char *const[]){"scrypt", salt_text, work, NULL}, key,
                        file_key, err);
}

bool recipients_wrap(const struct recipients *recipients,
                     const uint8_t file_key[static AGE_FILE_KEY_BYTES], struct buf *header,
                     struct err *err)
{
    if (!recipients_count(recipients))
        return err_set(err, ERR_USAGE, "nobody is named to seal it to");
    if (recipients->passphrase)
        return wrap_scrypt(recipients, file_key, header, err);
    for (size_t i = 0; i < recipients->count; i++)
        if (!wrap_x25519(recipients->keys[i], file_key, header, err))
            return false;
    return true;
}
