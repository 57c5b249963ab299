/*
 * copy: a file's bytes, hashed once while they are copied to where nobody changes them.
 */
#ifndef LABELD_SANDBOX_COPY_H
#define LABELD_SANDBOX_COPY_H
#include <stdint.h>

#include "base/err.h"

struct copy_facts {
    uint64_t size; /* bytes copied */
    uint8_t sha256[32];
};

/* Read `in` from its present place to its end, hash it, and write it to `out` unless that is -1.
 * More than `most` bytes is ERR_LIMIT. */
bool copy_hashed(int in, int out, uint64_t most, struct copy_facts *facts, struct err *err);

/* The same into a sealed file in memory. Its descriptor, or -1. */
int copy_sealed(int in, uint64_t most, struct copy_facts *facts, struct err *err);

#endif
