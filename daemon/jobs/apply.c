#include "jobs/apply.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/simulate.h"
#include "store/brake.h"
#include "store/revision.h"

static const size_t work_max_bytes = 256u << 20;

/* One revision on its way into force. */
struct applying {
    struct apply *apply;
    struct arena *arena;
    struct revision revision;
    const struct policy *policy, *now; /* now: in force before; NULL = none */
    struct brake *rows;                /* of the store, before */
    size_t row_count;
    bool *is_new, *held; /* of each rule; held: by this apply */
    int64_t *counts;     /* what it would change */
    enum rules_brake *brakes;
};

static struct policy *load(const struct apply *apply, const char *text, struct err *err)
{
    struct policy_problems problems;
    own_arena struct arena arena = arena_new(work_max_bytes);
    return gate_load(apply->gate, "the rules in force", text, &arena, &problems, err);
}

static bool read_store(struct applying *applying, struct err *err)
{
    struct store *store = applying->apply->store;
    struct db *db = store_reader(store, err);
    bool ok = db && revision_in_force(db, applying->arena, &applying->revision, err) &&
              brake_list(db, applying->arena, &applying->rows, &applying->row_count, err);
    store_reader_done(store, db);
    return ok;
}

static const struct brake *find_row(const struct applying *applying, const char *rule)
{
    for (size_t i = 0; i < applying->row_count; i++)
        if (strcmp(applying->rows[i].rule, rule) == 0)
            return &applying->rows[i];
    return NULL;
}

/* A row that still holds: for this very text. */
static bool is_of(const struct brake *row, const struct ruleset_rule *rule)
{
    return row && rule->mode == PLAN_ENFORCE && strcmp(row->digest, rule->digest) == 0;
}

/* Is the rule stopped already, by the brake or by a person, and has not changed? */
static bool stays_held(const struct applying *applying, const struct ruleset_rule *rule)
{
    const struct brake *row = find_row(applying, rule->name);
    return is_of(row, rule) && row->state != BRAKE_APPROVED;
}

/* Asking the brake ------------------------------------------------------------------------------
 */

static bool make_room(struct applying *applying, struct err *err)
{
    size_t count = ruleset_count(applying->policy) + 1;
    applying->is_new = arena_alloc(applying->arena, count, sizeof *applying->is_new);
    applying->held = arena_alloc(applying->arena, count, sizeof *applying->held);
    applying->counts = arena_alloc(applying->arena, count, sizeof *applying->counts);
    applying->brakes = arena_alloc(applying->arena, count, sizeof *applying->brakes);
    return (applying->is_new && applying->held && applying->counts && applying->brakes) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

static bool any_enforced(const struct policy *policy)
{
    for (size_t i = 0; i < ruleset_count(policy); i++)
        if (ruleset_rule(policy, i).mode == PLAN_ENFORCE)
            return true;
    return false;
}

static bool go_on(void *context, unsigned done, unsigned parts)
{
    const struct applying *applying = context;
    (void)done;
    (void)parts;
    return !applying->apply->stop || !atomic_load(applying->apply->stop);
}

/* An approval was for the revision before. */
static void mark_new(struct applying *applying)
{
    simulate_mark_new(applying->policy, applying->now, NULL, applying->is_new);
    for (size_t i = 0; i < ruleset_count(applying->policy); i++) {
        const struct ruleset_rule rule = ruleset_rule(applying->policy, i);
        const struct brake *row = find_row(applying, rule.name);
        applying->is_new[i] =
            applying->is_new[i] || (is_of(row, &rule) && row->state == BRAKE_APPROVED);
    }
}

static bool ask_brake(struct applying *applying, struct err *err)
{
    const struct simulate simulate = {.store = applying->apply->store,
                                      .with = {.policy = applying->policy,
                                               .now = applying->now,
                                               .is_new = applying->is_new,
                                               .now_us = clock_now_us()},
                                      .go_on = go_on,
                                      .context = applying};
    mark_new(applying);
    if (!any_enforced(applying->policy))
        return true;
    struct tally *tally = simulate_run(&simulate, err);
    for (size_t i = 0; tally && i < tally->rule_count; i++) {
        const struct ruleset_rule rule = ruleset_rule(applying->policy, i);
        applying->counts[i] = (int64_t)tally->rules[i].fresh;
        applying->held[i] = rule.mode == PLAN_ENFORCE && !stays_held(applying, &rule) &&
                            simulate_is_too_much(&rule.brake, tally->rules[i].fresh, tally->items);
    }
    tally_free(tally);
    return tally != NULL;
}

/* On record --------------------------------------------------------------------------------------
 */

/* Rows of rules that are gone, changed, no longer enforced or let go are over. */
static bool end_rows(struct db *db, const struct applying *applying, int64_t now_us,
                     struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < applying->row_count; i++) {
        const struct brake *row = &applying->rows[i];
        size_t index = ruleset_find(applying->policy, row->rule);
        struct ruleset_rule rule = {0};
        if (index != RULESET_NONE)
            rule = ruleset_rule(applying->policy, index);
        if (index != RULESET_NONE && stays_held(applying, &rule))
            continue;
        ok = brake_remove(db, row->rule, err) &&
             brake_settled(db, row->rule, "other rules are in force", now_us, err);
    }
    return ok;
}

static bool hold_rules(struct db *db, const struct applying *applying, int64_t now_us,
                       struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < ruleset_count(applying->policy); i++) {
        const struct ruleset_rule rule = ruleset_rule(applying->policy, i);
        const struct brake brake = {.rule = rule.name,
                                    .digest = rule.digest,
                                    .counted = applying->counts[i],
                                    .again = BRAKE_DONE,
                                    .since_us = now_us,
                                    .who = "labeld"};
        ok = !applying->held[i] || brake_hold(db, &brake, err);
    }
    return ok;
}

static bool record(struct db *db, void *context, struct err *err)
{
    const struct applying *applying = context;
    int64_t now_us = clock_now_us();
    return end_rows(db, applying, now_us, err) && hold_rules(db, applying, now_us, err) &&
           revision_applied(db, applying->revision.number, now_us, err);
}

static bool check(struct applying *applying, struct err *err)
{
    const struct store_unit unit = {record, applying};
    return ask_brake(applying, err) &&
           store_write(applying->apply->store, STORE_COMMITTED, unit, err);
}

/* What the rows say of each rule. */
static void fill_brakes(const struct applying *applying)
{
    for (size_t i = 0; i < ruleset_count(applying->policy); i++) {
        const struct ruleset_rule rule = ruleset_rule(applying->policy, i);
        const struct brake *row = find_row(applying, rule.name);
        applying->brakes[i] = !is_of(row, &rule)             ? RULES_FREE
                              : row->state == BRAKE_APPROVED ? RULES_APPROVED
                                                             : RULES_HELD;
    }
}

static void tell(const struct applying *applying)
{
    for (size_t i = 0; i < ruleset_count(applying->policy); i++)
        if (applying->held[i])
            LOG(LOG_LEVEL_WARN, "rule-held", LOG_TEXT(rule, ruleset_rule(applying->policy, i).name),
                LOG_NUMBER(count, applying->counts[i]));
}

/* The brake's word for the revision, in `brakes`. */
static bool decide(struct applying *applying, struct err *err)
{
    if (!make_room(applying, err))
        return false;
    if (!applying->revision.applied_us && !check(applying, err))
        return false;
    tell(applying);
    if (!read_store(applying, err))
        return false;
    fill_brakes(applying);
    return true;
}

/* Cheap: asked every second. */
static bool read_number(struct store *store, int64_t *number, struct err *err)
{
    struct db *db = store_reader(store, err);
    bool ok = db && revision_number(db, number, err);
    store_reader_done(store, db);
    return ok;
}

/* Calls ------------------------------------------------------------------------------------------
 */

/* The rules before a restart that cut an apply short; NULL = none, or they do not load now. */
static struct policy *load_applied(struct applying *applying)
{
    struct err err = {0};
    struct revision before = {0};
    struct store *store = applying->apply->store;
    struct db *db = store_reader(store, &err);
    bool ok = db && revision_last_applied(db, applying->arena, &before, &err);
    store_reader_done(store, db);
    return ok && before.number ? load(applying->apply, before.text, &err) : NULL;
}

bool apply_first(struct apply *apply, struct err *err)
{
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct applying applying = {.apply = apply, .arena = &arena};
    if (!apply->gate)
        return true;
    if (!read_store(&applying, err) || applying.revision.number == 0)
        return err->kind == ERR_NONE;
    struct policy *before = applying.revision.applied_us ? NULL : load_applied(&applying);
    applying.policy = rules_hold(apply->rules);
    applying.now = before;
    bool ok = decide(&applying, err);
    for (size_t i = 0; ok && i < ruleset_count(applying.policy); i++)
        rules_set_brake(apply->rules, applying.policy, i, applying.brakes[i]);
    rules_drop(apply->rules, applying.policy);
    policy_free(before);
    apply->number = ok ? applying.revision.number : 0;
    return ok;
}

bool apply_due(struct apply *apply, bool *changed, struct err *err)
{
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct applying applying = {.apply = apply, .arena = &arena};
    int64_t number = 0;
    *changed = false;
    if (!apply->gate)
        return true;
    if (!read_number(apply->store, &number, err))
        return false;
    if (number == apply->number)
        return true;
    if (!read_store(&applying, err))
        return false;
    struct policy *policy = load(apply, applying.revision.text, err);
    if (!policy)
        return false;
    applying.policy = policy;
    applying.now = rules_hold(apply->rules);
    bool ok = decide(&applying, err);
    rules_drop(apply->rules, applying.now);
    if (!ok) {
        policy_free(policy);
        return false;
    }
    if (apply->told)
        apply->told(apply->context, policy);
    apply->number = applying.revision.number;
    *changed = true;
    return rules_replace(apply->rules, policy, applying.brakes, err);
}

/* Only approvals: what a visit has stopped meanwhile may not yet be committed. */
bool apply_words(struct apply *apply, struct err *err)
{
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct applying applying = {.apply = apply, .arena = &arena};
    if (!read_store(&applying, err))
        return false;
    applying.policy = rules_hold(apply->rules);
    for (size_t i = 0; i < applying.row_count; i++) {
        const struct brake *row = &applying.rows[i];
        size_t index = ruleset_find(applying.policy, row->rule);
        if (index == RULESET_NONE || row->state != BRAKE_APPROVED)
            continue;
        const struct ruleset_rule rule = ruleset_rule(applying.policy, index);
        if (is_of(row, &rule))
            rules_set_brake(apply->rules, applying.policy, index, RULES_APPROVED);
    }
    rules_drop(apply->rules, applying.policy);
    return true;
}
