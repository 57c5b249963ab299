#include "jobs/act.h"

#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/io.h"
#include "jobs/job.h"

static bool make_edit(struct visit *visit, const struct policy_label *label,
                      struct label_edit *edit, struct err *err)
{
    uint8_t random[16];
    size_t count = 0;
    const struct policy *policy = visit->plan.policy;
    char *date = arena_alloc(visit->arena, 1, 21);
    char *action = arena_alloc(visit->arena, 1, GUID_LENGTH + 1);
    const struct policy_label *labels = policy_labels(policy, &count);
    struct label_known *ours = arena_alloc(visit->arena, count + 1, sizeof *ours);
    if (!date || !action || !ours || getrandom(random, sizeof random, 0) != sizeof random)
        return err_set(err, ERR_MEMORY, "out of memory");
    clock_format(visit->now_us, date);
    guid_format(random, action);
    for (size_t i = 0; i < count; i++)
        ours[i].id = labels[i].id;
    *edit = (struct label_edit){.op = label ? LABEL_SET : LABEL_REMOVE,
                                .id = label ? label->id : "",
                                .site_id = policy_site(policy),
                                .name = label ? label->msip_name : "",
                                .method = "Standard",
                                .set_date = date,
                                .action_id = action,
                                .info = policy_label_info(policy),
                                .ours = ours,
                                .ours_count = (uint32_t)count};
    return true;
}

/* Inside a unit: the intent, and the job is acting from now on. */
static bool store_intent(struct db *db, void *context, struct err *err)
{
    struct visit *visit = context;
    if (!intent_add(db, &visit->outcome.intent, err))
        return false;
    return visit->job.state != QUEUE_RUNNING || /* an earlier step is on record already */
           job_event(db, &visit->job, JOB_PLANNED, visit->now_us, err);
}

static bool plan_intent(struct visit *visit, const struct label_edit *edit, struct err *err)
{
    struct connect_intent made = {0};
    struct visit_outcome *outcome = &visit->outcome;
    if (!visit->link->connector->replace_ready(outcome->replacing, visit->arena, &made, err))
        return false;
    outcome->intent = (struct intent){.item = visit->copy.before.id,
                                      .job = visit->job.id,
                                      .connection = visit->job.connection,
                                      .key = visit->job.key,
                                      .text = made.text,
                                      .old_version = visit->copy.stat.version,
                                      .new_version = made.new_version,
                                      .label_id = outcome->label ? outcome->label->id : NULL,
                                      .set_date = edit->set_date,
                                      .action_id = edit->action_id};
    const struct store_unit unit = {store_intent, visit};
    return store_write(visit->world->store, STORE_COMMITTED, unit, err);
}

static enum parse_lane lane_of(const struct visit *visit)
{
    return visit->job.lane == QUEUE_LIVE ? PARSE_LIVE : PARSE_BACKFILL;
}

/* What the sandbox wrote is a claim: a fresh process compares. */
static bool verify(struct visit *visit, const struct label_edit *edit, int output, struct err *err)
{
    struct label_result result = {0};
    if (!parser_verify(visit->world->parser, lane_of(visit), visit->copy.copy.fd, output, edit,
                       visit->world->limits, visit->arena, &result, err))
        return false;
    return result.done == LABEL_VERIFIED ||
           err_set(err, ERR_HOSTILE, "the labelled copy was not accepted: %.300s",
                   result.message ? result.message : "");
}

enum { settle_after_us = 2000000 };

/* Put it in place. After an error that does not say what was done, a look tells; when even that
 * fails, the intent stays and the next visit looks again. */
static bool place(struct visit *visit, struct err *err)
{
    bool placed = false;
    struct err why = {0};
    struct visit_outcome *outcome = &visit->outcome;
    const struct connector *connector = visit->link->connector;
    if (connector->replace_place(outcome->replacing, err))
        return true;
    if (err->kind == ERR_CONFLICT || err->kind == ERR_BUSY)
        return false;
    connector->replace_close(outcome->replacing);
    outcome->replacing = NULL;
    clock_sleep_us(settle_after_us); /* writers that were under way show themselves */
    bool known = connector->replace_recover(visit->link->connection, visit->job.key,
                                            outcome->intent.text, &placed, &why);
    outcome->unclear = !known && why.kind != ERR_GONE && why.kind != ERR_CONFLICT;
    outcome->settled = known && placed;
    return outcome->settled;
}

static bool write_label(struct visit *visit, const struct label_edit *edit, int output,
                        struct visit_step *done, struct err *err)
{
    struct label_result result = {0};
    struct visit_outcome *outcome = &visit->outcome;
    if (!parser_relabel(visit->world->parser, lane_of(visit), visit->copy.copy.fd, output, edit,
                        visit->world->limits, visit->arena, &result, err))
        return false;
    if (result.done == LABEL_UNCHANGED)
        return act_end(done, "unchanged", NULL, NULL);
    if (result.done != LABEL_WRITTEN && result.done != LABEL_REMOVED) {
        bool other = result.code && strcmp(result.code, "unsupported") == 0;
        return act_end(done, other ? "not-labelable" : "refused", result.code, result.message);
    }
    struct stat st;
    if (!verify(visit, edit, output, err))
        return false;
    if (fstat(output, &st) < 0)
        return err_errno(err, "looking at the labelled copy");
    if (!plan_intent(visit, edit, err) || !place(visit, err))
        return false;
    outcome->labels = result.labels;
    outcome->label_count = result.labels_count;
    outcome->new_size = (uint64_t)st.st_size;
    outcome->new_version = outcome->intent.new_version;
    done->changed = true;
    return act_end(done, outcome->label ? "labelled" : "label-removed", NULL, NULL);
}

/* The bytes that were examined, when they were not fetched in this visit. */
static bool fetch_again(struct visit *visit, struct err *err)
{
    struct connect_copy *copy = &visit->copy.copy;
    if (copy->fd >= 0)
        return true;
    if (!visit_fetch_bytes(visit, err))
        return false;
    return strcmp(copy->stat.version, visit->copy.stat.version) == 0 ||
           err_set(err, ERR_CONFLICT, "changed since it was examined");
}

bool act_label(struct visit *visit, const struct plan_step *step, struct visit_step *done,
               struct err *err)
{
    int output = -1;
    struct label_edit edit;
    struct visit_outcome *outcome = &visit->outcome;
    const struct facts *facts = &visit->plan.facts;
    const char *present = facts->label_kind == FACTS_LABEL_OURS ? facts->label_id : NULL;
    outcome->label = step->label;
    outcome->rule = step->rule_count ? step->rules[0] : NULL;
    bool is_so = step->label ? present && strcasecmp(present, step->label->id) == 0 : !present;
    if (is_so && facts->label_kind != FACTS_LABEL_UNREAD)
        return act_end(done, "unchanged", NULL, NULL);
    if (!policy_site(visit->plan.policy))
        return act_end(done, "refused", "no-site", "the rules name no `site:`");
    if (!formats_row(visit->report.report.format)->labelable)
        return act_end(done, "not-labelable", "unsupported",
                       "this format cannot carry a label yet");
    if (!(visit->link->caps & CONNECT_REPLACE))
        return act_end(done, "report-only", "report-only",
                       "this connection cannot replace files without risking an edit");
    if (!make_edit(visit, step->label, &edit, err) || !fetch_again(visit, err))
        return false;
    outcome->replacing = visit->link->connector->replace_open(visit->link->connection,
                                                              &visit->copy.copy, &output, err);
    return outcome->replacing && write_label(visit, &edit, output, done, err);
}
