/*
 * ring: who rang a doorbell, and for which keys. Standard Webhooks signatures, checked and made
 * (https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature
 * scheme"), the secret part of a path, and the keys that a body names. Pure: bytes in, verdict out;
 * a library of its own on libcrypto, the only part of connect/ that http/ may include.
 * Owns: nothing. Comparisons of secrets take the same time whatever they find.
 */
#ifndef LABELD_CONNECT_RING_H
#define LABELD_CONNECT_RING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
    RING_KEYS = 2,            /* during rotation: new and old */
    RING_TOLERANCE_S = 300,   /* both ways */
    RING_ID_BYTES = 256,      /* longest webhook-id */
    RING_SECRET_BYTES = 64,   /* longest signing secret, decoded; 24 at least */
    RING_SIGNATURE_BYTES = 48 /* "v1,", 44 of base64, NUL */
};

/* A signing secret: "whsec_" and base64 of 24 to 64 bytes. Wipe it with ring_wipe. */
struct ring_key {
    uint8_t bytes[RING_SECRET_BYTES];
    size_t length;
};

/* Read one from its text; blanks at the end are ignored. ERR_CONFIG says what is wrong, never the
 * text. */
bool ring_key_read(const char *text, struct ring_key *key, struct err *err);
void ring_wipe(void *secret, size_t length);

/* A message as it goes over the wire. */
struct ring_message {
    const char *id;        /* webhook-id */
    const char *timestamp; /* webhook-timestamp: seconds since 1970, decimal */
    const void *body;      /* the raw bytes */
    size_t length;
};

/* Its signature, as one word of webhook-signature. False: no memory. */
bool ring_sign(const struct ring_key *key, const struct ring_message *message,
               char signature[static RING_SIGNATURE_BYTES]);

enum ring_verdict {
    RING_AUTHENTIC,
    RING_MISSING,   /* a header is not there, or not of its form */
    RING_UNTIMELY,  /* more than RING_TOLERANCE_S old or early */
    RING_FORGED,    /* no signature fits */
    RING_UNCHECKED, /* no memory */
    RING_VERDICT_COUNT
};

/* Whether any word of `signatures` (separated by blanks; other versions than v1 are passed over)
 * is that of the message by any of the keys, and its time is near `now_s`. */
enum ring_verdict ring_check(const struct ring_key *keys, size_t count,
                             const struct ring_message *message, const char *signatures,
                             int64_t now_s);

/* Whether two texts are the same, in a time that tells neither what is in them nor how much of
 * them agrees. */
bool ring_same_token(const char *given, const char *expected);

/* What a body names. In the arena. */
struct ring_list {
    const char *const *keys;
    size_t count;
};

/* Read the generic body: {"type":"file.changed","path":"..."} or {"paths":[...]}, at most `most`
 * keys. ERR_CORRUPT: not such a body. ERR_REFUSED: a path is none; err names it by its place.
 * ERR_LIMIT: too many. */
bool ring_list(const void *body, size_t length, size_t most, struct arena *arena,
               struct ring_list *list, struct err *err);

#endif
