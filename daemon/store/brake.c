#include "store/brake.h"

#include <stdio.h>

#include "base/json.h"
#include "store/alert.h"
#include "store/audit.h"
#include "store/queue.h"
#include "store/row.h"

enum { details_max_bytes = 8192, text_bytes = 400, list_most = 10000 };
static const int64_t minute_us = 60000000;

static const char *const words[BRAKE_STATE_COUNT] = {"held", "approved", "rejected"};

const char *brake_state_word(enum brake_state state)
{
    return (unsigned)state < BRAKE_STATE_COUNT ? words[state] : "?";
}

/* Rows ------------------------------------------------------------------------------------------
 */

static bool take(struct db_query *query, struct arena *arena, struct brake *brake, struct err *err)
{
    struct row row = {.query = query, .arena = arena};
    brake->rule = row_text(&row);
    brake->digest = row_text(&row);
    brake->state = (enum brake_state)row_number(&row);
    brake->running = row_number(&row) != 0;
    brake->counted = row_number(&row);
    brake->granted = row_number(&row);
    brake->left = row_number(&row);
    brake->again = row_number(&row);
    brake->since_us = row_number(&row);
    brake->who = row_text(&row);
    return !row.no_memory || err_set(err, ERR_MEMORY, "out of memory");
}

bool brake_get(struct db *db, const char *rule, struct arena *arena, struct brake *brake,
               bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_BRAKE_GET);
    db_text(query, 1, rule);
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    bool ok = step == DB_END || (*found && take(query, arena, brake, err));
    db_done(query);
    return ok;
}

bool brake_list(struct db *db, struct arena *arena, struct brake **list, size_t *count,
                struct err *err)
{
    enum db_step step;
    size_t room = 0;
    bool ok = true;
    struct db_query *query = db_query(db, DB_BRAKE_LIST);
    *list = NULL;
    *count = 0;
    while (ok && (step = db_step(query, err)) == DB_ROW && *count < list_most) {
        if (*count == room) {
            struct brake *larger = arena_alloc(arena, room * 2 + 8, sizeof *larger);
            for (size_t i = 0; larger && i < *count; i++)
                larger[i] = (*list)[i];
            room = room * 2 + 8;
            *list = larger;
        }
        ok = *list ? take(query, arena, &(*list)[*count], err)
                   : err_set(err, ERR_MEMORY, "out of memory");
        *count += ok;
    }
    db_done(query);
    return ok && step != DB_FAILED;
}

bool brake_set(struct db *db, const struct brake *brake, struct err *err)
{
    struct db_query *query = db_query(db, DB_BRAKE_SET);
    db_text(query, 1, brake->rule);
    db_text(query, 2, brake->digest);
    db_number(query, 3, brake->state);
    db_number(query, 4, brake->running);
    db_number(query, 5, brake->counted);
    db_number(query, 6, brake->granted);
    db_number(query, 7, brake->left);
    db_number(query, 8, brake->again);
    db_number(query, 9, brake->since_us);
    db_text(query, 10, brake->who);
    return db_run(query, NULL, err);
}

bool brake_remove(struct db *db, const char *rule, struct err *err)
{
    struct db_query *query = db_query(db, DB_BRAKE_REMOVE);
    db_text(query, 1, rule);
    return db_run(query, NULL, err);
}

/* Counting --------------------------------------------------------------------------------------
 */

bool brake_hurt(struct db *db, const char *rule, int64_t from_us, int64_t *items, struct err *err)
{
    struct db_query *query = db_query(db, DB_HURT_SUM);
    db_text(query, 1, rule);
    db_number(query, 2, from_us / minute_us);
    enum db_step step = db_step(query, err);
    *items = step == DB_ROW ? db_column_number(query, 0) : 0;
    db_done(query);
    return step != DB_FAILED;
}

bool brake_count(struct db *db, const char *rule, int64_t at_us, int64_t items, struct err *err)
{
    struct db_query *query = db_query(db, DB_HURT_ADD);
    db_text(query, 1, rule);
    db_number(query, 2, at_us / minute_us);
    db_number(query, 3, items);
    return db_run(query, NULL, err);
}

bool brake_forget(struct db *db, int64_t before_us, struct err *err)
{
    struct db_query *query = db_query(db, DB_HURT_FORGET);
    db_number(query, 1, before_us / minute_us);
    return db_run(query, NULL, err);
}

/* Stopping, and people's words -------------------------------------------------------------------
 */

static void alert_name(const char *rule, char text[static text_bytes])
{
    snprintf(text, text_bytes, "brake: %.300s", rule);
}

static bool record(struct db *db, const struct brake *brake, const char *event, struct err *err)
{
    own_buf struct buf text = buf_new(details_max_bytes);
    own_json json_t *json =
        json_pack("{s:o, s:I, s:s}", "rule", json_text(brake->rule), "items",
                  (json_int_t)brake->counted, "when", brake->running ? "running" : "apply");
    if (!json || !json_write(json, &text))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct audit_record one = {
        .event = event, .actor = brake->who, .details = buf_text(&text), .at_us = brake->since_us};
    return audit_add(db, &one, err);
}

bool brake_hold(struct db *db, const struct brake *brake, struct err *err)
{
    char name[text_bytes], message[text_bytes];
    enum alert_change change;
    alert_name(brake->rule, name);
    snprintf(message, sizeof message,
             brake->running ? "stopped: it hurt as many files as its brake allows (%lld)"
                            : "stopped: it would change %lld files",
             (long long)brake->counted);
    const struct alert alert = {.rule = name,
                                .level = ALERT_HIGH,
                                .message = message,
                                .seen = brake->digest,
                                .updated_us = brake->since_us};
    return brake_set(db, brake, err) && alert_raise(db, &alert, &change, err) &&
           record(db, brake, "rule-held", err);
}

bool brake_settled(struct db *db, const char *rule, const char *reason, int64_t at_us,
                   struct err *err)
{
    bool ended;
    char name[text_bytes];
    alert_name(rule, name);
    return alert_end_of(db, 0, name, reason, at_us, &ended, err);
}

bool brake_answer(struct db *db, const struct brake_word *word, bool *found, struct err *err)
{
    struct brake brake;
    own_arena struct arena arena = arena_new(64 * 1024);
    bool approved = word->state == BRAKE_APPROVED;
    if (!brake_get(db, word->rule, &arena, &brake, found, err))
        return false;
    if (!*found)
        return true;
    brake.state = word->state;
    brake.granted = brake.left = approved ? word->items : 0;
    brake.again = approved ? 0 : BRAKE_DONE;
    brake.since_us = word->at_us;
    brake.who = word->who;
    return brake_set(db, &brake, err) &&
           brake_settled(db, word->rule, approved ? "approved" : "rejected", word->at_us, err);
}

/* Deciding again ---------------------------------------------------------------------------------
 */

static bool next_row(struct db *db, struct arena *arena, struct brake *brake, bool *found,
                     struct err *err)
{
    struct db_query *query = db_query(db, DB_BRAKE_AGAIN);
    db_number(query, 1, BRAKE_DONE);
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    bool ok = step == DB_END || (*found && take(query, arena, brake, err));
    db_done(query);
    return ok;
}

static bool undecide(struct db *db, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_UNDECIDED);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

/* Undecided from now on, so that a kill loses none. */
static bool queue_matched(struct db *db, struct brake *brake, int64_t now_us, struct err *err)
{
    struct db_query *query = db_query(db, DB_BRAKE_ITEMS);
    enum db_step step;
    int64_t last = BRAKE_DONE;
    db_text(query, 1, brake->rule);
    db_number(query, 2, brake->again);
    while ((step = db_step(query, err)) == DB_ROW) {
        last = db_column_number(query, 0);
        struct queue_job job = {.kind = QUEUE_VISIT,
                                .connection = db_column_text(query, 1),
                                .key = db_column_text(query, 2),
                                .lane = QUEUE_BACKFILL,
                                .due_us = now_us,
                                .seen_us = now_us};
        if (!queue_add(db, &job, err) || !undecide(db, last, err)) {
            db_done(query);
            return false;
        }
    }
    brake->again = last;
    return step == DB_END;
}

bool brake_any_again(struct db *db, bool *any, struct err *err)
{
    struct brake brake;
    own_arena struct arena arena = arena_new(64 * 1024);
    return next_row(db, &arena, &brake, any, err);
}

bool brake_again(struct db *db, int64_t now_us, bool *more, struct err *err)
{
    struct brake brake;
    own_arena struct arena arena = arena_new(64 * 1024);
    return next_row(db, &arena, &brake, more, err) &&
           (!*more || (queue_matched(db, &brake, now_us, err) && brake_set(db, &brake, err)));
}
