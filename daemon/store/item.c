#include "store/item.h"

#include <string.h>
#include <sys/random.h>

#include "store/news.h"
#include "store/row.h"

static const struct item nothing = {.path = "",
                                    .version = "",
                                    .exposure = 6, /* FACTS_EXPOSURE_UNKNOWN */
                                    .shared_with = "[]",
                                    .reason = "",
                                    .format = FORMAT_UNKNOWN,
                                    .mime = "",
                                    .label_kind = 2, /* FACTS_LABEL_UNREAD */
                                    .created_us = ITEM_NO_TIME,
                                    .modified_us = ITEM_NO_TIME,
                                    .shared_us = ITEM_NO_TIME,
                                    .outcome = "",
                                    .due_us = ITEM_NO_TIME,
                                    .deleted_us = ITEM_NO_TIME};

void item_init(struct item *item, const char *connection, const char *key)
{
    *item = nothing;
    item->connection = connection;
    item->key = key;
    uint64_t id = 0;
    while (id >> 1 == 0)
        if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
            id = 0;
    item->id = (int64_t)(id >> 1);
}

/* Reading, in the order of the columns ------------------------------------------------------- */

static void take_first(struct row *row, struct item *item)
{
    item->id = row_number(row);
    item->connection = row_text(row);
    item->key = row_text(row);
    item->path = row_text(row);
    item->version = row_text(row);
    item->size = (uint64_t)row_number(row);
    item->owner = row_text(row);
    item->exposure = (int)row_number(row);
    item->sharing_known = row_number(row) != 0;
    item->shared_with = row_text(row);
    item->exposure_why = row_text(row);
    item->status = (enum report_status)row_number(row);
    item->reason = row_text(row);
    item->format = (enum format_id)row_number(row);
    item->mime = row_text(row);
    item->finding_count = row_number(row);
}

static void take_rest(struct row *row, struct item *item)
{
    item->label_kind = (int)row_number(row);
    item->label_id = row_text(row);
    item->foreign_label = row_number(row) != 0;
    item->set_by = (int)row_number(row);
    item->label_change = (int)row_number(row);
    item->previous_id = row_text(row);
    item->created_us = row_time(row);
    item->modified_us = row_time(row);
    item->shared_us = row_time(row);
    row_digest(row, item->types_digest);
    row_digest(row, item->text_digest);
    row_digest(row, item->sha256);
    item->own_version = row_number(row) != 0;
    item->outcome = row_text(row);
    item->code = row_text(row);
    item->message = row_text(row);
    item->revision = row_text(row);
    item->examined_us = row_number(row);
    item->decided_us = row_number(row);
    item->due_us = row_time(row);
    item->walk = row_number(row);
    item->deleted_us = row_time(row);
    item->todo = row_number(row) != 0;
    item->label_site = row_text(row);
}

bool item_take(struct db_query *query, struct arena *arena, struct item *item, struct err *err)
{
    struct row row = {.query = query, .arena = arena};
    *item = nothing;
    take_first(&row, item);
    take_rest(&row, item);
    return !row.no_memory || err_set(err, ERR_MEMORY, "out of memory");
}

static bool one_item(struct db_query *query, struct arena *arena, struct item *item, bool *found,
                     struct err *err)
{
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    bool ok = step == DB_ROW ? item_take(query, arena, item, err) : step == DB_END;
    db_done(query);
    return ok;
}

bool item_find(struct db *db, const char *connection, const char *key, struct arena *arena,
               struct item *item, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_FIND);
    db_text(query, 1, connection);
    db_text(query, 2, key);
    return one_item(query, arena, item, found, err);
}

bool item_get(struct db *db, int64_t id, struct arena *arena, struct item *item, bool *found,
              struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_GET);
    db_number(query, 1, id);
    return one_item(query, arena, item, found, err);
}

bool item_unseen(struct db *db, const char *connection, int64_t walk, int64_t after,
                 struct item *item, struct arena *arena, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_UNSEEN);
    db_text(query, 1, connection);
    db_number(query, 2, walk);
    db_number(query, 3, after);
    return one_item(query, arena, item, found, err);
}

/* Writing ------------------------------------------------------------------------------------ */

static void put_first(struct db_query *query, const struct item *item)
{
    db_number(query, 1, item->id);
    db_text(query, 2, item->connection);
    db_text(query, 3, item->key);
    db_text(query, 4, item->path);
    db_text(query, 5, item->version);
    db_number(query, 6, (int64_t)item->size);
    db_text(query, 7, item->owner);
    db_number(query, 8, item->exposure);
    db_number(query, 9, item->sharing_known);
    db_text(query, 10, item->shared_with);
    db_text(query, 11, item->exposure_why);
    db_number(query, 12, item->status);
    db_text(query, 13, item->reason);
    db_number(query, 14, item->format);
    db_text(query, 15, item->mime);
    db_number(query, 16, item->finding_count);
}

static void put_rest(struct db_query *query, const struct item *item)
{
    db_number(query, 17, item->label_kind);
    db_text(query, 18, item->label_id);
    db_number(query, 19, item->foreign_label);
    db_number(query, 20, item->set_by);
    db_number(query, 21, item->label_change);
    db_text(query, 22, item->previous_id);
    row_put_time(query, 23, item->created_us);
    row_put_time(query, 24, item->modified_us);
    row_put_time(query, 25, item->shared_us);
    db_blob(query, 26, (struct db_bytes){item->types_digest, 32});
    db_blob(query, 27, (struct db_bytes){item->text_digest, 32});
    db_blob(query, 28, (struct db_bytes){item->sha256, 32});
    db_number(query, 29, item->own_version);
    db_text(query, 30, item->outcome);
    db_text(query, 31, item->code);
    db_text(query, 32, item->message);
    db_text(query, 33, item->revision);
    db_number(query, 34, item->examined_us);
    db_number(query, 35, item->decided_us);
    row_put_time(query, 36, item->due_us);
    db_number(query, 37, item->walk);
    row_put_time(query, 38, item->deleted_us);
    db_number(query, 39, item->todo);
    db_text(query, 40, item->label_site);
}

bool item_save(struct db *db, const struct item *item, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_SAVE);
    put_first(query, item);
    put_rest(query, item);
    if (!db_run(query, NULL, err))
        return false;
    news_item(db, item->id, item->version);
    return true;
}

static bool clear(struct db *db, enum db_sql name, int64_t id, struct err *err)
{
    struct db_query *query = db_query(db, name);
    db_number(query, 1, id);
    return db_run(query, NULL, err);
}

struct amount {
    const char *parent, *type;
    enum report_confidence confidence;
    uint32_t unique, count;
    bool more; /* at least */
};

static bool add_finding(struct db *db, int64_t id, const struct amount *amount, struct err *err)
{
    struct db_query *query = db_query(db, DB_FINDING_ADD);
    db_number(query, 1, id);
    db_text(query, 2, amount->parent);
    db_text(query, 3, amount->type);
    for (int level = REPORT_LOW; level < REPORT_CONFIDENCE_COUNT; level++) {
        db_number(query, 4 + 2 * level, level == (int)amount->confidence ? amount->unique : 0);
        db_number(query, 5 + 2 * level, level == (int)amount->confidence ? amount->count : 0);
    }
    db_number(query, 10, amount->more ? 1 << amount->confidence : 0);
    return db_run(query, NULL, err);
}

static bool add_findings(struct db *db, int64_t id, const struct report *report, struct err *err)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < report->findings_count; i++) {
        const struct report_finding *finding = &report->findings[i];
        struct amount amount = {.parent = "",
                                .type = finding->type,
                                .confidence = finding->confidence,
                                .unique = finding->unique_count,
                                .count = finding->count,
                                .more = finding->at_least};
        ok = add_finding(db, id, &amount, err);
        for (uint32_t k = 0; ok && k < finding->variants_count; k++) {
            const struct report_variant *variant = &finding->variants[k];
            amount = (struct amount){.parent = finding->type,
                                     .type = variant->type,
                                     .confidence = finding->confidence,
                                     .unique = variant->unique_count,
                                     .count = variant->count};
            ok = add_finding(db, id, &amount, err);
        }
    }
    return ok;
}

static bool add_property(struct db *db, int64_t id, const struct report *report, uint32_t number,
                         struct err *err)
{
    struct db_query *query = db_query(db, DB_PROPERTY_ADD);
    db_number(query, 1, id);
    db_number(query, 2, number);
    db_text(query, 3, report->properties[number].name);
    db_text(query, 4, report->properties[number].value);
    return db_run(query, NULL, err);
}

bool item_findings(struct db *db, int64_t id, const struct report *report, struct err *err)
{
    bool ok = clear(db, DB_FINDINGS_CLEAR, id, err) && clear(db, DB_PROPERTIES_CLEAR, id, err) &&
              add_findings(db, id, report, err);
    for (uint32_t i = 0; ok && i < report->properties_count; i++)
        ok = add_property(db, id, report, i, err);
    return ok;
}

bool item_report_save(struct db *db, int64_t id, const char *json, struct err *err)
{
    struct db_query *query = db_query(db, DB_REPORT_SAVE);
    db_number(query, 1, id);
    db_text(query, 2, json);
    return db_run(query, NULL, err);
}

static bool body(struct db *db, enum db_sql name, int64_t id, struct arena *arena,
                 const char **json, struct err *err)
{
    struct db_query *query = db_query(db, name);
    db_number(query, 1, id);
    enum db_step step = db_step(query, err);
    *json = step == DB_ROW ? arena_strdup(arena, db_column_text(query, 0)) : NULL;
    db_done(query);
    if (step == DB_ROW && !*json)
        return err_set(err, ERR_MEMORY, "out of memory");
    return step != DB_FAILED;
}

bool item_report(struct db *db, int64_t id, struct arena *arena, const char **json, struct err *err)
{
    return body(db, DB_REPORT_GET, id, arena, json, err);
}

bool item_decision(struct db *db, int64_t id, struct arena *arena, const char **json,
                   struct err *err)
{
    return body(db, DB_DECISION_GET, id, arena, json, err);
}

static bool add_text(struct db *db, enum db_sql name, int64_t id, const char *const texts[2],
                     struct err *err)
{
    struct db_query *query = db_query(db, name);
    db_number(query, 1, id);
    db_text(query, 2, texts[0]);
    if (texts[1])
        db_text(query, 3, texts[1]);
    return db_run(query, NULL, err);
}

bool item_decision_save(struct db *db, int64_t id, const struct item_decision *decision,
                        struct err *err)
{
    struct db_query *query = db_query(db, DB_DECISION_SAVE);
    db_number(query, 1, id);
    db_text(query, 2, decision->revision);
    db_number(query, 3, decision->at_us);
    db_text(query, 4, decision->json);
    bool ok = db_run(query, NULL, err) && clear(db, DB_RULES_CLEAR, id, err) &&
              clear(db, DB_TAGS_CLEAR, id, err);
    for (size_t i = 0; ok && i < decision->rule_count; i++)
        ok = add_text(db, DB_RULE_ADD, id,
                      (const char *const[2]){decision->rules[i], decision->states[i]}, err);
    for (size_t i = 0; ok && i < decision->tag_count; i++)
        ok = add_text(db, DB_TAG_ADD, id, (const char *const[2]){decision->tags[i], NULL}, err);
    return ok;
}

bool item_gone(struct db *db, int64_t id, int64_t at_us, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_GONE);
    db_number(query, 1, at_us);
    db_number(query, 2, id);
    if (!db_run(query, NULL, err))
        return false;
    news_numbered(db, NEWS_ITEM, id, -1);
    return true;
}

bool item_seen(struct db *db, int64_t id, int64_t walk, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEM_SEEN);
    db_number(query, 1, walk);
    db_number(query, 2, id);
    return db_run(query, NULL, err);
}

bool item_stopped_count(struct db *db, int64_t *count, struct err *err)
{
    struct db_query *query = db_query(db, DB_ITEMS_STOPPED_COUNT);
    if (db_step(query, err) != DB_ROW)
        return false;
    *count = db_column_number(query, 0);
    db_done(query);
    return true;
}
