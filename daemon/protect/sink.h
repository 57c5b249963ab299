/*
 * sink: where the bytes of a stream go: a descriptor, memory, or nowhere (when a written copy is
 * only verified); with ASCII armour put on and a digest taken where asked for.
 * Owns: its digest; a descriptor and memory stay the caller's.
 */
#ifndef LABELD_PROTECT_SINK_H
#define LABELD_PROTECT_SINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "protect/armor.h"

struct sink {
    int fd;          /* -1: not a descriptor */
    uint8_t *memory; /* NULL: not memory */
    size_t room;     /* of memory */
    bool armored, hashed;
    struct digest digest;
    uint8_t line[ARMOR_LINE_BYTES]; /* armour: bytes that do not fill a line yet */
    size_t line_length;
    uint64_t written; /* bytes that have gone out, armour included */
};

#define own_sink __attribute__((cleanup(sink_fini)))

/* To a descriptor; `fd` -1: nowhere. `hashed`: sink_end gives the SHA-256 of what went out. */
bool sink_to_fd(struct sink *sink, int fd, bool armored, bool hashed, struct err *err);

/* To memory; more than `room` bytes is ERR_LIMIT. */
bool sink_to_memory(struct sink *sink, void *memory, size_t room, struct err *err);

bool sink_write(struct sink *sink, const void *bytes, size_t length, struct err *err);

/* End the armour; the digest into `sha256` unless that is NULL. */
bool sink_end(struct sink *sink, uint8_t sha256[DIGEST_BYTES], struct err *err);

void sink_fini(struct sink *sink);

#endif
