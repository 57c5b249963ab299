/*
 * stream: the payload of an age file: chunks of 64 KiB, each sealed with ChaCha20-Poly1305 under
 * the payload key and its number (STREAM, age.md "Payload"). Chunks are independent, so large
 * payloads are worked on by all cores: reading and writing stay in order, sealing and opening run
 * side by side.
 * Contract of opening: what reaches the sink before an error was authentic, but the whole is not
 * known to be whole until stream_open says true. The caller throws the output away otherwise.
 */
#ifndef LABELD_PROTECT_STREAM_H
#define LABELD_PROTECT_STREAM_H
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "protect/age.h"
#include "protect/feed.h"
#include "protect/sink.h"

struct stream_options {
    unsigned threads;     /* at most so many; 0: one a core. 1: none beside the caller's */
    bool hashed;          /* take the SHA-256 of the plaintext */
    uint64_t large_bytes; /* plaintext after which other threads help; 0: 4 MiB */
};

/* What went through. */
struct stream_facts {
    uint64_t plain_bytes;
    uint8_t sha256[DIGEST_BYTES]; /* of the plaintext, when hashed */
};

/* Seal the feed's rest into the sink. */
bool stream_seal(struct feed *feed, const uint8_t key[static AGE_KEY_BYTES], struct sink *sink,
                 const struct stream_options *options, struct stream_facts *facts, struct err *err);

/* Open the feed's rest, which must be a whole payload without its nonce and nothing else.
 * ERR_CORRUPT: cut short, extended, reordered, changed, or of another key. */
bool stream_open(struct feed *feed, const uint8_t key[static AGE_KEY_BYTES], struct sink *sink,
                 const struct stream_options *options, struct stream_facts *facts, struct err *err);

#endif
