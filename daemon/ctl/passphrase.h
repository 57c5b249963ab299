/*
 * passphrase: asked on the terminal without showing it, or taken from a file. Into locked memory.
 */
#ifndef LABELD_CTL_PASSPHRASE_H
#define LABELD_CTL_PASSPHRASE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { PASSPHRASE_ROOM = 1025 };

/* The first line of `path`, which others may not read; or, when `path` is NULL, asked for on the
 * terminal as "Passphrase for SUBJECT: ", `twice` for a new one. NULL with err (ERR_USAGE: no
 * terminal, empty, too long, not the same twice). Free with secret_free. */
char *passphrase_get(const char *path, const char *subject, bool twice, struct err *err);

#endif
