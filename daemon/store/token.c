#include "store/token.h"

#include "store/news.h"

static bool take(struct db_query *query, struct arena *arena, struct token *token, struct err *err)
{
    *token = (struct token){.id = db_column_number(query, 0),
                            .name = arena_strdup(arena, db_column_text(query, 1)),
                            .role = arena_strdup(arena, db_column_text(query, 2)),
                            .made_us = db_column_number(query, 3),
                            .made_by = arena_strdup(arena, db_column_text(query, 4)),
                            .used_us = db_column_number(query, 5),
                            .version = db_column_number(query, 6)};
    return (token->name && token->role && token->made_by) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

static bool one(struct db_query *query, struct arena *arena, struct token *token, bool *found,
                struct err *err)
{
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    bool ok = step == DB_ROW ? take(query, arena, token, err) : step == DB_END;
    db_done(query);
    return ok;
}

bool token_add(struct db *db, struct token *token, const char *hash, bool *taken, struct err *err)
{
    struct db_query *query = db_query(db, DB_TOKEN_ADD);
    db_text(query, 1, hash);
    db_text(query, 2, token->name);
    db_text(query, 3, token->role);
    db_number(query, 4, token->made_us);
    db_text(query, 5, token->made_by);
    enum db_step step = db_step(query, err);
    *taken = step == DB_END;
    if (step == DB_ROW)
        token->id = db_column_number(query, 0);
    token->version = 1;
    db_done(query);
    return step != DB_FAILED;
}

bool token_find(struct db *db, const char *hash, struct arena *arena, struct token *token,
                bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_TOKEN_FIND);
    db_text(query, 1, hash);
    return one(query, arena, token, found, err);
}

bool token_get(struct db *db, int64_t id, struct arena *arena, struct token *token, bool *found,
               struct err *err)
{
    struct db_query *query = db_query(db, DB_TOKEN_GET);
    db_number(query, 1, id);
    return one(query, arena, token, found, err);
}

bool token_list(struct db *db, int64_t after, int64_t most, struct arena *arena,
                struct token **tokens, size_t *count, struct err *err)
{
    enum db_step step = DB_END;
    *count = 0;
    *tokens = arena_alloc(arena, (size_t)most, sizeof **tokens);
    if (!*tokens)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct db_query *query = db_query(db, DB_TOKEN_LIST);
    db_number(query, 1, after);
    db_number(query, 2, most);
    bool ok = true;
    while (ok && (step = db_step(query, err)) == DB_ROW)
        ok = take(query, arena, &(*tokens)[(*count)++], err);
    db_done(query);
    return ok && step != DB_FAILED;
}

bool token_used(struct db *db, int64_t id, int64_t at_us, struct err *err)
{
    struct db_query *query = db_query(db, DB_TOKEN_USED);
    db_number(query, 1, at_us);
    db_number(query, 2, id);
    return db_run(query, NULL, err);
}

bool token_remove(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_TOKEN_REMOVE);
    db_number(query, 1, id);
    if (!db_run(query, NULL, err))
        return false;
    news_numbered(db, NEWS_TOKEN, id, -1);
    return true;
}
