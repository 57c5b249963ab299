#include "policy/verdict.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"

void verdict_init(struct verdict *verdict, const struct policy *policy, const struct facts *facts,
                  int64_t now_us, struct arena *arena)
{
    *verdict = (struct verdict){.policy = policy, .facts = facts, .now_us = now_us, .arena = arena};
}

static enum plan_truth truth(bool holds)
{
    return holds ? PLAN_TRUE : PLAN_FALSE;
}

/* Folded texts ------------------------------------------------------------------------------- */

static const char *fold(struct verdict *verdict, const char *text, const char **cache)
{
    if (!*cache && text)
        *cache = text_fold(verdict->arena, text);
    if (!*cache)
        verdict->no_memory = true;
    return *cache ? *cache : "";
}

static bool matches(const struct rule_globs *globs, const char *folded)
{
    for (size_t i = 0; folded && i < globs->count; i++)
        if (glob_match(&globs->items[i], folded))
            return true;
    return false;
}

/* "Name <address>" in its parts. */
static void fold_person(struct verdict *verdict, const char *text, struct verdict_person *person)
{
    char *folded = text_fold(verdict->arena, text);
    if (!folded) {
        verdict->no_memory = true;
        return;
    }
    person->text = folded;
    size_t length = strlen(folded);
    const char *open = strrchr(folded, '<');
    if (!open || open == folded || folded[length - 1] != '>')
        return;
    size_t name_length = (size_t)(open - folded);
    while (name_length && folded[name_length - 1] == ' ')
        name_length--;
    person->name = arena_strndup(verdict->arena, folded, name_length);
    person->address = arena_strndup(verdict->arena, open + 1, length - (size_t)(open - folded) - 2);
    verdict->no_memory = verdict->no_memory || !person->name || !person->address;
}

static bool person_matches(const struct rule_globs *globs, const struct verdict_person *person)
{
    return matches(globs, person->text) || matches(globs, person->name) ||
           matches(globs, person->address);
}

static enum plan_truth of_owner(struct verdict *verdict, const struct rule_when *when)
{
    if (!verdict->facts->owner)
        return PLAN_UNKNOWN;
    if (!verdict->owner) {
        struct verdict_person *person = arena_alloc(verdict->arena, 1, sizeof *person);
        if (person)
            fold_person(verdict, verdict->facts->owner, person);
        verdict->no_memory = verdict->no_memory || !person;
        verdict->owner = person;
    }
    return truth(verdict->owner && person_matches(&when->text.globs, verdict->owner));
}

static const struct verdict_person *people_of(struct verdict *verdict)
{
    const struct facts *facts = verdict->facts;
    if (verdict->people)
        return verdict->people;
    struct verdict_person *people =
        arena_alloc(verdict->arena, facts->shared_with_count + 1, sizeof *people);
    for (size_t i = 0; people && i < facts->shared_with_count; i++)
        fold_person(verdict, facts->shared_with[i], &people[i]);
    verdict->no_memory = verdict->no_memory || !people;
    return verdict->people = people;
}

static enum plan_truth of_shared_with(struct verdict *verdict, const struct rule_when *when)
{
    if (!verdict->facts->sharing_known)
        return PLAN_UNKNOWN;
    const struct verdict_person *people = people_of(verdict);
    bool some = false, every = true;
    for (size_t i = 0; people && i < verdict->facts->shared_with_count; i++) {
        bool hit = person_matches(&when->text.globs, &people[i]);
        some = some || hit;
        every = every && hit;
    }
    return truth(when->text.only ? every : some);
}

static enum plan_truth of_path(struct verdict *verdict, const struct rule_when *when)
{
    return truth(matches(&when->text.globs, fold(verdict, verdict->facts->path, &verdict->path)));
}

static enum plan_truth of_name(struct verdict *verdict, const struct rule_when *when)
{
    const char *path = fold(verdict, verdict->facts->path, &verdict->path);
    const char *slash = strrchr(path, '/');
    return truth(matches(&when->text.globs, slash ? slash + 1 : path));
}

static enum plan_truth of_connection(struct verdict *verdict, const struct rule_when *when)
{
    if (!verdict->facts->connection)
        return PLAN_UNKNOWN;
    return truth(matches(&when->text.globs,
                         fold(verdict, verdict->facts->connection, &verdict->connection)));
}

/* Findings ----------------------------------------------------------------------------------- */

bool verdict_covers(const struct rule_types *types, uint32_t type)
{
    size_t low = 0, high = types->cover_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (types->covers[middle] == type)
            return true;
        if (types->covers[middle] < type)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static const struct verdict_row *rows_of(struct verdict *verdict)
{
    const struct facts *facts = verdict->facts;
    const struct intern *types = &verdict->policy->types;
    if (verdict->rows)
        return verdict->rows;
    struct verdict_row *rows = arena_alloc(verdict->arena, facts->finding_count + 1, sizeof *rows);
    for (size_t i = 0; rows && i < facts->finding_count; i++) {
        const struct report_finding *finding = &facts->findings[i];
        uint32_t *variants =
            arena_alloc(verdict->arena, finding->variants_count + 1u, sizeof *variants);
        if (!variants) {
            rows = NULL;
            break;
        }
        for (uint32_t k = 0; k < finding->variants_count; k++)
            variants[k] = intern_find(types, finding->variants[k].type);
        rows[i] = (struct verdict_row){finding, intern_find(types, finding->type), variants};
    }
    verdict->no_memory = verdict->no_memory || !rows;
    return verdict->rows = rows;
}

static bool is_ignored(const struct verdict *verdict, uint32_t type)
{
    for (size_t i = 0; i < verdict->ignored_count; i++)
        if (verdict_covers(verdict->ignored[i], type))
            return true;
    return false;
}

/* What a row holds of some types: all of it, or what its variants say. */
static uint64_t row_number(const struct verdict *verdict, const struct verdict_row *row,
                           const struct rule_types *types, bool every)
{
    const struct report_finding *finding = row->finding;
    uint64_t all = every ? finding->count : finding->unique_count, some = 0, ignored = 0;
    if (is_ignored(verdict, row->type))
        return 0;
    for (uint32_t i = 0; i < finding->variants_count; i++) {
        const struct report_variant *variant = &finding->variants[i];
        uint64_t number = every ? variant->count : variant->unique_count;
        if (is_ignored(verdict, row->variants[i]))
            ignored += number;
        else if (verdict_covers(types, row->variants[i]))
            some += number;
    }
    if (verdict_covers(types, row->type))
        return all > ignored ? all - ignored : 0;
    return some < all ? some : all;
}

static struct verdict_count count_set(struct verdict *verdict, const struct rule_findings *findings,
                                      const struct rule_types *types)
{
    const struct verdict_row *rows = rows_of(verdict);
    struct verdict_count count = {.open = verdict->facts->status != REPORT_OK};
    for (size_t i = 0; rows && i < verdict->facts->finding_count; i++) {
        const struct report_finding *finding = rows[i].finding;
        if (finding->confidence < findings->confidence)
            continue;
        uint64_t number = row_number(verdict, &rows[i], types, findings->every);
        count.number += number;
        count.open = count.open || (number && finding->at_least && !findings->every);
    }
    return count;
}

/* What was seen may settle it although there may be more. */
static enum plan_truth in_bounds(const struct rule_findings *findings, struct verdict_count count)
{
    if (count.number > findings->at_most)
        return PLAN_FALSE;
    if (count.number < findings->at_least)
        return count.open ? PLAN_UNKNOWN : PLAN_FALSE;
    return count.open && findings->at_most != UINT64_MAX ? PLAN_UNKNOWN : PLAN_TRUE;
}

struct verdict_count verdict_count(struct verdict *verdict, const struct rule_findings *findings)
{
    if (!findings->kinds)
        return count_set(verdict, findings, findings->sets);
    struct verdict_count kinds = {0};
    for (size_t i = 0; i < findings->set_count; i++) {
        enum plan_truth fits =
            in_bounds(findings, count_set(verdict, findings, &findings->sets[i]));
        kinds.number += fits == PLAN_TRUE;
        kinds.maybe += fits == PLAN_UNKNOWN;
    }
    kinds.open = kinds.maybe > 0;
    return kinds;
}

static enum plan_truth of_findings(struct verdict *verdict, const struct rule_when *when)
{
    const struct rule_findings *findings = &when->findings;
    struct verdict_count count = verdict_count(verdict, findings);
    if (!findings->kinds)
        return in_bounds(findings, count);
    if (count.number >= findings->kinds)
        return PLAN_TRUE;
    return count.number + count.maybe >= findings->kinds ? PLAN_UNKNOWN : PLAN_FALSE;
}

/* The rest ----------------------------------------------------------------------------------- */

static enum plan_truth of_exposure(struct verdict *verdict, const struct rule_when *when)
{
    enum facts_exposure exposure = verdict->facts->exposure;
    bool asks_unknown = when->mask == 1u << FACTS_EXPOSURE_UNKNOWN;
    if (exposure == FACTS_EXPOSURE_UNKNOWN && !asks_unknown)
        return PLAN_UNKNOWN;
    return truth(when->mask >> exposure & 1);
}

static enum plan_truth of_format(struct verdict *verdict, const struct rule_when *when)
{
    const struct facts *facts = verdict->facts;
    unsigned format = facts->format < FORMAT_COUNT ? facts->format : FORMAT_UNKNOWN;
    if (facts->status == REPORT_CRASHED)
        return PLAN_UNKNOWN;
    if (when->format.formats[format / 64] >> (format % 64) & 1)
        return PLAN_TRUE;
    return truth(when->format.mime.count && facts->mime &&
                 matches(&when->format.mime, fold(verdict, facts->mime, &verdict->mime)));
}

static enum plan_truth of_size(struct verdict *verdict, const struct rule_when *when)
{
    uint64_t size = verdict->facts->size;
    return truth(size >= when->size.at_least && size <= when->size.at_most);
}

static const struct facts_time *time_of(const struct verdict *verdict, enum rule_op op)
{
    const struct facts *facts = verdict->facts;
    return op == RULE_CREATED    ? &facts->created
           : op == RULE_MODIFIED ? &facts->modified
                                 : &facts->shared;
}

static int64_t instant_at(const struct rule_instant *instant, int64_t now_us)
{
    return instant->ago ? now_us - instant->us : instant->us;
}

static enum plan_truth of_time(struct verdict *verdict, const struct rule_when *when)
{
    const struct facts_time *time = time_of(verdict, when->op);
    const struct rule_instant *before = &when->time.before, *after = &when->time.after;
    if (!time->known)
        return PLAN_UNKNOWN;
    return truth((!before->given || time->us < instant_at(before, verdict->now_us)) &&
                 (!after->given || time->us >= instant_at(after, verdict->now_us)));
}

unsigned verdict_label(struct verdict *verdict)
{
    const struct facts *facts = verdict->facts;
    if (!verdict->label_ready) {
        const struct policy_label *label = facts->label_kind == FACTS_LABEL_OURS && facts->label_id
                                               ? policy_label_find(verdict->policy, facts->label_id)
                                               : NULL;
        verdict->label_priority = facts->label_kind != FACTS_LABEL_OURS ? 0
                                  : label                               ? label->priority
                                                                        : UINT_MAX;
        verdict->label_ready = true;
    }
    return verdict->label_priority;
}

static bool label_is(const struct rule_label *asked, unsigned priority, bool foreign)
{
    if ((asked->none && priority == 0) || (asked->any && priority != 0) ||
        (asked->unknown && priority == UINT_MAX) || (asked->foreign && foreign))
        return true;
    for (size_t i = 0; i < asked->is_count; i++)
        if (asked->is[i] == priority)
            return true;
    return asked->bounded && priority >= asked->low && priority <= asked->high;
}

static enum plan_truth of_label(struct verdict *verdict, const struct rule_when *when)
{
    const struct facts *facts = verdict->facts;
    const struct rule_label *asked = &when->label;
    if (facts->label_kind == FACTS_LABEL_UNREAD)
        return PLAN_UNKNOWN;
    unsigned priority = verdict_label(verdict);
    bool label = !asked->by_label || label_is(asked, priority, facts->foreign_label);
    bool setter = !asked->by_setter || (priority != 0 && facts->set_by == asked->set_by);
    return truth(label && setter);
}

static enum plan_truth of_label_change(struct verdict *verdict, const struct rule_when *when)
{
    return truth(verdict->facts->label_change != FACTS_UNCHANGED &&
                 when->mask >> verdict->facts->label_change & 1);
}

static enum plan_truth of_status(struct verdict *verdict, const struct rule_when *when)
{
    return truth(when->mask >> verdict->facts->status & 1);
}

static enum plan_truth one_property(struct verdict *verdict, const struct rule_property *asked)
{
    const struct facts *facts = verdict->facts;
    bool there = false;
    for (size_t i = 0; i < facts->property_count; i++) {
        const char *key = text_fold(verdict->arena, facts->properties[i].name);
        if (!key || strcmp(key, asked->key) != 0) {
            verdict->no_memory = verdict->no_memory || !key;
            continue;
        }
        const char *value = text_fold(verdict->arena, facts->properties[i].value);
        verdict->no_memory = verdict->no_memory || !value;
        there = true;
        if (matches(&asked->globs, value))
            return PLAN_TRUE;
    }
    return there || facts->properties_known ? PLAN_FALSE : PLAN_UNKNOWN;
}

static enum plan_truth of_property(struct verdict *verdict, const struct rule_when *when)
{
    enum plan_truth all = PLAN_TRUE;
    for (size_t i = 0; i < when->property.count && all != PLAN_FALSE; i++) {
        enum plan_truth one = one_property(verdict, &when->property.items[i]);
        all = one < all ? one : all;
    }
    return all;
}

/* Operators ---------------------------------------------------------------------------------- */

/* The least truth of all parts, the greatest of any. */
static enum plan_truth of_parts(struct verdict *verdict, const struct rule_when *when)
{
    bool any = when->op == RULE_ANY;
    enum plan_truth end = any ? PLAN_TRUE : PLAN_FALSE, is = any ? PLAN_FALSE : PLAN_TRUE;
    for (size_t i = 0; i < when->of_count && is != end; i++) {
        enum plan_truth one = verdict_of(verdict, &when->of[i]);
        is = any == (one > is) ? one : is;
    }
    return is;
}

static enum plan_truth of_not(struct verdict *verdict, const struct rule_when *when)
{
    switch (verdict_of(verdict, when->of)) {
    case PLAN_TRUE: return PLAN_FALSE;
    case PLAN_FALSE: return PLAN_TRUE;
    default: return PLAN_UNKNOWN;
    }
}

static enum plan_truth of_always(struct verdict *verdict, const struct rule_when *when)
{
    (void)verdict, (void)when;
    return PLAN_TRUE;
}

static enum plan_truth (*const deciders[RULE_OP_COUNT])(struct verdict *,
                                                        const struct rule_when *) = {
    [RULE_ALWAYS] = of_always,
    [RULE_ALL] = of_parts,
    [RULE_ANY] = of_parts,
    [RULE_NOT] = of_not,
    [RULE_IS] = of_parts,
    [RULE_FINDINGS] = of_findings,
    [RULE_EXPOSURE] = of_exposure,
    [RULE_SHARED_WITH] = of_shared_with,
    [RULE_PATH] = of_path,
    [RULE_NAME] = of_name,
    [RULE_CONNECTION] = of_connection,
    [RULE_OWNER] = of_owner,
    [RULE_FORMAT] = of_format,
    [RULE_SIZE] = of_size,
    [RULE_CREATED] = of_time,
    [RULE_MODIFIED] = of_time,
    [RULE_SHARED] = of_time,
    [RULE_LABEL] = of_label,
    [RULE_LABEL_CHANGE] = of_label_change,
    [RULE_STATUS] = of_status,
    [RULE_PROPERTY] = of_property,
};

enum plan_truth verdict_of(struct verdict *verdict, const struct rule_when *when)
{
    return deciders[when->op](verdict, when);
}

/* A time condition with an age turns one microsecond after fact + age: `before` is strict, and
 * `after` holds at the instant itself. */
void verdict_instants(const struct verdict *verdict, const struct rule_when *when,
                      void (*found)(void *context, int64_t us), void *context)
{
    if (!when->timed)
        return;
    for (size_t i = 0; i < when->of_count; i++)
        verdict_instants(verdict, &when->of[i], found, context);
    if (when->of_count)
        return;
    const struct facts_time *time = time_of(verdict, when->op);
    if (time->known && when->time.before.ago)
        found(context, time->us + when->time.before.us + 1);
    if (time->known && when->time.after.ago)
        found(context, time->us + when->time.after.us + 1);
}
