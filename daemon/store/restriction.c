#include "store/restriction.h"

static const char *const words[RESTRICTION_STATE_COUNT] = {"planned", "done", "undoing", "undone"};

const char *restriction_state_word(enum restriction_state state)
{
    return state < RESTRICTION_STATE_COUNT ? words[state] : "unknown";
}

bool restriction_add(struct db *db, struct restriction *restriction, struct err *err)
{
    struct db_query *query = db_query(db, DB_RESTRICTION_ADD);
    db_number(query, 1, restriction->item);
    db_text(query, 2, restriction->connection);
    db_text(query, 3, restriction->key);
    db_text(query, 4, restriction->item_version);
    db_text(query, 5, restriction->wanted);
    db_text(query, 6, restriction->rules);
    db_text(query, 7, restriction->revision);
    db_text(query, 8, restriction->text);
    db_text(query, 9, restriction->was);
    db_text(query, 10, restriction->shared_with);
    db_text(query, 11, restriction->grants);
    db_number(query, 12, restriction->before);
    db_number(query, 13, restriction->after);
    db_number(query, 14, restriction->created_us);
    if (db_step(query, err) != DB_ROW)
        return false;
    restriction->id = db_column_number(query, 0);
    restriction->state = RESTRICTION_PLANNED;
    restriction->changed_us = restriction->created_us;
    db_done(query);
    return true;
}

bool restriction_save(struct db *db, const struct restriction *restriction,
                      enum restriction_state was, struct err *err)
{
    int64_t changed = 0;
    struct db_query *query = db_query(db, DB_RESTRICTION_SAVE);
    db_number(query, 1, restriction->state);
    db_number(query, 2, restriction->item);
    db_text(query, 3, restriction->item_version);
    db_text(query, 4, restriction->grants);
    db_number(query, 5, restriction->after);
    db_number(query, 6, restriction->changed_us);
    db_text(query, 7, restriction->asked_by);
    db_text(query, 8, restriction->asked_why);
    db_text(query, 9, restriction->result);
    db_number(query, 10, restriction->id);
    db_number(query, 11, was);
    if (!db_run(query, &changed, err))
        return false;
    return changed == 1 || err_set(err, ERR_CONFLICT, "the restriction is not %s any more",
                                   restriction_state_word(was));
}

bool restriction_remove(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_RESTRICTION_REMOVE);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

struct taking {
    struct db_query *query;
    struct arena *arena;
    bool no_memory;
};

static const char *text_of(struct taking *taking, int column)
{
    const char *text = db_column_text(taking->query, column);
    const char *copy = text ? arena_strdup(taking->arena, text) : NULL;
    taking->no_memory = taking->no_memory || (text && !copy);
    return copy;
}

static bool take(struct db_query *query, struct arena *arena, struct restriction *restriction,
                 bool *found, struct err *err)
{
    struct taking taking = {.query = query, .arena = arena};
    enum db_step step = db_step(query, err);
    *restriction = (struct restriction){0};
    *found = step == DB_ROW;
    if (step != DB_ROW)
        return step == DB_END;
    *restriction = (struct restriction){
        .id = db_column_number(query, 0),
        .state = (enum restriction_state)db_column_number(query, 1),
        .item = db_column_number(query, 2),
        .connection = text_of(&taking, 3),
        .key = text_of(&taking, 4),
        .item_version = text_of(&taking, 5),
        .wanted = text_of(&taking, 6),
        .rules = text_of(&taking, 7),
        .revision = text_of(&taking, 8),
        .text = text_of(&taking, 9),
        .was = text_of(&taking, 10),
        .shared_with = text_of(&taking, 11),
        .grants = text_of(&taking, 12),
        .before = (int)db_column_number(query, 13),
        .after = (int)db_column_number(query, 14),
        .created_us = db_column_number(query, 15),
        .changed_us = db_column_number(query, 16),
        .asked_by = text_of(&taking, 17),
        .asked_why = text_of(&taking, 18),
        .result = text_of(&taking, 19),
        .version = db_column_number(query, 20),
    };
    db_done(query);
    return !taking.no_memory || err_set(err, ERR_MEMORY, "out of memory");
}

bool restriction_open(struct db *db, int64_t item, const char *connection, const char *key,
                      struct arena *arena, struct restriction *restriction, bool *found,
                      struct err *err)
{
    struct db_query *query = db_query(db, DB_RESTRICTION_OPEN_OF);
    db_number(query, 1, item);
    if (!take(query, arena, restriction, found, err))
        return false;
    if (*found)
        return true;
    query = db_query(db, DB_RESTRICTION_OPEN_AT);
    db_text(query, 1, connection);
    db_text(query, 2, key);
    return take(query, arena, restriction, found, err);
}

bool restriction_last(struct db *db, int64_t item, struct arena *arena,
                      struct restriction *restriction, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_RESTRICTION_LAST);
    db_number(query, 1, item);
    return take(query, arena, restriction, found, err);
}

bool restriction_next_open(struct db *db, int64_t after, struct arena *arena,
                           struct restriction *restriction, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_RESTRICTION_NEXT_OPEN);
    db_number(query, 1, after);
    return take(query, arena, restriction, found, err);
}

bool restriction_given_back(struct db *db, const struct restriction_release *release,
                            struct err *err)
{
    struct db_query *query = db_query(db, DB_RESTRICTION_GIVEN_BACK);
    db_number(query, 1, release->at_us);
    db_text(query, 2, release->asked_by);
    db_text(query, 3, release->asked_why);
    db_text(query, 4, "{\"restored\":[\"sharing, with the release\"],\"lost\":[]}");
    db_number(query, 5, release->item);
    db_text(query, 6, RESTRICTION_MEANWHILE);
    db_text(query, 7, release->item_version);
    db_text(query, 8, release->grants);
    return db_run(query, NULL, err);
}

bool restriction_follow(struct db *db, int64_t item, const char *old_version,
                        const char *new_version, struct err *err)
{
    struct db_query *query = db_query(db, DB_RESTRICTION_FOLLOW);
    db_text(query, 1, new_version);
    db_number(query, 2, item);
    db_text(query, 3, old_version);
    return db_run(query, NULL, err);
}
