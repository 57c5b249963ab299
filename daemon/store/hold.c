#include "store/hold.h"

#include "store/news.h"
#include "store/store.h"

bool hold_get(struct db *db, const char *scope, struct arena *arena, struct hold *hold,
              struct err *err)
{
    *hold = (struct hold){.scope = scope, .version = 1};
    struct db_query *query = db_query(db, DB_HOLD_GET);
    db_text(query, 1, scope);
    enum db_step step = db_step(query, err);
    bool ok = true;
    if (step == DB_ROW) {
        hold->since_us = db_column_number(query, 1);
        hold->who = arena_strdup(arena, db_column_text(query, 2));
        hold->why = arena_strdup(arena, db_column_text(query, 3));
        hold->version = db_column_number(query, 4);
        ok = (hold->who && hold->why) || err_set(err, ERR_MEMORY, "out of memory");
    }
    db_done(query);
    return ok && step != DB_FAILED;
}

bool hold_version(struct db *db, const char *scope, int64_t *version, struct err *err)
{
    struct db_query *query = db_query(db, DB_HOLD_GET);
    db_text(query, 1, scope);
    enum db_step step = db_step(query, err);
    *version = step == DB_ROW ? db_column_number(query, 4) : 1;
    db_done(query);
    return step != DB_FAILED;
}

/* Statements that return the new version, or nothing when nothing was to be changed. */
static bool change(struct db *db, struct db_query *query, const char *scope, bool *changed,
                   struct err *err)
{
    enum db_step step = db_step(query, err);
    *changed = step == DB_ROW;
    int64_t version = *changed ? db_column_number(query, 0) : 0;
    db_done(query);
    if (*changed && *scope)
        news_named(db, NEWS_CONNECTION, scope, version);
    else if (*changed)
        news_named(db, NEWS_STATUS, "acting", version);
    return step != DB_FAILED;
}

bool hold_set(struct db *db, const struct hold *hold, bool *again, struct err *err)
{
    bool changed;
    struct db_query *query = db_query(db, DB_HOLD_SET);
    db_text(query, 1, hold->scope);
    db_number(query, 2, hold->since_us);
    db_text(query, 3, hold->who);
    db_text(query, 4, hold->why);
    if (!change(db, query, hold->scope, &changed, err))
        return false;
    *again = !changed;
    return true;
}

bool hold_end(struct db *db, const char *scope, bool *was, struct err *err)
{
    struct db_query *query = db_query(db, DB_HOLD_END);
    db_text(query, 1, scope);
    if (!change(db, query, scope, was, err))
        return false;
    store_jobs_added(db);
    return true;
}
