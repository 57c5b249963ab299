#include <string.h>

#include "base/clock.h"
#include "jobs/act_label.h"
#include "jobs/job.h"

/* An action that can never be carried out on this file is told with the file; one that may be
 * later is tried again. */
static bool is_refusal(struct visit *visit, const struct err *why)
{
    struct queue_job tried = visit->job;
    struct visit_outcome *outcome = &visit->outcome;
    if (outcome->unclear || job_after(&tried, why, clock_now_us()) != JOB_GAVE_UP)
        return false;
    outcome->word = "refused";
    outcome->code = err_kind_word(why->kind);
    outcome->message = arena_strdup(visit->arena, why->text);
    return true;
}

static bool label(struct visit *visit, const struct plan_step *step, struct err *err)
{
    struct err why = {0};
    visit->outcome.rule = step->rule_count ? step->rules[0] : NULL;
    if (act_label(visit, step, &why) || is_refusal(visit, &why))
        return true;
    return err_set(err, why.kind, "%s", why.text);
}

bool visit_act(struct visit *visit, struct err *err)
{
    struct visit_outcome *outcome = &visit->outcome;
    const struct plan_steps *steps = &visit->plan.plan.plan;
    const char *later = NULL;
    if (visit->copy.gone || visit->copy.nothing_new)
        return true;
    outcome->word = "none";
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        if (step->what == PLAN_LABEL) {
            if (!label(visit, step, err))
                return false;
        } else if (step->what != PLAN_TAG) {
            later = plan_do_word(step->what);
        }
    }
    if (later && strcmp(outcome->word, "none") == 0)
        outcome->word = "not-yet";
    if (later && !outcome->message)
        outcome->message =
            arena_printf(visit->arena, "%s is planned, but not in this version yet", later);
    return true;
}
