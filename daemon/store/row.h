/*
 * row: the columns of a statement's present row, read one after the other, with texts copied into
 * an arena; and values that may be missing, bound. For tables with many columns.
 */
#ifndef LABELD_STORE_ROW_H
#define LABELD_STORE_ROW_H
#include "base/arena.h"
#include "store/db.h"

/* A time that is not there: stored as NULL. */
#define ROW_NO_TIME INT64_MIN

struct row {
    struct db_query *query;
    struct arena *arena;
    int column;     /* the next one */
    bool no_memory; /* a text could not be copied: what was read is of no use */
};

/* The next column. A NULL number is 0, a NULL text NULL, a digest of another length zeros. */
int64_t row_number(struct row *row);
int64_t row_time(struct row *row);
const char *row_text(struct row *row);
void row_digest(struct row *row, uint8_t digest[static 32]);

/* Bind a time to $index. */
void row_put_time(struct db_query *query, int index, int64_t at_us);

#endif
