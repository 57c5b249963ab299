#include "store/intent.h"

bool intent_add(struct db *db, struct intent *intent, struct err *err)
{
    struct db_query *query = db_query(db, DB_INTENT_ADD);
    db_number(query, 1, intent->item);
    db_number(query, 2, intent->job);
    db_text(query, 3, intent->connection);
    db_text(query, 4, intent->key);
    db_text(query, 5, intent->text);
    db_text(query, 6, intent->old_version);
    db_text(query, 7, intent->new_version);
    db_text(query, 8, intent->label_id);
    db_text(query, 9, intent->set_date);
    db_text(query, 10, intent->action_id);
    if (db_step(query, err) != DB_ROW)
        return false;
    intent->id = db_column_number(query, 0);
    db_done(query);
    return true;
}

static bool run_for(struct db *db, enum db_sql name, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, name);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

bool intent_placed(struct db *db, int64_t id, struct err *err)
{
    return run_for(db, DB_INTENT_PLACED, id, err);
}

bool intent_remove(struct db *db, int64_t id, struct err *err)
{
    return run_for(db, DB_INTENT_REMOVE, id, err);
}

static bool take_intent(struct db_query *query, struct arena *arena, struct intent *intent,
                        bool *found, struct err *err)
{
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    if (step != DB_ROW)
        return step == DB_END;
    const char *texts[8];
    for (int i = 0; i < 8; i++) {
        const char *text = db_column_text(query, 3 + i);
        texts[i] = text ? arena_strdup(arena, text) : NULL;
    }
    *intent = (struct intent){.id = db_column_number(query, 0),
                              .item = db_column_number(query, 1),
                              .job = db_column_number(query, 2),
                              .connection = texts[0],
                              .key = texts[1],
                              .text = texts[2],
                              .old_version = texts[3],
                              .new_version = texts[4],
                              .label_id = texts[5],
                              .set_date = texts[6],
                              .action_id = texts[7],
                              .placed = db_column_number(query, 11) != 0};
    db_done(query);
    return (texts[0] && texts[1] && texts[2] && texts[3] && texts[4]) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

bool intent_next(struct db *db, int64_t after, struct arena *arena, struct intent *intent,
                 bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_INTENT_NEXT);
    db_number(query, 1, after);
    return take_intent(query, arena, intent, found, err);
}

bool intent_open(struct db *db, const char *connection, const char *key, struct arena *arena,
                 struct intent *intent, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_INTENT_OPEN);
    db_text(query, 1, connection);
    db_text(query, 2, key);
    return take_intent(query, arena, intent, found, err);
}
