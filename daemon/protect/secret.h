/*
 * secret: memory for keys and passphrases: locked against swapping, between guard pages, wiped
 * before it is given back (libsodium's sodium_malloc).
 */
#ifndef LABELD_PROTECT_SECRET_H
#define LABELD_PROTECT_SECRET_H
#include <stddef.h>

#include "base/err.h"

#define own_secret __attribute__((cleanup(secret_drop)))

/* Zeroed memory of `bytes`; NULL with ERR_MEMORY. Free with secret_free. */
void *secret_new(size_t bytes, struct err *err);

/* Wipe and free. NULL is allowed. */
void secret_free(void *secret);

/* For own_secret: free what the pointer leads to. */
void secret_drop(void *pointer);

#endif
