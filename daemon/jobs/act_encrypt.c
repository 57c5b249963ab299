#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "jobs/act.h"
#include "jobs/take.h"
#include "protect/recipients.h"

enum { json_max_bytes = 64 * 1024 };
static const char suffix[] = ".age";

/* The copy lies beside the file ---------------------------------------------------------------- */

static bool store_intent(struct db *db, void *context, struct err *err)
{
    struct take *take = context;
    return entry_save(db, &take->entry, err);
}

/* A copy that an earlier try named, but could not record, cannot be verified any more. */
static bool drop_cut(struct take *take, struct err *err)
{
    bool placed = false;
    struct visit *visit = take->visit;
    const struct connector *connector = visit->link->connector;
    struct entry *entry = &take->entry;
    if (!entry->intent)
        return true;
    if (!connector->create_placed(visit->link->connection, entry->copy_key, entry->intent, &placed,
                                  err))
        return false;
    return !placed ||
           connector->discard(visit->link->connection, entry->copy_key, entry->made, err);
}

static bool copy_open(struct take *take, int *output, struct err *err)
{
    struct visit *visit = take->visit;
    if (!drop_cut(take, err))
        return false;
    take->creating = visit->link->connector->create_open(visit->link->connection,
                                                         take->entry.copy_key, output, err);
    return take->creating != NULL;
}

static bool copy_keep(struct take *take, int output, struct err *err)
{
    struct visit *visit = take->visit;
    struct entry *entry = &take->entry;
    struct connect_intent intent = {0};
    struct connect_restored restored;
    const struct connector *connector = visit->link->connector;
    (void)output;
    if (!connector->create_ready(take->creating, entry->captured, visit->arena, &intent, &restored,
                                 err))
        return false;
    entry->intent = intent.text;
    entry->made = intent.new_version;
    const struct store_unit unit = {store_intent, take};
    if (!store_write(visit->world->store, STORE_COMMITTED, unit, err) ||
        !connector->create_place(take->creating, err))
        return false;
    entry->copy_version = entry->made;
    return true;
}

static void copy_close(struct take *take, int output)
{
    (void)output;
    if (take->creating)
        take->visit->link->connector->create_close(take->creating);
    take->creating = NULL;
}

static bool copy_drop(const struct visit_world *world, const struct visit_link *link,
                      const struct entry *entry, struct err *err)
{
    (void)world;
    const char *version = entry->copy_version ? entry->copy_version : entry->made;
    return !version || link->connector->discard(link->connection, entry->copy_key, version, err);
}

/* To whom -------------------------------------------------------------------------------------- */

static bool add_group(struct recipients *to, json_t *list, const struct policy_group *group,
                      struct err *err)
{
    for (size_t i = 0; i < group->key_count; i++) {
        if (!recipients_add(to, group->keys[i], err))
            return err_add(err, "recipients group \"%.80s\"", group->name);
        json_array_append_new(list, json_string(group->keys[i]));
    }
    return true;
}

static const char *all_groups(struct visit *visit, const struct plan_step *step,
                              struct recipients *to, struct err *err)
{
    own_json json_t *list = json_array();
    own_buf struct buf text = buf_new(json_max_bytes);
    for (size_t i = 0; list && i < step->name_count; i++) {
        const struct policy_group *group = policy_group_find(visit->plan.policy, step->names[i]);
        if (!group) {
            err_set(err, ERR_CONFIG, "no recipients group \"%.80s\"", step->names[i]);
            return NULL;
        }
        if (!add_group(to, list, group, err))
            return NULL;
    }
    const char *json =
        list && json_write(list, &text) ? arena_strdup(visit->arena, buf_text(&text)) : NULL;
    if (!json)
        err_set(err, ERR_MEMORY, "out of memory");
    return json;
}

/* Ours already --------------------------------------------------------------------------------- */

struct ours {
    struct visit *visit;
    struct entry entry;
    bool found;
};

static bool find_ours(struct db *db, void *context, struct err *err)
{
    struct ours *ours = context;
    const struct visit *visit = ours->visit;
    return entry_encrypted(db, visit->job.connection, visit->job.key, visit->copy.stat.version,
                           visit->arena, &ours->entry, &ours->found, err);
}

/* An age file cannot be encrypted once more: ours to these keys is done, any other is refused. */
static bool end_encrypted(struct visit *visit, const char *keys, struct visit_step *done,
                          struct err *err)
{
    struct ours ours = {.visit = visit};
    const struct store_unit unit = {find_ours, &ours};
    if (!store_write(visit->world->store, STORE_RAN, unit, err))
        return false;
    if (ours.found && strcmp(ours.entry.recipients, keys) == 0)
        return act_end(done, "unchanged", NULL, NULL);
    return act_end(done, "refused", "already-encrypted",
                   ours.found ? "encrypted by labeld to other recipients"
                              : "encrypted by somebody else");
}

bool act_encrypt(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                 struct err *err)
{
    struct recipients *to = recipients_new(err);
    const char *keys = to ? all_groups(visit, step, to, err) : NULL;
    bool ok = keys != NULL;
    if (ok && visit->report.report.format == FORMAT_AGE) {
        ok = end_encrypted(visit, keys, done, err);
    } else if (ok && (visit->link->caps & (CONNECT_REMOVE | CONNECT_CREATE)) !=
                         (CONNECT_REMOVE | CONNECT_CREATE)) {
        act_end(done, "report-only", "report-only",
                "this connection cannot take files away without risking an edit");
    } else if (ok) {
        const char *copy_key = arena_printf(visit->arena, "%s%s", visit->copy.stat.key, suffix);
        struct take take = {.visit = visit,
                            .step = step,
                            .copy = &take_beside,
                            .to = to,
                            .entry.recipients = keys,
                            .entry.copy_key = copy_key,
                            .input = -1};
        ok = copy_key ? take_run(&take, done, err) : err_set(err, ERR_MEMORY, "out of memory");
    }
    recipients_free(to);
    return ok;
}

const struct take_copy take_beside = {
    .kind = ENTRY_ENCRYPT,
    .word = "encrypted",
    .open = copy_open,
    .keep = copy_keep,
    .close = copy_close,
    .drop = copy_drop,
};
