#include <string.h>

#include "base/io.h"
#include "base/own.h"
#include "http/api_parts.h"
#include "policy/digest.h"
#include "store/audit.h"
#include "store/catalogue.h"
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

static json_t *rules_json(struct api *api, struct db *db, struct arena *arena, struct err *err)
{
    struct revision in_force;
    char digest[65];
    if (!revision_in_force(db, arena, &in_force, err))
        return NULL;
    file_digest(api, digest);
    pthread_mutex_lock(&api->lock);
    json_t *json = json_pack(
        "{s:o, s:o, s:b, s:o, s:I, s:s, s:o, s:o, s:o}", "file", api_text(api->facts.config->rules),
        "file_revision", api_text(digest), "file_differs",
        api->facts.config->rules && strcmp(digest, in_force.digest) != 0, "revision",
        api_text(api->revision), "number", (json_int_t)in_force.number, "origin",
        revision_origin_word(in_force.origin), "author", api_text(in_force.author), "since",
        api_time(in_force.at_us), "problem", api_text(api->problem));
    pthread_mutex_unlock(&api->lock);
    return json;
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
    return notes;
}

static json_t *status_json(struct api *api, struct db *db, const struct request *request,
                           struct answer *answer, struct err *err)
{
    struct catalogue_numbers items;
    struct queue_numbers jobs;
    struct audit_head head;
    (void)answer;
    if (!catalogue_numbers(db, &items, err) || !queue_numbers(db, &jobs, err) ||
        !audit_head(db, &head, err))
        return NULL;
    own_json json_t *acting = api_acting_json(db, request->arena, err);
    json_t *rules = acting ? rules_json(api, db, request->arena, err) : NULL;
    if (!rules)
        return NULL;
    return json_pack(
        "{s:s, s:o, s:O, s:o, s:o, s:o, s:o, s:o, s:{s:b, s:I, s:I, s:s}, s:{s:I, s:s}, s:o}",
        "version", LABELD_VERSION, "started", api_time(api->started_us), "acting", acting, "items",
        items_json(&items), "jobs", api_jobs_json(&jobs), "webhooks", api_webhooks_json(api),
        "connections", connections_json(api, db, request->arena), "rules", rules, "sandbox",
        "seccomp", api->facts.seccomp, "landlock", (json_int_t)api->facts.landlock_abi, "types",
        (json_int_t)api->facts.types, "types_digest", api->facts.types_digest, "audit", "seq",
        (json_int_t)head.seq, "head", head.hash, "notes", notes_json(api));
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
    (void)api;
    (void)db;
    (void)request;
    (void)answer;
    (void)err;
    return json_pack("{s:s}", "status", "ready");
}

void api_ready(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, ready_json);
}
