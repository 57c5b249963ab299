#include "jobs/recover.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/job.h"
#include "jobs/tell.h"
#include "store/audit.h"
#include "store/custody.h"
#include "store/restriction.h"

enum { text_max_bytes = 1 << 20, entry_max_bytes = 8 << 20 };

struct recovery {
    const struct intent *intent;
    bool placed;
};

/* The new bytes are in place, their outcome was not yet recorded. */
static bool record_placed(struct db *db, const struct intent *intent, struct err *err)
{
    own_arena struct arena arena = arena_new(text_max_bytes);
    struct item item;
    bool found;
    if (!item_find(db, intent->connection, intent->key, &arena, &item, &found, err))
        return false;
    if (found) {
        item.version = intent->new_version;
        item.own_version = true;
        item.label_kind = intent->label_id ? 1 : 0; /* FACTS_LABEL_OURS, FACTS_LABEL_NONE */
        item.label_id = intent->label_id;
        item.set_by = FACTS_AUTOMATIC;
        item.label_change = FACTS_UNCHANGED;
        item.previous_id = NULL;
        item.outcome = intent->label_id ? "labelled" : "label-removed";
        memset(item.types_digest, 0, sizeof item.types_digest); /* read it once more */
        if (!item_save(db, &item, err) ||
            !restriction_follow(db, item.id, intent->old_version, intent->new_version, err))
            return false;
    }
    const struct audit_record record = {.event = intent->label_id ? "labelled" : "label-removed",
                                        .actor = "labeld",
                                        .item = intent->item,
                                        .connection = intent->connection,
                                        .path = found ? item.path : NULL,
                                        .details = "{\"recovered\":true}",
                                        .at_us = clock_now_us()};
    return audit_add(db, &record, err) &&
           tell_own_version(db, intent->item, intent->old_version, intent->new_version, err);
}

static bool record(struct db *db, void *context, struct err *err)
{
    const struct recovery *recovery = context;
    const struct intent *intent = recovery->intent;
    int64_t now = clock_now_us();
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = intent->connection,
                            .key = intent->key,
                            .lane = QUEUE_LIVE,
                            .due_us = now,
                            .seen_us = now};
    if (recovery->placed && !intent->placed && !record_placed(db, intent, err))
        return false;
    return intent_remove(db, intent->id, err) && queue_add(db, &job, err);
}

static const struct visit_link *find_link(const struct visit_link *links, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(links[i].name, name) == 0)
            return &links[i];
    return NULL;
}

bool recover_intent(struct store *store, const struct visit_link *link, const struct intent *intent,
                    struct err *err)
{
    struct err why = {0};
    struct recovery recovery = {intent, false};
    if (!link->connector->replace_recover ||
        !link->connector->replace_recover(link->connection, intent->key, intent->text,
                                          &recovery.placed, &why)) {
        LOG(LOG_LEVEL_WARN, "recover", LOG_TEXT(connection, link->name),
            LOG_TEXT(path, intent->key), LOG_TEXT(error, why.text));
        bool over = why.kind == ERR_GONE || why.kind == ERR_CONFLICT;
        if (!over)
            return err_set(err, why.kind == ERR_NONE ? ERR_UNSUPPORTED : why.kind, "%s", why.text);
    }
    const struct store_unit unit = {record, &recovery};
    if (!store_write(store, STORE_COMMITTED, unit, err))
        return false;
    if (recovery.placed && !intent->placed)
        LOG(LOG_LEVEL_INFO, intent->label_id ? "labelled" : "label-removed",
            LOG_TEXT(path, intent->key), LOG_TEXT(label, intent->label_id));
    return true;
}

static bool next_intent(struct store *store, int64_t after, struct arena *arena,
                        struct intent *intent, bool *found, struct err *err)
{
    struct db *db = store_reader(store, err);
    bool ok = db && intent_next(db, after, arena, intent, found, err);
    store_reader_done(store, db);
    return ok;
}

/* Entries that were on their way, whatever became of their jobs. */
static bool carry_on(struct db *db, enum entry_state state, struct err *err)
{
    bool found = true;
    int64_t after = 0;
    while (found) {
        own_arena struct arena arena = arena_new(entry_max_bytes);
        struct entry entry;
        if (!entry_next(db, state, after, &arena, &entry, &found, err))
            return false;
        int64_t now_us = clock_now_us();
        int64_t due_us =
            found && entry.due_us != ENTRY_NO_TIME && entry.due_us > now_us ? entry.due_us : now_us;
        if (found && !custody_queue(db, &entry, due_us, err))
            return false;
        after = entry.id;
    }
    return true;
}

/* A visit for each restriction that was cut, or that a person waits for. */
static bool queue_restrictions(struct db *db, struct err *err)
{
    bool found = true;
    int64_t after = 0;
    while (found) {
        own_arena struct arena arena = arena_new(text_max_bytes);
        struct restriction open;
        if (!restriction_next_open(db, after, &arena, &open, &found, err))
            return false;
        after = open.id;
        const int64_t now_us = clock_now_us();
        struct queue_job job = {.kind = QUEUE_VISIT,
                                .connection = open.connection,
                                .key = open.key,
                                .lane = QUEUE_LIVE,
                                .due_us = now_us,
                                .seen_us = now_us};
        if (found && !queue_add(db, &job, err))
            return false;
    }
    return true;
}

static bool put_back(struct db *db, void *context, struct err *err)
{
    (void)context;
    bool found = true;
    int64_t after = 0;
    while (found) {
        own_arena struct arena arena = arena_new(text_max_bytes);
        struct queue_job job;
        if (!queue_cut(db, after, &arena, &job, &found, err))
            return false;
        if (found && !job_event(db, &job, JOB_CUT, clock_now_us(), err))
            return false;
        after = job.id;
    }
    return carry_on(db, ENTRY_REMOVING, err) && carry_on(db, ENTRY_RELEASING, err) &&
           carry_on(db, ENTRY_DELETING, err) && queue_restrictions(db, err);
}

bool recover_all(struct store *store, const struct visit_link *links, size_t count, struct err *err)
{
    int64_t after = 0;
    bool found = true;
    while (found) {
        own_arena struct arena arena = arena_new(text_max_bytes);
        struct intent intent = {0};
        if (!next_intent(store, after, &arena, &intent, &found, err))
            return false;
        const struct visit_link *link = found ? find_link(links, count, intent.connection) : NULL;
        struct err why = {0};
        if (link && !recover_intent(store, link, &intent, &why)) /* its next visit looks again */
            LOG(LOG_LEVEL_WARN, "recover-later", LOG_TEXT(connection, intent.connection),
                LOG_TEXT(path, intent.key), LOG_TEXT(error, why.text));
        after = intent.id;
    }
    const struct store_unit unit = {put_back, NULL};
    return store_write(store, STORE_COMMITTED, unit, err);
}
