/*
 * token: who may ask the API, as what. Only a hash of each token is kept, so that nobody who reads
 * the database can use one.
 */
#ifndef LABELD_STORE_TOKEN_H
#define LABELD_STORE_TOKEN_H
#include "base/arena.h"
#include "store/db.h"

enum { TOKEN_HASH_LENGTH = 64 }; /* SHA-256 of the token's text, in hex */

struct token {
    int64_t id;
    const char *name, *role;
    int64_t made_us;
    const char *made_by;
    int64_t used_us; /* 0 = never; kept to some minutes */
    int64_t version; /* of what a person may change; `used` is not */
};

/* Add one; the id in `token->id`. *taken: there is one of that name. Inside a unit. */
bool token_add(struct db *db, struct token *token, const char *hash, bool *taken, struct err *err);

/* The one with that hash, or id. */
bool token_find(struct db *db, const char *hash, struct arena *arena, struct token *token,
                bool *found, struct err *err);
bool token_get(struct db *db, int64_t id, struct arena *arena, struct token *token, bool *found,
               struct err *err);

/* Those after id `after`, in order of their ids, at most `most`. */
bool token_list(struct db *db, int64_t after, int64_t most, struct arena *arena,
                struct token **tokens, size_t *count, struct err *err);

/* It was used; it is no longer valid. Inside a unit. */
bool token_used(struct db *db, int64_t id, int64_t at_us, struct err *err);
bool token_remove(struct db *db, int64_t id, struct err *err);

#endif
