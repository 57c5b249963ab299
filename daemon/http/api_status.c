#include <string.h>

#include "base/io.h"
#include "base/own.h"
#include "http/api_parts.h"
#include "policy/digest.h"
#include "store/alert.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/entry.h"
#include "store/outbox.h"
#include "store/revision.h"

static json_t *items_json(const struct catalogue_numbers *numbers)
{
    json_t *by_status = json_object();
    for (int i = 0; i < REPORT_STATUS_COUNT; i++)
        json_object_set_new(by_status, report_status_word((enum report_status)i),
                            json_integer(numbers->by_status[i]));
    return json_pack("{s:I, s:I, s:I, s:o}", "total", (json_int_t)numbers->items, "labelled",
                     (json_int_t)numbers->labelled, "with_findings",
                     (json_int_t)numbers->with_findings, "by_status", by_status);
}

json_t *api_jobs_json(const struct queue_numbers *numbers)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "queued", (json_int_t)numbers->queued[QUEUE_LIVE],
                     "backfill", (json_int_t)numbers->queued[QUEUE_BACKFILL], "running",
                     (json_int_t)numbers->running, "waiting", (json_int_t)numbers->waiting,
                     "failed", (json_int_t)numbers->failed);
}

static json_t *entries_json(const struct entry_numbers *numbers)
{
    const int64_t *states = numbers->states[ENTRY_QUARANTINE];
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "quarantined", (json_int_t)states[ENTRY_REMOVED],
        "under_way",
        (json_int_t)(states[ENTRY_SEALING] + states[ENTRY_SEALED] + states[ENTRY_REMOVING]),
        "waiting", (json_int_t)(states[ENTRY_RELEASING] + states[ENTRY_DELETING]), "refused",
        (json_int_t)numbers->refused, "released", (json_int_t)states[ENTRY_RELEASED], "encrypted",
        (json_int_t)numbers->states[ENTRY_ENCRYPT][ENTRY_REMOVED], "vault_bytes",
        (json_int_t)numbers->sealed_bytes);
}

static json_t *connections_json(const struct api *api, struct db *db, struct arena *arena)
{
    const struct config *config = api->facts.config;
    json_t *list = json_array();
    for (size_t i = 0; i < config->connection_count; i++) {
        json_t *one = api_connection_json(db, &config->connections[i], arena, NULL);
        if (!one) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, one);
    }
    return list;
}

/* The digest of the rules file as it stands now; "" = none, or not to be read. */
static void file_digest(const struct api *api, char digest[static 65])
{
    size_t length = 0;
    const struct config *config = api->facts.config;
    own_free char *text =
        config->rules
            ? io_read_file(config->rules, (size_t)config->limits.rules_bytes, &length, NULL)
            : NULL;
    if (!text || !digest_text(text, length, digest))
        *digest = '\0';
}

/* Ids are random: how far they have come is how much is done. */
static json_t *deciding_json(struct db *db)
{
    int64_t id = 0;
    if (!revision_deciding(db, &id, NULL) || id == 0)
        return json_null();
    return json_pack("{s:I}", "percent", (json_int_t)(id / (INT64_MAX / 100)));
}

static json_t *rules_json(struct api *api, struct db *db, struct arena *arena, struct err *err)
{
    struct revision in_force;
    char digest[65];
    json_t *brakes =
        revision_in_force(db, arena, &in_force, err) ? api_brakes_json(db, arena, err) : NULL;
    if (!brakes)
        return NULL;
    json_t *deciding = deciding_json(db);
    file_digest(api, digest);
    pthread_mutex_lock(&api->lock);
    json_t *json = json_pack(
        "{s:o, s:o, s:b, s:o, s:I, s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "file",
        api_text(api->facts.config->rules), "file_revision", api_text(digest), "file_differs",
        api->facts.config->rules && strcmp(digest, in_force.digest) != 0, "revision",
        api_text(api->revision), "number", (json_int_t)in_force.number, "origin",
        revision_origin_word(in_force.origin), "author", api_text(in_force.author), "since",
        api_time(in_force.at_us), "applied", in_force.applied_us != 0, "deciding", deciding,
        "brakes", brakes, "problem", api_text(api->problem));
    pthread_mutex_unlock(&api->lock);
    return json;
}

static json_t *alerts_json(struct db *db, struct err *err)
{
    int64_t counts[ALERT_LEVEL_COUNT];
    if (!alert_counts(db, counts, err))
        return NULL;
    json_t *open = json_object();
    for (int i = ALERT_LEVEL_COUNT - 1; i >= 0; i--)
        json_object_set_new(open, alert_level_word((enum alert_level)i), json_integer(counts[i]));
    return json_pack("{s:o}", "open", open);
}

static json_t *target_json(const struct outbox_target *target)
{
    return json_pack("{s:o, s:I, s:o, s:o, s:i, s:I, s:o, s:o}", "name", api_text(target->target),
                     "waiting", (json_int_t)target->waiting, "oldest", api_time(target->oldest_us),
                     "next", api_time(target->due_us), "failed_tries", target->attempt, "given_up",
                     (json_int_t)target->given_up, "last_given_up", api_time(target->given_up_us),
                     "error", api_text(target->error));
}

/* What is still to be delivered, and what was given up in the last 30 days. */
static json_t *notifications_json(struct db *db, struct arena *arena, struct err *err)
{
    size_t count;
    struct outbox_target *targets;
    int64_t waiting = 0, given_up = 0, oldest_us = 0;
    if (!outbox_targets(db, arena, &targets, &count, err))
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct outbox_target *target = &targets[i];
        waiting += target->waiting;
        given_up += target->given_up;
        if (target->waiting && (!oldest_us || target->oldest_us < oldest_us))
            oldest_us = target->oldest_us;
        json_array_append_new(list, target_json(target));
    }
    return json_pack("{s:I, s:o, s:I, s:o}", "waiting", (json_int_t)waiting, "oldest",
                     api_time(oldest_us), "given_up", (json_int_t)given_up, "targets", list);
}

static json_t *notes_json(const struct api *api)
{
    json_t *notes = json_array();
    if (!api->facts.seccomp)
        json_array_append_new(notes, json_string("sandbox: relaxed: files are parsed without a "
                                                 "system call filter"));
    if (!api->facts.landlock_abi)
        json_array_append_new(notes, json_string("this kernel has no Landlock"));
    if (!api_is_realtime(api))
        json_array_append_new(notes, json_string("webhooks are answered at normal priority: give "
                                                 "labeld LimitRTPRIO=1"));
    if (api->facts.is_key_at_risk && api->facts.is_key_at_risk(api->facts.key_context))
        json_array_append_new(notes, json_string("the vault key has no copy elsewhere, without it "
                                                 "no quarantined file comes back: labeld --config "
                                                 "FILE --export-key FILE"));
    return notes;
}

static json_t *status_json(struct api *api, struct db *db, const struct request *request,
                           struct answer *answer, struct err *err)
{
    struct catalogue_numbers items;
    struct queue_numbers jobs;
    struct entry_numbers entries;
    struct audit_head head;
    (void)answer;
    if (!catalogue_numbers(db, &items, err) || !queue_numbers(db, &jobs, err) ||
        !entry_numbers(db, &entries, err) || !audit_head(db, &head, err))
        return NULL;
    own_json json_t *acting = api_acting_json(db, request->arena, err);
    json_t *rules = acting ? rules_json(api, db, request->arena, err) : NULL;
    if (!rules)
        return NULL;
    json_t *alerts = alerts_json(db, err);
    json_t *jobs_json = alerts ? api_jobs_json(&jobs) : NULL;
    json_object_set_new(jobs_json, "unrecorded",
                        json_integer(metrics_now(api->facts.metrics, METRICS_UNRECORDED)));
    json_t *notifications = alerts ? notifications_json(db, request->arena, err) : NULL;
    if (!notifications) {
        json_decref(alerts);
        json_decref(jobs_json);
        json_decref(rules);
        return NULL;
    }
    return json_pack(
        "{s:s, s:o, s:O, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:b, s:I, s:I, s:s}, s:{s:I, s:s}, s:o, "
        "s:o, s:o}",
        "version", LABELD_VERSION, "started", api_time(api->started_us), "acting", acting, "items",
        items_json(&items), "jobs", jobs_json, "quarantine", entries_json(&entries), "webhooks",
        api_webhooks_json(api), "connections", connections_json(api, db, request->arena), "rules",
        rules, "sandbox", "seccomp", api->facts.seccomp, "landlock",
        (json_int_t)api->facts.landlock_abi, "types", (json_int_t)api->facts.types, "types_digest",
        api->facts.types_digest, "audit", "seq", (json_int_t)head.seq, "head", head.hash, "alerts",
        alerts, "notifications", notifications, "notes", notes_json(api));
}

void api_status(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, status_json);
}

/* Health ------------------------------------------------------------------------------------- */

void api_health(struct api *api, const struct request *request, struct answer *answer)
{
    (void)api;
    (void)request;
    answer->json = json_pack("{s:s}", "status", "ok");
}

static json_t *ready_json(struct api *api, struct db *db, const struct request *request,
                          struct answer *answer, struct err *err)
{
    struct audit_head head;
    (void)api;
    (void)request;
    (void)answer;
    return audit_head(db, &head, err) ? json_pack("{s:s}", "status", "ready") : NULL;
}

void api_ready(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, ready_json);
}
