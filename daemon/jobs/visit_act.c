#include <string.h>

#include "base/clock.h"
#include "jobs/act.h"
#include "jobs/job.h"
#include "store/hold.h"

/* How each step is carried out, and how much its outcome tells a person. Tags, alerts and
 * notifications are recorded with the outcome; those without a function are not in this version. */
static const struct act {
    bool (*carry_out)(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                      struct err *err);
    bool with_record;
    bool takes_away; /* leaves no file in its place: comes after what a new version brings */
} acts[PLAN_DO_COUNT] = {
    [PLAN_UNSHARE] = {0},
    [PLAN_EXPIRE_LINKS] = {0},
    [PLAN_LABEL] = {.carry_out = act_label},
    [PLAN_ENCRYPT] = {.carry_out = act_encrypt, .takes_away = true},
    [PLAN_QUARANTINE] = {.carry_out = act_quarantine, .takes_away = true},
    [PLAN_TAG] = {.with_record = true},
    [PLAN_ALERT] = {0},
    [PLAN_NOTIFY] = {0},
};

/* An action that can never be carried out on this file is told with the file; one that may be
 * later is tried again. */
static bool is_refusal(struct visit *visit, struct visit_step *done, const struct err *why)
{
    struct queue_job tried = visit->job;
    if (visit->outcome.unclear || job_after(&tried, why, clock_now_us()) != JOB_GAVE_UP)
        return false;
    done->word = "refused";
    done->code = err_kind_word(why->kind);
    done->message = arena_strdup(visit->arena, why->text);
    return true;
}

/* People have stopped all acting: asked before each step, so that none is left half done. Who
 * stopped it answers for it: what cannot be read is no leave to act. */
static bool is_stopped(struct visit *visit, struct visit_step *done, bool *stopped, struct err *err)
{
    struct hold hold;
    struct db *db = store_reader(visit->world->store, err);
    bool ok = db && hold_get(db, HOLD_ACTING, visit->arena, &hold, err);
    store_reader_done(visit->world->store, db);
    *stopped = ok && hold.since_us;
    if (*stopped) {
        done->word = "stopped";
        done->message = "acting is stopped; it is done when acting goes on";
        visit->outcome.stopped = true;
    }
    return ok;
}

static bool carry_out(struct visit *visit, struct visit_step *done, struct err *err)
{
    bool stopped;
    struct err why = {0};
    const struct act *act = &acts[done->step->what];
    if (!act->carry_out) {
        done->word = "not-yet";
        done->message = arena_printf(visit->arena, "%s is planned, but not in this version yet",
                                     plan_do_word(done->step->what));
        return true;
    }
    if (!is_stopped(visit, done, &stopped, err) || stopped)
        return stopped;
    if (act->carry_out(visit, done->step, done, &why) || is_refusal(visit, done, &why))
        return true;
    return err_set(err, why.kind, "%s", why.text);
}

/* The step that tells most: one that people have stopped, for it is still to come; else the last
 * one that changed something, else the first that could not. */
static void sum_up(struct visit_outcome *outcome)
{
    const struct visit_step *telling = NULL;
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct visit_step *step = &outcome->steps[i];
        if (outcome->stopped && strcmp(step->word, "stopped") != 0)
            continue;
        if (step->changed)
            telling = step;
        else if (!telling || (!telling->changed && strcmp(telling->word, "unchanged") == 0))
            telling = step;
    }
    outcome->word = telling ? telling->word : "none";
    outcome->code = telling ? telling->code : NULL;
    outcome->message = telling ? telling->message : NULL;
}

bool visit_act(struct visit *visit, struct err *err)
{
    struct visit_outcome *outcome = &visit->outcome;
    const struct plan_steps *steps = &visit->plan.plan.plan;
    bool ok = true, taken = false;
    if (visit->copy.gone || visit->copy.nothing_new)
        return true;
    outcome->word = "none";
    outcome->steps = arena_alloc(visit->arena, steps->count + 1, sizeof *outcome->steps);
    if (!outcome->steps)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < steps->count && !taken; i++) {
        const struct act *act = &acts[steps->steps[i].what];
        if (act->with_record)
            continue;
        if (act->takes_away && outcome->new_version) {
            outcome->more = true; /* on the version that was written just now */
            continue;
        }
        struct visit_step *done = &outcome->steps[outcome->step_count];
        *done = (struct visit_step){.step = &steps->steps[i]};
        struct err why = {0};
        if (carry_out(visit, done, &why))
            outcome->step_count++;
        else if (ok) /* the others are carried out all the same */
            ok = err_set(err, why.kind, "%s", why.text);
        taken = act->takes_away && done->changed;
    }
    sum_up(outcome);
    outcome->more = outcome->more || (!ok && outcome->new_version);
    return ok || taken || outcome->more; /* what was done is recorded first */
}
