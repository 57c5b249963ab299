#include <string.h>

#include "base/clock.h"
#include "jobs/act.h"
#include "jobs/job.h"
#include "store/hold.h"

/* How each step is carried out, and how much its outcome tells a person. Tags and alerts are
 * recorded with the outcome; those without a function are not in this version. */
static const struct act {
    bool (*carry_out)(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                      struct err *err);
    bool with_record;
    bool tells;      /* people, not the file: also when it was taken away */
    bool takes_away; /* leaves no file in its place: comes after what a new version brings */
} acts[PLAN_DO_COUNT] = {
    [PLAN_UNSHARE] = {.carry_out = act_unshare},
    [PLAN_EXPIRE_LINKS] = {.carry_out = act_expire_links},
    [PLAN_LABEL] = {.carry_out = act_label},
    [PLAN_ENCRYPT] = {.carry_out = act_encrypt, .takes_away = true},
    [PLAN_QUARANTINE] = {.carry_out = act_quarantine, .takes_away = true},
    [PLAN_TAG] = {.with_record = true},
    [PLAN_ALERT] = {.with_record = true},
    [PLAN_NOTIFY] = {.carry_out = act_notify, .tells = true},
};

bool act_end(struct visit_step *done, const char *word, const char *code, const char *message)
{
    done->word = word;
    done->code = code;
    done->message = message;
    return true;
}

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
        bool about_file = !acts[step->step->what].tells;
        if (step->changed || !telling)
            telling = step;
        else if (about_file && !telling->changed && strcmp(telling->word, "unchanged") == 0)
            telling = step;
    }
    bool cut = outcome->taken.id && (!telling || strcmp(telling->word, "unchanged") == 0);
    outcome->word = cut ? "unshared" : telling ? telling->word : "none"; /* before a kill */
    outcome->code = telling ? telling->code : NULL;
    outcome->message = telling ? telling->message : NULL;
}

/* One step; what cannot be done now does not stop the others. True: the file is taken away. */
static bool one_step(struct visit *visit, const struct plan_step *step, struct err *first)
{
    struct err why = {0};
    struct visit_outcome *outcome = &visit->outcome;
    const struct act *act = &acts[step->what];
    if (act->with_record)
        return false;
    if (act->takes_away && act->carry_out && outcome->new_version) {
        outcome->more = true; /* on the version that was written just now */
        return false;
    }
    struct visit_step *done = &outcome->steps[outcome->step_count];
    *done = (struct visit_step){.step = step};
    if (carry_out(visit, done, &why))
        outcome->step_count += done->word != NULL;
    else if (first->kind == ERR_NONE)
        *first = why;
    return act->takes_away && done->changed;
}

/* Sharing that cannot go from the file itself: the file goes, when a rule says so. It covers
 * encrypt, as a quarantine by a rule of its own does. NULL: memory. */
static struct plan_step *quarantine_instead(struct visit *visit, const struct visit_step *unshare)
{
    struct plan_step *step = arena_alloc(visit->arena, 1, sizeof *step);
    if (step)
        *step = (struct plan_step){.what = PLAN_QUARANTINE,
                                   .with = "",
                                   .rules = unshare->step->rules,
                                   .rule_count = unshare->step->rule_count,
                                   .message = unshare->step->message};
    return step;
}

static bool is_left(const struct visit_step *step)
{
    return step->step->what == PLAN_UNSHARE && step->stays && step->step->else_quarantine &&
           strcmp(step->word, "stopped") != 0;
}

/* All in their order; once the file is taken away only people are told. False: memory. */
static bool all_steps(struct visit *visit, bool *taken, struct err *first)
{
    struct plan_step *instead = NULL;
    struct visit_outcome *outcome = &visit->outcome;
    const struct plan_steps *steps = &visit->plan.plan.plan;
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        size_t before = outcome->step_count;
        if (*taken && !acts[step->what].tells)
            continue;
        if (step->what != PLAN_ENCRYPT || !instead)
            *taken = one_step(visit, step, first) || *taken;
        if (outcome->step_count == before || !is_left(&outcome->steps[before]))
            continue;
        instead = quarantine_instead(visit, &outcome->steps[before]);
        if (!instead)
            return false;
    }
    *taken = *taken || (instead && one_step(visit, instead, first));
    return true;
}

bool visit_act(struct visit *visit, struct err *err)
{
    bool taken = false;
    struct err first = {0};
    struct visit_outcome *outcome = &visit->outcome;
    if (visit->copy.gone || visit->copy.nothing_new)
        return true;
    outcome->word = "none";
    outcome->steps =
        arena_alloc(visit->arena, visit->plan.plan.plan.count + 2, sizeof *outcome->steps);
    if (!outcome->steps || !all_steps(visit, &taken, &first))
        return err_set(err, ERR_MEMORY, "out of memory");
    sum_up(outcome);
    bool wrote = outcome->new_version || outcome->taken.id;
    outcome->more = outcome->more || (first.kind != ERR_NONE && wrote && !taken);
    if (first.kind == ERR_NONE || taken || outcome->more) /* what was done is recorded first */
        return true;
    return err_set(err, first.kind, "%s", first.text);
}
