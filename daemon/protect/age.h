/*
 * age: the file format age-encryption.org/v1 (C2SP age.md): the header with its recipient stanzas
 * and its MAC, and the numbers of the payload. No secret key is known here; a file key is, where
 * the header's MAC is made or checked.
 */
#ifndef LABELD_PROTECT_AGE_H
#define LABELD_PROTECT_AGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "protect/feed.h"

enum {
    AGE_FILE_KEY_BYTES = 16,
    AGE_KEY_BYTES = 32,     /* X25519 keys and shares, wrap keys, payload keys */
    AGE_WRAPPED_BYTES = 32, /* a file key with its tag: the body of a native stanza */
    AGE_MAC_BYTES = 32,
    AGE_NONCE_BYTES = 16, /* between header and first chunk */
    AGE_CHUNK_BYTES = 65536,
    AGE_TAG_BYTES = 16, /* after each chunk */
    AGE_SALT_BYTES = 16,
};

struct age_stanza {
    const char *const *args; /* args[0] is the type */
    size_t args_count;
    const uint8_t *body;
    size_t body_length;
};

/* A header as it was read. Its memory is the arena's. */
struct age_header {
    const struct age_stanza *stanzas;
    size_t stanzas_count;
    uint8_t mac[AGE_MAC_BYTES];
    const char *bytes;    /* all of it */
    size_t length;        /* up to and with the last LF */
    size_t signed_length; /* the part under the MAC */
};

/* Read the header at the feed's beginning (armour is detected); the payload's nonce comes next.
 * ERR_LIMIT: over limits->age_header_bytes. ERR_UNSUPPORTED: not an age file, or a later version.
 * ERR_CORRUPT: anything that is not the one canonical form, or a scrypt stanza beside another. */
bool age_read(struct feed *feed, const struct limits *limits, struct arena *arena,
              struct age_header *header, struct err *err);

/* The same from memory that holds a header and nothing else (as quarantine/ID/header gives it). */
bool age_parse(const void *bytes, size_t length, const struct limits *limits, struct arena *arena,
               struct age_header *header, struct err *err);

/* Whether a stanza is of that type. */
bool age_stanza_is(const struct age_stanza *stanza, const char *type);

/* Decode an argument that must be the canonical base64 of exactly `length` bytes. */
bool age_argument(const char *argument, uint8_t *bytes, size_t length);

/* Append the version line, a stanza (`args` NULL-terminated), and the line with the MAC by
 * `file_key` of all that `header` holds. False: the buffer is full. */
bool age_write_version(struct buf *header);
bool age_write_stanza(struct buf *header, const char *const *args, const uint8_t *body,
                      size_t length);
bool age_write_mac(struct buf *header, const uint8_t file_key[static AGE_FILE_KEY_BYTES]);

/* Check the MAC with an unwrapped file key, in constant time. ERR_CORRUPT when it is wrong: another
 * key, or a changed header. */
bool age_check_mac(const struct age_header *header,
                   const uint8_t file_key[static AGE_FILE_KEY_BYTES], struct err *err);

/* The payload key of a file key and the payload's nonce. */
void age_payload_key(const uint8_t file_key[static AGE_FILE_KEY_BYTES],
                     const uint8_t nonce[static AGE_NONCE_BYTES],
                     uint8_t key[static AGE_KEY_BYTES]);

/* Bytes of nonce and payload for so many bytes of plaintext. */
uint64_t age_payload_bytes(uint64_t plain_bytes);

#endif
