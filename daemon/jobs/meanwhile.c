#include "jobs/meanwhile.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/act.h"
#include "jobs/take.h"
#include "store/custody.h"

enum { item_max_bytes = 4 << 20 };

static bool is_meanwhile(const struct restriction *row)
{
    return row->id && strcmp(row->wanted, RESTRICTION_MEANWHILE) == 0;
}

/* What it was ---------------------------------------------------------------------------------- */

bool meanwhile_find(struct db *db, struct visit *visit, struct err *err)
{
    bool open, found;
    struct visit_copy *copy = &visit->copy;
    if (!entry_open(db, visit->job.connection, visit->job.key, visit->arena, &copy->open, &open,
                    err))
        return false;
    if (!open)
        copy->open = (struct entry){0};
    int64_t item = copy->known ? copy->before.id : copy->open.item;
    copy->last = (struct restriction){0};
    return !item || restriction_last(db, item, visit->arena, &copy->last, &found, err);
}

/* A stored JSON list of texts. False: memory. */
static bool read_list(const char *text, struct arena *arena, struct connect_exposure *exposure)
{
    own_json json_t *list = json_parse(text, strlen(text), NULL);
    size_t count = json_array_size(list);
    const char **names = arena_alloc(arena, count + 1, sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        names[i] = arena_strdup(arena, name ? name : "");
        if (!names[i])
            return false;
    }
    exposure->shared_with = names;
    exposure->shared_with_count = count;
    return list && names;
}

/* Nobody has changed it since: what stands there is what this left. */
static bool stands(const struct visit_copy *copy, const struct restriction *row)
{
    return row->id && row->state <= RESTRICTION_DONE &&
           strcmp(row->grants, copy->exposure.grants) == 0;
}

bool meanwhile_shared(struct visit *visit, struct err *err)
{
    struct visit_copy *copy = &visit->copy;
    const struct restriction *cut = &visit->outcome.taken;
    const struct entry *open = &copy->open;
    const char *names = NULL;
    copy->shared = copy->exposure;
    if (open->id && stands(copy, cut->id ? cut : &copy->last)) {
        copy->shared.step = (enum facts_exposure)open->exposure;
        copy->shared.grants = open->grants;
        names = open->shared_with;
    } else if (!open->id && stands(copy, cut)) {
        copy->shared.step = (enum facts_exposure)cut->before;
        copy->shared.grants = cut->was;
        names = cut->shared_with;
    }
    return !names || read_list(names, visit->arena, &copy->shared) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

/* Taking it away ------------------------------------------------------------------------------- */

/* By a person, and nothing has changed since. */
static bool is_undone(const struct visit *visit, const struct connect_exposure *now)
{
    const struct restriction *last = &visit->copy.last;
    return is_meanwhile(last) && last->state == RESTRICTION_UNDONE && last->asked_by &&
           strcmp(last->item_version, visit->copy.stat.version) == 0 &&
           strcmp(last->grants, now->grants) == 0;
}

static bool close_now(struct visit *visit, const struct plan_step *step,
                      const struct connect_exposure *now, struct err *err)
{
    struct connect_restriction restriction;
    const struct connect_wish wish = {.version = visit->copy.stat.version,
                                      .grants = now->grants,
                                      .bounded = true,
                                      .to = FACTS_PRIVATE};
    const struct plan_step until = {.what = PLAN_UNSHARE,
                                    .with = RESTRICTION_MEANWHILE,
                                    .rules = step->rules,
                                    .rule_count = step->rule_count};
    return visit->link->connector->restrict_plan(visit->link->connection, visit->job.key, &wish,
                                                 visit->arena, &restriction, err) &&
           (restriction.nothing || act_unshare_take(visit, &until, &restriction, err));
}

void meanwhile_close(struct visit *visit, const struct plan_step *step)
{
    struct err why = {0};
    const struct visit_outcome *outcome = &visit->outcome;
    const struct connect_exposure *now =
        outcome->exposure ? outcome->exposure : &visit->copy.exposure;
    if (!(visit->link->caps & CONNECT_RESTRICT) || !*now->grants || is_undone(visit, now))
        return;
    if (!close_now(visit, step, now, &why) && why.kind != ERR_GONE && why.kind != ERR_CONFLICT)
        LOG(LOG_LEVEL_WARN, "sharing-stays", LOG_TEXT(connection, visit->link->name),
            LOG_TEXT(path, visit->copy.stat.path), LOG_TEXT(error, why.text));
}

/* Giving it back ------------------------------------------------------------------------------- */

/* Where the item is now: it may have been moved since. */
static bool queue_visit(struct db *db, int64_t item, const char *connection, const char *key,
                        int64_t now_us, struct err *err)
{
    bool found;
    struct item now;
    own_arena struct arena arena = arena_new(item_max_bytes);
    if (!item_get(db, item, &arena, &now, &found, err))
        return false;
    struct queue_job job = {.kind = QUEUE_VISIT,
                            .connection = connection,
                            .key = found ? now.key : key,
                            .lane = QUEUE_LIVE,
                            .due_us = now_us,
                            .seen_us = now_us};
    return queue_add(db, &job, err);
}

/* By labeld itself: nobody asked. */
static bool undo_last(struct db *db, struct restriction *last, int64_t now_us, struct err *err)
{
    last->state = RESTRICTION_UNDOING;
    last->asked_by = NULL;
    last->asked_why = "the file is not taken away";
    last->result = NULL;
    last->changed_us = now_us;
    return restriction_save(db, last, RESTRICTION_DONE, err) &&
           queue_visit(db, last->item, last->connection, last->key, now_us, err);
}

bool meanwhile_give_back(struct db *db, const struct entry *entry, int64_t now_us, struct err *err)
{
    bool found;
    struct restriction last;
    own_arena struct arena arena = arena_new(item_max_bytes);
    if (!restriction_last(db, entry->item, &arena, &last, &found, err))
        return false;
    return !found || last.state != RESTRICTION_DONE || !is_meanwhile(&last) ||
           undo_last(db, &last, now_us, err);
}

/* A step that could not take the file away, but may another time. */
static bool is_kept(const struct visit *visit)
{
    const struct visit_outcome *outcome = &visit->outcome;
    bool kept = outcome->more;
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct visit_step *step = &outcome->steps[i];
        bool takes = step->step->what == PLAN_QUARANTINE || step->step->what == PLAN_ENCRYPT;
        kept = kept || (takes && strcmp(step->word, "refused") == 0);
    }
    return kept;
}

/* What a kill left without an entry: of this very version, and not refused before. */
static bool give_back_lost(struct db *db, const struct visit *visit, struct err *err)
{
    bool found;
    struct restriction last;
    const struct visit_copy *copy = &visit->copy;
    if (copy->gone || !restriction_last(db, copy->before.id, visit->arena, &last, &found, err))
        return copy->gone;
    bool lost = found && is_meanwhile(&last) && last.state == RESTRICTION_DONE && !last.result &&
                strcmp(last.item_version, copy->stat.version) == 0;
    return !lost || undo_last(db, &last, visit->now_us, err);
}

bool meanwhile_end(struct db *db, struct visit *visit, struct err *err)
{
    bool found;
    struct visit_copy *copy = &visit->copy;
    bool narrowed = is_meanwhile(&copy->last) || is_meanwhile(&visit->outcome.taken);
    visit->outcome.ended = (struct entry){0};
    if (copy->nothing_new || is_kept(visit) || (!copy->open.id && !narrowed))
        return true;
    struct entry *entry = &visit->outcome.ended;
    if (!entry_open(db, visit->job.connection, visit->job.key, visit->arena, entry, &found, err))
        return false;
    if (found && entry->state <= ENTRY_SEALED)
        return custody_event(db, entry, CUSTODY_CHANGED, NULL, visit->now_us, err) &&
               meanwhile_give_back(db, entry, visit->now_us, err);
    *entry = (struct entry){0};
    return found || give_back_lost(db, visit, err);
}

void meanwhile_drop(struct visit *visit)
{
    struct err why = {0};
    const struct entry *entry = &visit->outcome.ended;
    if (entry->id && visit->world->custodian &&
        !take_copy_of(entry->kind)->drop(visit->world, visit->link, entry, &why))
        LOG(LOG_LEVEL_WARN, "copy-left", LOG_NUMBER(entry, entry->id), LOG_TEXT(error, why.text));
}
