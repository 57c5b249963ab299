#include "jobs/undo.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/job.h"
#include "store/audit.h"

enum { json_max_bytes = 64 * 1024 };

struct undo {
    struct visit *visit;
    struct restriction restriction;
    bool found;
    const struct connect_exposure *exposure; /* NULL: nothing was given back */
    const char *path;
};

/* Nobody asked: what was taken while the file waited to be taken away. */
static bool is_own(const struct undo *undo)
{
    return !undo->restriction.asked_by;
}

static bool find(struct db *db, void *context, struct err *err)
{
    struct undo *undo = context;
    const struct visit *visit = undo->visit;
    return restriction_open(db, visit->copy.before.id, visit->job.connection, visit->job.key,
                            visit->arena, &undo->restriction, &undo->found, err);
}

/* Planned -------------------------------------------------------------------------------------- */

static bool forget(struct db *db, void *context, struct err *err)
{
    const struct undo *undo = context;
    return restriction_remove(db, undo->restriction.id, err);
}

/* Errors that say that the item is not what it was, or not ours to touch. */
static bool is_final(enum err_kind kind)
{
    enum err_retry retry = err_kind_retry(kind);
    return retry != ERR_RETRY_BACKOFF && retry != ERR_RETRY_ONCE;
}

static bool look_at_planned(struct undo *undo, struct err *err)
{
    bool taken = false;
    struct err why = {0};
    struct visit *visit = undo->visit;
    const struct restriction *planned = &undo->restriction;
    if (!visit->link->connector->restrict_done(visit->link->connection, visit->job.key,
                                               planned->item_version, planned->text, &taken,
                                               &why) &&
        !is_final(why.kind))
        return err_set(err, why.kind, "%s", why.text);
    const struct store_unit unit = {forget, undo};
    if (!taken)
        return store_write(visit->world->store, STORE_COMMITTED, unit, err);
    visit->outcome.taken = *planned;
    return true;
}

/* Undoing -------------------------------------------------------------------------------------- */

static const char *result_json(const struct connect_restored *restored, struct arena *arena)
{
    own_buf struct buf text = buf_new(json_max_bytes);
    own_json json_t *json = json_pack("{s:[], s:[]}", "restored", "lost");
    for (size_t i = 0; json && i < restored->count; i++) {
        const struct connect_part *part = &restored->parts[i];
        json_t *row = part->lost ? json_pack("{s:o, s:o}", "what", json_text(part->what), "why",
                                             json_text(part->lost))
                                 : json_text(part->what);
        json_array_append_new(json_object_get(json, part->lost ? "lost" : "restored"), row);
    }
    return json && json_write(json, &text) ? arena_strdup(arena, buf_text(&text)) : NULL;
}

static bool save_exposure(struct db *db, const struct undo *undo, struct err *err)
{
    struct item item = undo->visit->copy.before;
    const struct connect_exposure *exposure = undo->exposure;
    if (item.exposure != (int)exposure->step && !is_own(undo))
        item.shared_us = undo->visit->now_us;
    item.exposure = (int)exposure->step;
    item.sharing_known = exposure->sharing_known;
    item.shared_with = visit_shared_with(exposure, undo->visit->arena);
    item.exposure_why = exposure->why;
    item.revision = NULL; /* decided again, with what was undone */
    return item_save(db, &item, err);
}

static bool record(struct db *db, void *context, struct err *err)
{
    struct undo *undo = context;
    const struct restriction *row = &undo->restriction;
    own_json json_t *result = json_loads(row->result, 0, NULL);
    own_json json_t *details = json_pack(
        "{s:I, s:s?, s:O?, s:s}", "restriction", (json_int_t)row->id, "reason", row->asked_why,
        "result", result, "exposure", facts_exposure_word((enum facts_exposure)row->after));
    own_buf struct buf text = buf_new(json_max_bytes);
    if (!details || !json_write(details, &text))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct audit_record audit = {.event = undo->exposure ? "unshare-undone" : "undo-refused",
                                       .actor = row->asked_by ? row->asked_by : "labeld",
                                       .item = row->item,
                                       .connection = undo->visit->link->name,
                                       .path = undo->visit->copy.before.path,
                                       .details = buf_text(&text),
                                       .at_us = undo->visit->now_us};
    return restriction_save(db, row, RESTRICTION_UNDOING, err) &&
           (!undo->exposure || save_exposure(db, undo, err)) && audit_add(db, &audit, err);
}

/* It cannot be: what was taken stays taken, and whoever asked can read why. */
static bool refuse(struct undo *undo, const struct err *why)
{
    struct connect_part part = {.what = "sharing", .lost = why->text};
    const struct connect_restored nothing = {.parts = &part, .count = 1};
    undo->restriction.state = RESTRICTION_DONE;
    undo->restriction.result = result_json(&nothing, undo->visit->arena);
    return undo->restriction.result != NULL;
}

/* That the catalogue, and so the person who asked, knows; our own give-back is of whatever version
 * stands there. NULL with err. */
static const char *version_of(const struct undo *undo, struct err *err)
{
    struct connect_stat stat;
    const struct visit *visit = undo->visit;
    if (!is_own(undo))
        return visit->copy.before.version;
    return visit->link->connector->stat(visit->link->connection, visit->job.key, visit->arena,
                                        &stat, err)
               ? stat.version
               : NULL;
}

static bool give_back(struct undo *undo, struct err *err)
{
    struct connect_restored restored;
    const char *version = version_of(undo, err);
    struct visit *visit = undo->visit;
    struct restriction *row = &undo->restriction;
    const struct connector *connector = visit->link->connector;
    struct connect_exposure *now = arena_alloc(visit->arena, 1, sizeof *now);
    if (!now)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!version ||
        !connector->unrestrict(visit->link->connection, visit->job.key, version, row->text, false,
                               visit->arena, &restored, err) ||
        !connector->exposure(visit->link->connection, visit->job.key, visit->arena, now, err))
        return false;
    undo->exposure = now;
    row->state = RESTRICTION_UNDONE;
    row->item_version = version;
    row->grants = arena_strdup(visit->arena, now->grants);
    row->after = (int)now->step;
    row->result = result_json(&restored, visit->arena);
    return (row->grants && row->result) || err_set(err, ERR_MEMORY, "out of memory");
}

static bool carry_out(struct undo *undo, struct err *err)
{
    struct err why = {0};
    struct visit *visit = undo->visit;
    bool given = give_back(undo, &why);
    bool again = is_own(undo) && why.kind == ERR_CONFLICT;
    if (!given && (again || !is_final(why.kind) || !refuse(undo, &why)))
        return err_set(err, why.kind, "%s", why.text);
    undo->restriction.changed_us = visit->now_us;
    const struct store_unit unit = {record, undo};
    if (!store_write(visit->world->store, STORE_COMMITTED, unit, err))
        return false;
    LOG(LOG_LEVEL_INFO, undo->exposure ? "unshare-undone" : "undo-refused",
        LOG_TEXT(connection, visit->link->name), LOG_TEXT(path, visit->copy.before.path),
        LOG_TEXT(actor, undo->restriction.asked_by),
        LOG_TEXT(error, why.text[0] ? why.text : NULL));
    return true;
}

bool undo_open(struct visit *visit, bool *undone, struct err *err)
{
    struct undo undo = {.visit = visit};
    const struct store_unit unit = {find, &undo};
    *undone = false;
    if (!store_write(visit->world->store, STORE_RAN, unit, err))
        return false;
    if (!undo.found || !(visit->link->caps & CONNECT_RESTRICT)) /* a connection of another kind */
        return true;
    if (undo.restriction.state == RESTRICTION_PLANNED)
        return look_at_planned(&undo, err);
    *undone = true;
    return carry_out(&undo, err);
}
