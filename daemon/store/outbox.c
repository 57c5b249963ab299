#include "store/outbox.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { targets_most = 1000 };

/* Random, so that ids tell nothing of each other. */
static bool make_id(char id[static OUTBOX_ID_BYTES], struct err *err)
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(err, ERR_IO, "outbox: no random numbers");
    snprintf(id, OUTBOX_ID_BYTES, "msg_");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(id + 4 + 2 * i, 3, "%02x", random[i]);
    return true;
}

bool outbox_add(struct db *db, const struct outbox_message *message, struct err *err)
{
    char id[OUTBOX_ID_BYTES];
    if (!make_id(id, err))
        return false;
    struct db_query *query = db_query(db, DB_OUTBOX_ADD);
    db_text(query, 1, id);
    db_text(query, 2, message->target);
    db_number(query, 3, message->item);
    db_text(query, 4, message->body);
    db_number(query, 5, message->made_us);
    db_number(query, 6, message->made_us);
    return db_run(query, NULL, err);
}

bool outbox_next(struct db *db, const char *target, int64_t now_us, struct arena *arena,
                 struct outbox_message *message, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_OUTBOX_NEXT);
    db_text(query, 1, target);
    db_number(query, 2, now_us);
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    if (step != DB_ROW)
        return step == DB_END;
    *message = (struct outbox_message){.id = db_column_number(query, 0),
                                       .message = arena_strdup(arena, db_column_text(query, 1)),
                                       .target = arena_strdup(arena, db_column_text(query, 2)),
                                       .item = db_column_number(query, 3),
                                       .body = arena_strdup(arena, db_column_text(query, 4)),
                                       .made_us = db_column_number(query, 5),
                                       .due_us = db_column_number(query, 6),
                                       .attempt = (int)db_column_number(query, 7)};
    db_done(query);
    return (message->message && message->target && message->body) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

bool outbox_sent(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_OUTBOX_SENT);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

bool outbox_later(struct db *db, int64_t id, int attempt, int64_t due_us, const char *error,
                  struct err *err)
{
    struct db_query *query = db_query(db, DB_OUTBOX_LATER);
    db_number(query, 1, attempt);
    db_number(query, 2, due_us);
    db_text(query, 3, error);
    db_number(query, 4, id);
    return db_run(query, NULL, err);
}

bool outbox_hasten(struct db *db, const char *target, int64_t now_us, struct err *err)
{
    struct db_query *query = db_query(db, DB_OUTBOX_HASTEN);
    db_number(query, 1, now_us);
    db_text(query, 2, target);
    db_number(query, 3, now_us);
    return db_run(query, NULL, err);
}

bool outbox_give_up(struct db *db, const char *target, int64_t made_us, int64_t at_us,
                    const char *error, int64_t *count, struct err *err)
{
    struct db_query *query = db_query(db, DB_OUTBOX_GIVE_UP);
    db_number(query, 1, at_us);
    db_text(query, 2, error);
    db_text(query, 3, target);
    db_number(query, 4, made_us);
    return db_run(query, count, err);
}

bool outbox_drop(struct db *db, int64_t id, int64_t at_us, const char *error, struct err *err)
{
    struct db_query *query = db_query(db, DB_OUTBOX_DROP);
    db_number(query, 1, at_us);
    db_text(query, 2, error);
    db_number(query, 3, id);
    return db_run(query, NULL, err);
}

bool outbox_forget(struct db *db, int64_t at_us, struct err *err)
{
    struct db_query *query = db_query(db, DB_OUTBOX_FORGET);
    db_number(query, 1, at_us);
    return db_run(query, NULL, err);
}

/* Targets ------------------------------------------------------------------------------------- */

/* The row of a name, made when it is not there; NULL: memory, or more than there can be. */
static struct outbox_target *row_of(struct outbox_target *rows, size_t *count, const char *name,
                                    struct arena *arena)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(rows[i].target, name) == 0)
            return &rows[i];
    if (*count == targets_most)
        return NULL;
    rows[*count].target = arena_strdup(arena, name);
    return rows[*count].target ? &rows[(*count)++] : NULL;
}

static bool take_error(struct db_query *query, int column, struct arena *arena,
                       struct outbox_target *row)
{
    const char *error = db_column_text(query, column);
    if (error && !row->error)
        row->error = arena_strdup(arena, error);
    return !error || row->error;
}

static bool take_waiting(struct db_query *query, struct arena *arena, struct outbox_target *row)
{
    row->waiting = db_column_number(query, 1);
    row->oldest_us = db_column_number(query, 2);
    row->due_us = db_column_number(query, 3);
    row->attempt = (int)db_column_number(query, 4);
    return take_error(query, 5, arena, row);
}

static bool take_lost(struct db_query *query, struct arena *arena, struct outbox_target *row)
{
    row->given_up = db_column_number(query, 1);
    row->given_up_us = db_column_number(query, 2);
    return take_error(query, 3, arena, row);
}

bool outbox_targets(struct db *db, struct arena *arena, struct outbox_target **targets,
                    size_t *count, struct err *err)
{
    static const struct {
        enum db_sql name;
        bool (*take)(struct db_query *query, struct arena *arena, struct outbox_target *row);
    } parts[] = {{DB_OUTBOX_TARGETS, take_waiting}, {DB_OUTBOX_LOST, take_lost}};
    struct outbox_target *rows = arena_alloc(arena, targets_most, sizeof *rows);
    *count = 0;
    *targets = rows;
    if (!rows)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        enum db_step step;
        struct db_query *query = db_query(db, parts[i].name);
        while ((step = db_step(query, err)) == DB_ROW) {
            struct outbox_target *row = row_of(rows, count, db_column_text(query, 0), arena);
            if (!row || !parts[i].take(query, arena, row)) {
                db_done(query);
                return err_set(err, ERR_MEMORY, "out of memory");
            }
        }
        if (step == DB_FAILED)
            return false;
    }
    return true;
}

/* What was told ------------------------------------------------------------------------------- */

bool outbox_told(struct db *db, int64_t item, struct arena *arena, struct outbox_told **told,
                 size_t *count, struct err *err)
{
    enum db_step step;
    size_t room = 0;
    struct db_query *query = db_query(db, DB_NOTIFIED_OF);
    db_number(query, 1, item);
    *count = 0;
    *told = NULL;
    while ((step = db_step(query, err)) == DB_ROW) {
        if (*count == room) {
            room = room ? 4 * room : 8;
            struct outbox_told *more = arena_alloc(arena, room, sizeof *more);
            if (!more)
                break;
            if (*count)
                memcpy(more, *told, *count * sizeof *more);
            *told = more;
        }
        struct outbox_told *one = &(*told)[*count];
        one->rule = arena_strdup(arena, db_column_text(query, 0));
        one->version = arena_strdup(arena, db_column_text(query, 1));
        if (!one->rule || !one->version)
            break;
        (*count)++;
    }
    db_done(query);
    return step == DB_ROW ? err_set(err, ERR_MEMORY, "out of memory") : step == DB_END;
}

bool outbox_tell(struct db *db, int64_t item, const char *rule, const char *version,
                 struct err *err)
{
    struct db_query *query = db_query(db, DB_NOTIFIED_SAVE);
    db_number(query, 1, item);
    db_text(query, 2, rule);
    db_text(query, 3, version);
    return db_run(query, NULL, err);
}

bool outbox_untell(struct db *db, int64_t item, const char *rule, struct err *err)
{
    struct db_query *query = db_query(db, rule ? DB_NOTIFIED_FORGET : DB_NOTIFIED_GONE);
    db_number(query, 1, item);
    if (rule)
        db_text(query, 2, rule);
    return db_run(query, NULL, err);
}

bool outbox_carry(struct db *db, int64_t item, const char *from, const char *to, struct err *err)
{
    struct db_query *query = db_query(db, DB_NOTIFIED_CARRY);
    db_text(query, 1, to);
    db_number(query, 2, item);
    db_text(query, 3, from);
    return db_run(query, NULL, err);
}
