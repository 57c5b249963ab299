#include <string.h>

#include "base/json.h"
#include "jobs/custody_run.h"
#include "jobs/tell.h"
#include "store/alert.h"
#include "store/audit.h"
#include "store/custody.h"
#include "store/outbox.h"

enum { alert_max_bytes = 256 * 1024, details_max_bytes = 16384 };

/* What a reviewer has decided, to what was found in the file. */
struct decision {
    struct db *db;
    const struct entry *entry;
    const char *reason;
    int64_t at_us;
    bool over; /* the item is no more: all of its alerts end */
};

static const char *reason_of(struct arena *arena, const char *what, const struct entry *entry)
{
    const char *why = entry->asked_why && *entry->asked_why ? entry->asked_why : NULL;
    return arena_printf(arena, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

static bool say(const struct decision *decision, const struct alert *alert, struct err *err)
{
    const struct entry *entry = decision->entry;
    own_buf struct buf details = buf_new(details_max_bytes);
    own_json json_t *json = json_pack("{s:o, s:s, s:s, s:I}", "rule", json_text(alert->rule),
                                      "level", alert_level_word(alert->level), "reason",
                                      decision->reason, "entry", (json_int_t)entry->id);
    if (!json || !json_write(json, &details))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct audit_record record = {.event = "alert-closed",
                                        .actor = entry->asked_by ? entry->asked_by : "labeld",
                                        .item = entry->item,
                                        .connection = entry->connection,
                                        .path = entry->path,
                                        .details = buf_text(&details),
                                        .at_us = decision->at_us};
    return audit_add(decision->db, &record, err);
}

/* Whether the rule is one that took the file away. */
static bool took_it(const struct entry *entry, const char *rule)
{
    own_json json_t *rules = json_parse(entry->rules, strlen(entry->rules), NULL);
    size_t i;
    json_t *row;
    json_array_foreach(rules, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name && strcmp(name, rule) == 0)
            return true;
    }
    return false;
}

static bool decide(const struct decision *decision, const struct alert *alert, struct err *err)
{
    bool open = alert->closed_us == 0, closed;
    const struct entry *entry = decision->entry;
    const char *by = entry->asked_by ? entry->asked_by : "labeld";
    if (!decision->over && (!open || !took_it(entry, alert->rule)))
        return true;
    bool ok = decision->over
                  ? alert_end(decision->db, alert->id, by, decision->reason, decision->at_us, err)
                  : alert_close(decision->db, alert->id, by, decision->reason, decision->at_us,
                                &closed, err);
    return ok && (!open || say(decision, alert, err));
}

static bool decide_all(const struct decision *decision, struct err *err)
{
    bool found = true;
    struct alert alert = {0};
    while (found) {
        own_arena struct arena arena = arena_new(alert_max_bytes);
        if (!alert_live(decision->db, decision->entry->item, alert.id, &arena, &alert, &found,
                        err) ||
            (found && !decide(decision, &alert, err)))
            return false;
    }
    return true;
}

bool custody_alerts_over(struct db *db, const struct custody_work *work, const char *what,
                         int64_t at_us, struct err *err)
{
    bool taken;
    const struct entry *entry = &work->entry;
    const struct decision decision = {db, entry, reason_of(work->arena, what, entry), at_us, true};
    if (!decision.reason)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!custody_item_taken(db, entry, &taken, err))
        return false;
    return !taken || (decide_all(&decision, err) && outbox_untell(db, entry->item, NULL, err));
}

bool custody_alerts_released(struct db *db, const struct custody_work *work, int64_t at_us,
                             struct err *err)
{
    const struct entry *entry = &work->entry;
    const struct decision decision = {
        db, entry, reason_of(work->arena, "released from quarantine", entry), at_us, false};
    if (!decision.reason)
        return err_set(err, ERR_MEMORY, "out of memory");
    return decide_all(&decision, err) &&
           (!entry->made ||
            tell_own_version(db, entry->item, entry->item_version, entry->made, err));
}
