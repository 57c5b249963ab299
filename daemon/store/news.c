#include "store/news.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/store.h"

static const char *const words[NEWS_KIND_COUNT] = {
    [NEWS_ITEM] = "item",    [NEWS_ENTRY] = "entry", [NEWS_ALERT] = "alert",
    [NEWS_TASK] = "task",    [NEWS_RULES] = "rules", [NEWS_CONNECTION] = "connection",
    [NEWS_STATUS] = "status"};

const char *news_word(enum news_kind kind)
{
    return kind < NEWS_KIND_COUNT ? words[kind] : NULL;
}

static bool make_room(struct news_list *list)
{
    if (list->count < list->room)
        return true;
    size_t room = list->room ? 2 * list->room : 64;
    room = room < NEWS_MOST ? room : NEWS_MOST;
    struct news *items = room > list->room ? mem_realloc(list->items, room, sizeof *items) : NULL;
    if (!items)
        return false;
    list->items = items;
    list->room = room;
    return true;
}

static bool is_same(const struct news *a, const struct news *b)
{
    return a->kind == b->kind && a->id == b->id && (a->id != 0 || strcmp(a->text, b->text) == 0);
}

/* A unit that writes one object several times tells of it once. */
static void note(struct db *db, const struct news *news)
{
    struct news_list *list = store_news(db);
    if (!list)
        return;
    for (size_t i = list->count; i > list->unit && i + 4 > list->count; i--)
        if (is_same(&list->items[i - 1], news)) {
            list->items[i - 1] = *news;
            return;
        }
    if (make_room(list))
        list->items[list->count++] = *news;
    else
        list->lost = true;
}

void news_item(struct db *db, int64_t id, const char *version)
{
    struct news news = {.kind = NEWS_ITEM, .id = id};
    int length = snprintf(news.text, sizeof news.text, "%s", version ? version : "");
    if (length >= (int)sizeof news.text)
        news.version = -1; /* a part of one would be another one */
    note(db, &news);
}

void news_numbered(struct db *db, enum news_kind kind, int64_t id, int64_t version)
{
    note(db, &(struct news){.kind = kind, .id = id, .version = version});
}

void news_named(struct db *db, enum news_kind kind, const char *name, int64_t version)
{
    struct news news = {.kind = kind, .version = version};
    snprintf(news.text, sizeof news.text, "%s", name);
    note(db, &news);
}

void news_task(struct db *db, int64_t id, int64_t owner)
{
    note(db, &(struct news){.kind = NEWS_TASK, .id = id, .version = -1, .owner = owner});
}

void news_clear(struct news_list *list)
{
    list->count = list->unit = 0;
    list->lost = false;
}

void news_fini(struct news_list *list)
{
    mem_free(list->items);
    *list = (struct news_list){0};
}
