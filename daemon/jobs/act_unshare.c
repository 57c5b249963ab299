#include <string.h>

#include "base/json.h"
#include "jobs/act.h"
#include "jobs/job.h"
#include "store/audit.h"

enum { json_max_bytes = 64 * 1024 };

/* Undone by a person --------------------------------------------------------------------------- */

struct asked {
    struct visit *visit;
    struct restriction last;
    bool found;
};

static bool find_last(struct db *db, void *context, struct err *err)
{
    struct asked *asked = context;
    return restriction_last(db, asked->visit->copy.before.id, asked->visit->arena, &asked->last,
                            &asked->found, err);
}

/* This very version and sharing, and the same wish: an undo that is overruled a second later is
 * no undo. */
static bool is_undone(const struct visit *visit, const struct plan_step *step,
                      const struct restriction *last)
{
    const struct visit_copy *copy = &visit->copy;
    return last->state == RESTRICTION_UNDONE && strcmp(last->wanted, step->with) == 0 &&
           strcmp(last->item_version, copy->stat.version) == 0 &&
           strcmp(last->grants, copy->exposure.grants) == 0 &&
           last->after == (int)copy->exposure.step;
}

static bool end_undone(const struct visit *visit, const struct restriction *last,
                       struct visit_step *done)
{
    const char *why = last->asked_why && *last->asked_why ? last->asked_why : NULL;
    const char *message =
        arena_printf(visit->arena, "%s has undone it%s%s",
                     last->asked_by ? last->asked_by : "a person", why ? ": " : "", why ? why : "");
    return act_end(done, "undone", NULL, message);
}

/* Taking away ---------------------------------------------------------------------------------- */

static const char *names_json(const struct plan_step *step, struct arena *arena)
{
    own_json json_t *list = json_array();
    own_buf struct buf text = buf_new(json_max_bytes);
    for (size_t i = 0; list && i < step->rule_count; i++)
        json_array_append_new(list, json_text(step->rules[i]));
    return list && json_write(list, &text) ? arena_strdup(arena, buf_text(&text)) : "[]";
}

/* Inside a unit: what is about to be taken, and the job is acting from now on. */
static bool store_planned(struct db *db, void *context, struct err *err)
{
    struct visit *visit = context;
    if (!restriction_add(db, &visit->outcome.taken, err))
        return false;
    return visit->job.state != QUEUE_RUNNING ||
           job_event(db, &visit->job, JOB_PLANNED, visit->now_us, err);
}

static bool finish_earlier(struct db *db, void *context, struct err *err)
{
    return act_unshare_record(db, context, err);
}

/* One that a kill has cut is on record before the next is begun. */
static bool plan_taken(struct visit *visit, const struct plan_step *step,
                       const struct connect_restriction *restriction, struct err *err)
{
    struct visit_outcome *outcome = &visit->outcome;
    const struct connect_exposure *now =
        outcome->exposure ? outcome->exposure : &visit->copy.exposure;
    const struct store_unit earlier = {finish_earlier, visit}, unit = {store_planned, visit};
    if (outcome->taken.id && !store_write(visit->world->store, STORE_COMMITTED, earlier, err))
        return false;
    outcome->taken = (struct restriction){.item = visit->copy.before.id,
                                          .connection = visit->job.connection,
                                          .key = visit->job.key,
                                          .item_version = visit->copy.stat.version,
                                          .wanted = step->with,
                                          .rules = names_json(step, visit->arena),
                                          .revision = visit->plan.plan.revision,
                                          .text = restriction->text,
                                          .was = restriction->before,
                                          .shared_with = visit_shared_with(now, visit->arena),
                                          .grants = restriction->after,
                                          .before = (int)now->step,
                                          .after = (int)now->step,
                                          .created_us = visit->now_us};
    if (store_write(visit->world->store, STORE_COMMITTED, unit, err))
        return true;
    outcome->taken.id = 0; /* rolled back */
    return false;
}

static bool forget(struct db *db, void *context, struct err *err)
{
    return restriction_remove(db, *(const int64_t *)context, err);
}

/* Refused before anything was done. Else the row stays, and the next visit looks what became of
 * it. `was`: what an earlier step of this visit has left. */
static void give_up(struct visit *visit, const struct connect_exposure *was, bool begun,
                    enum err_kind kind)
{
    struct err why = {0};
    int64_t id = visit->outcome.taken.id;
    const struct store_unit unit = {forget, &id};
    visit->outcome.taken.id = 0;
    visit->outcome.exposure = was;
    if (kind == ERR_REFUSED && !begun)
        store_write(visit->world->store, STORE_RAN, unit, &why);
}

/* Who reaches it now: what is on record is what was read. */
static bool look_again(struct visit *visit, struct err *err)
{
    struct connect_exposure *now = arena_alloc(visit->arena, 1, sizeof *now);
    if (!now)
        return err_set(err, ERR_MEMORY, "out of memory");
    visit->outcome.exposure = now;
    return visit->link->connector->exposure(visit->link->connection, visit->job.key, visit->arena,
                                            now, err);
}

bool act_unshare_take(struct visit *visit, const struct plan_step *step,
                      const struct connect_restriction *restriction, struct err *err)
{
    const struct connect_exposure *was = visit->outcome.exposure;
    const struct connector *connector = visit->link->connector;
    if (!plan_taken(visit, step, restriction, err))
        return false;
    bool taken = connector->restrict_take(visit->link->connection, visit->job.key,
                                          visit->copy.stat.version, restriction->text, err);
    if (taken && look_again(visit, err))
        return true;
    give_up(visit, was, taken, err->kind);
    return false;
}

static bool take(struct visit *visit, const struct plan_step *step,
                 const struct connect_restriction *restriction, struct visit_step *done,
                 struct err *err)
{
    if (!act_unshare_take(visit, step, restriction, err))
        return false;
    done->changed = done->recorded = true;
    return act_end(done, "unshared", restriction->stays ? "inherited" : NULL, restriction->stays);
}

bool act_unshare(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                 struct err *err)
{
    struct connect_restriction restriction;
    struct asked asked = {.visit = visit};
    const struct store_unit unit = {find_last, &asked};
    const struct connect_wish wish = {.version = visit->copy.stat.version,
                                      .grants = visit->copy.exposure.grants,
                                      .bounded = step->unshare_bounded,
                                      .to = step->unshare_to,
                                      .remove = step->names,
                                      .remove_count = step->name_count};
    done->stays = true; /* until it is known that nothing does */
    if (!(visit->link->caps & CONNECT_RESTRICT))
        return act_end(done, "refused", "unsupported", "this connection cannot take sharing away");
    if (!*wish.grants)
        return act_end(done, "refused", "unknown", "who reaches the file could not be read");
    if (!store_write(visit->world->store, STORE_RAN, unit, err))
        return false;
    if (asked.found && is_undone(visit, step, &asked.last)) {
        done->stays = false;
        return end_undone(visit, &asked.last, done);
    }
    if (!visit->link->connector->restrict_plan(visit->link->connection, visit->job.key, &wish,
                                               visit->arena, &restriction, err))
        return false;
    done->stays = restriction.stays != NULL;
    if (!restriction.nothing)
        return take(visit, step, &restriction, done, err);
    return done->stays ? act_end(done, "refused", "inherited", restriction.stays)
                       : act_end(done, "unchanged", NULL, NULL);
}

/* On record ------------------------------------------------------------------------------------ */

static json_t *details_of(const struct restriction *taken)
{
    own_json json_t *rules = json_loads(taken->rules, 0, NULL);
    return json_pack("{s:s, s:s, s:O?, s:s, s:s, s:I, s:s?}", "outcome", "unshared", "wanted",
                     taken->wanted, "rules", rules, "before",
                     facts_exposure_word((enum facts_exposure)taken->before), "after",
                     facts_exposure_word((enum facts_exposure)taken->after), "restriction",
                     (json_int_t)taken->id, "revision", taken->revision);
}

bool act_unshare_record(struct db *db, struct visit *visit, struct err *err)
{
    struct restriction taken = visit->outcome.taken;
    const struct connect_exposure *exposure = visit->outcome.exposure;
    if (!taken.id)
        return true;
    exposure = exposure ? exposure : &visit->copy.exposure;
    taken.state = RESTRICTION_DONE;
    taken.item = visit->copy.before.id;
    taken.after = (int)exposure->step;
    taken.changed_us = visit->now_us;
    own_buf struct buf text = buf_new(json_max_bytes);
    own_json json_t *details = details_of(&taken);
    if (!details || !json_write(details, &text))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct audit_record record = {.event = "unshared",
                                        .actor = "labeld",
                                        .item = taken.item,
                                        .connection = visit->link->name,
                                        .path = visit->copy.stat.path,
                                        .details = buf_text(&text),
                                        .at_us = visit->now_us};
    return restriction_save(db, &taken, RESTRICTION_PLANNED, err) && audit_add(db, &record, err);
}

/* Links ---------------------------------------------------------------------------------------- */

bool act_expire_links(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                      struct err *err)
{
    (void)visit;
    (void)step;
    (void)err;
    return act_end(done, "unchanged", "no-links", "files of a folder have no links: none to end");
}
