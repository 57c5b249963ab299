#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "jobs/custody_run.h"
#include "jobs/meanwhile.h"
#include "jobs/recover.h"
#include "jobs/undo.h"
#include "jobs/visit.h"

enum { json_max_bytes = 32 << 20 };

/* Through the writer, which also sees what the visit before this one has not yet committed. */
static bool find_before(struct db *db, void *context, struct err *err)
{
    struct visit *visit = context;
    return item_find(db, visit->job.connection, visit->job.key, visit->arena, &visit->copy.before,
                     &visit->copy.known, err) &&
           meanwhile_find(db, visit, err);
}

struct open_intent {
    struct visit *visit;
    struct intent intent;
    bool found;
};

static bool find_intent(struct db *db, void *context, struct err *err)
{
    struct open_intent *open = context;
    const struct queue_job *job = &open->visit->job;
    return intent_open(db, job->connection, job->key, open->visit->arena, &open->intent,
                       &open->found, err);
}

/* A replacement that was cut or whose end is unclear is finished or undone before anything else. */
static bool recover(struct visit *visit, struct err *err)
{
    struct open_intent open = {.visit = visit};
    const struct visit_world *world = visit->world;
    const struct store_unit unit = {find_intent, &open};
    return store_write(world->store, STORE_RAN, unit, err) &&
           (!open.found || recover_intent(world->store, visit->link, &open.intent, err));
}

static bool read_before(struct visit *visit, struct err *err)
{
    const struct store_unit unit = {find_before, visit};
    if (!store_write(visit->world->store, STORE_RAN, unit, err))
        return false;
    if (!visit->copy.known)
        item_init(&visit->copy.before, visit->job.connection, visit->job.key);
    if (!visit->copy.known && visit->copy.open.id) /* it is that of a visit that was cut */
        visit->copy.before.id = visit->copy.open.item;
    return true;
}

/* The version, the types and the extractor are those of the last examination. */
static bool is_same(const struct visit *visit)
{
    struct parser_facts facts;
    const struct item *before = &visit->copy.before;
    if (!visit->copy.known || before->deleted_us != ITEM_NO_TIME || visit->job.force ||
        before->examined_us == 0)
        return false;
    parser_facts(visit->world->parser, &facts);
    return strcmp(before->version, visit->copy.stat.version) == 0 &&
           memcmp(before->types_digest, facts.types_digest, sizeof facts.types_digest) == 0;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* By the rules in force, and nothing that they ask of the surroundings has changed. */
static bool is_decided(const struct visit *visit)
{
    const struct visit_world *world = visit->world;
    const struct visit_copy *copy = &visit->copy;
    const struct item *before = &copy->before;
    const struct policy *policy = world->policy(world->policy_context);
    bool same = same_text(before->revision, policy_revision(policy));
    world->policy_done(world->policy_context, policy);
    bool waits = copy->open.id && strcmp(before->outcome, "refused") != 0;
    return same && !before->todo && !waits && strcmp(before->outcome, "waiting") != 0 &&
           before->exposure == (int)copy->exposure.step &&
           same_text(before->exposure_why, copy->exposure.why) &&
           strcmp(before->path, copy->stat.path) == 0 &&
           (before->due_us == ITEM_NO_TIME || before->due_us > visit->now_us);
}

bool visit_fetch_bytes(struct visit *visit, struct err *err)
{
    struct visit_copy *copy = &visit->copy;
    copy->copy.fd = -1;
    if (!budget_take(visit->world->budget, copy->stat.size))
        return err_set(err, ERR_STOPPED, "the daemon stops");
    copy->budgeted = copy->stat.size;
    if (visit->link->connector->fetch(visit->link->connection, visit->job.key, visit->arena,
                                      &copy->copy, err))
        return true;
    copy->copy.fd = -1;
    return false;
}

/* Over the fetch limit is an answer about the file, not a failure of the visit. */
static bool fetch_bytes(struct visit *visit, struct err *err)
{
    struct err why = {0};
    struct visit_copy *copy = &visit->copy;
    if (visit_fetch_bytes(visit, &why)) {
        copy->stat = copy->copy.stat;
        return true;
    }
    copy->copy.fd = -1;
    copy->unreadable = why.kind == ERR_REFUSED;
    if (why.kind == ERR_LIMIT || copy->unreadable)
        return true;
    return err_set(err, why.kind, "%s", why.text);
}

bool visit_fetch(struct visit *visit, struct err *err)
{
    struct err why = {0};
    struct visit_copy *copy = &visit->copy;
    const struct connector *connector = visit->link->connector;
    struct connection *connection = visit->link->connection;
    bool undone = false;
    if (!recover(visit, err) || !read_before(visit, err) || !undo_open(visit, &undone, err) ||
        (undone && !read_before(visit, err)))
        return false;
    bool stone = false;
    bool there = connector->stat(connection, visit->job.key, visit->arena, &copy->stat, &why) &&
                 copy->stat.regular;
    if (there && !custody_stone_is(visit->world, visit->job.connection, &copy->stat, &stone, err))
        return false;
    there = there && !stone;
    there = there &&
            connector->exposure(connection, visit->job.key, visit->arena, &copy->exposure, &why);
    if (!there && (why.kind == ERR_NONE || why.kind == ERR_GONE)) {
        copy->gone = true;
        return true;
    }
    if (!there)
        return err_set(err, why.kind, "%s", why.text);
    if (!meanwhile_shared(visit, err))
        return false;
    copy->same_bytes = is_same(visit);
    copy->nothing_new = copy->same_bytes && is_decided(visit) && !visit->outcome.taken.id;
    return copy->same_bytes || fetch_bytes(visit, err);
}

static bool find_report(struct db *db, void *context, struct err *err)
{
    struct visit *visit = context;
    return item_report(db, visit->copy.before.id, visit->arena, &visit->report.json, err);
}

/* The stored report: rules may be decided again without the bytes. */
static bool recall(struct visit *visit, struct err *err)
{
    const struct store_unit unit = {find_report, visit};
    if (!store_write(visit->world->store, STORE_RAN, unit, err))
        return false;
    const char *json = visit->report.json;
    if (!json)
        return err_set(err, ERR_CORRUPT, "the stored report is missing");
    own_json json_t *parsed = json_parse(json, strlen(json), err);
    return parsed && json_report_read(parsed, &visit->report.report, visit->arena, err);
}

static bool write_json(struct visit *visit, struct err *err)
{
    const struct json_report_facts facts = {
        .path = visit->copy.stat.path,
        .size = visit->copy.stat.size,
        .sha256 = visit->copy.copy.fd >= 0 ? visit->copy.copy.sha256 : NULL};
    own_json json_t *json = json_report(&visit->report.report, &facts);
    own_buf struct buf text = buf_new(json_max_bytes);
    if (json && json_write(json, &text))
        visit->report.json = arena_strdup(visit->arena, buf_text(&text));
    return visit->report.json || err_set(err, ERR_MEMORY, "out of memory for a report");
}

bool visit_examine(struct visit *visit, struct err *err)
{
    struct report *report = &visit->report.report;
    if (visit->copy.gone || visit->copy.nothing_new)
        return true;
    if (visit->copy.same_bytes)
        return recall(visit, err);
    visit->report.fresh = true;
    if (visit->copy.copy.fd < 0) {
        bool unreadable = visit->copy.unreadable;
        *report = (struct report){.status = unreadable ? REPORT_CRASHED : REPORT_TOO_LARGE,
                                  .reason = unreadable ? "not-readable" : "fetch-bytes",
                                  .format = FORMAT_UNKNOWN,
                                  .mime = "application/octet-stream",
                                  .labels_unread = true,
                                  .needs = ""};
        return write_json(visit, err);
    }
    enum parse_lane lane = visit->job.lane == QUEUE_LIVE ? PARSE_LIVE : PARSE_BACKFILL;
    struct parser_cost cost;
    return parser_examine(visit->world->parser, lane, visit->copy.copy.fd, visit->world->limits,
                          visit->arena, report, &cost, err) &&
           write_json(visit, err);
}
