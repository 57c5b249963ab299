#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "jobs/act.h"
#include "jobs/custodian.h"
#include "jobs/take.h"
#include "vault/vault.h"

/* The copy lies in the vault ------------------------------------------------------------------- */

static bool copy_open(struct take *take, int *output, struct err *err)
{
    *output = vault_create(take->visit->world->custodian->vault, err);
    return *output >= 0;
}

static bool copy_keep(struct take *take, int output, struct err *err)
{
    return vault_keep(take->visit->world->custodian->vault, output, take->entry.id, err);
}

static void copy_close(struct take *take, int output)
{
    (void)take;
    if (output >= 0)
        close(output);
}

static bool copy_drop(const struct visit_world *world, const struct visit_link *link,
                      const struct entry *entry, struct err *err)
{
    (void)link;
    return vault_remove(world->custodian->vault, entry->id, err);
}

/* Released already ----------------------------------------------------------------------------- */

struct released {
    struct visit *visit;
    const struct plan_step *step;
    bool *by_rule; /* whether a release holds for each of the step's rules */
};

static void mark_rules(const struct released *released, const struct entry *entry)
{
    own_json json_t *rules = json_parse(entry->rules, strlen(entry->rules), NULL);
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        const char *digest = json_string_value(json_object_get(rule, "digest"));
        for (size_t k = 0; digest && k < released->step->rule_count; k++) {
            const char *now =
                policy_rule_digest(released->visit->plan.policy, released->step->rules[k]);
            if (now && strcmp(now, digest) == 0)
                released->by_rule[k] = true;
        }
    }
}

/* Each release of the same text whose exposure is not passed by the present one. */
static bool find_released(struct db *db, void *context, struct err *err)
{
    struct released *released = context;
    const struct visit *visit = released->visit;
    const struct report *report = &visit->report.report;
    const struct entry_match match = {.connection = visit->job.connection,
                                      .version = visit->copy.stat.version,
                                      .text_digest = report->text_digest,
                                      .sha256 = visit->report.fresh ? visit->copy.copy.sha256
                                                                    : visit->copy.before.sha256};
    int64_t after = 0;
    bool found = true;
    while (found) {
        struct entry entry;
        if (!entry_released(db, &match, after, visit->arena, &entry, &found, err))
            return false;
        if (!found)
            break;
        after = entry.id;
        if ((int)visit->copy.shared.step <= entry.exposure)
            mark_rules(released, &entry);
    }
    return true;
}

static bool is_released(struct visit *visit, const struct plan_step *step, bool *is,
                        struct err *err)
{
    struct released released = {visit, step,
                                arena_alloc(visit->arena, step->rule_count + 1, sizeof(bool))};
    const struct store_unit unit = {find_released, &released};
    if (!released.by_rule)
        return err_set(err, ERR_MEMORY, "out of memory");
    memset(released.by_rule, 0, step->rule_count + 1);
    if (!store_write(visit->world->store, STORE_RAN, unit, err))
        return false;
    *is = step->rule_count > 0;
    for (size_t i = 0; i < step->rule_count; i++)
        *is = *is && released.by_rule[i];
    return true;
}

/* -----------------------------------------------------------------------------------------------
 */

bool act_quarantine(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                    struct err *err)
{
    bool released = false;
    const struct custodian *custodian = visit->world->custodian;
    if (!is_released(visit, step, &released, err))
        return false;
    if (released)
        return act_end(done, "unchanged", "released",
                       "released from quarantine under this rule's text");
    if (!custodian)
        return act_end(done, "refused", "no-vault", "this daemon has no vault");
    if (!(visit->link->caps & CONNECT_REMOVE))
        return act_end(done, "report-only", "report-only",
                       "this connection cannot take files away without risking an edit");
    struct take take = {.visit = visit,
                        .step = step,
                        .copy = &take_to_vault,
                        .to = custodian->to,
                        .entry.recipients = custodian->to_json,
                        .input = -1};
    return take_run(&take, done, err);
}

const struct take_copy take_to_vault = {
    .kind = ENTRY_QUARANTINE,
    .word = "quarantined",
    .open = copy_open,
    .keep = copy_keep,
    .close = copy_close,
    .drop = copy_drop,
};
