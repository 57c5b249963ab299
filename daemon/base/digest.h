/*
 * digest: SHA-256 of bytes that stream past (FIPS 180-4). A library of its own, on libcrypto,
 * whose SHA instructions are several times faster than libsodium's portable code.
 * Owns: its context, freed by digest_fini.
 */
#ifndef LABELD_BASE_DIGEST_H
#define LABELD_BASE_DIGEST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DIGEST_BYTES = 32 };

struct digest {
    void *context; /* NULL: not begun */
};

#define own_digest __attribute__((cleanup(digest_fini)))

/* Begin; a digest that was begun before begins anew. */
bool digest_begin(struct digest *digest, struct err *err);

/* Add bytes in order. */
bool digest_add(struct digest *digest, const void *bytes, size_t length, struct err *err);

/* The digest of all that was added; then begin anew before adding more. */
bool digest_end(struct digest *digest, uint8_t sha256[static DIGEST_BYTES], struct err *err);

/* Free the context. A zeroed digest is allowed. */
void digest_fini(struct digest *digest);

#endif
