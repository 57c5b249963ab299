#include <string.h>

#include "base/io.h"
#include "jobs/custodian.h"
#include "jobs/custody_run.h"

/* Beside where the file was, so that whoever looks for it finds it. */
static const char suffix[] = ".quarantined.txt";

/* Neutral words: the place may be public. */
static const char words[] =
    "This file was moved to a protected place by your organisation's data protection rules.\n"
    "Nothing is lost. To have it back, ask your administrator or help desk%s.\n";

static bool store_stone(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    return entry_save(db, &work->entry, err);
}

static bool write_words(struct custody_work *work, int output, struct err *err)
{
    const struct entry *entry = &work->entry;
    const char *ask = arena_printf(work->arena, " and name number %lld", (long long)entry->id);
    const char *text = ask ? arena_printf(work->arena, words, ask) : NULL;
    if (text && entry->message)
        text = arena_printf(work->arena, "%s\n%s\n", text, entry->message);
    if (!text)
        return err_set(err, ERR_MEMORY, "out of memory");
    return io_write(output, text, strlen(text)) || err_errno(err, "writing the tombstone");
}

static bool write_stone(struct custody_work *work, const char *key, struct err *err)
{
    int output = -1;
    struct connect_intent intent = {0};
    struct connect_restored restored;
    const struct visit_link *link = work->link;
    const struct connector *connector = link->connector;
    struct connect_creating *creating = connector->create_open(link->connection, key, &output, err);
    bool ok = creating && write_words(work, output, err) &&
              connector->create_ready(creating, NULL, work->arena, &intent, &restored, err);
    if (ok) {
        const struct store_unit unit = {store_stone, work};
        work->entry.tombstone = key;
        work->entry.tombstone_version = intent.new_version;
        ok = store_write(work->world->store, STORE_COMMITTED, unit, err) &&
             connector->create_place(creating, err);
    }
    connector->create_close(creating);
    return ok;
}

/* A name that is taken, or a folder that is gone: then there is no tombstone. */
bool custody_stone_write(struct custody_work *work, struct err *err)
{
    struct err why = {0};
    struct entry *entry = &work->entry;
    if (!work->world->custodian->tombstone || entry->kind != ENTRY_QUARANTINE ||
        !(work->link->caps & CONNECT_CREATE))
        return true;
    const char *key = arena_printf(work->arena, "%s%s", entry->key, suffix);
    if (!key)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (write_stone(work, key, &why) || why.kind == ERR_TAKEN || why.kind == ERR_GONE)
        return true;
    return err_set(err, why.kind, "%s", why.text);
}

bool custody_stone_remove(struct custody_work *work, struct err *err)
{
    struct err why = {0};
    const struct entry *entry = &work->entry;
    if (!entry->tombstone ||
        work->link->connector->discard(work->link->connection, entry->tombstone,
                                       entry->tombstone_version, &why))
        return true;
    /* somebody else's by now, or gone: not ours to take away */
    return why.kind == ERR_CONFLICT || why.kind == ERR_GONE ||
           err_set(err, why.kind, "%s", why.text);
}

struct question {
    const char *connection;
    const struct connect_stat *stat;
    bool is;
};

static bool ask(struct db *db, void *context, struct err *err)
{
    struct question *question = context;
    return entry_is_tombstone(db, question->connection, question->stat->key,
                              question->stat->version, &question->is, err);
}

bool custody_stone_is(const struct visit_world *world, const char *connection,
                      const struct connect_stat *stat, bool *is, struct err *err)
{
    size_t length = strlen(stat->key), end = sizeof suffix - 1;
    struct question question = {connection, stat, false};
    const struct store_unit unit = {ask, &question};
    *is = false;
    if (length <= end || strcmp(stat->key + length - end, suffix) != 0)
        return true;
    bool ok = store_write(world->store, STORE_RAN, unit, err);
    *is = question.is;
    return ok;
}
