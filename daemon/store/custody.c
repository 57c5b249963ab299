#include "store/custody.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "store/audit.h"
#include "store/item.h"
#include "store/queue.h"

enum { details_max_bytes = 64 * 1024, word_bytes = 48, key_bytes = 24, item_max_bytes = 4 << 20 };

static const struct {
    enum entry_state from;
    enum custody_event event;
    enum entry_state to;
} steps[] = {
#define EVENT(name, word)
#define STEP(from, event, to) {ENTRY_##from, CUSTODY_##event, ENTRY_##to},
#include "store/custody.def"
#undef EVENT
#undef STEP
};

static const char *const event_words[CUSTODY_EVENT_COUNT] = {
#define EVENT(name, word) [CUSTODY_##name] = word,
#define STEP(from, event, to)
#include "store/custody.def"
#undef EVENT
#undef STEP
};

bool custody_next(enum entry_state from, enum custody_event event, enum entry_state *to)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].from != from || steps[i].event != event)
            continue;
        *to = steps[i].to;
        return true;
    }
    return false;
}

const char *custody_event_word(enum custody_event event)
{
    return (unsigned)event < CUSTODY_EVENT_COUNT ? event_words[event] : "unknown";
}

/* "quarantine-sealed", "encrypt-removed": what became of it. */
static bool say(struct db *db, const struct entry *entry, const char *event,
                const struct custody_actor *actor, int64_t now_us, struct err *err)
{
    char word[word_bytes];
    own_buf struct buf details = buf_new(details_max_bytes);
    own_json json_t *json =
        json_pack("{s:I, s:s?, s:s?, s:s?, s:s?, s:s?}", "entry", (json_int_t)entry->id, "event",
                  event, "reason", actor ? actor->reason : NULL, "version", entry->item_version,
                  "revision", entry->revision, "error", entry->error);
    if (!json || !json_write(json, &details))
        return err_set(err, ERR_MEMORY, "out of memory");
    snprintf(word, sizeof word, "%s-%s", entry_kind_word(entry->kind),
             entry_state_word(entry->state));
    const struct audit_record record = {.event = word,
                                        .actor = actor && actor->name ? actor->name : "labeld",
                                        .item = entry->item,
                                        .connection = entry->connection,
                                        .path = entry->path,
                                        .details = buf_text(&details),
                                        .at_us = now_us};
    return audit_add(db, &record, err);
}

bool custody_begin(struct db *db, struct entry *entry, int64_t now_us, struct err *err)
{
    entry->state = ENTRY_SEALING;
    entry->created_us = entry->changed_us = now_us;
    entry->due_us = ENTRY_NO_TIME;
    return entry_add(db, entry, err) && say(db, entry, "begun", NULL, now_us, err);
}

bool custody_event(struct db *db, struct entry *entry, enum custody_event event,
                   const struct custody_actor *actor, int64_t now_us, struct err *err)
{
    enum entry_state from = entry->state;
    if (!custody_next(from, event, &entry->state))
        return err_set(err, ERR_BROKEN, "entry %lld: event %s is refused while %s",
                       (long long)entry->id, custody_event_word(event), entry_state_word(from));
    int64_t version = entry->version;
    entry->changed_us = now_us;
    if (entry_save(db, entry, err) && say(db, entry, custody_event_word(event), actor, now_us, err))
        return true;
    entry->state = from; /* as it is stored */
    entry->version = version;
    return false;
}

bool custody_item_taken(struct db *db, const struct entry *entry, bool *taken, struct err *err)
{
    bool found;
    struct item item;
    own_arena struct arena arena = arena_new(item_max_bytes);
    if (!item_get(db, entry->item, &arena, &item, &found, err))
        return false;
    *taken = found &&
             (strcmp(item.outcome, "quarantined") == 0 || strcmp(item.outcome, "encrypted") == 0);
    return true;
}

bool custody_item_gone(struct db *db, const struct entry *entry, int64_t now_us, struct err *err)
{
    bool taken;
    return custody_item_taken(db, entry, &taken, err) &&
           (!taken || item_gone(db, entry->item, now_us, err));
}

bool custody_queue(struct db *db, const struct entry *entry, int64_t due_us, struct err *err)
{
    char key[key_bytes];
    snprintf(key, sizeof key, "%lld", (long long)entry->id);
    struct queue_job job = {.kind = QUEUE_ENTRY,
                            .connection = entry->connection,
                            .key = key,
                            .lane = QUEUE_LIVE,
                            .due_us = due_us,
                            .seen_us = clock_now_us()};
    return queue_add(db, &job, err);
}
