/*
 * catalogue: what people ask of the items: counts and lists. Reads only.
 */
#ifndef LABELD_STORE_CATALOGUE_H
#define LABELD_STORE_CATALOGUE_H
#include "store/item.h"
#include "store/queue.h"

/* Any of several values; none = not asked. */
struct catalogue_any {
    const char *const *items;
    size_t count;
};

struct catalogue_filter {
    struct catalogue_any type, label, status, connection, path, owner, rule, rule_state, tag;
    int confidence;     /* with type: this or better; enum report_confidence */
    unsigned exposures; /* bits of enum facts_exposure; 0 = not asked */
    int exposure_min;   /* 0 = not asked; unknown never passes */
    bool deleted;       /* also those that are gone */
};
/* type: ids. label: GUIDs, or "none", "any". status: words. path: a whole path, or a prefix that
 * ends in "/". */

enum catalogue_sort { CATALOGUE_BY_ID, CATALOGUE_BY_PATH, CATALOGUE_BY_EXAMINED };

struct catalogue_ask {
    const struct catalogue_filter *filter;
    enum catalogue_sort sort;
    bool descending;
    const char
        *cursor;   /* NULL or "" = from the start; from the page before, same filter and sort */
    int64_t limit; /* 1 to 500 */
};

struct catalogue_page {
    struct item *items;
    size_t count;
    const char *next; /* NULL = this was the last */
};

/* A page. ERR_USAGE: the cursor is not one of this list. */
bool catalogue_list(struct db *db, const struct catalogue_ask *ask, struct arena *arena,
                    struct catalogue_page *page, struct err *err);

/* How many there are; counting stops at `most`. */
bool catalogue_count(struct db *db, const struct catalogue_filter *filter, int64_t most,
                     int64_t *count, struct err *err);

struct catalogue_numbers {
    int64_t items; /* that are there */
    int64_t by_status[REPORT_STATUS_COUNT];
    int64_t labelled, with_findings;
};
bool catalogue_numbers(struct db *db, struct catalogue_numbers *numbers, struct err *err);

#endif
