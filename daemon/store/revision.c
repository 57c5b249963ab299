#include "store/revision.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "store/audit.h"
#include "store/news.h"

/* Rows of `meta`. */
static const char in_force_row[] = "rules_in_force", file_row[] = "rules_file",
                  problem_row[] = "rules_file_problem", deciding_row[] = "rules_deciding";

enum { details_max_bytes = 64 * 1024, work_bytes = 8 << 20 };

static const char *const words[REVISION_ORIGIN_COUNT] = {
    [REVISION_FILE] = "file", [REVISION_PUT] = "put", [REVISION_ROLLBACK] = "rollback"};

const char *revision_origin_word(enum revision_origin origin)
{
    return origin < REVISION_ORIGIN_COUNT ? words[origin] : "?";
}

/* "" when there is no such row. */
static bool meta_get(struct db *db, const char *name, struct arena *arena, const char **value,
                     struct err *err)
{
    struct db_query *query = db_query(db, DB_META_GET);
    db_text(query, 1, name);
    enum db_step step = db_step(query, err);
    *value = step == DB_ROW ? arena_strdup(arena, db_column_text(query, 0)) : "";
    db_done(query);
    if (step == DB_FAILED)
        return false;
    return *value || err_set(err, ERR_MEMORY, "out of memory");
}

static bool meta_set(struct db *db, const char *name, const char *value, struct err *err)
{
    struct db_query *query = db_query(db, DB_META_SET);
    db_text(query, 1, name);
    db_text(query, 2, value);
    return db_run(query, NULL, err);
}

bool revision_get(struct db *db, int64_t number, struct arena *arena, struct revision *revision,
                  struct err *err)
{
    struct db_query *query = db_query(db, DB_REVISION_GET);
    *revision = (struct revision){.digest = "", .author = "", .text = ""};
    db_number(query, 1, number);
    enum db_step step = db_step(query, err);
    if (step == DB_ROW)
        *revision = (struct revision){.number = number,
                                      .digest = arena_strdup(arena, db_column_text(query, 0)),
                                      .origin = (enum revision_origin)db_column_number(query, 1),
                                      .author = arena_strdup(arena, db_column_text(query, 2)),
                                      .at_us = db_column_number(query, 3),
                                      .text = arena_strdup(arena, db_column_text(query, 4)),
                                      .applied_us = db_column_number(query, 5)};
    db_done(query);
    if (step == DB_FAILED)
        return false;
    return (revision->digest && revision->author && revision->text) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

bool revision_in_force(struct db *db, struct arena *arena, struct revision *revision,
                       struct err *err)
{
    const char *number;
    return meta_get(db, in_force_row, arena, &number, err) &&
           revision_get(db, strtoll(number, NULL, 10), arena, revision, err);
}

bool revision_number(struct db *db, int64_t *number, struct err *err)
{
    const char *text;
    own_arena struct arena arena = arena_new(4096);
    if (!meta_get(db, in_force_row, &arena, &text, err))
        return false;
    *number = strtoll(text, NULL, 10);
    return true;
}

bool revision_deciding(struct db *db, int64_t *id, struct err *err)
{
    const char *text;
    own_arena struct arena arena = arena_new(4096);
    if (!meta_get(db, deciding_row, &arena, &text, err))
        return false;
    *id = strtoll(text, NULL, 10);
    return true;
}

bool revision_decided(struct db *db, int64_t id, struct err *err)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    return meta_set(db, deciding_row, text, err);
}

bool revision_applied(struct db *db, int64_t number, int64_t at_us, struct err *err)
{
    struct db_query *query = db_query(db, DB_REVISION_APPLIED);
    db_number(query, 1, at_us);
    db_number(query, 2, number);
    return db_run(query, NULL, err);
}

bool revision_last_applied(struct db *db, struct arena *arena, struct revision *revision,
                           struct err *err)
{
    struct db_query *query = db_query(db, DB_REVISION_LAST_APPLIED);
    enum db_step step = db_step(query, err);
    int64_t number = step == DB_ROW ? db_column_number(query, 0) : 0;
    db_done(query);
    return step != DB_FAILED && revision_get(db, number, arena, revision, err);
}

bool revision_list(struct db *db, int64_t before, int64_t limit, struct arena *arena,
                   struct revision **revisions, size_t *count, struct err *err)
{
    enum db_step step;
    bool ok = true;
    struct db_query *query = db_query(db, DB_REVISION_LIST);
    *revisions = arena_alloc(arena, (size_t)limit, sizeof **revisions);
    *count = 0;
    if (!*revisions)
        return err_set(err, ERR_MEMORY, "out of memory");
    db_number(query, 1, before ? before : INT64_MAX);
    db_number(query, 2, limit);
    while (ok && (step = db_step(query, err)) == DB_ROW) {
        (*revisions)[*count] = (struct revision){
            .number = db_column_number(query, 0),
            .digest = arena_strdup(arena, db_column_text(query, 1)),
            .origin = (enum revision_origin)db_column_number(query, 2),
            .author = arena_strdup(arena, db_column_text(query, 3)),
            .at_us = db_column_number(query, 4),
            .text = "",
            .applied_us = db_column_number(query, 5),
        };
        ok = ((*revisions)[*count].digest && (*revisions)[*count].author) ||
             err_set(err, ERR_MEMORY, "out of memory");
        (*count)++;
    }
    db_done(query);
    return ok && step != DB_FAILED;
}

static bool insert(struct db *db, struct revision *revision, struct err *err)
{
    struct db_query *query = db_query(db, DB_REVISION_ADD);
    db_text(query, 1, revision->digest);
    db_number(query, 2, revision->origin);
    db_text(query, 3, revision->author);
    db_number(query, 4, revision->at_us);
    db_text(query, 5, revision->text);
    enum db_step step = db_step(query, err);
    if (step == DB_ROW)
        revision->number = db_column_number(query, 0);
    db_done(query);
    return step == DB_ROW || (step == DB_END && err_set(err, ERR_BROKEN, "revision: no number"));
}

static bool record(struct db *db, const char *event, const char *actor, int64_t at_us,
                   json_t *details, struct err *err)
{
    own_buf struct buf text = buf_new(details_max_bytes);
    bool ok = details && json_write(details, &text);
    json_decref(details);
    const struct audit_record one = {
        .event = event, .actor = actor, .details = buf_text(&text), .at_us = at_us};
    return ok ? audit_add(db, &one, err) : err_set(err, ERR_MEMORY, "out of memory");
}

bool revision_add(struct db *db, struct revision *revision, struct err *err)
{
    char number[24];
    struct revision before;
    own_arena struct arena arena = arena_new(work_bytes);
    if (!revision_in_force(db, &arena, &before, err) || !insert(db, revision, err))
        return false;
    snprintf(number, sizeof number, "%lld", (long long)revision->number);
    news_numbered(db, NEWS_RULES, revision->number, revision->number);
    return meta_set(db, in_force_row, number, err) &&
           record(db, "rules-in-force", revision->author, revision->at_us,
                  json_pack("{s:I, s:s, s:s, s:I, s:s}", "number", (json_int_t)revision->number,
                            "revision", revision->digest, "origin",
                            revision_origin_word(revision->origin), "number_before",
                            (json_int_t)before.number, "revision_before", before.digest),
                  err);
}

bool revision_file(struct db *db, struct arena *arena, struct revision_file *file, struct err *err)
{
    return meta_get(db, file_row, arena, &file->digest, err) &&
           meta_get(db, problem_row, arena, &file->problem, err);
}

bool revision_file_passed(struct db *db, const char *digest, struct err *err)
{
    return meta_set(db, file_row, digest, err) && meta_set(db, problem_row, "", err);
}

bool revision_file_refused(struct db *db, const struct revision_file *file, int64_t at_us,
                           struct err *err)
{
    return meta_set(db, file_row, file->digest, err) &&
           meta_set(db, problem_row, file->problem, err) &&
           record(
               db, "rules-refused", "labeld", at_us,
               json_pack("{s:s, s:o}", "revision", file->digest, "error", json_text(file->problem)),
               err);
}
