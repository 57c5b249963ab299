#include "store/row.h"

#include <string.h>

int64_t row_number(struct row *row)
{
    return db_column_number(row->query, row->column++);
}

int64_t row_time(struct row *row)
{
    int column = row->column++;
    return db_column_null(row->query, column) ? ROW_NO_TIME : db_column_number(row->query, column);
}

const char *row_text(struct row *row)
{
    const char *text = db_column_text(row->query, row->column++);
    const char *copy = text ? arena_strdup(row->arena, text) : NULL;
    row->no_memory = row->no_memory || (text && !copy);
    return copy;
}

void row_digest(struct row *row, uint8_t digest[static 32])
{
    const struct db_bytes bytes = db_column_blob(row->query, row->column++);
    memset(digest, 0, 32);
    if (bytes.length == 32)
        memcpy(digest, bytes.bytes, 32);
}

void row_put_time(struct db_query *query, int index, int64_t at_us)
{
    if (at_us == ROW_NO_TIME)
        db_null(query, index);
    else
        db_number(query, index, at_us);
}
