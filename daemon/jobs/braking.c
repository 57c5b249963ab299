#include "jobs/braking.h"

#include <string.h>

#include "jobs/tally.h"
#include "store/brake.h"

static const int64_t hour_us = 3600ll * 1000000;

/* Whether a step takes something away from people: all but raising a label. */
static bool hurts(const struct plan_step *step)
{
    if (step->what != PLAN_LABEL)
        return tally_is_change(step->what);
    unsigned from = step->label_from ? step->label_from->priority : 0;
    return !step->label || step->label->priority < from;
}

/* One rule that would change the item. */
struct asking {
    struct visit *visit;
    size_t index;
    struct ruleset_rule rule;
    bool hurts;
    enum visit_allowed allowed;
};

static bool refuse(struct db *db, const struct asking *asking, int64_t counted, bool running,
                   struct err *err)
{
    const struct brake brake = {.rule = asking->rule.name,
                                .digest = asking->rule.digest,
                                .running = running,
                                .counted = counted,
                                .again = BRAKE_DONE,
                                .since_us = asking->visit->now_us,
                                .who = "labeld"};
    return brake_hold(db, &brake, err);
}

/* Within the sliding hour or day. */
static bool ask_window(struct db *db, struct asking *asking, struct err *err)
{
    int64_t hurt;
    const struct ruleset_brake *brake = &asking->rule.brake;
    int64_t now_us = asking->visit->now_us, window = brake->per_day ? 24 * hour_us : hour_us;
    asking->allowed = VISIT_FREELY;
    if (!asking->hurts || brake->off)
        return true;
    if (!brake_hurt(db, asking->rule.name, now_us - window, &hurt, err))
        return false;
    if ((uint64_t)hurt >= brake->items) {
        asking->allowed = VISIT_STOPPED;
        return refuse(db, asking, hurt, true, err);
    }
    asking->allowed = VISIT_COUNTED;
    return brake_count(db, asking->rule.name, now_us, 1, err);
}

/* People let it act on some items. When these were all that were counted, it is free afterwards;
 * else it is held again. */
static bool ask_approved(struct db *db, struct asking *asking, struct brake *brake, struct err *err)
{
    asking->allowed = VISIT_APPROVED;
    if (brake->left > 0) {
        brake->left--;
        return brake_set(db, brake, err);
    }
    if (brake->granted >= brake->counted)
        return brake_remove(db, brake->rule, err) && ask_window(db, asking, err);
    asking->allowed = VISIT_STOPPED;
    return refuse(db, asking, brake->counted, brake->running, err);
}

static bool ask(struct db *db, void *context, struct err *err)
{
    struct asking *asking = context;
    struct brake brake;
    bool found;
    own_arena struct arena arena = arena_new(64 * 1024);
    if (!brake_get(db, asking->rule.name, &arena, &brake, &found, err))
        return false;
    if (!found || strcmp(brake.digest, asking->rule.digest) != 0)
        return ask_window(db, asking, err);
    if (brake.state == BRAKE_APPROVED)
        return ask_approved(db, asking, &brake, err);
    asking->allowed = VISIT_STOPPED;
    return true;
}

static bool ask_rule(struct visit *visit, struct asking *asking, bool *stopped, struct err *err)
{
    struct visit_plan *plan = &visit->plan;
    const struct store_unit unit = {ask, asking};
    bool free = plan->brakes[asking->index] == RULES_FREE && !asking->hurts;
    if (free || plan->allowed[asking->index] != VISIT_NOT_ASKED)
        return true;
    if (!store_write(visit->world->store, STORE_RAN, unit, err))
        return false;
    plan->allowed[asking->index] = (unsigned char)asking->allowed;
    if (asking->allowed != VISIT_STOPPED)
        return true;
    *stopped = true;
    plan->brakes[asking->index] = RULES_HELD;
    rules_set_brake(visit->world->brakes, plan->policy, asking->index, RULES_HELD);
    return true;
}

/* The part of the plan that one rule asks for. */
static void part_of(const struct visit *visit, const char *rule, bool *changes, bool *hurting)
{
    const struct plan_steps *steps = &visit->plan.plan.plan;
    *changes = *hurting = false;
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        if (!tally_is_change(step->what))
            continue;
        for (size_t k = 0; k < step->rule_count; k++)
            if (strcmp(step->rules[k], rule) == 0) {
                *changes = true;
                *hurting = *hurting || hurts(step);
            }
    }
}

bool braking_ask(struct visit *visit, bool *stopped, struct err *err)
{
    const struct plan *plan = &visit->plan.plan;
    *stopped = false;
    for (size_t i = 0; visit->world->brakes && i < plan->rule_count; i++) {
        bool changes;
        struct asking asking = {.visit = visit, .index = i};
        if (plan->rules[i].state != PLAN_MATCHED || plan->rules[i].mode != PLAN_ENFORCE)
            continue;
        part_of(visit, plan->rules[i].name, &changes, &asking.hurts);
        asking.rule = ruleset_rule(visit->plan.policy, i);
        if (changes && !ask_rule(visit, &asking, stopped, err))
            return false;
    }
    return true;
}

/* Whether a step that the rule asked for changed something. */
static bool was_done(const struct visit *visit, const char *rule)
{
    const struct visit_outcome *outcome = &visit->outcome;
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct visit_step *step = &outcome->steps[i];
        for (size_t k = 0; step->changed && k < step->step->rule_count; k++)
            if (tally_is_change(step->step->what) && strcmp(step->step->rules[k], rule) == 0)
                return true;
    }
    return false;
}

static bool give_back(struct db *db, const struct visit *visit, const char *rule,
                      unsigned char allowed, struct err *err)
{
    bool found;
    struct brake brake;
    own_arena struct arena arena = arena_new(64 * 1024);
    if (allowed == VISIT_COUNTED)
        return brake_count(db, rule, visit->now_us, -1, err);
    if (!brake_get(db, rule, &arena, &brake, &found, err))
        return false;
    if (!found || brake.state != BRAKE_APPROVED)
        return true;
    brake.left++;
    return brake_set(db, &brake, err);
}

bool braking_give_back(struct db *db, const struct visit *visit, bool all, struct err *err)
{
    const struct visit_plan *plan = &visit->plan;
    bool ok = true;
    for (size_t i = 0; ok && plan->allowed && i < plan->plan.rule_count; i++) {
        const char *rule = plan->plan.rules[i].name;
        bool counted = plan->allowed[i] == VISIT_COUNTED || plan->allowed[i] == VISIT_APPROVED;
        if (counted && (all || !was_done(visit, rule)))
            ok = give_back(db, visit, rule, plan->allowed[i], err);
    }
    return ok;
}
