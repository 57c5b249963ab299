/*
 * columns: what a table's header row wakes: for each column the templates of the types whose
 * keywords stand in its header.
 * Owns: its sets, reused from window to window.
 */
#ifndef LABELD_CLASSIFIERS_COLUMNS_H
#define LABELD_CLASSIFIERS_COLUMNS_H
#include "shapes.h"

enum { columns_most = 1024 };

/* What is awake in a column. */
struct columns_column {
    struct shapes_set awake;
    struct shapes_starts starts;
    bool wordy; /* there are starts */
    struct shapes_memo memo;
};

struct columns;

/* NULL when memory is out. */
struct columns *columns_open(const struct shapes *shapes);
void columns_close(struct columns *columns);

/* Nothing is awake any more. */
void columns_reset(struct columns *columns);

/* A keyword of the type stands in the header of the column. Columns from columns_most on share one
 * set. False when memory is out. */
bool columns_wake(struct columns *columns, uint64_t column, uint16_t type);

/* All have been woken: what is awake in a column. Good until the next columns_wake. */
struct columns_column *columns_at(struct columns *columns, uint64_t column);

#endif
