#include "jobs/take.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/own.h"
#include "jobs/job.h"
#include "jobs/meanwhile.h"
#include "protect/seal.h"
#include "sandbox/copy.h"
#include "store/custody.h"

enum { json_max_bytes = 64 * 1024 };
static const int64_t settle_after_us = 2000000;

const struct take_copy *take_copy_of(enum entry_kind kind)
{
    return kind == ENTRY_ENCRYPT ? &take_beside : &take_to_vault;
}

/* The entry ----------------------------------------------------------------------------------- */

static const char *written(struct visit *visit, json_t *json)
{
    own_buf struct buf text = buf_new(json_max_bytes);
    return json && json_write(json, &text) ? arena_strdup(visit->arena, buf_text(&text)) : NULL;
}

static const char *rules_json(struct visit *visit, const struct plan_step *step)
{
    own_json json_t *list = json_array();
    for (size_t i = 0; list && i < step->rule_count; i++) {
        const char *digest = policy_rule_digest(visit->plan.policy, step->rules[i]);
        json_t *rule =
            json_pack("{s:s, s:s}", "name", step->rules[i], "digest", digest ? digest : "");
        json_array_append_new(list, rule);
    }
    return written(visit, list);
}

static int alert_level(const struct visit *visit)
{
    int level = -1;
    const struct plan_steps *steps = &visit->plan.plan.plan;
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == PLAN_ALERT && (int)steps->steps[i].alert_level > level)
            level = (int)steps->steps[i].alert_level;
    return level;
}

static bool fill_entry(struct take *take, struct err *err)
{
    struct visit *visit = take->visit;
    struct entry *entry = &take->entry;
    const struct connect_stat *stat = &visit->copy.stat;
    const struct report *report = &visit->report.report;
    entry->kind = take->copy->kind;
    entry->item = visit->copy.before.id;
    entry->connection = visit->job.connection;
    entry->key = stat->key;
    entry->path = stat->path;
    entry->item_version = stat->version;
    entry->size = stat->size;
    entry->format = (int)report->format;
    entry->status = (int)report->status;
    memcpy(entry->text_digest, report->text_digest, sizeof entry->text_digest);
    entry->exposure = (int)visit->copy.shared.step;
    entry->shared_with = visit_shared_with(&visit->copy.shared, visit->arena);
    entry->grants = visit->copy.shared.grants;
    entry->owner = stat->owner;
    entry->rules = rules_json(visit, take->step);
    entry->revision = visit->plan.plan.revision;
    entry->message = take->step->message;
    entry->alert_level = alert_level(visit);
    entry->due_us = ENTRY_NO_TIME;
    if (!entry->rules)
        return err_set(err, ERR_MEMORY, "out of memory");
    return visit->link->connector->capture(visit->link->connection, stat->key, stat->version,
                                           entry->grants, visit->arena, &entry->captured, err);
}

/* Units: the step and what goes with it -------------------------------------------------------- */

/* One of an earlier version ends with it, so that what was shared before either is never lost. */
static bool store_begun(struct db *db, void *context, struct err *err)
{
    struct take *take = context;
    struct visit *visit = take->visit;
    struct entry old = take->old;
    if (old.id && !custody_event(db, &old, CUSTODY_CHANGED, NULL, visit->now_us, err))
        return false;
    if (!custody_begin(db, &take->entry, visit->now_us, err))
        return false;
    return visit->job.state != QUEUE_RUNNING ||
           job_event(db, &visit->job, JOB_PLANNED, visit->now_us, err);
}

static bool store_sealed(struct db *db, void *context, struct err *err)
{
    struct take *take = context;
    return custody_event(db, &take->entry, CUSTODY_SEAL_KEPT, NULL, clock_now_us(), err);
}

static bool store_planned(struct db *db, void *context, struct err *err)
{
    struct take *take = context;
    int64_t now_us = clock_now_us();
    take->entry.error = NULL;
    return custody_event(db, &take->entry, CUSTODY_REMOVAL_PLANNED, NULL, now_us, err) &&
           custody_queue(db, &take->entry, now_us + settle_after_us, err);
}

static bool store_changed(struct db *db, void *context, struct err *err)
{
    struct take *take = context;
    int64_t now_us = clock_now_us();
    return custody_event(db, &take->entry, CUSTODY_CHANGED, NULL, now_us, err) &&
           meanwhile_give_back(db, &take->entry, now_us, err);
}

static bool store_not_made(struct db *db, void *context, struct err *err)
{
    struct take *take = context;
    take->entry.intent = NULL;
    return custody_event(db, &take->entry, CUSTODY_NOT_MADE, NULL, clock_now_us(), err);
}

/* Why it waits, for people. */
static bool store_waiting(struct db *db, void *context, struct err *err)
{
    struct take *take = context;
    return entry_save(db, &take->entry, err);
}

static bool store(struct take *take, bool (*run)(struct db *db, void *context, struct err *err),
                  struct err *err)
{
    const struct store_unit unit = {run, take};
    return store_write(take->visit->world->store, STORE_COMMITTED, unit, err);
}

/* Of an entry that has ended; not always of the kind that is begun now. */
static void drop_copy(const struct take *take, const struct entry *entry)
{
    struct err why = {0};
    if (!take_copy_of(entry->kind)->drop(take->visit->world, take->visit->link, entry, &why))
        LOG(LOG_LEVEL_WARN, "copy-left", LOG_NUMBER(entry, entry->id), LOG_TEXT(error, why.text));
}

/* The file is not what it was. Its name was not taken away: the entry waits on; else it ends, then
 * its copy goes. One whose sharing a kill has cut waits for the next visit: this one records that
 * first. */
static bool changed(struct take *take, struct err *err)
{
    if (take->entry.state == ENTRY_REMOVING)
        return store(take, store_not_made, err);
    if (take->visit->outcome.taken.id)
        return true;
    if (!store(take, store_changed, err))
        return false;
    drop_copy(take, &take->entry);
    return true;
}

/* The file stands where it was, and goes later. Not on record is no reason to fail otherwise. */
static void wait(struct take *take, const struct err *why)
{
    struct err err = {0};
    const char *said = take->entry.error;
    take->entry.error = why->text;
    if (!said || strcmp(said, why->text) != 0)
        store(take, store_waiting, &err);
    meanwhile_close(take->visit, take->step);
}

/* Sealing ------------------------------------------------------------------------------------- */

static bool seal_into(struct take *take, int output, struct err *err)
{
    struct seal_facts facts;
    struct entry *entry = &take->entry;
    const struct limits *limits = take->visit->world->limits;
    const struct seal_options options = {.hashed = true, .sized = true, .plain_bytes = entry->size};
    struct seal *seal = seal_file(take->input, take->to, limits, &options, output, &facts, err);
    if (!seal)
        return false;
    bool ok = fsync(output) == 0 || err_errno(err, "writing the sealed copy");
    ok = ok && seal_verify(seal, output, err);
    seal_free(seal);
    if (!ok)
        return false;
    memcpy(entry->sha256, facts.sha256, sizeof entry->sha256);
    entry->sealed_size = facts.sealed_bytes;
    return true;
}

static bool seal_copy(struct take *take, struct err *err)
{
    int output = -1;
    bool ok = take->copy->open(take, &output, err) && seal_into(take, output, err) &&
              take->copy->keep(take, output, err) && store(take, store_sealed, err);
    take->copy->close(take, output);
    return ok;
}

/* A copy that an earlier try has kept is of these bytes. */
static bool is_sealed(struct take *take, bool *is, struct err *err)
{
    struct copy_facts facts;
    *is = false;
    if (take->entry.state != ENTRY_SEALED)
        return true;
    if (!copy_hashed(take->input, -1, UINT64_MAX, &facts, err))
        return false;
    *is = memcmp(facts.sha256, take->entry.sha256, sizeof facts.sha256) == 0;
    return *is ||
           err_set(err, ERR_CONFLICT, "%.200s was changed since it was sealed", take->entry.path);
}

/* Taking away --------------------------------------------------------------------------------- */

static bool take_away(struct take *take, struct err *err)
{
    struct connect_intent intent = {0};
    struct visit *visit = take->visit;
    const struct connector *connector = visit->link->connector;
    if (!connector->remove_ready(take->removing, visit->arena, &intent, err))
        return false;
    take->entry.intent = intent.text;
    if (!store(take, store_planned, err))
        return false;
    return connector->remove_take(take->removing, err);
}

static bool run_leased(struct take *take, struct err *err)
{
    bool sealed;
    return is_sealed(take, &sealed, err) && (sealed || seal_copy(take, err)) &&
           take_away(take, err);
}

/* What an earlier try has begun ---------------------------------------------------------------- */

struct opened {
    struct take *take;
    bool found;
};

static bool find_open(struct db *db, void *context, struct err *err)
{
    struct opened *opened = context;
    const struct visit *visit = opened->take->visit;
    return entry_open(db, visit->job.connection, visit->job.key, visit->arena, &opened->take->entry,
                      &opened->found, err);
}

/* begun: go on with it. */
static bool resume(struct take *take, struct err *err)
{
    const struct entry fresh = take->entry;
    struct opened opened = {.take = take};
    const struct store_unit unit = {find_open, &opened};
    if (!store_write(take->visit->world->store, STORE_RAN, unit, err))
        return false;
    if (opened.found && take->entry.state == ENTRY_REMOVING)
        return err_set(err, ERR_BUSY, "%.200s is being taken away already", take->entry.path);
    take->begun = opened.found && take->entry.kind == take->copy->kind &&
                  strcmp(take->entry.item_version, take->visit->copy.stat.version) == 0;
    if (take->begun)
        return true;
    if (opened.found)
        take->old = take->entry;
    take->entry = fresh;
    return true;
}

static bool begin_new(struct take *take, struct err *err)
{
    if (!fill_entry(take, err) || !store(take, store_begun, err))
        return false;
    take->begun = true;
    if (take->old.id)
        drop_copy(take, &take->old);
    return true;
}

static bool begin(struct take *take, struct err *err)
{
    struct visit *visit = take->visit;
    const struct connector *connector = visit->link->connector;
    if (!resume(take, err) || (!take->begun && !begin_new(take, err)))
        return false;
    take->removing =
        connector->remove_open(visit->link->connection, &visit->copy.stat, &take->input, err);
    return take->removing != NULL;
}

bool take_run(struct take *take, struct visit_step *done, struct err *err)
{
    struct err why = {0};
    take->entry.kind = take->copy->kind;
    bool ok = begin(take, err) && run_leased(take, err);
    if (take->removing)
        take->visit->link->connector->remove_close(take->removing);
    if (ok) {
        *done = (struct visit_step){
            .step = take->step, .word = take->copy->word, .changed = true, .recorded = true};
        return true;
    }
    if (err->kind == ERR_CONFLICT && take->begun && !changed(take, &why))
        return err_set(err, why.kind, "%s", why.text);
    if (take->begun && err->kind != ERR_CONFLICT && err->kind != ERR_GONE &&
        err->kind != ERR_STOPPED)
        wait(take, err);
    return false;
}
