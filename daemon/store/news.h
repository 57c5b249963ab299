/*
 * news: which objects the units of one transaction have changed, told once it is durable.
 * A unit notes what it changes (news_*); a unit that is rolled back takes its notes with it; after
 * the commit the store hands all of them on (store_on_news).
 * Owns: a list that is bounded by NEWS_MOST.
 */
#ifndef LABELD_STORE_NEWS_H
#define LABELD_STORE_NEWS_H
#include "store/db.h"

enum news_kind {
    NEWS_ITEM,
    NEWS_ENTRY,
    NEWS_ALERT,
    NEWS_TASK,
    NEWS_RULES,
    NEWS_CONNECTION,
    NEWS_STATUS,
    NEWS_TOKEN, /* not an event: ends the streams of a token that is gone */
    NEWS_KIND_COUNT
};

/* "item"; NULL for what is not told to people. */
const char *news_word(enum news_kind kind);

enum {
    NEWS_MOST = 10000,   /* in one transaction; beyond, the rest is lost and said to be */
    NEWS_TEXT_SIZE = 128 /* names of connections are at most 120 bytes */
};

struct news {
    enum news_kind kind;
    int64_t id;                /* 0: the text is the id */
    int64_t version;           /* 0: the text is the version; -1 = it has none */
    int64_t owner;             /* of a task: the token that may hear of it */
    char text[NEWS_TEXT_SIZE]; /* "" = none */
};

/* Inside a unit. On a connection that is no store's, nothing happens. */
void news_item(struct db *db, int64_t id, const char *version);
void news_numbered(struct db *db, enum news_kind kind, int64_t id, int64_t version);
void news_named(struct db *db, enum news_kind kind, const char *name, int64_t version);
void news_task(struct db *db, int64_t id, int64_t owner);

/* What the store keeps for one transaction. */
struct news_list {
    struct news *items;
    size_t count, room;
    size_t unit; /* where the present unit began */
    bool lost;   /* there was no room for all */
};

void news_clear(struct news_list *list);
void news_fini(struct news_list *list);

#endif
