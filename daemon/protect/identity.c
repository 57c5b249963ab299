#include "protect/identity.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "protect/bech32.h"
#include "protect/secret.h"
#include "protect/wrap.h"

#define SECRET_PREFIX "AGE-SECRET-KEY-"

struct identities {
    uint8_t (*keys)[AGE_KEY_BYTES]; /* secret memory for IDENTITY_MAX */
    uint8_t recipients[IDENTITY_MAX][AGE_KEY_BYTES];
    size_t count;
    char *passphrase; /* secret memory; NULL: none */
};

struct identities *identities_new(struct err *err)
{
    own_free struct identities *identities = mem_zalloc(1, sizeof *identities);
    if (!identities) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    identities->keys = secret_new(sizeof(uint8_t[IDENTITY_MAX][AGE_KEY_BYTES]), err);
    return identities->keys ? own_take(&identities) : NULL;
}

void identities_free(struct identities *identities)
{
    if (!identities)
        return;
    secret_free(identities->keys);
    secret_free(identities->passphrase);
    mem_free(identities);
}

/* The key at the end of the set becomes part of it. */
static bool take(struct identities *identities, struct err *err)
{
    if (crypto_scalarmult_base(identities->recipients[identities->count],
                               identities->keys[identities->count]) != 0)
        return err_set(err, ERR_BROKEN, "X25519 failed");
    identities->count++;
    return true;
}

static bool room(const struct identities *identities, struct err *err)
{
    return identities->count < IDENTITY_MAX ||
           err_set(err, ERR_LIMIT, "more than %d secret keys", IDENTITY_MAX);
}

bool identities_add(struct identities *identities, const char *text, struct err *err)
{
    if (strncasecmp(text, "age1", 4) == 0)
        return err_set(err, ERR_USAGE,
                       "this is a public key; the secret key begins with " SECRET_PREFIX "1");
    if (strncasecmp(text, SECRET_PREFIX "PQ-1", 18) == 0 ||
        strncasecmp(text, "AGE-PLUGIN", 10) == 0)
        return err_set(err, ERR_USAGE, "a kind of secret key that is not supported");
    return room(identities, err) &&
           (bech32_read(text, "age-secret-key-", identities->keys[identities->count], AGE_KEY_BYTES,
                        err) ||
            err_add(err, "secret key")) &&
           take(identities, err);
}

bool identities_generate(struct identities *identities, struct err *err)
{
    if (!room(identities, err))
        return false;
    randombytes_buf(identities->keys[identities->count], AGE_KEY_BYTES);
    return take(identities, err);
}

bool identities_set_passphrase(struct identities *identities, const char *passphrase,
                               struct err *err)
{
    size_t length = strlen(passphrase);
    secret_free(identities->passphrase);
    identities->passphrase = secret_new(length + 1, err);
    if (identities->passphrase)
        memcpy(identities->passphrase, passphrase, length + 1);
    return identities->passphrase != NULL;
}

size_t identities_count(const struct identities *identities)
{
    return identities->count;
}

void identities_text(const struct identities *identities, size_t index,
                     char text[static IDENTITY_TEXT_BYTES])
{
    (void)bech32_write(SECRET_PREFIX, identities->keys[index], AGE_KEY_BYTES, text,
                       IDENTITY_TEXT_BYTES);
}

void identities_recipient(const struct identities *identities, size_t index,
                          char text[static RECIPIENTS_TEXT_BYTES])
{
    recipients_text(identities->recipients[index], text);
}

/* Unwrapping --------------------------------------------------------------------------------- */

/* Whether a stanza was for one of the identities, or what is wrong with it. */
enum found { FOUND, NOT_OURS, BAD };

static enum found bad(struct err *err, const char *type)
{
    err_set(err, ERR_CORRUPT, "the age header has a malformed %s recipient", type);
    return BAD;
}

/* What is computed on the way, in locked memory. */
struct secrets {
    uint8_t shared[AGE_KEY_BYTES], key[AGE_KEY_BYTES];
};

static enum found try_x25519(const struct identities *identities, const struct age_stanza *stanza,
                             struct secrets *secrets, uint8_t *file_key, struct err *err)
{
    uint8_t share[AGE_KEY_BYTES];
    if (stanza->args_count != 2 || !age_argument(stanza->args[1], share, sizeof share) ||
        stanza->body_length != AGE_WRAPPED_BYTES)
        return bad(err, "X25519");
    for (size_t i = 0; i < identities->count; i++) {
        if (crypto_scalarmult(secrets->shared, identities->keys[i], share) != 0)
            return bad(err, "X25519"); /* a share of low order */
        wrap_key_x25519(secrets->shared, share, identities->recipients[i], secrets->key);
        if (wrap_open(secrets->key, stanza->body, file_key))
            return FOUND;
    }
    return NOT_OURS;
}

/* "[1-9][0-9]*", up to what fits; 0: something else. */
static unsigned work_factor(const char *text)
{
    unsigned value = 0;
    if (*text == '0')
        return 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value > 1000 ? 1000 : value * 10 + (unsigned)(*text - '0');
    return *text ? 0 : value;
}

static enum found try_scrypt(const struct identities *identities, const struct age_stanza *stanza,
                             const struct limits *limits, struct secrets *secrets,
                             uint8_t *file_key, struct err *err)
{
    uint8_t salt[AGE_SALT_BYTES];
    unsigned work = stanza->args_count == 3 ? work_factor(stanza->args[2]) : 0;
    if (work == 0 || !age_argument(stanza->args[1], salt, sizeof salt) ||
        stanza->body_length != AGE_WRAPPED_BYTES)
        return bad(err, "scrypt");
    if (work > limits->age_work_factor) {
        err_set(err, ERR_LIMIT, "the passphrase asks for 2^%u rounds, over 2^%u (age-work-factor)",
                work, (unsigned)limits->age_work_factor);
        return BAD;
    }
    if (!identities->passphrase)
        return NOT_OURS;
    if (!wrap_key_scrypt(identities->passphrase, salt, work, secrets->key, err))
        return BAD;
    return wrap_open(secrets->key, stanza->body, file_key) ? FOUND : NOT_OURS;
}

static enum found try_stanzas(const struct identities *identities, const struct age_header *header,
                              const struct limits *limits, struct secrets *secrets,
                              uint8_t *file_key, struct err *err)
{
    enum found found = NOT_OURS;
    for (size_t i = 0; i < header->stanzas_count && found == NOT_OURS; i++) {
        const struct age_stanza *stanza = &header->stanzas[i];
        if (age_stanza_is(stanza, "X25519"))
            found = try_x25519(identities, stanza, secrets, file_key, err);
        else if (age_stanza_is(stanza, "scrypt"))
            found = try_scrypt(identities, stanza, limits, secrets, file_key, err);
    }
    return found;
}

bool identities_unwrap(const struct identities *identities, const struct age_header *header,
                       const struct limits *limits, uint8_t file_key[static AGE_FILE_KEY_BYTES],
                       struct err *err)
{
    own_secret struct secrets *secrets = secret_new(sizeof *secrets, err);
    if (!secrets)
        return false;
    enum found found = try_stanzas(identities, header, limits, secrets, file_key, err);
    if (found != NOT_OURS)
        return found == FOUND;
    if (age_stanza_is(&header->stanzas[0], "scrypt"))
        return err_set(err, ERR_REFUSED,
                       identities->passphrase ? "the passphrase is wrong"
                                              : "the file is sealed with a passphrase");
    return err_set(err, ERR_REFUSED, "the file is sealed to others, not to this key");
}
