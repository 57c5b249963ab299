#include "store/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"

enum { values_most = 500, text_max_bytes = 64 * 1024 };

/* A statement that grows: its text from constant pieces, its values apart. */
struct composed {
    struct buf text;
    struct {
        const char *text; /* NULL = number */
        int64_t number;
    } values[values_most];
    size_t count;
    uint32_t mark; /* of filter and sort: a cursor is bound to it */
};

static const struct {
    const char *column;
    bool number;
} sorts[] = {
    [CATALOGUE_BY_ID] = {"item.id", true},
    [CATALOGUE_BY_PATH] = {"item.path", false},
    [CATALOGUE_BY_EXAMINED] = {"item.examined", true},
};

static const char columns[] =
    "item.id, item.connection, item.key, item.path, item.version, item.size, item.owner, "
    "item.exposure, item.sharing_known, item.shared_with, item.exposure_why, item.status, "
    "item.reason, item.format, item.mime, item.findings, item.label_kind, item.label_id, "
    "item.foreign_label, item.set_by, item.label_change, item.previous_id, item.created, "
    "item.modified, item.shared, item.types_digest, item.text_digest, item.sha256, "
    "item.own_version, item.outcome, item.code, item.message, item.revision, item.examined, "
    "item.decided, item.due, item.walk, item.deleted, item.todo, item.label_site";

static void stir(struct composed *composed, const char *text)
{
    for (const char *at = text; *at; at++)
        composed->mark = (composed->mark ^ (unsigned char)*at) * 16777619u;
    composed->mark = (composed->mark ^ 0x1f) * 16777619u;
}

/* "$n" for a value, appended. */
static void add_value(struct composed *composed, const char *text, int64_t number)
{
    if (composed->count == values_most) {
        composed->text.failed = true;
        return;
    }
    composed->values[composed->count].text = text;
    composed->values[composed->count++].number = number;
    buf_printf(&composed->text, "$%zu", composed->count);
    if (text)
        stir(composed, text);
}

/* `before` value, value, ... `after`, when anything is asked. */
static void add_any(struct composed *composed, const char *before, const struct catalogue_any *any,
                    const char *after)
{
    if (any->count == 0)
        return;
    stir(composed, before);
    buf_puts(&composed->text, before);
    for (size_t i = 0; i < any->count; i++) {
        if (i > 0)
            buf_puts(&composed->text, ", ");
        add_value(composed, any->items[i], 0);
    }
    buf_puts(&composed->text, after);
}

static void add_types(struct composed *composed, const struct catalogue_filter *filter)
{
    static const char *const found[] = {
        ") AND low_unique + medium_unique + high_unique > 0)",
        ") AND medium_unique + high_unique > 0)",
        ") AND high_unique > 0)",
    };
    int level = filter->confidence;
    if (level < REPORT_LOW || level > REPORT_HIGH)
        level = REPORT_LOW;
    stir(composed, found[level]);
    if (filter->type.count > 0)
        add_any(composed, " AND item.id IN (SELECT item FROM finding WHERE type IN (",
                &filter->type, found[level]);
    else if (level > REPORT_LOW)
        buf_printf(&composed->text, " AND item.id IN (SELECT item FROM finding WHERE (1%s",
                   found[level]);
}

static void add_labels(struct composed *composed, const struct catalogue_any *labels)
{
    if (labels->count == 0)
        return;
    buf_puts(&composed->text, " AND (0");
    for (size_t i = 0; i < labels->count; i++) {
        const char *label = labels->items[i];
        stir(composed, label);
        if (strcmp(label, "none") == 0) {
            buf_puts(&composed->text, " OR item.label_kind = 0");
        } else if (strcmp(label, "any") == 0) {
            buf_puts(&composed->text, " OR item.label_kind = 1");
        } else {
            buf_puts(&composed->text, " OR item.label_id = ");
            add_value(composed, label, 0);
        }
    }
    buf_putc(&composed->text, ')');
}

static void add_statuses(struct composed *composed, const struct catalogue_any *statuses)
{
    if (statuses->count == 0)
        return;
    buf_puts(&composed->text, " AND item.status IN (-1");
    for (size_t i = 0; i < statuses->count; i++) {
        enum report_status status;
        stir(composed, statuses->items[i]);
        if (!report_status_find(statuses->items[i], &status))
            continue;
        buf_puts(&composed->text, ", ");
        add_value(composed, NULL, status);
    }
    buf_putc(&composed->text, ')');
}

static void add_paths(struct composed *composed, const struct catalogue_any *paths)
{
    if (paths->count == 0)
        return;
    buf_puts(&composed->text, " AND (0");
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->items[i];
        size_t length = strlen(path);
        bool below = length > 0 && path[length - 1] == '/';
        buf_puts(&composed->text, below ? " OR (item.path >= " : " OR item.path = ");
        add_value(composed, path, 0);
        if (below) {
            buf_puts(&composed->text, " AND substr(item.path, 1, length(");
            add_value(composed, path, 0);
            buf_puts(&composed->text, ")) = ");
            add_value(composed, path, 0);
            buf_putc(&composed->text, ')');
        }
    }
    buf_putc(&composed->text, ')');
}

static void add_exposure(struct composed *composed, const struct catalogue_filter *filter)
{
    char words[64];
    snprintf(words, sizeof words, "%u %d", filter->exposures, filter->exposure_min);
    stir(composed, words);
    if (filter->exposures) {
        buf_puts(&composed->text, " AND ((1 << item.exposure) & ");
        add_value(composed, NULL, filter->exposures);
        buf_puts(&composed->text, ") <> 0");
    }
    if (filter->exposure_min > 0) {
        buf_puts(&composed->text, " AND item.exposure < 6 AND item.exposure >= ");
        add_value(composed, NULL, filter->exposure_min);
    }
}

static void add_rules(struct composed *composed, const struct catalogue_filter *filter)
{
    if (filter->rule.count == 0 && filter->rule_state.count == 0)
        return;
    buf_puts(&composed->text, " AND item.id IN (SELECT item FROM item_rule WHERE 1");
    add_any(composed, " AND rule IN (", &filter->rule, ")");
    add_any(composed, " AND state IN (", &filter->rule_state, ")");
    buf_putc(&composed->text, ')');
}

static void add_filter(struct composed *composed, const struct catalogue_filter *filter)
{
    buf_puts(&composed->text, " FROM item WHERE 1");
    if (!filter->deleted)
        buf_puts(&composed->text, " AND item.deleted IS NULL");
    add_types(composed, filter);
    add_labels(composed, &filter->label);
    add_statuses(composed, &filter->status);
    add_any(composed, " AND item.connection IN (", &filter->connection, ")");
    add_paths(composed, &filter->path);
    add_any(composed, " AND item.owner IN (", &filter->owner, ")");
    add_exposure(composed, filter);
    add_rules(composed, filter);
    add_any(composed, " AND item.id IN (SELECT item FROM tag WHERE name IN (", &filter->tag, "))");
}

static struct db_query *prepare(struct db *db, struct composed *composed, struct err *err)
{
    if (composed->text.failed) {
        err_set(err, ERR_USAGE, "too many filters");
        return NULL;
    }
    struct db_query *query = db_query_text(db, buf_text(&composed->text));
    if (!query)
        err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; query && i < composed->count; i++) {
        if (composed->values[i].text)
            db_text(query, (int)i + 1, composed->values[i].text);
        else
            db_number(query, (int)i + 1, composed->values[i].number);
    }
    return query;
}

/* Cursor: MARK.ID of the last item told. Rows are never removed, so its sort key can be read. */
static bool add_cursor(struct composed *composed, const struct catalogue_ask *ask, struct err *err)
{
    char *end;
    if (!ask->cursor || !*ask->cursor)
        return true;
    unsigned long mark = strtoul(ask->cursor, &end, 16);
    if (mark != composed->mark || *end != '.')
        return err_set(err, ERR_USAGE, "the cursor belongs to another list");
    int64_t id = strtoll(end + 1, &end, 10);
    if (*end != '\0' || id <= 0)
        return err_set(err, ERR_USAGE, "the cursor is not one of this list");
    buf_printf(&composed->text, " AND (%s, item.id) %s (SELECT %s, item.id FROM item WHERE id = ",
               sorts[ask->sort].column, ask->descending ? "<" : ">", sorts[ask->sort].column);
    add_value(composed, NULL, id);
    buf_putc(&composed->text, ')');
    return true;
}

static bool fill(struct db_query *query, int64_t limit, struct arena *arena,
                 struct catalogue_page *page, struct err *err)
{
    enum db_step step;
    page->items = arena_alloc(arena, (size_t)limit + 1, sizeof *page->items);
    if (!page->items)
        return err_set(err, ERR_MEMORY, "out of memory");
    while ((step = db_step(query, err)) == DB_ROW)
        if (!item_take(query, arena, &page->items[page->count++], err))
            return false;
    return step == DB_END;
}

bool catalogue_list(struct db *db, const struct catalogue_ask *ask, struct arena *arena,
                    struct catalogue_page *page, struct err *err)
{
    *page = (struct catalogue_page){0};
    if (ask->limit < 1 || ask->limit > 500)
        return err_set(err, ERR_USAGE, "limit is 1 to 500");
    own_free struct composed *composed = mem_zalloc(1, sizeof *composed);
    if (!composed)
        return err_set(err, ERR_MEMORY, "out of memory");
    composed->mark = 2166136261u + (uint32_t)ask->sort * 2 + ask->descending;
    composed->text = buf_new(text_max_bytes);
    buf_printf(&composed->text, "SELECT %s", columns);
    add_filter(composed, ask->filter);
    uint32_t mark = composed->mark;
    const char *order = ask->descending ? "DESC" : "ASC";
    bool ok = add_cursor(composed, ask, err);
    buf_printf(&composed->text, " ORDER BY %s %s, item.id %s LIMIT ", sorts[ask->sort].column,
               order, order);
    add_value(composed, NULL, ask->limit + 1);
    struct db_query *query = ok ? prepare(db, composed, err) : NULL;
    ok = query && fill(query, ask->limit, arena, page, err);
    db_drop(query);
    buf_fini(&composed->text);
    if (ok && page->count > (size_t)ask->limit) {
        page->count = (size_t)ask->limit;
        page->next =
            arena_printf(arena, "%08x.%lld", mark, (long long)page->items[page->count - 1].id);
        ok = page->next || err_set(err, ERR_MEMORY, "out of memory");
    }
    return ok;
}

bool catalogue_count(struct db *db, const struct catalogue_filter *filter, int64_t most,
                     int64_t *count, struct err *err)
{
    own_free struct composed *composed = mem_zalloc(1, sizeof *composed);
    if (!composed)
        return err_set(err, ERR_MEMORY, "out of memory");
    composed->text = buf_new(text_max_bytes);
    buf_puts(&composed->text, "SELECT count(*) FROM (SELECT 1");
    add_filter(composed, filter);
    buf_puts(&composed->text, " LIMIT ");
    add_value(composed, NULL, most);
    buf_putc(&composed->text, ')');
    struct db_query *query = prepare(db, composed, err);
    bool ok = query && db_step(query, err) == DB_ROW;
    *count = ok ? db_column_number(query, 0) : 0;
    db_drop(query);
    buf_fini(&composed->text);
    return ok;
}

bool catalogue_numbers(struct db *db, struct catalogue_numbers *numbers, struct err *err)
{
    *numbers = (struct catalogue_numbers){0};
    struct db_query *query = db_query(db, DB_ITEMS_BY_STATUS);
    enum db_step step;
    while ((step = db_step(query, err)) == DB_ROW) {
        int64_t status = db_column_number(query, 0), count = db_column_number(query, 1);
        if (status >= 0 && status < REPORT_STATUS_COUNT)
            numbers->by_status[status] = count;
        numbers->items += count;
        numbers->labelled += db_column_number(query, 2);
        numbers->with_findings += db_column_number(query, 3);
    }
    return step == DB_END;
}
