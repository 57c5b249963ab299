/*
 * recipients: to whom a file is sealed: age1… public keys (X25519), or one passphrase (scrypt).
 * Owns: its keys; a passphrase is kept in locked memory.
 * Never: a secret key.
 */
#ifndef LABELD_PROTECT_RECIPIENTS_H
#define LABELD_PROTECT_RECIPIENTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "protect/age.h"

enum {
    RECIPIENTS_TEXT_BYTES = 64, /* room for age1… with its NUL */
    RECIPIENTS_PASSPHRASE_MAX = 1024,
    RECIPIENTS_WORK_FACTOR = 18, /* as the age tool: about a second */
};

struct recipients;

/* Nobody yet. NULL with ERR_MEMORY. */
struct recipients *recipients_new(struct err *err);
void recipients_free(struct recipients *recipients);

/* Add age1…; one that is there already is not added again. ERR_USAGE: mistyped, a secret key, a
 * kind that is not known here, or beside a passphrase. */
bool recipients_add(struct recipients *recipients, const char *text, struct err *err);

/* Whether a text could be added to a new set; err as recipients_add. For who only checks. */
bool recipients_check(const char *text, struct err *err);

/* Add each line of a file of at most 1 MiB; lines that are empty or begin with # are skipped
 * (age's recipients files). Errors name the line. */
bool recipients_add_file(struct recipients *recipients, const char *path, struct err *err);

/* Seal to a passphrase instead; 2^work_factor rounds of scrypt. ERR_USAGE: empty, too long, or
 * beside other recipients. */
bool recipients_set_passphrase(struct recipients *recipients, const char *passphrase,
                               unsigned work_factor, struct err *err);

size_t recipients_count(const struct recipients *recipients);

/* The text of a public key. */
void recipients_text(const uint8_t key[static AGE_KEY_BYTES],
                     char text[static RECIPIENTS_TEXT_BYTES]);

/* Append a stanza for each with the file key wrapped. */
bool recipients_wrap(const struct recipients *recipients,
                     const uint8_t file_key[static AGE_FILE_KEY_BYTES], struct buf *header,
                     struct err *err);

#endif
