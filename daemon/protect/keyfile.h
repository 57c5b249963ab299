/*
 * keyfile: files that hold secret keys: a line AGE-SECRET-KEY-1… each, # begins a comment; plain,
 * or itself an age file sealed with a passphrase (as `age-keygen | age -p` makes it).
 * Only who may open files includes this header (as open.h).
 */
#ifndef LABELD_PROTECT_KEYFILE_H
#define LABELD_PROTECT_KEYFILE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"
#include "protect/identity.h"

/* Where a passphrase comes from: `ask` puts it, NUL-terminated, into secret memory of `room`
 * bytes. Called only for a file that is locked. */
struct keyfile_ask {
    bool (*ask)(void *context, const char *path, char *passphrase, size_t room, struct err *err);
    void *context;
};

/* Add the keys of a file of at most 64 KiB. ERR_USAGE: none, or a line that is not one (the error
 * names the line, never shows it); ERR_REFUSED: the passphrase is wrong. The path is
 * not in the error: the caller adds it. */
bool keyfile_read(struct identities *identities, const char *path, const struct keyfile_ask *ask,
                  const struct limits *limits, struct err *err);

/* Write the one key of `identities`, sealed with the passphrase and armoured, so that `age` and a
 * browser open it, to `out`; read back and verified if `out` can be read. */
bool keyfile_write(const struct identities *identities, const char *passphrase,
                   unsigned work_factor, int out, struct err *err);

#endif
