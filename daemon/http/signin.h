/*
 * signin: who shows which token. Tokens are 256 random bits; only hashes of them are kept.
 */
#ifndef LABELD_HTTP_SIGNIN_H
#define LABELD_HTTP_SIGNIN_H
#include "http/request.h"
#include "store/token.h"

struct store;

enum { SIGNIN_TOKEN_SIZE = 64 }; /* room for a token's text with its NUL */

/* The name of the first token, the one of the state folder: nobody else may be called so. */
#define SIGNIN_FIRST "admin"

struct signin {
    struct store *store;               /* borrowed */
    char first[TOKEN_HASH_LENGTH + 1]; /* hash of the state folder's token */
};

/* `first`: the text of state/admin.token. */
void signin_init(struct signin *signin, struct store *store, const char *first);

/* Who shows this Authorization header (NULL = none); nobody when it is no valid token. Texts live
 * in the arena. False: the store cannot be read, so that nobody knows. */
bool signin_check(const struct signin *signin, const char *header, struct arena *arena,
                  struct request_caller *caller, struct err *err);

/* Make a new token: its text, which is shown once, and its hash. */
void signin_make(char text[static SIGNIN_TOKEN_SIZE], char hash[static TOKEN_HASH_LENGTH + 1]);

#endif
