/*
 * identity: secret keys that open files: AGE-SECRET-KEY-1… (X25519), or a passphrase (scrypt).
 * Owns: its keys, in locked memory. Only who may open files includes this header (as open.h).
 */
#ifndef LABELD_PROTECT_IDENTITY_H
#define LABELD_PROTECT_IDENTITY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protect/age.h"
#include "protect/recipients.h"

enum {
    IDENTITY_TEXT_BYTES = 80, /* room for AGE-SECRET-KEY-1… with its NUL */
    IDENTITY_MAX = 256,       /* identities in one set */
};

struct identities;

/* None yet. NULL with ERR_MEMORY. */
struct identities *identities_new(struct err *err);
void identities_free(struct identities *identities);

/* Add AGE-SECRET-KEY-1…. ERR_USAGE: mistyped, a public key, or a kind that is not known here. */
bool identities_add(struct identities *identities, const char *text, struct err *err);

/* Make a new one. */
bool identities_generate(struct identities *identities, struct err *err);

/* Open files sealed with this passphrase too. */
bool identities_set_passphrase(struct identities *identities, const char *passphrase,
                               struct err *err);

/* How many secret keys, without a passphrase. */
size_t identities_count(const struct identities *identities);

/* The secret key as text: for a key file, in memory that the caller wipes. */
void identities_text(const struct identities *identities, size_t index,
                     char text[static IDENTITY_TEXT_BYTES]);

/* The public key that belongs to it. */
void identities_recipient(const struct identities *identities, size_t index,
                          char text[static RECIPIENTS_TEXT_BYTES]);

/* Unwrap the file key from whichever stanza is for one of them. The header's MAC is not checked
 * here. ERR_REFUSED: none is. ERR_CORRUPT: a malformed stanza. ERR_LIMIT: the passphrase's work
 * factor is over limits->age_work_factor. */
bool identities_unwrap(const struct identities *identities, const struct age_header *header,
                       const struct limits *limits, uint8_t file_key[static AGE_FILE_KEY_BYTES],
                       struct err *err);

#endif
