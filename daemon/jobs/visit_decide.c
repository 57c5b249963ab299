#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "jobs/braking.h"
#include "jobs/visit.h"
#include "policy/explain.h"

enum { json_max_bytes = 8 << 20 };

static struct facts_time time_of(int64_t us)
{
    return us == ITEM_NO_TIME ? (struct facts_time){0} : (struct facts_time){true, us};
}

static bool same_id(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}

static unsigned priority_of(const struct policy *policy, const char *id)
{
    const struct policy_label *label = id ? policy_label_find(policy, id) : NULL;
    return label ? label->priority + 1 : 0;
}

/* This version's label against the last one of the catalogue. A fact of the version: a version
 * that was seen before keeps what was found then. */
static void compare_label(struct visit *visit, struct facts *facts)
{
    const struct item *before = &visit->copy.before;
    bool new_version = strcmp(before->version, visit->copy.stat.version) != 0;
    if (!visit->copy.known || before->deleted_us != ITEM_NO_TIME ||
        before->label_kind == FACTS_LABEL_UNREAD || facts->label_kind == FACTS_LABEL_UNREAD)
        return;
    if (!new_version) {
        facts->label_change = (enum facts_label_change)before->label_change;
        facts->previous_id = before->previous_id;
        return;
    }
    if (same_id(before->label_id, facts->label_id))
        return;
    facts->previous_id = before->label_id;
    unsigned was = priority_of(visit->plan.policy, before->label_id);
    unsigned is = priority_of(visit->plan.policy, facts->label_id);
    facts->label_change = !facts->label_id ? FACTS_REMOVED
                          : is < was       ? FACTS_LOWERED
                                           : FACTS_RAISED;
}

static void fill_facts(struct visit *visit)
{
    struct facts *facts = &visit->plan.facts;
    const struct visit_copy *copy = &visit->copy;
    const struct item *before = &copy->before;
    facts_from_report(facts, &visit->report.report, copy->stat.size,
                      policy_site(visit->plan.policy));
    facts->path = copy->stat.path;
    facts->connection = visit->link->name;
    facts->owner = copy->stat.owner;
    facts->exposure = copy->shared.step;
    facts->sharing_known = copy->shared.sharing_known;
    facts->shared_with = copy->shared.shared_with;
    facts->shared_with_count = copy->shared.shared_with_count;
    facts->created = copy->stat.created;
    facts->modified = copy->stat.modified;
    bool same_version = copy->known && strcmp(before->version, copy->stat.version) == 0;
    if (same_version && before->own_version)
        facts->modified = time_of(before->modified_us); /* without our own write */
    bool meanwhile = copy->open.id && before->exposure == (int)copy->exposure.step;
    bool same_step = copy->known && (meanwhile || before->exposure == (int)copy->shared.step);
    facts->shared =
        same_step ? time_of(before->shared_us) : (struct facts_time){copy->known, visit->now_us};
    compare_label(visit, facts);
}

static bool write_json(struct visit *visit, struct err *err)
{
    struct visit_plan *plan = &visit->plan;
    const struct explain explain = {.policy = plan->policy,
                                    .facts = &plan->facts,
                                    .plan = &plan->plan,
                                    .path = visit->copy.stat.path,
                                    .rules_file = "",
                                    .all = true};
    own_json json_t *json = explain_json(&explain);
    own_buf struct buf text = buf_new(json_max_bytes);
    if (json && json_write(json, &text))
        plan->json = arena_strdup(visit->arena, buf_text(&text));
    return plan->json || err_set(err, ERR_MEMORY, "out of memory for a plan");
}

/* Decide; what a rule wants and the brake does not allow is decided again without it. */
static bool make_plan(struct visit *visit, struct err *err)
{
    struct visit_plan *plan = &visit->plan;
    size_t count = ruleset_count(plan->policy);
    bool *held = arena_alloc(visit->arena, count + 1, sizeof *held), stopped;
    plan->brakes = arena_alloc(visit->arena, count + 1, sizeof *plan->brakes);
    plan->allowed = arena_alloc(visit->arena, count + 1, sizeof *plan->allowed);
    if (!held || !plan->brakes || !plan->allowed)
        return err_set(err, ERR_MEMORY, "out of memory while deciding");
    if (visit->world->brakes)
        rules_brakes(visit->world->brakes, plan->policy, plan->brakes);
    do {
        for (size_t i = 0; i < count; i++)
            held[i] = plan->brakes[i] == RULES_HELD;
        const struct plan_options options = {
            .now_us = visit->now_us, .explain = true, .held = held};
        if (!plan_as(plan->policy, &plan->facts, &options, visit->arena, &plan->plan))
            return err_set(err, ERR_MEMORY, "out of memory while deciding");
        if (!braking_ask(visit, &stopped, err))
            return false;
    } while (stopped);
    return true;
}

bool visit_decide(struct visit *visit, struct err *err)
{
    if (visit->copy.gone || visit->copy.nothing_new)
        return true;
    visit->plan.policy = visit->world->policy(visit->world->policy_context);
    fill_facts(visit);
    return make_plan(visit, err) && write_json(visit, err);
}
