/*
 * wrap: the key that a file key is wrapped with in a stanza (age.md "X25519 recipient stanza",
 * "scrypt recipient stanza"): what sealing and opening share.
 */
#ifndef LABELD_PROTECT_WRAP_H
#define LABELD_PROTECT_WRAP_H
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "protect/age.h"

/* From the secret that both sides compute, the ephemeral share and the recipient. */
void wrap_key_x25519(const uint8_t shared[static AGE_KEY_BYTES],
                     const uint8_t share[static AGE_KEY_BYTES],
                     const uint8_t recipient[static AGE_KEY_BYTES],
                     uint8_t key[static AGE_KEY_BYTES]);

/* From a passphrase. Takes 2^(work_factor + 10) bytes of memory; ERR_MEMORY without them. */
bool wrap_key_scrypt(const char *passphrase, const uint8_t salt[static AGE_SALT_BYTES],
                     unsigned work_factor, uint8_t key[static AGE_KEY_BYTES], struct err *err);

/* Wrap and unwrap a file key. False: the wrap key is not this body's. */
void wrap_seal(const uint8_t key[static AGE_KEY_BYTES],
               const uint8_t file_key[static AGE_FILE_KEY_BYTES],
               uint8_t body[static AGE_WRAPPED_BYTES]);
bool wrap_open(const uint8_t key[static AGE_KEY_BYTES],
               const uint8_t body[static AGE_WRAPPED_BYTES],
               uint8_t file_key[static AGE_FILE_KEY_BYTES]);

#endif
