#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/act_label.h"
#include "jobs/job.h"
#include "store/audit.h"

enum { json_max_bytes = 1 << 20 };

bool visit_act(struct visit *visit, struct err *err)
{
    struct visit_outcome *outcome = &visit->outcome;
    const struct plan_steps *steps = &visit->plan.plan.plan;
    const char *later = NULL;
    if (visit->copy.gone)
        return true;
    outcome->word = "none";
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        if (step->what == PLAN_LABEL) {
            if (!act_label(visit, step, err))
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

/* The item's row ------------------------------------------------------------------------------ */

static int64_t us_of(struct facts_time time)
{
    return time.known ? time.us : ITEM_NO_TIME;
}

static const char *names_json(const struct visit *visit)
{
    own_json json_t *list = json_array();
    own_buf struct buf text = buf_new(json_max_bytes);
    const struct connect_exposure *exposure = &visit->copy.exposure;
    for (size_t i = 0; list && i < exposure->shared_with_count; i++)
        json_array_append_new(list, json_text(exposure->shared_with[i]));
    if (!list || !json_write(list, &text))
        return "[]";
    const char *copy = arena_strdup(visit->arena, buf_text(&text));
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
    item->label_kind = visit->outcome.label ? FACTS_LABEL_OURS : FACTS_LABEL_NONE;
    item->label_id = visit->outcome.label ? visit->outcome.label->id : NULL;
    item->set_by = FACTS_AUTOMATIC;
    item->label_change = FACTS_UNCHANGED;
    item->previous_id = NULL;
}

static void fill_item(const struct visit *visit, struct item *item)
{
    const struct visit_copy *copy = &visit->copy;
    const struct facts *facts = &visit->plan.facts;
    bool same = copy->known && strcmp(copy->before.version, copy->stat.version) == 0;
    item->path = copy->stat.path;
    item->version = copy->stat.version;
    item->own_version = same && copy->before.own_version;
    item->size = copy->stat.size;
    item->owner = copy->stat.owner;
    item->exposure = (int)copy->exposure.step;
    item->sharing_known = copy->exposure.sharing_known;
    item->shared_with = names_json(visit);
    item->exposure_why = copy->exposure.why;
    item->created_us = us_of(facts->created);
    item->modified_us = us_of(facts->modified);
    item->shared_us = us_of(facts->shared);
    item->deleted_us = ITEM_NO_TIME;
    if (visit->report.fresh)
        fill_examined(visit, item);
    fill_label(visit, item);
    item->outcome = visit->outcome.word;
    item->code = visit->outcome.code;
    item->message = visit->outcome.message;
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

static bool say(struct db *db, const struct visit *visit, const char *event, struct err *err)
{
    const struct visit_outcome *outcome = &visit->outcome;
    const struct facts *facts = &visit->plan.facts;
    own_buf struct buf details = buf_new(json_max_bytes);
    own_json json_t *json =
        json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "outcome", outcome->word, "code",
                  outcome->code, "label", outcome->label ? outcome->label->name : NULL,
                  "label_before", facts->label_id, "version", visit->copy.stat.version,
                  "new_version", outcome->new_version, "revision", visit->plan.plan.revision);
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

static bool record_gone(struct db *db, struct visit *visit, struct err *err)
{
    const struct item *before = &visit->copy.before;
    if (!visit->copy.known || before->deleted_us != ITEM_NO_TIME)
        return true;
    return item_gone(db, before->id, visit->now_us, err) && say(db, visit, "gone", err);
}

static const char *event_of(const struct visit *visit)
{
    if (visit->outcome.new_version)
        return visit->outcome.word;
    return visit->report.fresh ? "examined" : "decided";
}

/* An echo of our own write, decided by the same rules: nothing is new. */
static bool is_news(const struct visit *visit)
{
    const struct item *before = &visit->copy.before;
    const char *revision = visit->plan.plan.revision;
    return visit->report.fresh || visit->outcome.new_version || !before->revision || !revision ||
           strcmp(before->revision, revision) != 0 ||
           before->exposure != (int)visit->copy.exposure.step ||
           strcmp(before->path, visit->copy.stat.path) != 0;
}

static bool record_item(struct db *db, struct visit *visit, struct err *err)
{
    struct item item = visit->copy.before;
    int64_t id = item.id;
    if (!is_news(visit))
        return true;
    fill_item(visit, &item);
    return item_save(db, &item, err) &&
           (!visit->report.fresh || (item_findings(db, id, &visit->report.report, err) &&
                                     item_report_save(db, id, visit->report.json, err))) &&
           save_decision(db, visit, err) && say(db, visit, event_of(visit), err);
}

static bool record(struct db *db, void *context, struct err *err)
{
    struct visit *visit = context;
    bool ok = visit->copy.gone ? record_gone(db, visit, err) : record_item(db, visit, err);
    ok = ok && (!visit->outcome.intent.id || intent_placed(db, visit->outcome.intent.id, err));
    return ok && job_event(db, &visit->job, JOB_FINISHED, visit->now_us, err);
}

bool visit_record(struct visit *visit, struct err *err)
{
    const struct store_unit unit = {record, visit};
    if (!store_write(visit->world->store, STORE_COMMITTED, unit, err))
        return false;
    if (visit->outcome.new_version && visit->world->settle) {
        visit->world->settle(visit->world->settle_context, visit->link, visit->outcome.replacing,
                             &visit->outcome.intent);
        visit->outcome.replacing = NULL;
    }
    return true;
}

struct failure {
    struct visit *visit;
    enum job_event event;
};

static bool record_failure(struct db *db, void *context, struct err *err)
{
    struct failure *failure = context;
    struct visit *visit = failure->visit;
    struct intent *intent = &visit->outcome.intent;
    bool placed = visit->outcome.new_version != NULL;
    if (intent->id && !placed && !intent_remove(db, intent->id, err))
        return false;
    return job_event(db, &visit->job, failure->event, clock_now_us(), err);
}

void visit_failed(struct visit *visit, const struct err *why)
{
    struct err err = {0};
    struct failure failure = {visit, job_after(&visit->job, why, clock_now_us())};
    const struct store_unit unit = {record_failure, &failure};
    enum log_level level = failure.event == JOB_GAVE_UP ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    LOG(level, job_event_word(failure.event), LOG_NUMBER(job, visit->job.id),
        LOG_TEXT(connection, visit->link->name), LOG_TEXT(path, visit->job.key),
        LOG_TEXT(kind, err_kind_word(why->kind)), LOG_TEXT(error, why->text),
        LOG_NUMBER(attempt, visit->job.attempt));
    if (!store_write(visit->world->store, STORE_COMMITTED, unit, &err))
        LOG(LOG_LEVEL_ERROR, "job-not-recorded", LOG_NUMBER(job, visit->job.id),
            LOG_TEXT(error, err.text));
}
