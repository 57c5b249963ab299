/*
 * sha256: SHA-256 (FIPS 180-4), with the processor's SHA instructions where it has them.
 * The parse process links no cryptographic library.
 */
#ifndef LABELD_CLASSIFIERS_SHA256_H
#define LABELD_CLASSIFIERS_SHA256_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
    bool fast; /* the processor has SHA instructions: asked once, it is slow to say */
};

/* Begin a digest. */
void sha256_start(struct sha256 *sha);

/* Add bytes to it. */
void sha256_add(struct sha256 *sha, const void *bytes, size_t length);

/* End it. */
void sha256_end(struct sha256 *sha, uint8_t digest[static 32]);

/* All at once. */
void sha256_of(const void *bytes, size_t length, uint8_t digest[static 32]);

#endif
