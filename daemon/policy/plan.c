#include "policy/plan.h"

#include <stdlib.h>
#include <string.h>

#include "policy/join.h"
#include "policy/ruleset.h"
#include "policy/why.h"

static const char *const do_words[PLAN_DO_COUNT] = {
    [PLAN_UNSHARE] = "unshare",       [PLAN_EXPIRE_LINKS] = "expire_links",
    [PLAN_LABEL] = "label",           [PLAN_ENCRYPT] = "encrypt",
    [PLAN_QUARANTINE] = "quarantine", [PLAN_TAG] = "tag",
    [PLAN_ALERT] = "alert",           [PLAN_NOTIFY] = "notify",
};

static const char *const state_words[] = {"not-matched", "undecided", "matched", "excepted"};
static const char *const mode_words[] = {"off", "simulate", "enforce"};

const char *plan_do_word(enum plan_do what)
{
    return what < PLAN_DO_COUNT ? do_words[what] : NULL;
}

const char *plan_state_word(enum plan_state state)
{
    return state <= PLAN_EXCEPTED ? state_words[state] : NULL;
}

const char *plan_mode_word(enum plan_mode mode)
{
    return mode <= PLAN_ENFORCE ? mode_words[mode] : NULL;
}

/* Exceptions --------------------------------------------------------------------------------- */

static int by_name(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *)entry);
}

static bool names_rule(const struct rule_exception *exception, const struct rule *rule)
{
    const struct rule_names *names = &exception->rules;
    return names->count == 0 ||
           bsearch(rule->name, names->items, names->count, sizeof *names->items, by_name);
}

/* Decide a matched rule again as if the types of these exceptions had not been found. */
static enum plan_state without(struct verdict *verdict, const struct rule *rule,
                               const struct rule_types *const *ignored, size_t count)
{
    verdict->ignored = ignored;
    verdict->ignored_count = count;
    enum plan_truth is = verdict_of(verdict, rule->when);
    verdict->ignored = NULL;
    verdict->ignored_count = 0;
    return is == PLAN_TRUE ? PLAN_MATCHED : is == PLAN_UNKNOWN ? PLAN_UNDECIDED : PLAN_EXCEPTED;
}

/* Exceptions are sorted by name, so the one that is named does not depend on the file's order. */
static enum plan_state with_exceptions(struct verdict *verdict, const struct rule *rule,
                                       const struct plan_exception **by)
{
    enum { most = 32 };
    const struct rule_types *ignored[most];
    const struct plan_exception *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < verdict->policy->exception_count; i++) {
        const struct rule_exception *exception = &verdict->policy->exceptions[i];
        if (verdict->now_us >= exception->end_us || !names_rule(exception, rule) ||
            verdict_of(verdict, exception->when) != PLAN_TRUE)
            continue;
        if (!exception->ignores) {
            *by = &exception->shown;
            return PLAN_EXCEPTED;
        }
        first = first ? first : &exception->shown;
        if (count < most)
            ignored[count++] = &exception->ignore;
    }
    if (count == 0)
        return PLAN_MATCHED;
    enum plan_state state = without(verdict, rule, ignored, count);
    *by = state == PLAN_EXCEPTED ? first : NULL;
    return state;
}

static enum plan_state state_of(struct verdict *verdict, const struct rule *rule,
                                const struct plan_exception **by)
{
    *by = NULL;
    switch (verdict_of(verdict, rule->when)) {
    case PLAN_FALSE: return PLAN_NOT_MATCHED;
    case PLAN_UNKNOWN: return PLAN_UNDECIDED;
    default: return with_exceptions(verdict, rule, by);
    }
}

/* Due ---------------------------------------------------------------------------------------- */

/* Instants after now, bounded: of more than these only the earliest count, unasked. */
struct instants {
    int64_t now_us, earliest;
    int64_t items[64];
    size_t count;
};

static void note_instant(void *context, int64_t us)
{
    struct instants *instants = context;
    if (us <= instants->now_us)
        return;
    if (instants->earliest == 0 || us < instants->earliest)
        instants->earliest = us;
    if (instants->count < sizeof instants->items / sizeof *instants->items)
        instants->items[instants->count] = us;
    instants->count++;
}

static int by_instant(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* The first instant at which the rule's state is another one; 0 = none. */
static int64_t rule_due(struct verdict *verdict, const struct rule *rule, enum plan_state state)
{
    bool excepted = state == PLAN_MATCHED || state == PLAN_EXCEPTED || rule->when->timed;
    struct instants instants = {.now_us = verdict->now_us};
    verdict_instants(verdict, rule->when, note_instant, &instants);
    for (size_t i = 0; excepted && i < verdict->policy->exception_count; i++) {
        const struct rule_exception *exception = &verdict->policy->exceptions[i];
        if (!names_rule(exception, rule))
            continue;
        note_instant(&instants, exception->end_us);
        verdict_instants(verdict, exception->when, note_instant, &instants);
    }
    if (instants.count > sizeof instants.items / sizeof *instants.items)
        return instants.earliest;
    qsort(instants.items, instants.count, sizeof *instants.items, by_instant);
    int64_t now = verdict->now_us, due = 0;
    for (size_t i = 0; i < instants.count && !due; i++) {
        const struct plan_exception *by;
        verdict->now_us = instants.items[i];
        if (state_of(verdict, rule, &by) != state)
            due = instants.items[i];
    }
    verdict->now_us = now;
    return due;
}

/* Rules, one by one -------------------------------------------------------------------------- */

static enum plan_mode mode_of(const struct policy *policy, const struct rule *rule)
{
    return policy->simulate && rule->mode != PLAN_OFF ? PLAN_SIMULATE : rule->mode;
}

size_t ruleset_count(const struct policy *policy)
{
    return policy->rule_count;
}

struct ruleset_rule ruleset_rule(const struct policy *policy, size_t index)
{
    const struct rule *rule = &policy->rules[index];
    return (struct ruleset_rule){.name = rule->name,
                                 .digest = rule->digest,
                                 .line = rule->line,
                                 .mode = mode_of(policy, rule),
                                 .brake = rule->brake};
}

size_t ruleset_find(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (strcmp(policy->rules[i].name, name) == 0)
            return i;
    return RULESET_NONE;
}

/* Plan --------------------------------------------------------------------------------------- */

static void decide_rule(struct verdict *verdict, const struct rule *rule,
                        const struct plan_options *options, struct plan_rule *out)
{
    enum plan_mode mode = mode_of(verdict->policy, rule);
    bool held =
        options->held && mode == PLAN_ENFORCE && options->held[rule - verdict->policy->rules];
    if (options->all_enforced && mode != PLAN_OFF)
        mode = PLAN_ENFORCE;
    *out = (struct plan_rule){
        .name = rule->name,
        .line = rule->line,
        .mode = held ? PLAN_SIMULATE : mode,
        .held = held,
        .then = rule->then_words,
        .does = rule->then_texts,
        .then_count = rule->then_count,
    };
    if (out->mode != PLAN_OFF)
        out->state = state_of(verdict, rule, &out->exception);
}

static int by_rule_name(const void *a, const void *b)
{
    return strcmp((*(const struct rule *const *)a)->name, (*(const struct rule *const *)b)->name);
}

/* The matched rules of at least a mode, by name. */
static size_t matched(const struct policy *policy, const struct plan *plan, enum plan_mode least,
                      const struct rule **rules)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->rule_count; i++)
        if (plan->rules[i].state == PLAN_MATCHED && plan->rules[i].mode >= least)
            rules[count++] = &policy->rules[i];
    qsort(rules, count, sizeof(const struct rule *), by_rule_name);
    return count;
}

static bool join_both(struct verdict *verdict, struct plan *plan)
{
    const struct policy *policy = verdict->policy;
    size_t any = 0;
    for (size_t i = 0; i < plan->rule_count; i++)
        any += plan->rules[i].state == PLAN_MATCHED;
    if (any == 0)
        return true;
    const struct rule **rules = arena_alloc(verdict->arena, any, sizeof *rules);
    if (!rules)
        return false;
    size_t acting = matched(policy, plan, PLAN_ENFORCE, rules);
    if (!join_rules(verdict, rules, acting, &plan->plan))
        return false;
    if (acting == any) {
        plan->would = plan->plan;
        return true;
    }
    return join_rules(verdict, rules, matched(policy, plan, PLAN_SIMULATE, rules), &plan->would);
}

static bool explain_rules(struct verdict *verdict, struct plan *plan)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        plan->rules[i].when = why_node(verdict, verdict->policy->rules[i].when);
        if (!plan->rules[i].when)
            return false;
    }
    return true;
}

bool plan_as(const struct policy *policy, const struct facts *facts,
             const struct plan_options *options, struct arena *arena, struct plan *plan)
{
    struct verdict verdict;
    *plan = (struct plan){.revision = policy->revision, .now_us = options->now_us};
    verdict_init(&verdict, policy, facts, options->now_us, arena);
    plan->rules = arena_alloc(arena, policy->rule_count + 1, sizeof *plan->rules);
    if (!plan->rules)
        return false;
    plan->rule_count = policy->rule_count;
    for (size_t i = 0; i < policy->rule_count; i++) {
        struct plan_rule *rule = &plan->rules[i];
        decide_rule(&verdict, &policy->rules[i], options, rule);
        bool timed = policy->rules[i].when->timed ||
                     (rule->state >= PLAN_MATCHED && policy->exception_count);
        int64_t due = timed && rule->mode != PLAN_OFF
                          ? rule_due(&verdict, &policy->rules[i], rule->state)
                          : 0;
        if (due && (!plan->due_us || due < plan->due_us))
            plan->due_us = due;
    }
    return join_both(&verdict, plan) && (!options->explain || explain_rules(&verdict, plan)) &&
           !verdict.no_memory;
}

bool plan_for(const struct policy *policy, const struct facts *facts, int64_t now_us, bool explain,
              struct arena *arena, struct plan *plan)
{
    const struct plan_options options = {.now_us = now_us, .explain = explain};
    return plan_as(policy, facts, &options, arena, plan);
}

static const struct plan_step *label_step(const struct plan_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == PLAN_LABEL)
            return &steps->steps[i];
    return NULL;
}

const struct policy_label *plan_label_after(const struct policy *policy, const struct facts *facts,
                                            const struct plan_steps *steps)
{
    const struct plan_step *step = label_step(steps);
    if (step)
        return step->label;
    return facts->label_kind == FACTS_LABEL_OURS && facts->label_id
               ? policy_label_find(policy, facts->label_id)
               : NULL;
}
