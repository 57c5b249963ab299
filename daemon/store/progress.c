#include "store/progress.h"

#include "store/hold.h"
#include "store/news.h"

enum { most_connections = 1000 };

static bool take(struct db_query *query, struct arena *arena, struct progress *progress)
{
    const char *note = db_column_text(query, 8);
    *progress = (struct progress){.connection = arena_strdup(arena, db_column_text(query, 0)),
                                  .cursor = arena_strdup(arena, db_column_text(query, 1)),
                                  .walk = db_column_number(query, 2),
                                  .walking = db_column_number(query, 3) != 0,
                                  .seen = db_column_number(query, 4),
                                  .expected = db_column_number(query, 5),
                                  .started_us = db_column_number(query, 6),
                                  .ended_us = db_column_number(query, 7),
                                  .note = note ? arena_strdup(arena, note) : NULL};
    return progress->connection && progress->cursor;
}

bool progress_get(struct db *db, const char *connection, struct arena *arena,
                  struct progress *progress, struct err *err)
{
    *progress = (struct progress){.connection = connection, .cursor = ""};
    struct db_query *query = db_query(db, DB_PROGRESS_GET);
    db_text(query, 1, connection);
    enum db_step step = db_step(query, err);
    bool ok = step != DB_ROW || take(query, arena, progress);
    db_done(query);
    return ok ? step != DB_FAILED : err_set(err, ERR_MEMORY, "out of memory");
}

bool progress_save(struct db *db, const struct progress *progress, struct err *err)
{
    struct db_query *query = db_query(db, DB_PROGRESS_SAVE);
    db_text(query, 1, progress->connection);
    db_text(query, 2, progress->cursor);
    db_number(query, 3, progress->walk);
    db_number(query, 4, progress->walking);
    db_number(query, 5, progress->seen);
    db_number(query, 6, progress->expected);
    db_number(query, 7, progress->started_us);
    db_number(query, 8, progress->ended_us);
    db_text(query, 9, progress->note);
    int64_t version;
    if (!db_run(query, NULL, err) || !hold_version(db, progress->connection, &version, err))
        return false;
    news_named(db, NEWS_CONNECTION, progress->connection, version);
    return true;
}

bool progress_list(struct db *db, struct arena *arena, struct progress **list, size_t *count,
                   struct err *err)
{
    struct db_query *query = db_query(db, DB_PROGRESS_LIST);
    struct progress *rows = arena_alloc(arena, most_connections, sizeof *rows);
    enum db_step step = rows ? DB_ROW : DB_FAILED;
    *count = 0;
    *list = rows;
    while (rows && *count < most_connections && (step = db_step(query, err)) == DB_ROW)
        if (!take(query, arena, &rows[(*count)++])) {
            rows = NULL;
            step = DB_FAILED;
        }
    db_done(query);
    return rows ? step != DB_FAILED : err_set(err, ERR_MEMORY, "out of memory");
}
