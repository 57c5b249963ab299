#include "store/db.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { busy_ms = 10000 };

static const char *const texts[DB_SQL_COUNT] = {
#define SQL(name, text) [DB_##name] = text,
#include "store/sql.def"
#undef SQL
};

struct db_query {
    struct db *db;
    const char *text;
    sqlite3_stmt *handle; /* NULL = not yet prepared, or it cannot be */
    bool unbound;         /* a value could not be bound: memory */
    bool composed;
};

struct db {
    sqlite3 *handle;
    void *owner;
    uint64_t fail_nth;
    struct db_query queries[DB_SQL_COUNT];
};

static bool failed(struct db *db, const char *what, struct err *err)
{
    int code = sqlite3_errcode(db->handle);
    enum err_kind kind = code == SQLITE_BUSY                               ? ERR_BUSY
                         : code == SQLITE_NOMEM                            ? ERR_MEMORY
                         : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT
                                                                           : ERR_IO;
    return err_set(err, kind, "store: %.80s: %.200s", what, sqlite3_errmsg(db->handle));
}

struct db *db_open(const char *path, bool writer, struct err *err)
{
    struct db *db = mem_zalloc(1, sizeof *db);
    if (!db) {
        err_set(err, ERR_MEMORY, "store: out of memory");
        return NULL;
    }
    int flags = SQLITE_OPEN_NOMUTEX |
                (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    const char *setup = writer ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                 "PRAGMA trusted_schema = 0"
                               : "PRAGMA query_only = 1; PRAGMA trusted_schema = 0";
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        failed(db, path, err);
    } else {
        sqlite3_busy_timeout(db->handle, busy_ms);
        if (db_execute(db, setup, err))
            return db;
    }
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < DB_SQL_COUNT; i++)
        sqlite3_finalize(db->queries[i].handle);
    sqlite3_close(db->handle);
    mem_free(db);
}

void db_attach(struct db *db, void *owner)
{
    db->owner = owner;
}

void *db_owner(const struct db *db)
{
    return db->owner;
}

bool db_execute(struct db *db, const char *text, struct err *err)
{
    return sqlite3_exec(db->handle, text, NULL, NULL, NULL) == SQLITE_OK ||
           failed(db, "running", err);
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

bool db_copy(struct db *db, const char *path, struct err *err)
{
    sqlite3 *to = NULL;
    bool ok = sqlite3_open(path, &to) == SQLITE_OK;
    sqlite3_backup *backup = ok ? sqlite3_backup_init(to, "main", db->handle, "main") : NULL;
    ok = backup && sqlite3_backup_step(backup, -1) == SQLITE_DONE;
    if (backup)
        ok = sqlite3_backup_finish(backup) == SQLITE_OK && ok;
    if (!ok)
        err_set(err, ERR_IO, "store: copying to %.200s: %.200s", path, sqlite3_errmsg(to));
    sqlite3_close(to);
    return ok;
}

/* Queries ------------------------------------------------------------------------------------- */

static void prepare(struct db_query *query, unsigned flags)
{
    if (sqlite3_prepare_v3(query->db->handle, query->text, -1, flags, &query->handle, NULL) !=
        SQLITE_OK)
        query->handle = NULL;
}

struct db_query *db_query(struct db *db, enum db_sql name)
{
    struct db_query *query = &db->queries[name];
    query->db = db;
    query->text = texts[name];
    query->unbound = false;
    if (!query->handle) {
        prepare(query, SQLITE_PREPARE_PERSISTENT);
    } else {
        sqlite3_reset(query->handle);
        sqlite3_clear_bindings(query->handle);
    }
    return query;
}

struct db_query *db_query_text(struct db *db, const char *text)
{
    struct db_query *query = mem_zalloc(1, sizeof *query);
    if (!query)
        return NULL;
    *query = (struct db_query){.db = db, .text = text, .composed = true};
    prepare(query, 0);
    return query;
}

void db_drop(struct db_query *query)
{
    if (!query || !query->composed)
        return;
    sqlite3_finalize(query->handle);
    mem_free(query);
}

static void bound(struct db_query *query, int code)
{
    query->unbound = query->unbound || code != SQLITE_OK;
}

void db_number(struct db_query *query, int index, int64_t value)
{
    if (query->handle)
        bound(query, sqlite3_bind_int64(query->handle, index, value));
}

void db_text(struct db_query *query, int index, const char *text)
{
    if (query->handle)
        bound(query, sqlite3_bind_text(query->handle, index, text, -1, SQLITE_TRANSIENT));
}

void db_blob(struct db_query *query, int index, struct db_bytes value)
{
    if (query->handle)
        bound(query, sqlite3_bind_blob64(query->handle, index, value.bytes, value.length,
                                         SQLITE_TRANSIENT));
}

void db_null(struct db_query *query, int index)
{
    if (query->handle)
        bound(query, sqlite3_bind_null(query->handle, index));
}

static bool must_fail(struct db *db)
{
    return db->fail_nth > 0 && --db->fail_nth == 0;
}

enum db_step db_step(struct db_query *query, struct err *err)
{
    struct db *db = query->db;
    if (must_fail(db)) {
        db_done(query);
        err_set(err, ERR_IO, "store: a test lets this statement fail");
        return DB_FAILED;
    }
    if (!query->handle)
        prepare(query, 0); /* for its message; values are missing anyway */
    if (!query->handle || query->unbound) {
        failed(db, "preparing a statement", err);
        return DB_FAILED;
    }
    int code = sqlite3_step(query->handle);
    if (code == SQLITE_ROW)
        return DB_ROW;
    bool ended = code == SQLITE_DONE || failed(db, "running a statement", err);
    sqlite3_reset(query->handle);
    return ended ? DB_END : DB_FAILED;
}

bool db_run(struct db_query *query, int64_t *changed, struct err *err)
{
    enum db_step step;
    while ((step = db_step(query, err)) == DB_ROW)
        ;
    if (changed)
        *changed = sqlite3_changes64(query->db->handle);
    return step == DB_END;
}

void db_done(struct db_query *query)
{
    if (query->handle)
        sqlite3_reset(query->handle);
}

int64_t db_column_number(struct db_query *query, int column)
{
    return sqlite3_column_int64(query->handle, column);
}

const char *db_column_text(struct db_query *query, int column)
{
    return (const char *)sqlite3_column_text(query->handle, column);
}

struct db_bytes db_column_blob(struct db_query *query, int column)
{
    const void *bytes = sqlite3_column_blob(query->handle, column);
    return (struct db_bytes){bytes, (size_t)sqlite3_column_bytes(query->handle, column)};
}

bool db_column_null(struct db_query *query, int column)
{
    return sqlite3_column_type(query->handle, column) == SQLITE_NULL;
}

void db_fail_nth(struct db *db, uint64_t nth)
{
    db->fail_nth = nth;
}
