#include "jobs/known.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "store/item.h"

static bool same_site(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}

/* The labels of the stored report, for another tenant. */
static bool read_labels(struct db *db, int64_t id, const char *site, struct arena *arena,
                        struct facts *facts, struct err *err)
{
    const char *text;
    struct facts from;
    struct report *report = arena_alloc(arena, 1, sizeof *report);
    if (!item_report(db, id, arena, &text, err))
        return false;
    if (!report)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!text)
        return err_set(err, ERR_CORRUPT, "the stored report is missing");
    own_json json_t *json = json_parse(text, strlen(text), err);
    if (!json || !json_report_read(json, report, arena, err))
        return false;
    facts_from_report(&from, report, facts->size, site);
    facts->label_kind = from.label_kind;
    facts->label_id = from.label_id;
    facts->foreign_label = from.foreign_label;
    facts->set_by = from.set_by;
    return true;
}

bool known_facts(struct db *db, const struct stock_item *item, const struct policy *policy,
                 struct arena *arena, struct facts *facts, struct err *err)
{
    const char *site = policy_site(policy);
    *facts = item->facts;
    return same_site(item->label_site, site) || read_labels(db, item->id, site, arena, facts, err);
}
