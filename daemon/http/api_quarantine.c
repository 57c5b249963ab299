/* The quarantine as people see it: list, one entry with its why, its header, its sealed bytes. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "http/api_entries.h"
#include "store/audit.h"
#include "store/item.h"
#include "vault/handoff.h"

enum { values_most = 32, count_most = 10000, history_most = 100, name_bytes = 48 };

static const char *const alert_words[] = {"low", "medium", "high"};
static const unsigned ended = 1u << ENTRY_RELEASED | 1u << ENTRY_DELETED | 1u << ENTRY_CANCELLED;

/* One entry as JSON ---------------------------------------------------------------------------- */

static json_t *alert_json(int level)
{
    bool known = level >= 0 && level < (int)(sizeof alert_words / sizeof *alert_words);
    return known ? json_string(alert_words[level]) : json_null();
}

/* The names of the rules that asked for it. */
static json_t *rules_json(const struct entry *entry)
{
    own_json json_t *rules = api_stored(entry->rules);
    json_t *names = json_array();
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule) json_array_append(names, json_object_get(rule, "name"));
    return names;
}

json_t *api_entry_path(const struct entry *entry)
{
    if (!entry->release_key)
        return json_text(entry->path);
    own_buf struct buf path = buf_new(64 * 1024);
    buf_printf(&path, "/%s", entry->release_key);
    return json_text(buf_text(&path));
}

static void add_place(json_t *json, const struct entry *entry)
{
    const char *exposure = facts_exposure_word((enum facts_exposure)entry->exposure);
    json_object_set_new(json, "item", api_id(entry->item));
    json_object_set_new(json, "connection", json_text(entry->connection));
    json_object_set_new(json, "path", json_text(entry->path));
    json_object_set_new(json, "size", json_integer((json_int_t)entry->size));
    json_object_set_new(json, "format",
                        json_string(formats_row((enum format_id)entry->format)->word));
    json_object_set_new(json, "status",
                        json_string(report_status_word((enum report_status)entry->status)));
    json_object_set_new(json, "exposure", json_string(exposure ? exposure : "unknown"));
    json_object_set_new(json, "shared_with", api_stored(entry->shared_with));
    json_object_set_new(json, "owner", api_text(entry->owner));
    json_object_set_new(json, "rules", rules_json(entry));
    json_object_set_new(json, "alert", alert_json(entry->alert_level));
}

json_t *api_entry_json(const struct entry *entry)
{
    json_t *json = json_pack("{s:o, s:s, s:s, s:I}", "id", api_id(entry->id), "kind",
                             entry_kind_word(entry->kind), "state", entry_state_word(entry->state),
                             "version", (json_int_t)entry->version);
    if (!json)
        return NULL;
    add_place(json, entry);
    json_object_set_new(json, "sealed_size", json_integer((json_int_t)entry->sealed_size));
    json_object_set_new(json, "created", api_time(entry->created_us));
    json_object_set_new(json, "changed", api_time(entry->changed_us));
    json_object_set_new(json, "due", api_time(entry->due_us));
    json_object_set_new(json, "asked_by", api_text(entry->asked_by));
    json_object_set_new(json, "asked_why", api_text(entry->asked_why));
    json_object_set_new(json, "error", api_text(entry->error));
    return json;
}

/* "mtime_ns": nanoseconds since 1970. */
static bool is_time(const char *key, const json_t *value)
{
    size_t length = strlen(key);
    return json_is_integer(value) && length > 3 && strcmp(key + length - 3, "_ns") == 0;
}

/* What a release gives back, in the connector's words. Of objects only the names are told, for
 * their values may be anything (extended attributes). */
static json_t *captured_json(const struct entry *entry, struct arena *arena)
{
    own_json json_t *captured = api_stored(entry->captured);
    json_t *shown = json_object();
    const char *key, *name;
    json_t *value, *inner;
    json_object_foreach(captured, key, value)
    {
        if (is_time(key, value)) {
            json_object_set_new(shown, arena_strndup(arena, key, strlen(key) - 3),
                                api_time(json_integer_value(value) / 1000));
            continue;
        }
        if (!json_is_object(value)) {
            json_object_set(shown, key, value);
            continue;
        }
        json_t *names = json_array();
        json_object_foreach(value, name, inner)
        {
            (void)inner;
            json_array_append_new(names, json_string(name));
        }
        json_object_set_new(shown, key, names);
    }
    return shown;
}

/* Filters ------------------------------------------------------------------------------------- */

struct question {
    struct entry_filter filter;
    struct api_page page;
    bool count;
};

/* Bits of the words of one parameter; 0 with *wrong: one of them is unknown. */
static unsigned take_bits(const struct request *request, const char *name, unsigned standard,
                          bool (*find)(const char *word, int *bit), bool *wrong)
{
    int bit;
    unsigned bits = 0;
    const char *values[values_most];
    size_t count = request_values(request, name, values, values_most);
    for (size_t i = 0; i < count; i++) {
        if (!find(values[i], &bit)) {
            *wrong = true;
            return 0;
        }
        bits |= 1u << bit;
    }
    return count ? bits : standard;
}

static bool find_state(const char *word, int *bit)
{
    enum entry_state state;
    bool found = entry_state_find(word, &state);
    *bit = found ? (int)state : 0;
    return found;
}

static bool find_kind(const char *word, int *bit)
{
    enum entry_kind kind;
    bool found = entry_kind_find(word, &kind);
    *bit = found ? (int)kind : 0;
    return found;
}

static bool find_exposure(const char *word, int *bit)
{
    enum facts_exposure step;
    bool found = facts_exposure_find(word, &step);
    *bit = found ? (int)step : 0;
    return found;
}

/* NULL, or what is wrong. */
static const char *take_words(const struct request *request, struct entry_filter *filter)
{
    bool wrong = false;
    int step = 0;
    filter->states = take_bits(request, "state", ~ended, find_state, &wrong);
    if (wrong)
        return "state: sealing, sealed, removing, removed, releasing, released, deleting, deleted "
               "or cancelled";
    filter->kinds = take_bits(request, "kind", 1u << ENTRY_QUARANTINE, find_kind, &wrong);
    if (wrong)
        return "kind: quarantine or encrypt";
    filter->exposures = take_bits(request, "exposure", ~0u, find_exposure, &wrong);
    if (wrong)
        return "exposure: not a step";
    const char *least = request_value(request, "exposure_min");
    if (least && (!find_exposure(least, &step) || step == FACTS_EXPOSURE_UNKNOWN))
        return "exposure_min: not a step";
    if (least)
        filter->exposures &= ~((1u << step) - 1) & ~(1u << FACTS_EXPOSURE_UNKNOWN);
    return NULL;
}

static const char *take_question(const struct api *api, const struct request *request,
                                 struct question *question)
{
    struct entry_filter *filter = &question->filter;
    const char *item = request_value(request, "item"), *count = request_value(request, "count");
    const char *sort = request_value(request, "sort");
    filter->connection = request_value(request, "connection");
    filter->path = request_value(request, "path");
    filter->owner = request_value(request, "owner");
    filter->rule = request_value(request, "rule");
    filter->by_rank = sort && strcmp(sort, "rank") == 0;
    question->count = count && strcmp(count, "1") == 0;
    if (sort && !filter->by_rank && strcmp(sort, "-id") != 0)
        return "sort: rank (alert level, exposure, the oldest first), or -id (the newest first)";
    if (item && !request_number(item, &filter->item))
        return "item: the number of one";
    if (filter->connection && !api_connection(api, filter->connection))
        return "connection: there is none of that name";
    return take_words(request, filter);
}

static bool add_total(struct db *db, const struct question *question, json_t *page, struct err *err)
{
    int64_t total;
    if (!question->count)
        return true;
    if (!entry_count(db, &question->filter, count_most + 1, &total, err))
        return false;
    json_object_set_new(page, "total", json_integer(total > count_most ? count_most : total));
    json_object_set_new(page, "total_exact", json_boolean(total <= count_most));
    return true;
}

static json_t *list_json(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    struct question question = {0};
    struct entry *entries;
    size_t count;
    if (!api_page(request, &question.page, answer))
        return NULL;
    const char *wrong = take_question(api, request, &question);
    if (wrong) {
        answer_problem(answer, 400, "%s", wrong);
        return NULL;
    }
    struct entry_filter *filter = &question.filter;
    filter->after = question.page.after;
    filter->limit = question.page.limit + 1;
    if (!entry_list(db, filter, request->arena, &entries, &count, err))
        return NULL;
    bool more = count > (size_t)question.page.limit;
    json_t *items = json_array();
    for (size_t i = 0; i < count - more; i++)
        json_array_append_new(items, api_entry_json(&entries[i]));
    int64_t last = more ? entry_place(&entries[count - 2], filter->by_rank) : 0;
    own_json json_t *page = api_page_json(&question.page, items, more, last);
    return page && add_total(db, &question, page, err) ? json_incref(page) : NULL;
}

void api_quarantine_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list_json);
}

/* One entry ----------------------------------------------------------------------------------- */

/* Why it is there, as the item's last examination and decision have it. */
static bool add_why(struct db *db, const struct entry *entry, struct arena *arena, json_t *json,
                    struct err *err)
{
    const char *report_text = NULL, *decision = NULL, *history = NULL;
    if (!item_report(db, entry->item, arena, &report_text, err) ||
        !item_decision(db, entry->item, arena, &decision, err) ||
        !audit_history(db, entry->item, history_most, arena, &history, err))
        return false;
    own_json json_t *report = api_stored(report_text);
    json_object_set_new(json, "findings", api_findings(report));
    json_object_set_new(json, "decision", api_stored(decision));
    json_object_set_new(json, "history", api_stored(history));
    json_object_set_new(json, "message", api_text(entry->message));
    json_object_set_new(json, "revision", api_text(entry->revision));
    json_object_set_new(json, "captured", captured_json(entry, arena));
    json_object_set_new(json, "recipients", api_stored(entry->recipients));
    json_object_set_new(json, "tombstone", api_text(entry->tombstone));
    json_object_set_new(json, "release_path", api_entry_path(entry));
    json_object_set_new(json, "result", api_stored(entry->result));
    return true;
}

static json_t *one_json(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    int64_t id;
    bool found = false;
    struct entry entry;
    if (!api_part_id(request, 0, &id, answer) ||
        !entry_get(db, id, request->arena, &entry, &found, err) || !found)
        return NULL;
    own_json json_t *json = api_entry_json(&entry);
    if (!json || !add_why(db, &entry, request->arena, json, err))
        return NULL;
    json_object_set_new(json, "sealed_vault", json_boolean(api->facts.config->vault_sealed));
    if (entry.state > ENTRY_SEALING && entry.sealed_size) {
        char hex[65];
        api_hex(entry.sha256, hex);
        json_object_set_new(json, "sha256", json_string(hex));
    }
    return json_incref(json);
}

void api_quarantine_get(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, one_json);
}

/* The sealed bytes ---------------------------------------------------------------------------- */

bool api_entry_has_copy(const struct entry *entry)
{
    return entry->kind == ENTRY_QUARANTINE && entry->state != ENTRY_SEALING &&
           !(ended & 1u << entry->state);
}

/* There is an entry in the vault of that number. */
static bool has_copy(struct db *db, const struct request *request, struct entry *entry,
                     struct answer *answer, struct err *err)
{
    int64_t id;
    bool found = false;
    if (!api_part_id(request, 0, &id, answer) ||
        !entry_get(db, id, request->arena, entry, &found, err) || !found)
        return false;
    if (api_entry_has_copy(entry))
        return true;
    answer_problem(answer, 409, "there is no sealed copy of it in the vault");
    return false;
}

static json_t *may_read(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    struct entry entry;
    (void)api;
    return has_copy(db, request, &entry, answer, err) ? json_object() : NULL;
}

static json_t *record_read(struct api *api, struct db *db, const struct request *request,
                           struct answer *answer, struct err *err)
{
    struct entry entry;
    (void)api;
    if (!has_copy(db, request, &entry, answer, err))
        return NULL;
    const struct api_record record = {.event = "quarantine-content-read",
                                      .item = entry.item,
                                      .connection = entry.connection,
                                      .details = json_pack("{s:o}", "entry", api_id(entry.id))};
    return api_audit(db, request, &record, err) ? json_object() : NULL;
}

void api_quarantine_content(struct api *api, const struct request *request, struct answer *answer)
{
    int64_t id;
    struct err err = {0};
    api_write(api, request, answer, record_read);
    if (answer->status >= 400 || !api_part_id(request, 0, &id, answer))
        return;
    int fd = handoff_content(api->facts.handoff, id, &err);
    if (fd < 0)
        answer_problem(answer, 409, "there is no sealed copy of it in the vault");
    else
        answer_file(answer, fd, arena_printf(request->arena, "quarantine-%lld.age", (long long)id));
}

void api_quarantine_header(struct api *api, const struct request *request, struct answer *answer)
{
    int64_t id;
    struct err err = {0};
    own_buf struct buf header = buf_new(api->facts.config->limits.age_header_bytes + 4096);
    api_read(api, request, answer, may_read);
    if (answer->status >= 400 || !api_part_id(request, 0, &id, answer))
        return;
    if (handoff_header(api->facts.handoff, id, &header, &err))
        answer_bytes(answer, &header, "application/octet-stream");
    else
        answer_problem(answer, 409, "there is no sealed copy of it in the vault");
}
