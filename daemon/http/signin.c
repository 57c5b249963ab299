#include "http/signin.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "store/store.h"

enum { token_bytes = 32 };

/* In front of each token, so that scanners for secrets know one when they see it. */
static const char prefix[] = "labeld_";

static const int64_t used_every_us = 600000000;

static void hash_token(const char *token, char hash[static TOKEN_HASH_LENGTH + 1])
{
    unsigned char bytes[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(bytes, (const unsigned char *)token, strlen(token));
    sodium_bin2hex(hash, TOKEN_HASH_LENGTH + 1, bytes, sizeof bytes);
}

void signin_init(struct signin *signin, struct store *store, const char *first)
{
    signin->store = store;
    hash_token(first, signin->first);
}

void signin_make(char text[static SIGNIN_TOKEN_SIZE], char hash[static TOKEN_HASH_LENGTH + 1])
{
    unsigned char secret[token_bytes];
    randombytes_buf(secret, sizeof secret);
    snprintf(text, SIGNIN_TOKEN_SIZE, "%s", prefix);
    sodium_bin2base64(text + sizeof prefix - 1, SIGNIN_TOKEN_SIZE - (sizeof prefix - 1), secret,
                      sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    hash_token(text, hash);
}

/* The token of "Bearer TOKEN" (RFC 6750, section 2.1), or NULL. */
static const char *bearer(const char *header)
{
    static const char scheme[] = "Bearer ";
    if (!header || strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return NULL;
    return header + sizeof scheme - 1;
}

static bool note_use(struct db *db, void *context, struct err *err)
{
    const struct token *token = context;
    return token_used(db, token->id, clock_now_us(), err);
}

static bool look_up(const struct signin *signin, const char *hash, struct arena *arena,
                    struct request_caller *caller, struct err *err)
{
    struct token token;
    bool found = false;
    enum role role;
    struct db *db = store_reader(signin->store, err);
    bool ok = db && token_find(db, hash, arena, &token, &found, err);
    store_reader_done(signin->store, db);
    if (!ok || !found || !role_find(token.role, &role))
        return ok;
    *caller = (struct request_caller){.role = role, .name = token.name, .token = token.id};
    if (clock_now_us() - token.used_us > used_every_us)
        store_write(signin->store, STORE_RAN, (struct store_unit){note_use, &token}, NULL);
    return true;
}

bool signin_check(const struct signin *signin, const char *header, struct arena *arena,
                  struct request_caller *caller, struct err *err)
{
    char hash[TOKEN_HASH_LENGTH + 1];
    const char *token = bearer(header);
    *caller = (struct request_caller){.role = ROLE_NOBODY, .name = "nobody"};
    if (!token)
        return true;
    hash_token(token, hash);
    if (sodium_memcmp(hash, signin->first, TOKEN_HASH_LENGTH) != 0)
        return look_up(signin, hash, arena, caller, err);
    *caller = (struct request_caller){.role = ROLE_ADMIN, .name = SIGNIN_FIRST};
    return true;
}
