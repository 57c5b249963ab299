#include "jobs/visit.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/act.h"
#include "jobs/braking.h"
#include "jobs/job.h"
#include "jobs/keep.h"
#include "jobs/meanwhile.h"
#include "jobs/tell.h"
#include "store/audit.h"

enum { json_max_bytes = 1 << 20, report_max_bytes = 32 << 20, settle_after_us = 2000000 };

/* The item's row ------------------------------------------------------------------------------ */

static int64_t us_of(struct facts_time time)
{
    return time.known ? time.us : ITEM_NO_TIME;
}

/* Who can reach it after what was done. */
static const struct connect_exposure *exposure_now(const struct visit *visit)
{
    return visit->outcome.exposure ? visit->outcome.exposure : &visit->copy.exposure;
}

const char *visit_shared_with(const struct connect_exposure *exposure, struct arena *arena)
{
    own_json json_t *list = json_array();
    own_buf struct buf text = buf_new(json_max_bytes);
    for (size_t i = 0; list && i < exposure->shared_with_count; i++)
        json_array_append_new(list, json_text(exposure->shared_with[i]));
    if (!list || !json_write(list, &text))
        return "[]";
    const char *copy = arena_strdup(arena, buf_text(&text));
    return copy ? copy : "[]";
}

static void fill_examined(const struct visit *visit, struct item *item)
{
    struct parser_facts facts;
    const struct report *report = &visit->report.report;
    parser_facts(visit->world->parser, &facts);
    item->status = report->status;
    item->reason = report->reason ? report->reason : "";
    item->format = report->format;
    item->mime = report->mime ? report->mime : "";
    item->finding_count = 0;
    for (uint32_t i = 0; i < report->findings_count; i++)
        item->finding_count += report->findings[i].unique_count;
    memcpy(item->types_digest, facts.types_digest, 32);
    memcpy(item->text_digest, report->text_digest, 32);
    memcpy(item->sha256, visit->copy.copy.sha256, 32);
    item->examined_us = visit->now_us;
}

static void fill_label(const struct visit *visit, struct item *item)
{
    const struct facts *facts = &visit->plan.facts;
    item->label_site = policy_site(visit->plan.policy);
    item->label_kind = facts->label_kind;
    item->label_id = facts->label_kind == FACTS_LABEL_OURS ? facts->label_id : NULL;
    item->foreign_label = facts->foreign_label;
    item->set_by = facts->set_by;
    item->label_change = facts->label_change;
    item->previous_id = facts->previous_id;
    if (!visit->outcome.new_version)
        return;
    item->version = visit->outcome.new_version;
    item->own_version = true;
    item->size = visit->outcome.new_size;
    item->label_kind = visit->outcome.label ? FACTS_LABEL_OURS : FACTS_LABEL_NONE;
    item->label_id = visit->outcome.label ? visit->outcome.label->id : NULL;
    item->set_by = FACTS_AUTOMATIC;
    item->label_change = FACTS_UNCHANGED;
    item->previous_id = NULL;
}

/* Since when it is shared so: what is taken away only for a while does not count. */
static int64_t shared_us(const struct visit *visit)
{
    const struct visit_outcome *outcome = &visit->outcome;
    bool meanwhile = outcome->taken.id && strcmp(outcome->taken.wanted, RESTRICTION_MEANWHILE) == 0;
    bool same = exposure_now(visit)->step == visit->copy.exposure.step;
    return same || meanwhile ? us_of(visit->plan.facts.shared) : visit->now_us;
}

static void fill_item(const struct visit *visit, struct item *item)
{
    const struct visit_copy *copy = &visit->copy;
    const struct facts *facts = &visit->plan.facts;
    const struct connect_exposure *exposure = exposure_now(visit);
    bool same = copy->known && strcmp(copy->before.version, copy->stat.version) == 0;
    item->path = copy->stat.path;
    item->version = copy->stat.version;
    item->own_version = same && copy->before.own_version;
    item->size = copy->stat.size;
    item->owner = copy->stat.owner;
    item->exposure = (int)exposure->step;
    item->sharing_known = exposure->sharing_known;
    item->shared_with = visit_shared_with(exposure, visit->arena);
    item->exposure_why = exposure->why;
    item->created_us = us_of(facts->created);
    item->modified_us = us_of(facts->modified);
    item->shared_us = shared_us(visit);
    item->deleted_us = ITEM_NO_TIME;
    if (visit->report.fresh)
        fill_examined(visit, item);
    fill_label(visit, item);
    item->outcome = visit->outcome.word;
    item->code = visit->outcome.code;
    item->message = visit->outcome.message;
    item->todo = visit->outcome.more;
    item->revision = visit->plan.plan.revision;
    item->decided_us = visit->now_us;
    item->due_us = visit->plan.plan.due_us ? visit->plan.plan.due_us : ITEM_NO_TIME;
}

static bool save_decision(struct db *db, const struct visit *visit, struct err *err)
{
    const struct plan *plan = &visit->plan.plan;
    const char **rules = arena_alloc(visit->arena, plan->rule_count + 1, sizeof *rules);
    const char **states = arena_alloc(visit->arena, plan->rule_count + 1, sizeof *states);
    struct item_decision decision = {.json = visit->plan.json,
                                     .revision = plan->revision,
                                     .rules = rules,
                                     .states = states,
                                     .at_us = visit->now_us};
    if (!rules || !states)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < plan->rule_count; i++) {
        if (plan->rules[i].state == PLAN_NOT_MATCHED)
            continue;
        rules[decision.rule_count] = plan->rules[i].name;
        states[decision.rule_count++] = plan_state_word(plan->rules[i].state);
    }
    for (size_t i = 0; i < plan->plan.count; i++)
        if (plan->plan.steps[i].what == PLAN_TAG) {
            decision.tags = plan->plan.steps[i].names;
            decision.tag_count = plan->plan.steps[i].name_count;
        }
    return item_decision_save(db, visit->copy.before.id, &decision, err);
}

/* What the plan asks for and this version cannot do yet; NULL = nothing. */
static json_t *not_yet_json(const struct visit_outcome *outcome)
{
    json_t *list = NULL;
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct visit_step *step = &outcome->steps[i];
        if (strcmp(step->word, "not-yet") != 0)
            continue;
        list = list ? list : json_array();
        json_array_append_new(
            list, json_sprintf("%s %s", plan_do_word(step->step->what), step->step->with));
    }
    return list;
}

static bool say(struct db *db, const struct visit *visit, const char *event, struct err *err)
{
    const struct visit_outcome *outcome = &visit->outcome;
    const struct facts *facts = &visit->plan.facts;
    own_buf struct buf details = buf_new(json_max_bytes);
    own_json json_t *json = json_pack(
        "{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o*}", "outcome", outcome->word, "code",
        outcome->code, "label", outcome->label ? outcome->label->name : NULL, "label_before",
        facts->label_id, "version", visit->copy.stat.version, "new_version", outcome->new_version,
        "revision", visit->plan.plan.revision, "not_yet", not_yet_json(outcome));
    if (json)
        json_write(json, &details);
    const struct audit_record record = {.event = event,
                                        .actor = "labeld",
                                        .item = visit->copy.before.id,
                                        .connection = visit->link->name,
                                        .path = visit->copy.stat.path ? visit->copy.stat.path
                                                                      : visit->copy.before.path,
                                        .details = details.length ? buf_text(&details) : NULL,
                                        .at_us = visit->now_us};
    return audit_add(db, &record, err);
}

/* Units --------------------------------------------------------------------------------------- */

/* By labeld itself: it is where its entry says. */
static bool was_taken(const struct item *before)
{
    return strcmp(before->outcome, "quarantined") == 0 || strcmp(before->outcome, "encrypted") == 0;
}

static bool record_gone(struct db *db, struct visit *visit, struct err *err)
{
    const struct item *before = &visit->copy.before;
    if (!visit->copy.known || before->deleted_us != ITEM_NO_TIME || was_taken(before))
        return true;
    return item_gone(db, before->id, visit->now_us, err) && say(db, visit, "gone", err) &&
           tell_gone(db, visit, err);
}

/* One record for each step that changed something, else one of what was looked at. */
static bool say_all(struct db *db, const struct visit *visit, struct err *err)
{
    bool told = false;
    const struct visit_outcome *outcome = &visit->outcome;
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct visit_step *step = &outcome->steps[i];
        if (step->changed && !step->recorded && !say(db, visit, step->word, err))
            return false;
        told = told || step->changed;
    }
    return told || say(db, visit, visit->report.fresh ? "examined" : "decided", err);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_due_moved(const struct visit *visit)
{
    int64_t due_us = visit->plan.plan.due_us;
    return visit->copy.before.due_us != (due_us ? due_us : ITEM_NO_TIME);
}

/* What was labelled and is so still is told as labelled. */
static bool was_labelled(const struct visit *visit)
{
    return strcmp(visit->outcome.word, "unchanged") == 0 &&
           strcmp(visit->copy.before.outcome, "labelled") == 0;
}

/* An echo of our own write, decided by the same rules: nothing is new. */
static bool is_news(const struct visit *visit)
{
    const struct item *before = &visit->copy.before;
    const char *revision = visit->plan.plan.revision;
    return visit->report.fresh || visit->outcome.new_version || visit->outcome.taken.id ||
           before->todo || visit->outcome.more || !before->revision || !revision ||
           strcmp(before->revision, revision) != 0 ||
           before->exposure != (int)visit->copy.exposure.step ||
           !same_text(before->exposure_why, visit->copy.exposure.why) ||
           strcmp(before->path, visit->copy.stat.path) != 0 || is_due_moved(visit) ||
           (strcmp(before->outcome, visit->outcome.word) != 0 && !was_labelled(visit));
}

/* The row that this visit began with: a move may have given it another key meanwhile, or this key
 * another row. */
static bool is_still(struct db *db, struct visit *visit, struct err *err)
{
    struct item now;
    bool found;
    const struct visit_copy *copy = &visit->copy;
    if (!item_find(db, visit->job.connection, visit->job.key, visit->arena, &now, &found, err))
        return false;
    if (found == copy->known && (!found || now.id == copy->before.id))
        return true;
    return err_set(err, ERR_CONFLICT, "was moved meanwhile");
}

/* The report of the version that stands there now: after our own write the same, with its label.
 * Whoever decides again from the store must see it. */
static const char *report_now(const struct visit *visit)
{
    if (!visit->outcome.new_version)
        return visit->report.json;
    struct report report = visit->report.report;
    report.labels = (struct report_label *)(uintptr_t)visit->outcome.labels;
    report.labels_count = visit->outcome.label_count;
    const struct json_report_facts facts = {.path = visit->copy.stat.path,
                                            .size = visit->outcome.new_size};
    own_json json_t *json = json_report(&report, &facts);
    own_buf struct buf text = buf_new(report_max_bytes);
    if (!json || !json_write(json, &text))
        return NULL;
    return arena_strdup(visit->arena, buf_text(&text));
}

static bool save_report(struct db *db, const struct visit *visit, int64_t id, struct err *err)
{
    if (visit->report.fresh && !item_findings(db, id, &visit->report.report, err))
        return false;
    if (!visit->report.fresh && !visit->outcome.new_version)
        return true;
    const char *json = report_now(visit);
    return json ? item_report_save(db, id, json, err)
                : err_set(err, ERR_MEMORY, "out of memory for a report");
}

/* What was taken away or undone at the examined version holds for the one that we wrote. */
static bool follow(struct db *db, const struct visit *visit, struct err *err)
{
    const struct visit_outcome *outcome = &visit->outcome;
    return !outcome->new_version ||
           restriction_follow(db, visit->copy.before.id, visit->copy.stat.version,
                              outcome->new_version, err);
}

static bool record_item(struct db *db, struct visit *visit, struct err *err)
{
    struct item item = visit->copy.before;
    int64_t id = item.id;
    if (!is_still(db, visit, err))
        return false;
    if (!is_news(visit))
        return true;
    fill_item(visit, &item);
    return item_save(db, &item, err) && save_report(db, visit, id, err) &&
           save_decision(db, visit, err) && follow(db, visit, err) && say_all(db, visit, err) &&
           tell_item(db, visit, err);
}

static bool end_intent(struct db *db, const struct visit *visit, struct err *err)
{
    const struct visit_outcome *outcome = &visit->outcome;
    if (!outcome->intent.id)
        return true;
    return outcome->new_version && !outcome->settled ? intent_placed(db, outcome->intent.id, err)
                                                     : intent_remove(db, outcome->intent.id, err);
}

/* Steps are left, or rules came into force while this visit ran: it runs once more. */
static bool once_more(struct db *db, const struct visit *visit, struct err *err)
{
    const struct visit_world *world = visit->world;
    if (!visit->plan.policy)
        return true;
    const struct policy *policy = world->policy(world->policy_context);
    bool same = same_text(policy_revision(policy), visit->plan.plan.revision);
    world->policy_done(world->policy_context, policy);
    struct queue_job job = visit->job;
    return (same && !visit->outcome.more) || queue_add(db, &job, err);
}

static bool record(struct db *db, void *context, struct err *err)
{
    struct visit *visit = context;
    bool ok = visit->copy.nothing_new ||
              (visit->copy.gone ? record_gone(db, visit, err) : record_item(db, visit, err));
    ok = ok && braking_give_back(db, visit, false, err) && act_unshare_record(db, visit, err) &&
         meanwhile_end(db, visit, err) && end_intent(db, visit, err) &&
         (visit->copy.gone || once_more(db, visit, err));
    return ok && job_event(db, &visit->job, JOB_FINISHED, visit->now_us, err);
}

/* Messages are durable: whoever delivers them may begin. */
static void ring_told(const struct visit *visit)
{
    if (visit->outcome.told && visit->world->told)
        visit->world->told(visit->world->told_context);
}

bool visit_record(struct visit *visit, struct err *err)
{
    const struct store_unit unit = {record, visit};
    if (!store_write(visit->world->store, STORE_COMMITTED, unit, err))
        return false;
    ring_told(visit);
    meanwhile_drop(visit);
    if (visit->outcome.replacing && visit->outcome.new_version && visit->world->settle) {
        visit->world->settle(visit->world->settle_context, visit->link, visit->outcome.replacing,
                             &visit->outcome.intent);
        visit->outcome.replacing = NULL;
    }
    return true;
}

struct failure {
    struct visit *visit;
    enum job_event event;
    bool keep_intent, item_too;
};

static bool record_failure(struct db *db, void *context, struct err *err)
{
    struct failure *failure = context;
    struct visit *visit = failure->visit;
    struct intent *intent = &visit->outcome.intent;
    if (intent->id && !failure->keep_intent && !intent_remove(db, intent->id, err))
        return false;
    return (!failure->item_too || record_item(db, visit, err)) &&
           (failure->keep_intent || braking_give_back(db, visit, true, err)) &&
           job_event(db, &visit->job, failure->event, clock_now_us(), err);
}

/* What was found is in the catalogue while the action waits for the file to be free. */
static void tell_waiting(struct visit *visit, const struct err *why)
{
    visit->outcome.word = "waiting";
    visit->outcome.code = err_kind_word(why->kind);
    visit->outcome.message = why->text;
}

/* The job alone is tried again: what was found is found once more. */
static void forget_item(void *context, const struct err *why)
{
    struct failure *failure = context;
    (void)why;
    failure->visit->outcome.told = false;
    failure->item_too = false;
}

static void keep_failure(struct failure *failure)
{
    const struct visit *visit = failure->visit;
    const struct keep keep = {&visit->job, {record_failure, failure}, forget_item, failure};
    if (keep_recorded(visit->world, &keep))
        ring_told(visit);
}

void visit_failed(struct visit *visit, const struct err *why)
{
    const struct visit_outcome *outcome = &visit->outcome;
    int64_t now_us = clock_now_us();
    if (why->kind == ERR_STALE) {
        job_not_recorded(&visit->job, why);
        return;
    }
    struct failure failure = {.visit = visit,
                              .event = job_after(&visit->job, why, now_us),
                              .keep_intent = outcome->unclear || outcome->new_version};
    failure.item_too = failure.event == JOB_RETRY && visit->plan.json && !failure.keep_intent;
    if (failure.item_too)
        tell_waiting(visit, why);
    if (failure.keep_intent && failure.event != JOB_HANDED_BACK) {
        failure.event = JOB_RETRY;
        visit->job.due_us = now_us + settle_after_us;
    }
    enum log_level level = failure.event == JOB_GAVE_UP ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    LOG(level, job_event_word(failure.event), LOG_NUMBER(job, visit->job.id),
        LOG_TEXT(connection, visit->link->name), LOG_TEXT(path, visit->job.key),
        LOG_TEXT(kind, err_kind_word(why->kind)), LOG_TEXT(error, why->text),
        LOG_NUMBER(attempt, visit->job.attempt));
    keep_failure(&failure);
}
