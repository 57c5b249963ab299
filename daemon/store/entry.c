#include "store/entry.h"

#include <string.h>

#include "store/news.h"
#include "store/row.h"

#include "base/json.h"
#include "base/own.h"

enum { pattern_max_bytes = 16 * 1024 };

static const char *const state_words[ENTRY_STATE_COUNT] = {"sealing",  "sealed",    "removing",
                                                           "removed",  "releasing", "released",
                                                           "deleting", "deleted",   "cancelled"};
static const char *const kind_words[ENTRY_KIND_COUNT] = {"quarantine", "encrypt"};

const char *entry_state_word(enum entry_state state)
{
    return state_words[state];
}

const char *entry_kind_word(enum entry_kind kind)
{
    return kind_words[kind];
}

bool entry_state_find(const char *word, enum entry_state *state)
{
    for (int i = 0; i < ENTRY_STATE_COUNT; i++)
        if (strcmp(state_words[i], word) == 0) {
            *state = (enum entry_state)i;
            return true;
        }
    return false;
}

bool entry_kind_find(const char *word, enum entry_kind *kind)
{
    for (int i = 0; i < ENTRY_KIND_COUNT; i++)
        if (strcmp(kind_words[i], word) == 0) {
            *kind = (enum entry_kind)i;
            return true;
        }
    return false;
}

/* Reading, in the order of the columns ------------------------------------------------------- */

static void take_place(struct row *row, struct entry *entry)
{
    entry->id = row_number(row);
    entry->kind = (enum entry_kind)row_number(row);
    entry->state = (enum entry_state)row_number(row);
    entry->version = row_number(row);
    entry->item = row_number(row);
    entry->connection = row_text(row);
    entry->key = row_text(row);
    entry->path = row_text(row);
    entry->item_version = row_text(row);
    entry->size = (uint64_t)row_number(row);
    entry->format = (int)row_number(row);
    entry->status = (int)row_number(row);
    row_digest(row, entry->sha256);
    row_digest(row, entry->text_digest);
    entry->exposure = (int)row_number(row);
    entry->shared_with = row_text(row);
    entry->owner = row_text(row);
    entry->rules = row_text(row);
    entry->revision = row_text(row);
    entry->message = row_text(row);
    entry->alert_level = (int)row_number(row);
}

static void take_life(struct row *row, struct entry *entry)
{
    entry->captured = row_text(row);
    entry->grants = row_text(row);
    entry->recipients = row_text(row);
    entry->intent = row_text(row);
    entry->made = row_text(row);
    entry->copy_key = row_text(row);
    entry->copy_version = row_text(row);
    entry->tombstone = row_text(row);
    entry->tombstone_version = row_text(row);
    entry->sealed_size = (uint64_t)row_number(row);
    entry->created_us = row_number(row);
    entry->changed_us = row_number(row);
    entry->due_us = row_time(row);
    entry->asked_by = row_text(row);
    entry->asked_why = row_text(row);
    entry->release_key = row_text(row);
    entry->result = row_text(row);
    entry->error = row_text(row);
}

static bool take(struct db_query *query, struct arena *arena, struct entry *entry, struct err *err)
{
    struct row row = {.query = query, .arena = arena};
    take_place(&row, entry);
    take_life(&row, entry);
    return !row.no_memory || err_set(err, ERR_MEMORY, "out of memory");
}

static bool take_one(struct db_query *query, struct arena *arena, struct entry *entry, bool *found,
                     struct err *err)
{
    enum db_step step = db_step(query, err);
    *found = step == DB_ROW;
    bool ok = step == DB_END || (*found && take(query, arena, entry, err));
    db_done(query);
    return ok;
}

/* Writing ------------------------------------------------------------------------------------ */

static void put_place(struct db_query *query, const struct entry *entry)
{
    db_number(query, 1, entry->kind);
    db_number(query, 2, entry->state);
    db_number(query, 3, entry->version);
    db_number(query, 4, entry->item);
    db_text(query, 5, entry->connection);
    db_text(query, 6, entry->key);
    db_text(query, 7, entry->path);
    db_text(query, 8, entry->item_version);
    db_number(query, 9, (int64_t)entry->size);
    db_number(query, 10, entry->format);
    db_number(query, 11, entry->status);
    db_blob(query, 12, (struct db_bytes){entry->sha256, 32});
    db_blob(query, 13, (struct db_bytes){entry->text_digest, 32});
    db_number(query, 14, entry->exposure);
    db_text(query, 15, entry->shared_with);
    db_text(query, 16, entry->owner);
    db_text(query, 17, entry->rules);
    db_text(query, 18, entry->revision);
    db_text(query, 19, entry->message);
    db_number(query, 20, entry->alert_level);
}

static void put_life(struct db_query *query, const struct entry *entry)
{
    db_text(query, 21, entry->captured);
    db_text(query, 22, entry->grants);
    db_text(query, 23, entry->recipients);
    db_text(query, 24, entry->intent);
    db_text(query, 25, entry->made);
    db_text(query, 26, entry->copy_key);
    db_text(query, 27, entry->copy_version);
    db_text(query, 28, entry->tombstone);
    db_text(query, 29, entry->tombstone_version);
    db_number(query, 30, (int64_t)entry->sealed_size);
    db_number(query, 31, entry->created_us);
    db_number(query, 32, entry->changed_us);
    row_put_time(query, 33, entry->due_us);
    db_text(query, 34, entry->asked_by);
    db_text(query, 35, entry->asked_why);
    db_text(query, 36, entry->release_key);
    db_text(query, 37, entry->result);
    db_text(query, 38, entry->error);
}

bool entry_add(struct db *db, struct entry *entry, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_ADD);
    entry->version = 1;
    put_place(query, entry);
    put_life(query, entry);
    if (db_step(query, err) != DB_ROW)
        return false;
    entry->id = db_column_number(query, 0);
    db_done(query);
    news_numbered(db, NEWS_ENTRY, entry->id, entry->version);
    return true;
}

bool entry_save(struct db *db, struct entry *entry, struct err *err)
{
    int64_t changed = 0;
    struct db_query *query = db_query(db, DB_ENTRY_SAVE);
    db_number(query, 1, entry->state);
    db_text(query, 2, entry->item_version);
    db_number(query, 3, (int64_t)entry->size);
    db_blob(query, 4, (struct db_bytes){entry->sha256, 32});
    db_text(query, 5, entry->captured);
    db_text(query, 6, entry->recipients);
    db_text(query, 7, entry->intent);
    db_text(query, 8, entry->made);
    db_text(query, 9, entry->copy_key);
    db_text(query, 10, entry->copy_version);
    db_text(query, 11, entry->tombstone);
    db_text(query, 12, entry->tombstone_version);
    db_number(query, 13, (int64_t)entry->sealed_size);
    db_number(query, 14, entry->changed_us);
    row_put_time(query, 15, entry->due_us);
    db_text(query, 16, entry->asked_by);
    db_text(query, 17, entry->asked_why);
    db_text(query, 18, entry->release_key);
    db_text(query, 19, entry->result);
    db_text(query, 20, entry->error);
    db_number(query, 21, entry->id);
    db_number(query, 22, entry->version);
    if (!db_run(query, &changed, err))
        return false;
    if (changed != 1)
        return err_set(err, ERR_CONFLICT, "entry %lld was changed meanwhile", (long long)entry->id);
    entry->version++;
    news_numbered(db, NEWS_ENTRY, entry->id, entry->version);
    return true;
}

/* Questions ---------------------------------------------------------------------------------- */

bool entry_get(struct db *db, int64_t id, struct arena *arena, struct entry *entry, bool *found,
               struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_GET);
    db_number(query, 1, id);
    return take_one(query, arena, entry, found, err);
}

bool entry_open(struct db *db, const char *connection, const char *key, struct arena *arena,
                struct entry *entry, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_OPEN);
    db_text(query, 1, connection);
    db_text(query, 2, key);
    return take_one(query, arena, entry, found, err);
}

bool entry_next(struct db *db, enum entry_state state, int64_t after, struct arena *arena,
                struct entry *entry, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_NEXT);
    db_number(query, 1, state);
    db_number(query, 2, after);
    return take_one(query, arena, entry, found, err);
}

bool entry_next_beside(struct db *db, int64_t after, struct arena *arena, struct entry *entry,
                       bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_NEXT_BESIDE);
    db_number(query, 1, after);
    return take_one(query, arena, entry, found, err);
}

bool entry_released(struct db *db, const struct entry_match *match, int64_t after,
                    struct arena *arena, struct entry *entry, bool *found, struct err *err)
{
    static const uint8_t none[32];
    struct db_query *query = db_query(db, DB_ENTRY_RELEASED);
    db_text(query, 1, match->connection);
    db_text(query, 2, match->version);
    db_blob(query, 3, (struct db_bytes){match->text_digest, 32});
    db_blob(query, 4, (struct db_bytes){match->sha256, 32});
    db_number(query, 5, memcmp(match->text_digest, none, 32) != 0);
    db_number(query, 6, after);
    return take_one(query, arena, entry, found, err);
}

bool entry_is_tombstone(struct db *db, const char *connection, const char *key, const char *version,
                        bool *is, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_TOMBSTONE);
    db_text(query, 1, connection);
    db_text(query, 2, key);
    db_text(query, 3, version);
    enum db_step step = db_step(query, err);
    *is = step == DB_ROW;
    db_done(query);
    return step != DB_FAILED;
}

bool entry_encrypted(struct db *db, const char *connection, const char *key, const char *version,
                     struct arena *arena, struct entry *entry, bool *found, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_ENCRYPTED);
    db_text(query, 1, connection);
    db_text(query, 2, key);
    db_text(query, 3, version);
    return take_one(query, arena, entry, found, err);
}

/* Lists -------------------------------------------------------------------------------------- */

static const int64_t rank_step = 1LL << 48; /* as sql.def has it */

int64_t entry_place(const struct entry *entry, bool by_rank)
{
    int64_t rank = (9 - entry->alert_level) * 16 + 15 - entry->exposure;
    return by_rank ? rank * rank_step + entry->id : entry->id;
}

/* The pattern of a rule's name within the stored JSON list ("!" escapes), or NULL. */
static const char *rule_pattern(const char *rule, struct arena *arena)
{
    own_buf struct buf text = buf_new(pattern_max_bytes), pattern = buf_new(pattern_max_bytes);
    own_json json_t *name = json_pack("{s:o}", "name", json_text(rule));
    if (!name || !json_write(name, &text) || text.length < 2)
        return NULL;
    buf_putc(&pattern, '%');
    for (size_t i = 1; i + 1 < text.length; i++) { /* without its braces */
        if (strchr("!%_", text.bytes[i]))
            buf_putc(&pattern, '!');
        buf_putc(&pattern, text.bytes[i]);
    }
    buf_putc(&pattern, '%');
    return pattern.failed ? NULL : arena_strdup(arena, buf_text(&pattern));
}

/* $1 to $16, which all lists have. */
static bool put_filter(struct db_query *query, const struct entry_filter *filter, struct err *err)
{
    own_arena struct arena arena = arena_new(2 * pattern_max_bytes);
    const char *path = filter->path ? filter->path : "";
    size_t length = strlen(path);
    bool below = length > 0 && path[length - 1] == '/';
    char *end = arena_strdup(&arena, path);
    const char *pattern = filter->rule ? rule_pattern(filter->rule, &arena) : "";
    if (!end || !pattern)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (below)
        end[length - 1]++; /* what follows all that begins so */
    db_number(query, 1, filter->kinds);
    db_number(query, 2, filter->states);
    db_number(query, 3, filter->exposures);
    db_number(query, 4, filter->connection == NULL);
    db_text(query, 5, filter->connection);
    db_number(query, 6, filter->path == NULL);
    db_text(query, 7, path);
    db_number(query, 8, below);
    db_text(query, 9, path);
    db_text(query, 10, end);
    db_number(query, 11, filter->owner == NULL);
    db_text(query, 12, filter->owner);
    db_number(query, 13, filter->rule == NULL);
    db_text(query, 14, pattern);
    db_number(query, 15, filter->item);
    db_number(query, 16, filter->item);
    return true;
}

bool entry_list(struct db *db, const struct entry_filter *filter, struct arena *arena,
                struct entry **entries, size_t *count, struct err *err)
{
    struct db_query *query = db_query(db, filter->by_rank ? DB_ENTRY_RANKED : DB_ENTRY_LIST);
    int at = 17;
    *count = 0;
    *entries = arena_alloc(arena, (size_t)filter->limit + 1, sizeof **entries);
    if (!*entries)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!put_filter(query, filter, err))
        return false;
    db_number(query, at++, filter->after);
    if (!filter->by_rank)
        db_number(query, at++, filter->after);
    db_number(query, at, filter->limit);
    enum db_step step = DB_END;
    while (*count < (size_t)filter->limit && (step = db_step(query, err)) == DB_ROW)
        if (!take(query, arena, &(*entries)[(*count)++], err)) {
            db_done(query);
            return false;
        }
    db_done(query);
    return step != DB_FAILED;
}

bool entry_count(struct db *db, const struct entry_filter *filter, int64_t most, int64_t *count,
                 struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_COUNT);
    if (!put_filter(query, filter, err))
        return false;
    db_number(query, 17, most);
    enum db_step step = db_step(query, err);
    *count = step == DB_ROW ? db_column_number(query, 0) : 0;
    db_done(query);
    return step != DB_FAILED;
}

bool entry_of_item(struct db *db, int64_t item, int64_t *id, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_OF_ITEM);
    db_number(query, 1, item);
    enum db_step step = db_step(query, err);
    *id = step == DB_ROW ? db_column_number(query, 0) : 0;
    db_done(query);
    return step != DB_FAILED;
}

bool entry_numbers(struct db *db, struct entry_numbers *numbers, struct err *err)
{
    struct db_query *query = db_query(db, DB_ENTRY_NUMBERS);
    enum db_step step;
    *numbers = (struct entry_numbers){0};
    while ((step = db_step(query, err)) == DB_ROW) {
        int64_t kind = db_column_number(query, 0), state = db_column_number(query, 1);
        if (kind >= 0 && kind < ENTRY_KIND_COUNT && state >= 0 && state < ENTRY_STATE_COUNT)
            numbers->states[kind][state] = db_column_number(query, 2);
        numbers->sealed_bytes += db_column_number(query, 3);
        numbers->refused += db_column_number(query, 4);
    }
    db_done(query);
    return step != DB_FAILED;
}
