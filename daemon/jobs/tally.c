#include "jobs/tally.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "jobs/known.h"

enum { text_bytes = 320, changes_most = 64 };
static const size_t work_max_bytes = 64u << 20, names_max_bytes = 16u << 20;

struct tally *tally_new(const struct tally_with *with, struct err *err)
{
    struct tally *tally = mem_zalloc(1, sizeof *tally);
    if (tally) {
        tally->with = with;
        tally->work = arena_new(work_max_bytes);
        tally->arena = arena_new(names_max_bytes);
        tally->rule_count = ruleset_count(with->policy);
        tally->rules = mem_zalloc(tally->rule_count + 1, sizeof *tally->rules);
    }
    if (tally && tally->rules)
        return tally;
    tally_free(tally);
    err_set(err, ERR_MEMORY, "counting rules: out of memory");
    return NULL;
}

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    arena_fini(&tally->arena);
    arena_fini(&tally->work);
    mem_free(tally->rules);
    mem_free(tally->counts);
    mem_free(tally->rows);
    mem_free(tally->change_numbers);
    mem_free(tally->name_numbers);
    mem_free(tally);
}

bool tally_is_change(enum plan_do what)
{
    return what <= PLAN_QUARANTINE;
}

/* One item ------------------------------------------------------------------------------------- */

/* A difference of the item in hand: each counts once, whatever the number of steps. */
struct found {
    uint32_t change;
    bool as_is, if_enforced;
};

struct adding {
    struct tally *tally;
    int64_t id;
    size_t first_row; /* of this item */
    struct found found[changes_most];
    size_t found_count;
    bool no_memory;
};

/* The number of a name, which is copied when it is new. */
static uint32_t number_of(struct tally *tally, struct intern *intern, const char *text)
{
    uint32_t number = intern_find(intern, text);
    if (number != INTERN_NONE)
        return number;
    const char *copy = arena_strdup(&tally->arena, text);
    return copy ? intern_add(intern, copy, &tally->arena) : INTERN_NONE;
}

/* Room for `count` things of `bytes`. */
static bool make_room(void **items, size_t *room, size_t count, size_t bytes)
{
    if (count <= *room)
        return true;
    size_t larger = *room ? *room * 2 : 64;
    while (larger < count)
        larger *= 2;
    void *moved = mem_realloc(*items, larger, bytes);
    if (!moved)
        return false;
    memset((char *)moved + *room * bytes, 0, (larger - *room) * bytes);
    *items = moved;
    *room = larger;
    return true;
}

static bool add_row(struct adding *adding, uint32_t change, const char *rule, bool as_is)
{
    struct tally *tally = adding->tally;
    uint32_t name = number_of(tally, &tally->names, rule);
    for (size_t i = adding->first_row; i < tally->row_count; i++)
        if ((tally->rows[i].change & ~DIFFERENCE_ONLY_ENFORCED) == change &&
            tally->rows[i].rule == name)
            return true;
    if (name == INTERN_NONE || !make_room((void **)&tally->rows, &tally->row_room,
                                          tally->row_count + 1, sizeof *tally->rows))
        return false;
    tally->rows[tally->row_count++] = (struct difference_row){
        adding->id, as_is ? change : change | DIFFERENCE_ONLY_ENFORCED, name};
    return true;
}

static struct found *find_or_add(struct adding *adding, uint32_t change)
{
    for (size_t i = 0; i < adding->found_count; i++)
        if (adding->found[i].change == change)
            return &adding->found[i];
    if (adding->found_count == changes_most)
        return NULL; /* more kinds of change than any rules make on one file */
    struct found *found = &adding->found[adding->found_count++];
    *found = (struct found){.change = change};
    return found;
}

struct side {
    bool as_is, if_enforced;
};

/* "+ quarantine" of some rules. */
static void add_change(struct adding *adding, const char *text, const struct plan_step *step,
                       struct side side)
{
    struct tally *tally = adding->tally;
    uint32_t change = number_of(tally, &tally->changes, text);
    struct found *found = change == INTERN_NONE ? NULL : find_or_add(adding, change);
    if (!found) {
        adding->no_memory = adding->no_memory || change == INTERN_NONE;
        return;
    }
    found->as_is = found->as_is || side.as_is;
    found->if_enforced = found->if_enforced || side.if_enforced;
    for (size_t i = 0; i < step->rule_count; i++)
        adding->no_memory =
            !add_row(adding, change, step->rules[i], side.as_is) || adding->no_memory;
}

static const struct plan_step *label_step(const struct plan_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == PLAN_LABEL)
            return &steps->steps[i];
    return NULL;
}

static bool has_step(const struct plan_steps *steps, const struct plan_step *wanted)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == wanted->what && strcmp(steps->steps[i].with, wanted->with) == 0)
            return true;
    return false;
}

/* The label afterwards: "" = none. */
static const char *label_after(const struct plan_step *step, const struct facts *facts)
{
    const char *id = step ? (step->label ? step->label->id : NULL)
                     : facts->label_kind == FACTS_LABEL_OURS ? facts->label_id
                                                             : NULL;
    return id ? id : "";
}

static const char *label_name(const struct policy *policy, const struct policy *other,
                              const char *id)
{
    const struct policy_label *label = policy_label_find(policy, id);
    label = label || !other ? label : policy_label_find(other, id);
    return label ? label->name : id;
}

/* Which label a file gets and loses against the present rules. */
static void compare_labels(struct adding *adding, const struct facts *facts,
                           const struct plan_steps *before, const struct plan_steps *after,
                           struct side side)
{
    char text[text_bytes];
    const struct tally_with *with = adding->tally->with;
    const struct plan_step *was = label_step(before), *is = label_step(after);
    const char *old = label_after(was, facts), *new = label_after(is, facts);
    if (strcasecmp(old, new) == 0)
        return;
    if (*new) {
        snprintf(text, sizeof text, "+ label %s", label_name(with->policy, with->now, new));
        add_change(adding, text, is ? is : was, side);
    }
    if (*old) {
        snprintf(text, sizeof text, "- label %s", label_name(with->policy, with->now, old));
        add_change(adding, text, is ? is : was, side);
    }
}

/* The steps of `after` that are not in `before`. */
static void compare(struct adding *adding, char sign, const struct plan_steps *before,
                    const struct plan_steps *after, struct side side)
{
    char text[text_bytes];
    for (size_t i = 0; i < after->count; i++) {
        const struct plan_step *step = &after->steps[i];
        if (step->what == PLAN_LABEL || has_step(before, step))
            continue;
        snprintf(text, sizeof text, "%c %s%s%s", sign, plan_do_word(step->what),
                 *step->with ? " " : "", step->with);
        add_change(adding, text, step, side);
    }
}

static void difference(struct adding *adding, const struct facts *facts,
                       const struct plan_steps *now, const struct plan_steps *then,
                       struct side side)
{
    if (now->count == 0 && then->count == 0)
        return;
    compare_labels(adding, facts, now, then, side);
    compare(adding, '+', now, then, side);
    compare(adding, '-', then, now, side);
}

/* Counting ------------------------------------------------------------------------------------- */

/* The least ids are kept, in their order: ids are random, and so the samples are the same each
 * time. */
static void sample(struct tally_rule *rule, int64_t id)
{
    size_t at = rule->sample_count;
    if (at == TALLY_SAMPLES && rule->samples[at - 1] <= id)
        return;
    at -= at == TALLY_SAMPLES;
    for (; at > 0 && rule->samples[at - 1] > id; at--)
        rule->samples[at] = rule->samples[at - 1];
    rule->samples[at] = id;
    rule->sample_count += rule->sample_count < TALLY_SAMPLES;
}

static bool asks(const struct plan_steps *steps, const char *rule, bool changes_only)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        if (changes_only && !tally_is_change(step->what))
            continue;
        for (size_t k = 0; k < step->rule_count; k++)
            if (strcmp(step->rules[k], rule) == 0)
                return true;
    }
    return false;
}

static void count_rules(struct tally *tally, int64_t id, const struct plan *plan,
                        const struct plan_steps *now)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        const struct plan_rule *rule = &plan->rules[i];
        struct tally_rule *count = &tally->rules[i];
        count->undecided += rule->state == PLAN_UNDECIDED;
        count->excepted += rule->state == PLAN_EXCEPTED;
        if (rule->state != PLAN_MATCHED)
            continue;
        count->matched++;
        if (asks(&plan->would, rule->name, false)) {
            count->would_act++;
            sample(count, id);
        }
        bool is_new = !tally->with->is_new || tally->with->is_new[i];
        count->fresh += rule->mode == PLAN_ENFORCE && asks(&plan->plan, rule->name, true) &&
                        (is_new || !asks(now, rule->name, true));
    }
}

static bool same_steps(const struct plan *plan)
{
    return plan->plan.steps == plan->would.steps;
}

static void count_changes(struct adding *adding)
{
    for (size_t i = 0; i < adding->found_count; i++) {
        struct tally_change *count = &adding->tally->counts[adding->found[i].change];
        count->items += adding->found[i].as_is;
        count->if_enforced += adding->found[i].if_enforced;
    }
}

static bool decide(struct tally *tally, struct db *db, const struct stock_item *item,
                   const struct policy *policy, const bool *held, struct facts *facts,
                   struct plan *plan, struct err *err)
{
    const struct plan_options options = {.now_us = tally->with->now_us, .held = held};
    return known_facts(db, item, policy, &tally->work, facts, err) &&
           (plan_as(policy, facts, &options, &tally->work, plan) ||
            err_set(err, ERR_MEMORY, "out of memory while deciding"));
}

bool tally_add(struct tally *tally, struct db *db, const struct stock_item *item, struct err *err)
{
    struct facts facts, facts_now;
    struct plan plan, now = {0};
    const struct tally_with *with = tally->with;
    struct adding adding = {.tally = tally, .id = item->id, .first_row = tally->row_count};
    if (!decide(tally, db, item, with->policy, NULL, &facts, &plan, err) ||
        (with->now && !decide(tally, db, item, with->now, with->now_held, &facts_now, &now, err)))
        return false;
    tally->items++;
    count_rules(tally, item->id, &plan, &now.plan);
    bool same = same_steps(&plan);
    difference(&adding, &facts, &now.plan, &plan.plan, (struct side){true, same});
    if (!same)
        difference(&adding, &facts, &now.plan, &plan.would, (struct side){false, true});
    if (adding.no_memory || !make_room((void **)&tally->counts, &tally->count_room,
                                       tally->changes.count, sizeof *tally->counts))
        return err_set(err, ERR_MEMORY, "out of memory while counting");
    count_changes(&adding);
    return true;
}

/* Adding up ------------------------------------------------------------------------------------ */

/* The sum's numbers of names that are new since the last time. */
static bool renumber(struct tally *sum, struct intern *to, const struct intern *from,
                     uint32_t **numbers, size_t *merged)
{
    uint32_t *larger = mem_realloc(*numbers, (size_t)from->count + 1, sizeof *larger);
    if (!larger)
        return false;
    *numbers = larger;
    for (; *merged < from->count; (*merged)++) {
        larger[*merged] = number_of(sum, to, from->names[*merged]);
        if (larger[*merged] == INTERN_NONE)
            return false;
    }
    return true;
}

static void add_rules(struct tally *sum, struct tally *part)
{
    for (size_t i = 0; i < sum->rule_count; i++) {
        struct tally_rule *to = &sum->rules[i], *from = &part->rules[i];
        to->matched += from->matched;
        to->would_act += from->would_act;
        to->undecided += from->undecided;
        to->excepted += from->excepted;
        to->fresh += from->fresh;
        for (size_t k = 0; k < from->sample_count; k++)
            sample(to, from->samples[k]);
        *from = (struct tally_rule){0};
    }
}

bool tally_merge(struct tally *sum, struct tally *part, struct err *err)
{
    if (!renumber(sum, &sum->changes, &part->changes, &part->change_numbers,
                  &part->change_merged) ||
        !renumber(sum, &sum->names, &part->names, &part->name_numbers, &part->name_merged) ||
        !make_room((void **)&sum->counts, &sum->count_room, sum->changes.count,
                   sizeof *sum->counts))
        return err_set(err, ERR_MEMORY, "out of memory while counting");
    add_rules(sum, part);
    for (uint32_t i = 0; i < part->changes.count; i++) {
        struct tally_change *to = &sum->counts[part->change_numbers[i]];
        to->items += part->counts[i].items;
        to->if_enforced += part->counts[i].if_enforced;
        part->counts[i] = (struct tally_change){0};
    }
    for (size_t i = 0; i < part->row_count; i++) {
        struct difference_row *row = &part->rows[i];
        row->change = part->change_numbers[row->change & ~DIFFERENCE_ONLY_ENFORCED] |
                      (row->change & DIFFERENCE_ONLY_ENFORCED);
        row->rule = part->name_numbers[row->rule];
    }
    sum->items += part->items;
    part->items = 0;
    return true;
}
