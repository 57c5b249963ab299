#include "protect/hkdf.h"

#include <sodium.h>
#include <string.h>

enum { HASH_BYTES = crypto_auth_hmacsha256_BYTES };

static void hmac(const uint8_t *key, size_t key_length, const void *bytes, size_t length,
                 uint8_t out[HASH_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_length);
    crypto_auth_hmacsha256_update(&state, bytes, length);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

/* T(n) = HMAC(key, T(n-1) | info | n), RFC 5869 section 2.3. */
static void expand_block(const uint8_t key[HASH_BYTES], const uint8_t *before, size_t before_length,
                         const void *info, size_t info_length, uint8_t number,
                         uint8_t out[HASH_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, HASH_BYTES);
    crypto_auth_hmacsha256_update(&state, before, before_length);
    crypto_auth_hmacsha256_update(&state, info, info_length);
    crypto_auth_hmacsha256_update(&state, &number, 1);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

bool hkdf_sha256(const void *secret, size_t secret_length, const void *salt, size_t salt_length,
                 const void *info, size_t info_length, uint8_t *out, size_t length)
{
    static const uint8_t zeros[HASH_BYTES];
    uint8_t key[HASH_BYTES];
    uint8_t block[HASH_BYTES];
    if (length > (size_t)255 * HASH_BYTES)
        return false;
    hmac(salt_length ? salt : zeros, salt_length ? salt_length : sizeof zeros, secret,
         secret_length, key);
    size_t done = 0;
    for (uint8_t number = 1; done < length; number++) {
        size_t take = length - done < sizeof block ? length - done : sizeof block;
        expand_block(key, block, done ? sizeof block : 0, info, info_length, number, block);
        memcpy(out + done, block, take);
        done += take;
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(block, sizeof block);
    return true;
}
