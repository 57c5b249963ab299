/*
 * seal: encrypt a file to age recipients, and prove that the written copy is whole.
 * Owns: the payload key, in locked memory, until seal_free: so a written copy can be verified by
 * who has no identity at all (`vault: sealed: true`). Descriptors belong to the caller.
 * Never: sees an identity, seeks in `in`.
 */
#ifndef LABELD_PROTECT_SEAL_H
#define LABELD_PROTECT_SEAL_H
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "protect/recipients.h"
#include "protect/stream.h"

struct seal;

struct seal_options {
    bool armored;       /* ASCII armour */
    bool hashed;        /* take the SHA-256 of the plaintext; then seal_verify compares it too */
    bool sealed_hashed; /* take the SHA-256 of the sealed bytes */
    bool sized;         /* another size than `plain_bytes` is ERR_CONFLICT */
    uint64_t plain_bytes;
    unsigned threads; /* 0: one a core */
};

struct seal_facts {
    uint64_t plain_bytes, sealed_bytes;
    uint8_t sha256[DIGEST_BYTES];        /* of the plaintext, when hashed */
    uint8_t sealed_sha256[DIGEST_BYTES]; /* of the sealed bytes, when sealed_hashed */
};

/* Seal all that follows in `in` (a file from its present place, a pipe) into `out`, with a new file
 * key. NULL with err: `out` holds nothing usable. Syncing `out` is the caller's.
 * The seal is then used for seal_verify as often as wanted, and freed. */
struct seal *seal_file(int in, const struct recipients *to, const struct limits *limits,
                       const struct seal_options *options, int out, struct seal_facts *facts,
                       struct err *err);

/* The same from memory: for keys. */
struct seal *seal_bytes(const void *bytes, size_t length, const struct recipients *to,
                        const struct limits *limits, const struct seal_options *options, int out,
                        struct seal_facts *facts, struct err *err);

/* Read the written copy back from `fd` (readable, from its byte 0, by pread), decrypt it with the
 * key that is still held, and compare header, size and digest. ERR_CORRUPT: it is not what was
 * sealed. Nothing of the plaintext goes anywhere. */
bool seal_verify(const struct seal *seal, int fd, struct err *err);

/* Wipe the key and free. NULL is allowed. */
void seal_free(struct seal *seal);

#endif
