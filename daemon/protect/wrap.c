#include "protect/wrap.h"

#include <sodium.h>
#include <string.h>

#include "protect/hkdf.h"

static const char x25519_info[] = "age-encryption.org/v1/X25519";
static const char scrypt_salt[] = "age-encryption.org/v1/scrypt";
/* Each wrap key is used once, so that the nonce may be fixed. */
static const uint8_t zero_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

void wrap_key_x25519(const uint8_t shared[static AGE_KEY_BYTES],
                     const uint8_t share[static AGE_KEY_BYTES],
                     const uint8_t recipient[static AGE_KEY_BYTES],
                     uint8_t key[static AGE_KEY_BYTES])
{
    uint8_t salt[AGE_KEY_BYTES * 2];
    memcpy(salt, share, AGE_KEY_BYTES);
    memcpy(salt + AGE_KEY_BYTES, recipient, AGE_KEY_BYTES);
    hkdf_sha256(shared, AGE_KEY_BYTES, salt, sizeof salt, x25519_info, sizeof x25519_info - 1, key,
                AGE_KEY_BYTES);
}

bool wrap_key_scrypt(const char *passphrase, const uint8_t salt[static AGE_SALT_BYTES],
                     unsigned work_factor, uint8_t key[static AGE_KEY_BYTES], struct err *err)
{
    uint8_t full[sizeof scrypt_salt - 1 + AGE_SALT_BYTES];
    memcpy(full, scrypt_salt, sizeof scrypt_salt - 1);
    memcpy(full + sizeof scrypt_salt - 1, salt, AGE_SALT_BYTES);
    if (crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)passphrase, strlen(passphrase), full,
                                              sizeof full, 1ull << work_factor, 8, 1, key,
                                              AGE_KEY_BYTES) != 0)
        return err_set(err, ERR_MEMORY, "the passphrase needs %llu MiB of memory",
                       1ull << work_factor >> 10);
    return true;
}

void wrap_seal(const uint8_t key[static AGE_KEY_BYTES],
               const uint8_t file_key[static AGE_FILE_KEY_BYTES],
               uint8_t body[static AGE_WRAPPED_BYTES])
{
    crypto_aead_chacha20poly1305_ietf_encrypt(body, NULL, file_key, AGE_FILE_KEY_BYTES, NULL, 0,
                                              NULL, zero_nonce, key);
}

bool wrap_open(const uint8_t key[static AGE_KEY_BYTES],
               const uint8_t body[static AGE_WRAPPED_BYTES],
               uint8_t file_key[static AGE_FILE_KEY_BYTES])
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(file_key, NULL, NULL, body, AGE_WRAPPED_BYTES,
                                                     NULL, 0, zero_nonce, key) == 0;
}
