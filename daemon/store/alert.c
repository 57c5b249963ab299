#include "store/alert.h"

#include <string.h>

#include "base/buf.h"
#include "policy/facts.h"
#include "store/news.h"

enum { text_max_bytes = 8192, values_most = 80, limit_most = 501 };

static const char *const level_words[ALERT_LEVEL_COUNT] = {"low", "medium", "high"};

const char *alert_level_word(enum alert_level level)
{
    return (unsigned)level < ALERT_LEVEL_COUNT ? level_words[level] : "unknown";
}

bool alert_level_find(const char *word, enum alert_level *level)
{
    for (int i = 0; i < ALERT_LEVEL_COUNT; i++)
        if (strcmp(level_words[i], word) == 0) {
            *level = (enum alert_level)i;
            return true;
        }
    return false;
}

/* Reading ------------------------------------------------------------------------------------- */

/* A column's text in the arena; `*ok` becomes false when memory is out. */
static const char *take_text(struct db_query *query, int column, struct arena *arena, bool *ok)
{
    const char *text = db_column_text(query, column);
    const char *copy = text ? arena_strdup(arena, text) : NULL;
    *ok = *ok && (!text || copy);
    return copy;
}

static bool take(struct db_query *query, struct arena *arena, struct alert *alert, struct err *err)
{
    bool ok = true;
    *alert = (struct alert){.id = db_column_number(query, 0),
                            .item = db_column_number(query, 1),
                            .rule = take_text(query, 2, arena, &ok),
                            .level = (enum alert_level)db_column_number(query, 3),
                            .message = take_text(query, 4, arena, &ok),
                            .seen = take_text(query, 5, arena, &ok),
                            .exposure = (int)db_column_number(query, 6),
                            .opened_us = db_column_number(query, 7),
                            .updated_us = db_column_number(query, 8),
                            .closed_us = db_column_number(query, 9),
                            .closed_by = take_text(query, 10, arena, &ok),
                            .reason = take_text(query, 11, arena, &ok),
                            .version = db_column_number(query, 12)};
    return ok || err_set(err, ERR_MEMORY, "out of memory");
}

static bool one(struct db_query *query, struct arena *arena, struct alert *alert, bool *found,
                struct err *err)
{
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    bool ok = step == DB_ROW ? take(query, arena, alert, err) : step == DB_END;
    db_done(query);
    return ok;
}

bool alert_get(struct db *db, int64_t id, struct arena *arena, struct alert *alert, bool *found,
               struct err *err)
{
    struct db_query *query = db_query(db, DB_ALERT_GET);
    db_number(query, 1, id);
    return one(query, arena, alert, found, err);
}

bool alert_live(struct db *db, int64_t item, int64_t after, struct arena *arena,
                struct alert *alert, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ALERTS_LIVE);
    db_number(query, 1, item);
    db_number(query, 2, after);
    return one(query, arena, alert, found, err);
}

static bool last(struct db *db, int64_t item, const char *rule, struct arena *arena,
                 struct alert *alert, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ALERT_LAST);
    db_number(query, 1, item);
    db_text(query, 2, rule);
    return one(query, arena, alert, found, err);
}

/* Writing ------------------------------------------------------------------------------------- */

/* Statements that return id and version of the row they wrote. */
static bool write_one(struct db *db, struct db_query *query, bool *changed, struct err *err)
{
    enum db_step step = db_step(query, err);
    *changed = step == DB_ROW;
    if (*changed)
        news_numbered(db, NEWS_ALERT, db_column_number(query, 0), db_column_number(query, 1));
    db_done(query);
    return step != DB_FAILED;
}

static bool add(struct db *db, const struct alert *alert, struct err *err)
{
    bool changed;
    struct db_query *query = db_query(db, DB_ALERT_ADD);
    db_number(query, 1, alert->item);
    db_text(query, 2, alert->rule);
    db_number(query, 3, alert->level);
    db_text(query, 4, alert->message);
    db_text(query, 5, alert->seen);
    db_number(query, 6, alert->exposure);
    db_number(query, 7, alert->updated_us);
    db_number(query, 8, alert->updated_us);
    return write_one(db, query, &changed, err);
}

static bool save(struct db *db, int64_t id, const struct alert *alert, struct err *err)
{
    bool changed;
    struct db_query *query = db_query(db, DB_ALERT_SAVE);
    db_number(query, 1, alert->level);
    db_text(query, 2, alert->message);
    db_text(query, 3, alert->seen);
    db_number(query, 4, alert->exposure);
    db_number(query, 5, alert->updated_us);
    db_number(query, 6, id);
    return write_one(db, query, &changed, err);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(const struct alert *was, const struct alert *is)
{
    return was->level == is->level && was->exposure == is->exposure &&
           same_text(was->message, is->message) && strcmp(was->seen, is->seen) == 0;
}

/* What was not known may have been less; what is not known may be more. */
static bool is_wider(int is, int was)
{
    return is != was && (is > was || was == FACTS_EXPOSURE_UNKNOWN);
}

/* Whether what a person closed still covers this. */
static bool is_settled(const struct alert *closed, const struct alert *is)
{
    return strcmp(closed->seen, is->seen) == 0 && is->level <= closed->level &&
           !is_wider(is->exposure, closed->exposure);
}

bool alert_end(struct db *db, int64_t id, const char *by, const char *reason, int64_t at_us,
               struct err *err)
{
    bool changed;
    struct db_query *query = db_query(db, DB_ALERT_END);
    db_number(query, 1, at_us);
    db_text(query, 2, by);
    db_text(query, 3, reason);
    db_number(query, 4, id);
    return write_one(db, query, &changed, err);
}

bool alert_raise(struct db *db, const struct alert *alert, enum alert_change *change,
                 struct err *err)
{
    struct alert was;
    bool found;
    own_arena struct arena arena = arena_new(64 * 1024);
    *change = ALERT_SAME;
    if (!last(db, alert->item, alert->rule, &arena, &was, &found, err))
        return false;
    if (found && !was.closed_us) {
        if (is_same(&was, alert))
            return true;
        *change = ALERT_UPDATED;
        return save(db, was.id, alert, err);
    }
    if (found && is_settled(&was, alert))
        return true;
    *change = ALERT_OPENED;
    bool over = !found || *was.seen == '\0' ||
                alert_end(db, was.id, was.closed_by, was.reason, alert->updated_us, err);
    return over && add(db, alert, err);
}

bool alert_end_of(struct db *db, int64_t item, const char *rule, const char *reason, int64_t at_us,
                  bool *ended, struct err *err)
{
    struct alert was;
    own_arena struct arena arena = arena_new(64 * 1024);
    *ended = false;
    if (!last(db, item, rule, &arena, &was, ended, err))
        return false;
    *ended = *ended && !was.closed_us;
    return !*ended || alert_end(db, was.id, "labeld", reason, at_us, err);
}

bool alert_close(struct db *db, int64_t id, const char *by, const char *reason, int64_t at_us,
                 bool *closed, struct err *err)
{
    struct db_query *query = db_query(db, DB_ALERT_CLOSE);
    db_number(query, 1, at_us);
    db_text(query, 2, by);
    db_text(query, 3, reason);
    db_number(query, 4, id);
    return write_one(db, query, closed, err);
}

bool alert_carry(struct db *db, int64_t item, const char *from, const char *to, struct err *err)
{
    struct db_query *query = db_query(db, DB_ALERT_CARRY);
    db_text(query, 1, to);
    db_number(query, 2, item);
    db_text(query, 3, from);
    return db_run(query, NULL, err);
}

/* Lists --------------------------------------------------------------------------------------- */

/* A statement that grows: its text from constant pieces, its values apart. */
struct composed {
    struct buf text;
    const char *texts[values_most]; /* NULL = number */
    int64_t numbers[values_most];
    int count;
};

static void add_value(struct composed *composed, const char *text, int64_t number)
{
    if (composed->count == values_most) {
        composed->text.failed = true;
        return;
    }
    composed->texts[composed->count] = text;
    composed->numbers[composed->count++] = number;
    buf_printf(&composed->text, "$%d", composed->count);
}

static void add_any(struct composed *composed, const char *before, const char *const *values,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_puts(&composed->text, i ? ", " : before);
        add_value(composed, values[i], 0);
    }
    if (count > 0)
        buf_putc(&composed->text, ')');
}

static void compose(struct composed *composed, const struct alert_filter *filter)
{
    struct buf *text = &composed->text;
    buf_puts(text, "SELECT alert.id, alert.item, alert.rule, alert.level, alert.message, "
                   "alert.seen, alert.exposure, alert.opened, alert.updated, alert.closed, "
                   "alert.closed_by, alert.reason, alert.version, item.connection, item.path "
                   "FROM alert LEFT JOIN item ON item.id = alert.item WHERE 1 = 1");
    if (filter->levels) {
        buf_puts(text, " AND ((1 << alert.level) & ");
        add_value(composed, NULL, filter->levels);
        buf_puts(text, ") <> 0");
    }
    if (filter->open != filter->closed)
        buf_puts(text,
                 filter->open ? " AND alert.closed IS NULL" : " AND alert.closed IS NOT NULL");
    if (filter->item) {
        buf_puts(text, " AND alert.item = ");
        add_value(composed, NULL, filter->item);
    }
    if (filter->id) {
        buf_puts(text, " AND alert.id = ");
        add_value(composed, NULL, filter->id);
    }
    add_any(composed, " AND alert.rule IN (", filter->rules, filter->rule_count);
    add_any(composed, " AND item.connection IN (", filter->connections, filter->connection_count);
    if (filter->before) {
        buf_puts(text, " AND alert.id < ");
        add_value(composed, NULL, filter->before);
    }
    buf_puts(text, " ORDER BY alert.id DESC LIMIT ");
    add_value(composed, NULL, filter->limit);
}

static bool fill(struct db_query *query, int64_t limit, struct arena *arena,
                 struct alert_row **rows, size_t *count, struct err *err)
{
    enum db_step step;
    struct alert_row *list = arena_alloc(arena, (size_t)limit, sizeof *list);
    if (!list)
        return err_set(err, ERR_MEMORY, "out of memory");
    *rows = list;
    while ((step = db_step(query, err)) == DB_ROW) {
        bool ok = true;
        struct alert_row *row = &list[(*count)++];
        if (!take(query, arena, &row->alert, err))
            return false;
        row->connection = take_text(query, 13, arena, &ok);
        row->path = take_text(query, 14, arena, &ok);
        if (!ok)
            return err_set(err, ERR_MEMORY, "out of memory");
    }
    return step == DB_END;
}

bool alert_list(struct db *db, const struct alert_filter *filter, struct arena *arena,
                struct alert_row **rows, size_t *count, struct err *err)
{
    struct composed composed = {.text = buf_new(text_max_bytes)};
    *rows = NULL;
    *count = 0;
    if (filter->limit < 1 || filter->limit > limit_most)
        return err_set(err, ERR_USAGE, "limit is 1 to 501");
    compose(&composed, filter);
    struct db_query *query =
        composed.text.failed ? NULL : db_query_text(db, buf_text(&composed.text));
    for (int i = 0; query && i < composed.count; i++) {
        if (composed.texts[i])
            db_text(query, i + 1, composed.texts[i]);
        else
            db_number(query, i + 1, composed.numbers[i]);
    }
    bool ok = query ? fill(query, filter->limit, arena, rows, count, err)
                    : err_set(err, ERR_USAGE, "too many filters");
    db_drop(query);
    buf_fini(&composed.text);
    return ok;
}

bool alert_row(struct db *db, int64_t id, struct arena *arena, struct alert_row *row, bool *found,
               struct err *err)
{
    size_t count;
    struct alert_row *rows;
    const struct alert_filter filter = {.id = id, .limit = 1};
    bool ok = alert_list(db, &filter, arena, &rows, &count, err);
    *found = ok && count == 1;
    if (*found)
        *row = rows[0];
    return ok;
}

bool alert_counts(struct db *db, int64_t counts[static ALERT_LEVEL_COUNT], struct err *err)
{
    enum db_step step;
    struct db_query *query = db_query(db, DB_ALERT_COUNTS);
    memset(counts, 0, ALERT_LEVEL_COUNT * sizeof *counts);
    while ((step = db_step(query, err)) == DB_ROW) {
        int64_t level = db_column_number(query, 0);
        if (level >= 0 && level < ALERT_LEVEL_COUNT)
            counts[level] = db_column_number(query, 1);
    }
    return step == DB_END;
}
