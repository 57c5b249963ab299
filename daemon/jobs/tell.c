#include "jobs/tell.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "jobs/notice.h"
#include "store/alert.h"
#include "store/audit.h"
#include "store/outbox.h"

enum { body_max_bytes = 4 << 20, details_max_bytes = 16384 };

bool tell_is_mail(const char *target)
{
    return strcmp(target, "owner") == 0 || strcmp(target, "last-editor") == 0;
}

static const struct plan_step *find_step(const struct plan_steps *steps, enum plan_do what,
                                         const char *rule)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == what && (!rule || strcmp(steps->steps[i].rules[0], rule) == 0))
            return &steps->steps[i];
    return NULL;
}

static const struct plan_rule *find_rule(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->rule_count; i++)
        if (strcmp(plan->rules[i].name, name) == 0)
            return &plan->rules[i];
    return NULL;
}

/* Not known is not "no": what was told stays told. */
static bool is_undecided(const struct plan *plan, const char *name)
{
    const struct plan_rule *rule = find_rule(plan, name);
    return rule && rule->mode == PLAN_ENFORCE && rule->state == PLAN_UNDECIDED;
}

/* Alerts -------------------------------------------------------------------------------------- */

static bool say(struct db *db, const struct visit *visit, const char *event,
                const struct alert *alert, const char *reason, struct err *err)
{
    own_buf struct buf details = buf_new(details_max_bytes);
    own_json json_t *json = json_pack("{s:o, s:s, s:s*}", "rule", json_text(alert->rule), "level",
                                      alert_level_word(alert->level), "reason", reason);
    if (!json || !json_write(json, &details))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct item *before = &visit->copy.before;
    const char *path = visit->copy.stat.path ? visit->copy.stat.path : before->path;
    const struct audit_record record = {.event = event,
                                        .actor = "labeld",
                                        .item = before->id,
                                        .connection = visit->link->name,
                                        .path = path,
                                        .details = buf_text(&details),
                                        .at_us = visit->now_us};
    return audit_add(db, &record, err);
}

static bool raise_alerts(struct db *db, const struct visit *visit, struct err *err)
{
    static const char *const events[] = {
        [ALERT_OPENED] = "alert-opened", [ALERT_UPDATED] = "alert-updated"};
    const struct plan_steps *steps = &visit->plan.plan.plan;
    for (size_t i = 0; i < steps->count; i++) {
        enum alert_change change;
        const struct plan_step *step = &steps->steps[i];
        if (step->what != PLAN_ALERT)
            continue;
        const struct alert alert = {.item = visit->copy.before.id,
                                    .rule = step->rules[0],
                                    .level = (enum alert_level)step->alert_level,
                                    .message = step->message,
                                    .seen = visit->copy.stat.version,
                                    .exposure = (int)visit->copy.shared.step,
                                    .updated_us = visit->now_us};
        if (!alert_raise(db, &alert, &change, err) ||
            (events[change] && !say(db, visit, events[change], &alert, NULL, err)))
            return false;
    }
    return true;
}

static bool end_one(struct db *db, const struct visit *visit, const struct alert *alert,
                    const char *reason, struct err *err)
{
    return alert_end(db, alert->id, "labeld", reason, visit->now_us, err) &&
           (alert->closed_us || say(db, visit, "alert-closed", alert, reason, err));
}

/* Why an alert is over; NULL = it is not. */
static const char *why_over(const struct plan *plan, const char *name)
{
    const struct plan_rule *rule = find_rule(plan, name);
    if (find_step(&plan->plan, PLAN_ALERT, name) || is_undecided(plan, name))
        return NULL;
    if (!rule)
        return "the rule is gone";
    if (rule->state == PLAN_EXCEPTED)
        return "an exception covers it";
    return rule->state == PLAN_MATCHED ? "the rule no longer alerts" : "the rule no longer matches";
}

/* Those whose rule does not match now; all of them when the item is gone. */
static bool end_alerts(struct db *db, const struct visit *visit, bool gone, struct err *err)
{
    bool found = true;
    struct alert alert = {0};
    while (found) {
        own_arena struct arena arena = arena_new(256 * 1024);
        if (!alert_live(db, visit->copy.before.id, alert.id, &arena, &alert, &found, err))
            return false;
        const char *reason = !found ? NULL
                             : gone ? "the file is gone"
                                    : why_over(&visit->plan.plan, alert.rule);
        if (reason && !end_one(db, visit, &alert, reason, err))
            return false;
    }
    return true;
}

/* Notifications ------------------------------------------------------------------------------- */

struct telling {
    struct db *db;
    struct visit *visit;
    const struct plan_step *step;
    struct outbox_told *told;
    size_t told_count;
    bool *news; /* of each notice of the step */
    struct notice notice;
};

static bool is_news(const struct telling *telling, const char *rule)
{
    for (size_t i = 0; i < telling->told_count; i++)
        if (strcmp(telling->told[i].rule, rule) == 0)
            return strcmp(telling->told[i].version, telling->visit->copy.stat.version) != 0;
    return true;
}

static const char *label_of(const struct visit *visit)
{
    const struct facts *facts = &visit->plan.facts;
    if (visit->outcome.new_version)
        return visit->outcome.label ? visit->outcome.label->name : NULL;
    if (facts->label_kind != FACTS_LABEL_OURS || !facts->label_id)
        return NULL;
    const struct policy_label *label = policy_label_find(visit->plan.policy, facts->label_id);
    return label ? label->name : facts->label_id;
}

static bool fill_actions(struct telling *telling, struct err *err)
{
    const struct visit_outcome *outcome = &telling->visit->outcome;
    struct notice_action *actions =
        arena_alloc(telling->visit->arena, outcome->step_count + 1, sizeof *actions);
    if (!actions)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct visit_step *step = &outcome->steps[i];
        actions[i] = (struct notice_action){plan_do_word(step->step->what), step->step->with,
                                            step->word, step->code};
    }
    telling->notice.actions = actions;
    telling->notice.action_count = outcome->step_count;
    return true;
}

static bool fill_notice(struct telling *telling, struct err *err)
{
    const struct visit *visit = telling->visit;
    const char *exposure = facts_exposure_word(visit->copy.shared.step);
    telling->notice = (struct notice){.item = visit->copy.before.id,
                                      .connection = visit->link->name,
                                      .path = visit->copy.stat.path,
                                      .owner = visit->copy.stat.owner,
                                      .exposure = exposure ? exposure : "unknown",
                                      .report = &visit->report.report,
                                      .label = label_of(visit),
                                      .outcome = visit->outcome.word,
                                      .code = visit->outcome.code,
                                      .message = visit->outcome.message,
                                      .revision = visit->plan.plan.revision,
                                      .at_us = visit->now_us};
    return fill_actions(telling, err);
}

static bool asks_for(const struct plan_notice *notice, const char *target)
{
    for (size_t i = 0; i < notice->target_count; i++)
        if (strcmp(notice->targets[i], target) == 0)
            return true;
    return false;
}

/* One message for a target, with all rules that have news for it. */
static bool tell_target(struct telling *telling, const char *target, struct err *err)
{
    const struct plan_step *step = telling->step;
    struct visit *visit = telling->visit;
    struct notice_rule *rules = arena_alloc(visit->arena, step->notice_count, sizeof *rules);
    size_t count = 0;
    if (!rules)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < step->notice_count; i++) {
        const struct plan_notice *notice = &step->notices[i];
        if (!telling->news[i] || !asks_for(notice, target))
            continue;
        const struct plan_step *alert = find_step(&visit->plan.plan.plan, PLAN_ALERT, notice->rule);
        rules[count++] = (struct notice_rule){notice->rule, notice->message,
                                              alert ? (int)alert->alert_level : -1};
    }
    if (count == 0)
        return true;
    telling->notice.rules = rules;
    telling->notice.rule_count = count;
    own_buf struct buf body = buf_new(body_max_bytes);
    if (!notice_write(&telling->notice, &body))
        return err_set(err, ERR_MEMORY, "out of memory for a notification");
    const struct outbox_message message = {.target = target,
                                           .item = visit->copy.before.id,
                                           .body = buf_text(&body),
                                           .made_us = clock_now_us()};
    visit->outcome.told = true;
    return outbox_add(telling->db, &message, err);
}

static bool tell_news(struct telling *telling, struct err *err)
{
    const struct plan_step *step = telling->step;
    const struct visit *visit = telling->visit;
    bool any = false;
    telling->news = arena_alloc(visit->arena, step->notice_count + 1, sizeof *telling->news);
    if (!telling->news)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < step->notice_count; i++) {
        telling->news[i] = is_news(telling, step->notices[i].rule);
        any = any || telling->news[i];
    }
    if (!any)
        return true;
    bool ok = fill_notice(telling, err);
    for (size_t i = 0; ok && i < step->name_count; i++)
        ok = tell_is_mail(step->names[i]) || tell_target(telling, step->names[i], err);
    for (size_t i = 0; ok && i < step->notice_count; i++)
        ok = !telling->news[i] || outbox_tell(telling->db, visit->copy.before.id,
                                              step->notices[i].rule, visit->copy.stat.version, err);
    return ok;
}

/* Rules that told and do not match now will be news when they do again. */
static bool forget_told(struct telling *telling, struct err *err)
{
    const struct visit *visit = telling->visit;
    bool ok = true;
    for (size_t i = 0; ok && i < telling->told_count; i++) {
        const char *rule = telling->told[i].rule;
        bool asks = is_undecided(&visit->plan.plan, rule);
        for (size_t k = 0; telling->step && !asks && k < telling->step->notice_count; k++)
            asks = strcmp(telling->step->notices[k].rule, rule) == 0;
        ok = asks || outbox_untell(telling->db, visit->copy.before.id, rule, err);
    }
    return ok;
}

static bool notify(struct db *db, struct visit *visit, struct err *err)
{
    struct telling telling = {
        .db = db, .visit = visit, .step = find_step(&visit->plan.plan.plan, PLAN_NOTIFY, NULL)};
    if (!outbox_told(db, visit->copy.before.id, visit->arena, &telling.told, &telling.told_count,
                     err))
        return false;
    bool known = !visit->outcome.more && !visit->outcome.stopped; /* else a later visit tells */
    return (!known || !telling.step || tell_news(&telling, err)) && forget_told(&telling, err);
}

/* Units --------------------------------------------------------------------------------------- */

bool tell_own_version(struct db *db, int64_t item, const char *from, const char *to,
                      struct err *err)
{
    return alert_carry(db, item, from, to, err) && outbox_carry(db, item, from, to, err);
}

bool tell_item(struct db *db, struct visit *visit, struct err *err)
{
    const char *own = visit->outcome.new_version;
    visit->outcome.told = false;
    return raise_alerts(db, visit, err) && end_alerts(db, visit, false, err) &&
           notify(db, visit, err) &&
           (!own ||
            tell_own_version(db, visit->copy.before.id, visit->copy.stat.version, own, err));
}

bool tell_gone(struct db *db, const struct visit *visit, struct err *err)
{
    return end_alerts(db, visit, true, err) && outbox_untell(db, visit->copy.before.id, NULL, err);
}
