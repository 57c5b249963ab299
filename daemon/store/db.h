/*
 * db: the narrow face of a database driver: open, prepare, bind, step, close. Everything above it
 * speaks in statements by name (sql.def), so that another driver is one file beside sqlite.c.
 * A connection belongs to one thread at a time.
 * Owns: the connection and its prepared statements.
 */
#ifndef LABELD_STORE_DB_H
#define LABELD_STORE_DB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct db_query; /* a statement with its values and its present row; the connection's own */

/* The statements of sql.def. */
enum db_sql {
#define SQL(name, text) DB_##name,
#include "store/sql.def"
#undef SQL
    DB_SQL_COUNT
};

enum db_step { DB_ROW, DB_END, DB_FAILED };

struct db_bytes {
    const void *bytes;
    size_t length;
};

/* Open the database file. A writer creates it. NULL with err. */
struct db *db_open(const char *path, bool writer, struct err *err);
void db_close(struct db *db);

/* Whose connection it is: a pointer that travels with it. */
void db_attach(struct db *db, void *owner);
void *db_owner(const struct db *db);

/* Run statements that answer nothing, several with semicolons between (schema, BEGIN, COMMIT). */
bool db_execute(struct db *db, const char *text, struct err *err);

/* Whether a transaction is open. An error (disk full, input, memory) may have taken it back. */
bool db_in_transaction(const struct db *db);

/* Write a consistent copy of the whole database to a new file. */
bool db_copy(struct db *db, const char *path, struct err *err);

/* A statement by name, without values. Never NULL: a statement that cannot be prepared fails at
 * its first step. One query of a name at a time. */
struct db_query *db_query(struct db *db, enum db_sql name);

/* A statement assembled from constant pieces (lists with filters); `text` is borrowed until
 * db_drop. NULL when memory is out. */
struct db_query *db_query_text(struct db *db, const char *text);
void db_drop(struct db_query *query);

/* Values of $1, $2, ...; texts and bytes are copied. NULL text is NULL. */
void db_number(struct db_query *query, int index, int64_t value);
void db_text(struct db_query *query, int index, const char *text);
void db_blob(struct db_query *query, int index, struct db_bytes value);
void db_null(struct db_query *query, int index);

/* The next row. After DB_END and DB_FAILED the statement is at its start again. */
enum db_step db_step(struct db_query *query, struct err *err);

/* Step to the end; `*changed`, if not NULL, becomes the number of rows that were changed. */
bool db_run(struct db_query *query, int64_t *changed, struct err *err);

/* Stop before the end. Harmless after it. */
void db_done(struct db_query *query);

/* Columns of the present row, from 0. Texts and bytes are valid until the next step; a NULL text
 * reads as NULL, a NULL number as 0. */
int64_t db_column_number(struct db_query *query, int column);
const char *db_column_text(struct db_query *query, int column);
struct db_bytes db_column_blob(struct db_query *query, int column);
bool db_column_null(struct db_query *query, int column);

/* Tests: let the nth step from now on fail with ERR_IO; 0 switches it off. */
void db_fail_nth(struct db *db, uint64_t nth);

#endif
