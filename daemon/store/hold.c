#include "store/hold.h"

#include "store/store.h"

bool hold_get(struct db *db, const char *scope, struct arena *arena, struct hold *hold,
              struct err *err)
{
    *hold = (struct hold){.scope = scope};
    struct db_query *query = db_query(db, DB_HOLD_GET);
    db_text(query, 1, scope);
    enum db_step step = db_step(query, err);
    bool ok = true;
    if (step == DB_ROW) {
        hold->since_us = db_column_number(query, 1);
        hold->who = arena_strdup(arena, db_column_text(query, 2));
        hold->why = arena_strdup(arena, db_column_text(query, 3));
        ok = (hold->who && hold->why) || err_set(err, ERR_MEMORY, "out of memory");
    }
    db_done(query);
    return ok && step != DB_FAILED;
}

bool hold_set(struct db *db, const struct hold *hold, bool *again, struct err *err)
{
    int64_t changed = 0;
    struct db_query *query = db_query(db, DB_HOLD_SET);
    db_text(query, 1, hold->scope);
    db_number(query, 2, hold->since_us);
    db_text(query, 3, hold->who);
    db_text(query, 4, hold->why);
    if (!db_run(query, &changed, err))
        return false;
    *again = changed == 0;
    return true;
}

bool hold_end(struct db *db, const char *scope, bool *was, struct err *err)
{
    int64_t changed = 0;
    struct db_query *query = db_query(db, DB_HOLD_END);
    db_text(query, 1, scope);
    if (!db_run(query, &changed, err))
        return false;
    *was = changed > 0;
    store_jobs_added(db);
    return true;
}
