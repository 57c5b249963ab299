#include "http/signin.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

static void hash_token(const char *token, unsigned char hash[static SIGNIN_HASH_BYTES])
{
    crypto_generichash(hash, SIGNIN_HASH_BYTES, (const unsigned char *)token, strlen(token), NULL,
                       0);
}

void signin_init(struct signin *signin, const char *first)
{
    hash_token(first, signin->first);
}

/* The token of "Bearer TOKEN" (RFC 6750, section 2.1), or NULL. */
static const char *bearer(const char *header)
{
    static const char scheme[] = "Bearer ";
    if (!header || strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return NULL;
    return header + sizeof scheme - 1;
}

void signin_check(const struct signin *signin, const char *header, struct request_caller *caller)
{
    unsigned char hash[SIGNIN_HASH_BYTES];
    const char *token = bearer(header);
    *caller = (struct request_caller){.role = ROLE_NOBODY, .name = "nobody"};
    if (!token)
        return;
    hash_token(token, hash);
    if (sodium_memcmp(hash, signin->first, sizeof hash) == 0)
        *caller = (struct request_caller){.role = ROLE_ADMIN, .name = "admin"};
}
