#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/own.h"
#include "jobs/custodian.h"
#include "jobs/custody_run.h"
#include "protect/open.h"
#include "store/custody.h"
#include "store/restriction.h"
#include "vault/handoff.h"
#include "vault/vault.h"

enum { result_max_bytes = 16 * 1024, names_tried = 9 };

/* The most that a header's stanzas take beside its bytes. */
static const size_t header_memory = 4u << 20;

/* Under another name it is another item. */
static bool end_alerts(struct db *db, const struct custody_work *work, int64_t now_us,
                       struct err *err)
{
    return work->entry.release_key
               ? custody_alerts_over(db, work, "released to another place", now_us, err)
               : custody_alerts_released(db, work, now_us, err);
}

static bool store_given_back(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    struct entry *entry = &work->entry;
    int64_t now_us = clock_now_us();
    const struct custody_actor actor = {entry->asked_by, entry->asked_why};
    const struct restriction_release given = {.item = entry->item,
                                              .item_version = entry->item_version,
                                              .grants = entry->grants,
                                              .asked_by = entry->asked_by,
                                              .asked_why = entry->asked_why,
                                              .at_us = now_us};
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = entry->connection,
                            .key = entry->release_key ? entry->release_key : entry->key,
                            .lane = QUEUE_LIVE,
                            .due_us = now_us,
                            .seen_us = now_us,
                            .force = true};
    entry->intent = NULL;
    entry->error = NULL;
    entry->due_us = ENTRY_NO_TIME;
    return custody_event(db, entry, CUSTODY_GIVEN_BACK, &actor, now_us, err) &&
           restriction_given_back(db, &given, err) && end_alerts(db, work, now_us, err) &&
           (!entry->release_key || custody_item_gone(db, entry, now_us, err)) &&
           queue_add(db, &job, err);
}

static bool store_refused(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    const struct custody_actor actor = {work->entry.asked_by, work->entry.asked_why};
    work->entry.intent = NULL;
    work->entry.due_us = ENTRY_NO_TIME;
    return custody_event(db, &work->entry, CUSTODY_RELEASE_REFUSED, &actor, clock_now_us(), err);
}

static bool store_intent(struct db *db, void *context, struct err *err)
{
    struct custody_work *work = context;
    return entry_save(db, &work->entry, err);
}

static bool write_unit(struct custody_work *work,
                       bool (*run)(struct db *db, void *context, struct err *err), struct err *err)
{
    const struct store_unit unit = {run, work};
    return store_write(work->world->store, STORE_COMMITTED, unit, err);
}

/* What came back and what could not, for the reviewer. */
static const char *result_json(struct custody_work *work, const struct connect_restored *restored)
{
    own_buf struct buf text = buf_new(result_max_bytes);
    own_json json_t *json = json_pack("{s:[], s:[]}", "restored", "lost");
    for (size_t i = 0; json && i < restored->count; i++) {
        const struct connect_part *part = &restored->parts[i];
        if (part->lost)
            json_array_append_new(json_object_get(json, "lost"),
                                  json_pack("{s:s, s:s}", "what", part->what, "why", part->lost));
        else
            json_array_append_new(json_object_get(json, "restored"), json_string(part->what));
    }
    return json && json_write(json, &text) ? arena_strdup(work->arena, buf_text(&text)) : NULL;
}

/* With the file key that a reviewer sent, else with the vault's own key. */
static bool open_copy(struct custody_work *work, int sealed, int output, struct stream_facts *facts,
                      struct err *err)
{
    uint8_t key[HANDOFF_KEY_BYTES];
    const struct custodian *custodian = work->world->custodian;
    const struct stream_options options = {.hashed = true};
    const struct limits *limits = work->world->limits;
    bool handed = handoff_get(custodian->handoff, work->entry.id, key);
    if (!handed && custodian->own)
        return open_file(sealed, custodian->own, limits, &options, output, facts, err);
    if (!handed)
        return err_set(err, ERR_REFUSED,
                       "the vault is sealed and the file key is not here any more: release again");
    bool ok = open_with_key(sealed, key, limits, &options, output, facts, err);
    sodium_memzero(key, sizeof key);
    return ok;
}

static bool write_file(struct custody_work *work, int output, struct err *err)
{
    struct stream_facts facts;
    const struct entry *entry = &work->entry;
    own_fd int sealed = vault_read(work->world->custodian->vault, entry->id, err);
    if (sealed < 0 || !open_copy(work, sealed, output, &facts, err))
        return false;
    if (facts.plain_bytes != entry->size ||
        memcmp(facts.sha256, entry->sha256, sizeof facts.sha256) != 0)
        return err_set(err, ERR_CORRUPT, "the sealed copy is not of the file that was taken away");
    return true;
}

/* Write the bytes, store what will stand there, then name it. */
static bool give_back(struct custody_work *work, struct connect_creating *creating, int output,
                      struct err *err)
{
    struct entry *entry = &work->entry;
    struct connect_intent intent = {0};
    struct connect_restored restored = {0};
    const struct connector *connector = work->link->connector;
    if (!write_file(work, output, err) ||
        !connector->create_ready(creating, entry->captured, work->arena, &intent, &restored, err))
        return false;
    entry->intent = intent.text;
    entry->made = intent.new_version;
    entry->result = result_json(work, &restored);
    return write_unit(work, store_intent, err) && connector->create_place(creating, err);
}

/* A release that was cut may have been made: look first. */
static bool is_given_back(struct custody_work *work, const char *key, bool *is, struct err *err)
{
    *is = false;
    return !work->entry.intent || work->link->connector->create_placed(work->link->connection, key,
                                                                       work->entry.intent, is, err);
}

static bool release(struct custody_work *work, struct err *err)
{
    bool done;
    int output = -1;
    const struct entry *entry = &work->entry;
    const struct connector *connector = work->link->connector;
    const char *key = entry->release_key ? entry->release_key : entry->key;
    if (!is_given_back(work, key, &done, err))
        return false;
    if (!done) {
        struct connect_creating *creating =
            connector->create_open(work->link->connection, key, &output, err);
        done = creating && give_back(work, creating, output, err);
        connector->create_close(creating);
    }
    return done && custody_stone_remove(work, err) && write_unit(work, store_given_back, err);
}

/* Refusals ------------------------------------------------------------------------------------- */

/* "a/b (released 2).txt" */
static const char *other_name(struct custody_work *work, const char *key, int number)
{
    const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot != name ? (size_t)(dot - key) : strlen(key);
    const char *end = key + length;
    if (number == 1)
        return arena_printf(work->arena, "%.*s (released)%s", (int)length, key, end);
    return arena_printf(work->arena, "%.*s (released %d)%s", (int)length, key, number, end);
}

/* A name beside the one that is taken, free now; NULL = none was found. */
static const char *free_name(struct custody_work *work)
{
    const struct entry *entry = &work->entry;
    const struct connector *connector = work->link->connector;
    const char *key = entry->release_key ? entry->release_key : entry->key;
    for (int i = 1; i <= names_tried; i++) {
        int output;
        struct err why = {0};
        const char *name = other_name(work, key, i);
        struct connect_creating *creating =
            name ? connector->create_open(work->link->connection, name, &output, &why) : NULL;
        connector->create_close(creating);
        if (creating)
            return name;
        if (why.kind != ERR_TAKEN)
            break;
    }
    return NULL;
}

static const char *refusal_json(struct custody_work *work, enum err_kind kind, const char *code)
{
    own_buf struct buf text = buf_new(result_max_bytes);
    own_json json_t *json = json_pack("{s:s}", "code", code);
    const char *name = kind == ERR_TAKEN ? free_name(work) : NULL;
    if (json && name)
        json_object_set_new(json, "suggestion", json_text(name));
    return json && json_write(json, &text) ? arena_strdup(work->arena, buf_text(&text)) : NULL;
}

/* Back to the reviewer, with the reason. */
static bool refuse(struct custody_work *work, const struct err *why, const char *code,
                   struct err *err)
{
    handoff_drop(work->world->custodian->handoff, work->entry.id);
    work->entry.error = why->text;
    work->entry.result = refusal_json(work, why->kind, code);
    return write_unit(work, store_refused, err);
}

static bool is_right_key(struct custody_work *work, const uint8_t key[HANDOFF_KEY_BYTES],
                         struct err *err)
{
    const struct limits *limits = work->world->limits;
    own_arena struct arena arena = arena_new(header_memory + limits->age_header_bytes * 8);
    own_feed struct feed feed = {.fd = -1};
    struct age_header header;
    own_fd int sealed = vault_read(work->world->custodian->vault, work->entry.id, err);
    return sealed >= 0 && feed_from_fd(&feed, sealed, 0, err) &&
           age_read(&feed, limits, &arena, &header, err) && age_check_mac(&header, key, err);
}

bool custody_release_check(struct custody_work *work, struct err *err)
{
    struct err why = {0};
    uint8_t key[HANDOFF_KEY_BYTES];
    if (!handoff_get(work->world->custodian->handoff, work->entry.id, key))
        return true;
    bool ok = is_right_key(work, key, &why);
    sodium_memzero(key, sizeof key);
    return ok || (why.kind == ERR_CORRUPT ? refuse(work, &why, "wrong-key", err)
                                          : err_set(err, why.kind, "%s", why.text));
}

/* What another try cannot mend goes back to the reviewer, with the reason. */
static bool is_for_good(const struct err *why)
{
    return err_kind_retry(why->kind) == ERR_RETRY_NEVER || why->kind == ERR_GONE;
}

bool custody_release(struct custody_work *work, struct err *err)
{
    struct err why = {0};
    if (!custody_release_check(work, err))
        return false;
    if (work->entry.state != ENTRY_RELEASING)
        return true;
    bool ok = release(work, &why);
    if (!ok && !is_for_good(&why))
        return err_set(err, why.kind, "%s", why.text);
    if (!ok)
        return refuse(work, &why, err_kind_word(why.kind), err);
    handoff_drop(work->world->custodian->handoff, work->entry.id);
    if (!vault_remove(work->world->custodian->vault, work->entry.id, &why))
        LOG(LOG_LEVEL_WARN, "copy-left", LOG_NUMBER(entry, work->entry.id),
            LOG_TEXT(error, why.text));
    return true;
}
