/*
 * signin: who shows which token. Keeps hashes only.
 */
#ifndef LABELD_HTTP_SIGNIN_H
#define LABELD_HTTP_SIGNIN_H
#include "http/request.h"

enum { SIGNIN_HASH_BYTES = 32 };

struct signin {
    unsigned char first[SIGNIN_HASH_BYTES]; /* hash of the state folder's token */
};

/* `first`: the text of state/admin.token. */
void signin_init(struct signin *signin, const char *first);

/* Who shows this Authorization header (NULL = none); nobody when it is no valid token. */
void signin_check(const struct signin *signin, const char *header, struct request_caller *caller);

#endif
