#include "store/stock.h"

#include <string.h>

#include "base/json.h"

/* Rows of one item's findings: a finding, or a variant of one. */
struct amounts {
    const char *parent, *type;
    int64_t numbers[2 * REPORT_CONFIDENCE_COUNT]; /* unique, count of each level */
    int64_t more;
};

enum { rows_most = 4096 * 64 };

static bool advance(struct db_query *query, bool *there, struct err *err)
{
    enum db_step step = db_step(query, err);
    *there = step == DB_ROW;
    return step != DB_FAILED;
}

static struct db_query *begin(struct db *db, enum db_sql name, struct stock_range range)
{
    struct db_query *query = db_query(db, name);
    db_number(query, 1, range.after);
    db_number(query, 2, range.last);
    return query;
}

bool stock_open(struct stock *stock, struct db *db, struct stock_range range, struct err *err)
{
    *stock = (struct stock){.db = db,
                            .items = begin(db, DB_STOCK_ITEMS, range),
                            .findings = begin(db, DB_STOCK_FINDINGS, range),
                            .properties = begin(db, DB_STOCK_PROPERTIES, range)};
    return advance(stock->findings, &stock->finding_there, err) &&
           advance(stock->properties, &stock->property_there, err);
}

void stock_close(struct stock *stock)
{
    struct db_query *const queries[] = {stock->items, stock->findings, stock->properties};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        if (queries[i])
            db_done(queries[i]);
}

struct stock_range stock_part(unsigned index, unsigned count)
{
    int64_t size = INT64_MAX / count;
    return (struct stock_range){size * index, index + 1 == count ? INT64_MAX : size * (index + 1)};
}

/* Lists ---------------------------------------------------------------------------------------- */

/* A list that grows in the arena: what is outgrown stays there until the item is done. */
static void *grown(struct arena *arena, void *items, size_t count, size_t bytes)
{
    if (count & (count - 1) || count == 1)
        return items;
    void *larger = arena_alloc(arena, count ? count * 2 : 2, bytes);
    if (larger && count)
        memcpy(larger, items, count * bytes);
    return larger;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory for an item of the catalogue");
}

/* Rows of items that are no longer there, or not yet examined, are passed over. */
static bool skip_to(struct db_query *query, int64_t id, bool *there, struct err *err)
{
    while (*there && db_column_number(query, 0) < id)
        if (!advance(query, there, err))
            return false;
    return true;
}

static bool is_of(struct db_query *query, bool there, int64_t id)
{
    return there && db_column_number(query, 0) == id;
}

static bool take_amounts(struct db_query *query, struct arena *arena, struct amounts *row)
{
    row->parent = arena_strdup(arena, db_column_text(query, 1));
    row->type = arena_strdup(arena, db_column_text(query, 2));
    for (int i = 0; i < 2 * REPORT_CONFIDENCE_COUNT; i++)
        row->numbers[i] = db_column_number(query, 3 + i);
    row->more = db_column_number(query, 9);
    return row->parent && row->type;
}

/* All rows of one item: findings first, then the variants of each. NULL with *count 0: none. */
static bool read_amounts(struct stock *stock, int64_t id, struct arena *arena,
                         struct amounts **rows, size_t *count, struct err *err)
{
    *rows = NULL;
    *count = 0;
    if (!skip_to(stock->findings, id, &stock->finding_there, err))
        return false;
    while (is_of(stock->findings, stock->finding_there, id) && *count < rows_most) {
        *rows = grown(arena, *rows, *count, sizeof **rows);
        if (!*rows || !take_amounts(stock->findings, arena, &(*rows)[*count]))
            return no_memory(err);
        (*count)++;
        if (!advance(stock->findings, &stock->finding_there, err))
            return false;
    }
    return true;
}

static uint32_t unique_at(const struct amounts *row, int level)
{
    return (uint32_t)row->numbers[2 * level];
}

static uint32_t count_at(const struct amounts *row, int level)
{
    return (uint32_t)row->numbers[2 * level + 1];
}

static bool is_at(const struct amounts *row, int level)
{
    return row->numbers[2 * level] || row->numbers[2 * level + 1];
}

/* The variants of one finding at one level. */
static bool fill_variants(const struct amounts *rows, size_t count, int level,
                          struct report_finding *finding, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_at(&rows[i], level) || strcmp(rows[i].parent, finding->type) != 0)
            continue;
        finding->variants =
            grown(arena, finding->variants, finding->variants_count, sizeof *finding->variants);
        if (!finding->variants)
            return false;
        finding->variants[finding->variants_count++] = (struct report_variant){
            rows[i].type, count_at(&rows[i], level), unique_at(&rows[i], level)};
    }
    return true;
}

static bool fill_findings(const struct amounts *rows, size_t count, struct arena *arena,
                          struct facts *facts)
{
    size_t tops = 0;
    while (tops < count && !*rows[tops].parent)
        tops++;
    struct report_finding *findings =
        arena_alloc(arena, tops * REPORT_CONFIDENCE_COUNT + 1, sizeof *findings);
    if (!findings)
        return false;
    for (size_t i = 0; i < tops; i++)
        for (int level = REPORT_HIGH; level >= REPORT_LOW; level--) {
            if (!is_at(&rows[i], level))
                continue;
            struct report_finding *finding = &findings[facts->finding_count++];
            *finding = (struct report_finding){.type = rows[i].type,
                                               .confidence = (enum report_confidence)level,
                                               .count = count_at(&rows[i], level),
                                               .unique_count = unique_at(&rows[i], level),
                                               .at_least = rows[i].more >> level & 1};
            if (!fill_variants(rows + tops, count - tops, level, finding, arena))
                return false;
        }
    facts->findings = findings;
    return true;
}

static bool read_findings(struct stock *stock, struct stock_item *item, struct arena *arena,
                          struct err *err)
{
    size_t count;
    struct amounts *rows;
    if (!read_amounts(stock, item->id, arena, &rows, &count, err))
        return false;
    return count == 0 || fill_findings(rows, count, arena, &item->facts) || no_memory(err);
}

static bool read_properties(struct stock *stock, struct stock_item *item, struct arena *arena,
                            struct err *err)
{
    struct facts *facts = &item->facts;
    struct report_property *list = NULL;
    if (!skip_to(stock->properties, item->id, &stock->property_there, err))
        return false;
    while (is_of(stock->properties, stock->property_there, item->id)) {
        list = grown(arena, list, facts->property_count, sizeof *list);
        if (!list)
            return no_memory(err);
        struct report_property *one = &list[facts->property_count++];
        one->name = arena_strdup(arena, db_column_text(stock->properties, 1));
        one->value = arena_strdup(arena, db_column_text(stock->properties, 2));
        if (!one->name || !one->value)
            return no_memory(err);
        if (!advance(stock->properties, &stock->property_there, err))
            return false;
    }
    facts->properties = list;
    return true;
}

static bool read_people(const char *text, struct arena *arena, struct facts *facts, struct err *err)
{
    if (!text || strcmp(text, "[]") == 0)
        return true;
    own_json json_t *list = json_parse(text, strlen(text), err);
    const char **people =
        list ? arena_alloc(arena, json_array_size(list) + 1, sizeof *people) : NULL;
    if (!people)
        return list ? no_memory(err) : false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        people[i] = arena_strdup(arena, one ? one : "");
        if (!people[i])
            return no_memory(err);
    }
    facts->shared_with = people;
    facts->shared_with_count = json_array_size(list);
    return true;
}

/* The item itself ------------------------------------------------------------------------------ */

static struct facts_time time_at(struct db_query *query, int column)
{
    if (db_column_null(query, column))
        return (struct facts_time){0};
    return (struct facts_time){true, db_column_number(query, column)};
}

static void take_facts(struct db_query *query, struct facts *facts)
{
    *facts = (struct facts){
        .connection = db_column_text(query, 1),
        .path = db_column_text(query, 2),
        .size = (uint64_t)db_column_number(query, 3),
        .owner = db_column_text(query, 4),
        .exposure = (enum facts_exposure)db_column_number(query, 5),
        .sharing_known = db_column_number(query, 6) != 0,
        .status = (enum report_status)db_column_number(query, 8),
        .format = (enum format_id)db_column_number(query, 9),
        .mime = db_column_text(query, 10),
        .label_kind = (enum facts_label_kind)db_column_number(query, 11),
        .label_id = db_column_text(query, 12),
        .foreign_label = db_column_number(query, 13) != 0,
        .set_by = (enum facts_set_by)db_column_number(query, 14),
        .label_change = (enum facts_label_change)db_column_number(query, 15),
        .previous_id = db_column_text(query, 16),
        .created = time_at(query, 17),
        .modified = time_at(query, 18),
        .shared = time_at(query, 19),
    };
    facts->properties_known = facts->status == REPORT_OK || facts->status == REPORT_PARTIAL;
}

bool stock_next(struct stock *stock, struct arena *arena, struct stock_item *item, bool *found,
                struct err *err)
{
    struct db_query *query = stock->items;
    if (!advance(query, found, err))
        return false;
    if (!*found)
        return true;
    *item = (struct stock_item){.id = db_column_number(query, 0),
                                .label_site = db_column_text(query, 20),
                                .revision = db_column_text(query, 21),
                                .key = db_column_text(query, 22),
                                .outcome = db_column_text(query, 23),
                                .due_us = db_column_null(query, 24) ? INT64_MIN
                                                                    : db_column_number(query, 24),
                                .todo = db_column_number(query, 25) != 0};
    take_facts(query, &item->facts);
    return read_people(db_column_text(query, 7), arena, &item->facts, err) &&
           read_findings(stock, item, arena, err) && read_properties(stock, item, arena, err);
}
