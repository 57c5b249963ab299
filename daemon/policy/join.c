#include "policy/join.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The work in hand. */
struct join {
    struct verdict *verdict;
    struct arena *arena;
    const struct rule *const *rules;
    size_t count;
    struct plan_steps *out;
    size_t step_room, left_room;
    bool no_memory;
};

/* Names of rules, in the order they are added. */
struct names {
    const char **items;
    size_t count;
};

static bool names_new(struct join *join, struct names *names, size_t most)
{
    *names = (struct names){.items = arena_alloc(join->arena, most + 1, sizeof *names->items)};
    join->no_memory = join->no_memory || !names->items;
    return names->items != NULL;
}

/* The rules with an action, as names. */
static bool rules_with(struct join *join, enum plan_do what, struct names *names)
{
    if (!names_new(join, names, join->count))
        return false;
    for (size_t i = 0; i < join->count; i++)
        if (join->rules[i]->then.has[what])
            names->items[names->count++] = join->rules[i]->name;
    return names->count > 0;
}

static const char *joined(struct join *join, const char *const *items, size_t count,
                          const char *between)
{
    const char *text = count ? items[0] : "";
    for (size_t i = 1; i < count; i++) {
        text = arena_printf(join->arena, "%s%s%s", text, between, items[i]);
        if (!text) {
            join->no_memory = true;
            return "";
        }
    }
    return text;
}

static struct plan_step *add_step(struct join *join, enum plan_do what, const struct names *names)
{
    struct plan_step *step = &join->out->steps[join->out->count++];
    *step = (struct plan_step){
        .what = what, .with = "", .rules = names->items, .rule_count = names->count};
    return step;
}

static void leave_out(struct join *join, enum plan_do what, const char *with, const char *reason,
                      const struct names *names)
{
    join->out->left_out[join->out->left_out_count++] =
        (struct plan_left_out){.what = what,
                               .with = with,
                               .reason = reason ? reason : "",
                               .rules = names->items,
                               .rule_count = names->count};
    join->no_memory = join->no_memory || !reason;
}

static void leave_out_one(struct join *join, enum plan_do what, const char *with,
                          const char *reason, const struct rule *rule)
{
    struct names names;
    if (!names_new(join, &names, 1))
        return;
    names.items[names.count++] = rule->name;
    leave_out(join, what, with, reason, &names);
}

/* Every text once, sorted. */
static void add_name(struct names *names, const char *name)
{
    size_t at = 0;
    while (at < names->count && strcmp(names->items[at], name) < 0)
        at++;
    if (at < names->count && strcmp(names->items[at], name) == 0)
        return;
    memmove(names->items + at + 1, names->items + at, (names->count - at) * sizeof *names->items);
    names->items[at] = name;
    names->count++;
}

/* unshare ------------------------------------------------------------------------------------ */

/* All globs of all rules, and the narrowest step. */
static void unshare_operands(struct join *join, struct plan_step *step)
{
    size_t most = 0;
    for (size_t i = 0; i < join->count; i++)
        most += join->rules[i]->then.unshare.remove.count;
    struct names removes;
    if (!names_new(join, &removes, most))
        return;
    step->unshare_to = FACTS_PUBLIC;
    for (size_t i = 0; i < join->count; i++) {
        const struct rule_then *then = &join->rules[i]->then;
        if (!then->has[PLAN_UNSHARE])
            continue;
        step->unshare_bounded = step->unshare_bounded || then->unshare.bounded;
        if (then->unshare.bounded && then->unshare.to < step->unshare_to)
            step->unshare_to = then->unshare.to;
        step->else_quarantine = step->else_quarantine || then->unshare.else_quarantine;
        for (size_t k = 0; k < then->unshare.remove.count; k++)
            add_name(&removes, then->unshare.remove.items[k].text);
    }
    step->names = removes.items;
    step->name_count = removes.count;
    const char *to = step->unshare_bounded ? facts_exposure_word(step->unshare_to) : NULL;
    const char *remove = joined(join, removes.items, removes.count, ", ");
    if (to && removes.count)
        step->with = arena_printf(join->arena, "%s, remove %s", to, remove);
    else
        step->with = to ? to : arena_printf(join->arena, "remove %s", remove);
    join->no_memory = join->no_memory || !step->with;
}

/* Nothing is shared wider than the step, and nobody who has access is to be removed. */
static bool unshared_already(struct join *join, const struct plan_step *step)
{
    const struct facts *facts = join->verdict->facts;
    if (facts->exposure == FACTS_EXPOSURE_UNKNOWN ||
        (step->unshare_bounded && facts->exposure > step->unshare_to))
        return false;
    if (step->name_count == 0)
        return true;
    if (!facts->sharing_known)
        return false;
    for (size_t i = 0; i < join->count; i++) {
        const struct rule_then *then = &join->rules[i]->then;
        const struct rule_when who = {.op = RULE_SHARED_WITH,
                                      .text = {.globs = then->unshare.remove}};
        if (then->has[PLAN_UNSHARE] && verdict_of(join->verdict, &who) == PLAN_TRUE)
            return false;
    }
    return true;
}

static void join_unshare(struct join *join, bool sealed)
{
    struct names names;
    if (!rules_with(join, PLAN_UNSHARE, &names))
        return;
    struct plan_step step = {
        .what = PLAN_UNSHARE, .with = "", .rules = names.items, .rule_count = names.count};
    unshare_operands(join, &step);
    if (sealed)
        leave_out(join, PLAN_UNSHARE, step.with, "covered by quarantine", &names);
    else if (unshared_already(join, &step))
        leave_out(join, PLAN_UNSHARE, step.with, "nothing wider is shared", &names);
    else
        join->out->steps[join->out->count++] = step;
}

static void join_expire_links(struct join *join, bool sealed)
{
    struct names names;
    if (!rules_with(join, PLAN_EXPIRE_LINKS, &names))
        return;
    const struct rule_then *shortest = NULL;
    for (size_t i = 0; i < join->count; i++) {
        const struct rule_then *then = &join->rules[i]->then;
        if (then->has[PLAN_EXPIRE_LINKS] && (!shortest || then->span_us < shortest->span_us))
            shortest = then;
    }
    if (sealed) {
        leave_out(join, PLAN_EXPIRE_LINKS, shortest->span_text, "covered by quarantine", &names);
        return;
    }
    struct plan_step *step = add_step(join, PLAN_EXPIRE_LINKS, &names);
    step->span_us = shortest->span_us;
    step->with = shortest->span_text;
}

/* label -------------------------------------------------------------------------------------- */

/* What a rule asks for: a priority, 0 for none. */
struct wish {
    const struct rule *rule;
    const struct policy_label *label; /* NULL = none */
    unsigned priority;
    bool failed; /* `previous` that is not there */
};

static struct wish wish_of(const struct join *join, const struct rule *rule)
{
    struct wish wish = {.rule = rule, .label = rule->then.label.label};
    if (rule->then.label.target == RULE_TO_PREVIOUS) {
        const char *id = join->verdict->facts->previous_id;
        wish.label = id ? policy_label_find(join->verdict->policy, id) : NULL;
        wish.failed = id ? !wish.label || wish.label->group
                         : join->verdict->facts->label_change != FACTS_RAISED;
    }
    wish.priority = wish.label ? wish.label->priority : 0;
    return wish;
}

static const char *wish_word(const struct wish *wish)
{
    return wish->label ? wish->label->name : "none";
}

static bool may_raise(const struct wish *wish, unsigned present, bool manual)
{
    return wish->priority > present && (!manual || wish->rule->then.label.override_manual);
}

static bool may_lower(const struct wish *wish, unsigned present, bool manual)
{
    const struct rule_then *then = &wish->rule->then;
    return wish->priority < present && then->label.downgrade &&
           (!manual || then->label.override_manual);
}

/* The chosen one: raise, else stay (NULL), else lower. */
static const struct wish *choose(const struct wish *wishes, size_t count, unsigned present,
                                 bool manual)
{
    const struct wish *raise = NULL, *lower = NULL;
    bool stays = false;
    for (size_t i = 0; i < count; i++) {
        const struct wish *wish = &wishes[i];
        stays = stays || wish->priority >= present;
        if (may_raise(wish, present, manual) && (!raise || wish->priority > raise->priority))
            raise = wish;
        if (may_lower(wish, present, manual) && (!lower || wish->priority > lower->priority))
            lower = wish;
    }
    return raise ? raise : stays ? NULL : lower;
}

static const char *why_not(struct join *join, const struct wish *wish, const struct wish *chosen,
                           unsigned present, bool manual)
{
    if (wish->priority == present)
        return "in force already";
    if (wish->priority > present && !may_raise(wish, present, manual))
        return "a person set the label in force";
    if (chosen)
        return arena_printf(join->arena, "%s is higher", wish_word(chosen));
    if (may_lower(wish, present, manual))
        return "another rule asks for the label in force or a higher one";
    return wish->rule->then.label.downgrade ? "a person set the label in force"
                                            : "the label in force is higher";
}

static void add_label_step(struct join *join, const struct wish *wishes, size_t count,
                           const struct wish *chosen, unsigned present, bool manual)
{
    struct names names;
    if (!names_new(join, &names, count))
        return;
    const char *justification = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct wish *wish = &wishes[i];
        bool allowed = may_raise(wish, present, manual) || may_lower(wish, present, manual);
        if (wish->priority != chosen->priority || !allowed)
            continue;
        names.items[names.count++] = wish->rule->name;
        if (!justification)
            justification = wish->rule->then.label.justification;
    }
    struct plan_step *step = add_step(join, PLAN_LABEL, &names);
    step->label = chosen->label;
    step->with = wish_word(chosen);
    step->justification = justification;
    const struct facts *facts = join->verdict->facts;
    if (facts->label_kind == FACTS_LABEL_OURS && facts->label_id)
        step->label_from = policy_label_find(join->verdict->policy, facts->label_id);
}

/* Wishes that can be looked at: the others are left out with their reason. */
static size_t label_wishes(struct join *join, struct wish *wishes)
{
    bool unread = join->verdict->facts->label_kind == FACTS_LABEL_UNREAD;
    size_t count = 0;
    for (size_t i = 0; i < join->count; i++) {
        if (!join->rules[i]->then.has[PLAN_LABEL])
            continue;
        struct wish wish = wish_of(join, join->rules[i]);
        if (unread || wish.failed)
            leave_out_one(join, PLAN_LABEL, wish.failed ? "previous" : wish_word(&wish),
                          unread ? "the label in force could not be read"
                                 : "the label that was lost is not known",
                          wish.rule);
        else
            wishes[count++] = wish;
    }
    return count;
}

static void join_label(struct join *join)
{
    struct wish *wishes = arena_alloc(join->arena, join->count, sizeof *wishes);
    if (!wishes) {
        join->no_memory = true;
        return;
    }
    size_t count = label_wishes(join, wishes);
    unsigned present = verdict_label(join->verdict);
    bool manual = present != 0 && join->verdict->facts->set_by == FACTS_MANUAL;
    const struct wish *chosen = choose(wishes, count, present, manual);
    if (chosen)
        add_label_step(join, wishes, count, chosen, present, manual);
    for (size_t i = 0; i < count; i++) {
        bool allowed =
            may_raise(&wishes[i], present, manual) || may_lower(&wishes[i], present, manual);
        if (chosen && wishes[i].priority == chosen->priority && allowed)
            continue;
        leave_out_one(join, PLAN_LABEL, wish_word(&wishes[i]),
                      why_not(join, &wishes[i], chosen, present, manual), wishes[i].rule);
    }
}

/* encrypt, quarantine ------------------------------------------------------------------------ */

static bool names_hold(const struct rule_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* Groups that all rules with `encrypt` name. */
static bool common_groups(struct join *join, struct names *groups)
{
    const struct rule_names *first = NULL;
    for (size_t i = 0; i < join->count && !first; i++)
        if (join->rules[i]->then.has[PLAN_ENCRYPT])
            first = &join->rules[i]->then.encrypt;
    if (!first || !names_new(join, groups, first->count))
        return false;
    for (size_t k = 0; k < first->count; k++) {
        bool common = true;
        for (size_t i = 0; i < join->count && common; i++)
            common = !join->rules[i]->then.has[PLAN_ENCRYPT] ||
                     names_hold(&join->rules[i]->then.encrypt, first->items[k]);
        if (common)
            groups->items[groups->count++] = first->items[k];
    }
    return true;
}

/* Whether the rules that encrypt cannot agree, so that quarantine takes its place. */
static bool encrypt_disagrees(struct join *join)
{
    struct names groups;
    return common_groups(join, &groups) && groups.count == 0;
}

static void join_encrypt(struct join *join, bool sealed, bool disagree)
{
    struct names names, groups;
    if (!rules_with(join, PLAN_ENCRYPT, &names) || !common_groups(join, &groups))
        return;
    const char *with = joined(join, groups.items, groups.count, ", ");
    if (disagree)
        leave_out(join, PLAN_ENCRYPT, with,
                  "no recipients group is common to all rules: quarantine instead", &names);
    else if (sealed)
        leave_out(join, PLAN_ENCRYPT, with, "covered by quarantine", &names);
    if (sealed)
        return;
    struct plan_step *step = add_step(join, PLAN_ENCRYPT, &names);
    step->names = groups.items;
    step->name_count = groups.count;
    step->with = with;
}

/* What the rules of a step say to the file's owner. */
static void join_messages(struct join *join, struct plan_step *step)
{
    struct names messages;
    size_t asked = 0; /* the step's rules stand in the order of all */
    if (!names_new(join, &messages, join->count))
        return;
    for (size_t i = 0; i < join->count && asked < step->rule_count; i++) {
        if (join->rules[i]->name != step->rules[asked])
            continue;
        asked++;
        if (join->rules[i]->message)
            messages.items[messages.count++] = join->rules[i]->message;
    }
    if (messages.count)
        step->message = joined(join, messages.items, messages.count, " ");
}

/* Rules that quarantine, or encrypt to groups that others do not share. */
static bool join_quarantine(struct join *join, bool disagree)
{
    struct names names;
    if (!names_new(join, &names, join->count))
        return false;
    for (size_t i = 0; i < join->count; i++)
        if (join->rules[i]->then.has[PLAN_QUARANTINE] ||
            (disagree && join->rules[i]->then.has[PLAN_ENCRYPT]))
            names.items[names.count++] = join->rules[i]->name;
    if (names.count)
        join_messages(join, add_step(join, PLAN_QUARANTINE, &names));
    return names.count > 0;
}

static bool seals(const struct join *join)
{
    for (size_t i = 0; i < join->count; i++)
        if (join->rules[i]->then.has[PLAN_QUARANTINE])
            return true;
    return false;
}

/* tag, alert, notify ------------------------------------------------------------------------- */

/* The union of one list of names. */
static struct plan_step *join_names(struct join *join, enum plan_do what)
{
    struct names rules, all;
    size_t most = 0;
    if (!rules_with(join, what, &rules))
        return NULL;
    for (size_t i = 0; i < join->count; i++)
        most += join->rules[i]->then.tag.count + join->rules[i]->then.notify.count;
    if (!names_new(join, &all, most))
        return NULL;
    for (size_t i = 0; i < join->count; i++) {
        const struct rule_then *then = &join->rules[i]->then;
        const struct rule_names *names = what == PLAN_TAG ? &then->tag : &then->notify;
        for (size_t k = 0; k < names->count; k++)
            add_name(&all, names->items[k]);
    }
    struct plan_step *step = add_step(join, what, &rules);
    step->names = all.items;
    step->name_count = all.count;
    step->with = joined(join, all.items, all.count, ", ");
    return step;
}

static void join_notify(struct join *join)
{
    struct plan_step *step = join_names(join, PLAN_NOTIFY);
    if (!step)
        return;
    struct plan_notice *notices = arena_alloc(join->arena, join->count, sizeof *notices);
    if (!notices) {
        join->no_memory = true;
        return;
    }
    step->notices = notices;
    for (size_t i = 0; i < join->count; i++) {
        const struct rule *rule = join->rules[i];
        if (!rule->then.has[PLAN_NOTIFY])
            continue;
        notices[step->notice_count++] = (struct plan_notice){
            rule->name, rule->message, rule->then.notify.items, rule->then.notify.count};
    }
    join_messages(join, step);
}

static void join_alerts(struct join *join)
{
    static const char *const levels[] = {"low", "medium", "high"};
    for (size_t i = 0; i < join->count; i++) {
        if (!join->rules[i]->then.has[PLAN_ALERT])
            continue;
        struct names names;
        if (!names_new(join, &names, 1))
            return;
        names.items[names.count++] = join->rules[i]->name;
        struct plan_step *step = add_step(join, PLAN_ALERT, &names);
        step->alert_level = join->rules[i]->then.alert_level;
        step->with = levels[step->alert_level];
        step->message = join->rules[i]->message;
    }
}

bool join_rules(struct verdict *verdict, const struct rule *const *rules, size_t count,
                struct plan_steps *out)
{
    *out = (struct plan_steps){0};
    if (count == 0)
        return true;
    struct join join = {
        .verdict = verdict, .arena = verdict->arena, .rules = rules, .count = count, .out = out};
    out->steps = arena_alloc(join.arena, count + PLAN_DO_COUNT, sizeof *out->steps);
    out->left_out = arena_alloc(join.arena, count + PLAN_DO_COUNT, sizeof *out->left_out);
    if (!out->steps || !out->left_out)
        return false;
    bool disagree = encrypt_disagrees(&join);
    bool sealed = seals(&join) || disagree;
    join_unshare(&join, sealed);
    join_expire_links(&join, sealed);
    join_label(&join);
    join_encrypt(&join, sealed, disagree);
    join_quarantine(&join, disagree);
    join_names(&join, PLAN_TAG);
    join_alerts(&join);
    join_notify(&join);
    return !join.no_memory && !verdict->no_memory;
}
