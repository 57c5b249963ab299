#include "columns.h"

#include <string.h>

#include "base/mem.h"

struct columns {
    const struct shapes *shapes;
    struct columns_column none, *list;
    uint64_t *sets;  /* [column][word] */
    size_t count;    /* columns that may hold something; the sets of the others are not filled */
    size_t capacity; /* columns */
    bool *known;     /* by column: its row in `list` is filled */
    uint64_t *empty;
};

struct columns *columns_open(const struct shapes *shapes)
{
    struct columns *columns = mem_zalloc(1, sizeof *columns);
    if (!columns)
        return NULL;
    columns->shapes = shapes;
    columns->empty = mem_zalloc(shapes_words(shapes), sizeof *columns->empty);
    columns->none.awake.bits = columns->empty;
    if (columns->empty)
        return columns;
    columns_close(columns);
    return NULL;
}

void columns_close(struct columns *columns)
{
    if (!columns)
        return;
    mem_free(columns->list);
    mem_free(columns->sets);
    mem_free(columns->known);
    mem_free(columns->empty);
    mem_free(columns);
}

void columns_reset(struct columns *columns)
{
    columns->count = 0;
}

/* Room for the column; what lies between is empty. */
static bool reach(struct columns *columns, size_t column)
{
    size_t words = shapes_words(columns->shapes);
    if (column >= columns->capacity) {
        size_t capacity = column < 16 ? 16 : columns_most + 1;
        uint64_t *sets = mem_realloc(columns->sets, capacity * words, sizeof *sets);
        if (sets)
            columns->sets = sets;
        struct columns_column *list = mem_realloc(columns->list, capacity, sizeof *list);
        if (list)
            columns->list = list;
        bool *known = mem_realloc(columns->known, capacity, sizeof *known);
        if (known)
            columns->known = known;
        if (!sets || !list || !known)
            return false;
        columns->capacity = capacity;
    }
    for (; columns->count <= column; columns->count++)
        memset(columns->sets + columns->count * words, 0, words * sizeof *columns->sets);
    return true;
}

bool columns_wake(struct columns *columns, uint64_t column, uint16_t type)
{
    size_t at = column < columns_most ? (size_t)column : columns_most;
    if (!reach(columns, at))
        return false;
    shapes_wake(columns->shapes, type, columns->sets + at * shapes_words(columns->shapes));
    memset(columns->known, 0, columns->count * sizeof *columns->known);
    return true;
}

struct columns_column *columns_at(struct columns *columns, uint64_t column)
{
    size_t at = column < columns_most ? (size_t)column : columns_most;
    if (at >= columns->count)
        return &columns->none;
    struct columns_column *found = &columns->list[at];
    if (!columns->known[at]) {
        const uint64_t *bits = columns->sets + at * shapes_words(columns->shapes);
        shapes_look(columns->shapes, bits, &found->awake);
        found->wordy = shapes_starts(columns->shapes, bits, &found->starts);
        found->memo.length = 0;
        columns->known[at] = true;
    }
    return found;
}
