/* What reviewers do with entries: release, delete, undo; one, or many at once. */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "http/api_entries.h"
#include "store/custody.h"
#include "vault/handoff.h"

enum { entries_most = 500, path_most_bytes = 4096, undo_most_s = 86400 };
enum { key_text_bytes = 24 }; /* 16 bytes in base64 */

enum verb { RELEASE, DELETE, UNDO };

/* What is asked of one entry. */
struct asking {
    enum verb verb;
    int64_t id;
    const char *reason;
    const char *key;           /* where a release puts it; NULL = where it was */
    bool has_file_key, handed; /* handed: it waits for a worker */
    uint8_t file_key[HANDOFF_KEY_BYTES];
    int64_t due_us; /* ENTRY_NO_TIME = now */
};

/* Why not. */
struct refusal {
    unsigned status;
    const char *code, *text;
};

static const struct refusal
    not_there = {404, "not-found", "no such object"},
    encrypted = {409, "encrypted",
                 "this file was encrypted where it stands, not taken into the vault: open it "
                 "with labelctl unprotect and a key of its recipients"},
    too_late = {409, "too-late", "nothing waits here that could be undone"},
    wrong_state = {409, "state", "it is not in a state in which this can be done"},
    sealed = {409, "sealed",
              "the vault is sealed: unwrap the file key from the entry's header with a reviewer's "
              "identity and send it as file_key (labelctl: --identity FILE)"};

/* Reading what is asked ------------------------------------------------------------------------ */

static bool wrong(struct answer *answer, const char *text)
{
    answer_problem(answer, 400, "%s", text);
    return false;
}

/* The base64 of 16 bytes; the text is wiped. */
static bool take_file_key(const json_t *body, struct asking *asking, struct answer *answer)
{
    size_t length;
    const json_t *value = json_object_get(body, "file_key");
    char *text = (char *)(uintptr_t)json_string_value(value);
    if (!value || json_is_null(value))
        return true;
    bool ok =
        text && strlen(text) <= key_text_bytes &&
        (sodium_base642bin(asking->file_key, sizeof asking->file_key, text, strlen(text), NULL,
                           &length, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 ||
         sodium_base642bin(asking->file_key, sizeof asking->file_key, text, strlen(text), NULL,
                           &length, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0) &&
        length == sizeof asking->file_key;
    if (text)
        sodium_memzero(text, strlen(text));
    asking->has_file_key = ok;
    return ok || wrong(answer, "file_key: the base64 of its 16 bytes");
}

/* "/a/b": no empty part, no way out. */
static bool is_path(const char *path)
{
    if (!*path || strlen(path) > path_most_bytes)
        return false;
    for (;;) {
        size_t length = strcspn(path, "/");
        bool dots =
            (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.');
        if (length == 0 || dots)
            return false;
        if (!path[length])
            return true;
        path += length + 1;
    }
}

static bool take_path(const struct request *request, struct asking *asking, struct answer *answer)
{
    const json_t *value = json_object_get(request->body, "path");
    const char *path = json_string_value(value);
    if (!value || json_is_null(value))
        return true;
    if (path && path[0] == '/')
        path++;
    if (!path || !is_path(path))
        return wrong(answer, "path: where the file goes, within its connection (/folder/name)");
    asking->key = path;
    return true;
}

static bool take_undo(const struct request *request, struct asking *asking, struct answer *answer)
{
    const json_t *value = json_object_get(request->body, "undo_for");
    json_int_t seconds = json_integer_value(value);
    asking->due_us = ENTRY_NO_TIME;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_integer(value) || seconds < 0 || seconds > undo_most_s)
        return wrong(answer, "undo_for: seconds, at most a day");
    if (seconds > 0)
        asking->due_us = clock_now_us() + seconds * 1000000;
    return true;
}

/* The same for one and for many. */
static bool take_common(const struct request *request, struct asking *asking, struct answer *answer)
{
    const json_t *links = json_object_get(request->body, "links");
    if (links && !json_is_boolean(links) && !json_is_null(links))
        return wrong(answer, "links: true or false");
    return request_reason(request, &asking->reason, answer) && take_path(request, asking, answer) &&
           take_undo(request, asking, answer);
}

/* Doing it, in a unit -------------------------------------------------------------------------- */

static enum custody_event event_of(const struct asking *asking, const struct entry *entry)
{
    if (asking->verb == UNDO)
        return entry->state == ENTRY_DELETING ? CUSTODY_DELETE_UNDONE : CUSTODY_RELEASE_UNDONE;
    return asking->verb == DELETE ? CUSTODY_DELETE_ASKED : CUSTODY_RELEASE_ASKED;
}

/* NULL: it may be done. */
static const struct refusal *refuse(const struct api *api, const struct asking *asking,
                                    const struct entry *entry)
{
    enum entry_state to;
    bool open = entry->due_us != ENTRY_NO_TIME && entry->due_us > clock_now_us();
    if (entry->kind == ENTRY_ENCRYPT)
        return &encrypted;
    bool known = custody_next(entry->state, event_of(asking, entry), &to);
    if (asking->verb == UNDO)
        return known && open ? NULL : &too_late;
    if (!known)
        return &wrong_state;
    bool needs_key = asking->verb == RELEASE && api->facts.config->vault_sealed;
    return needs_key && !asking->has_file_key ? &sealed : NULL;
}

static bool ask(const struct api *api, struct db *db, const struct request *request,
                struct asking *asking, struct entry *entry, struct err *err)
{
    int64_t now_us = clock_now_us();
    const struct custody_actor actor = {request->caller.name, asking->reason};
    enum custody_event event = event_of(asking, entry);
    bool there = asking->key && strcmp(asking->key, entry->key) == 0;
    entry->error = NULL;
    entry->result = NULL;
    entry->due_us = asking->verb == UNDO ? ENTRY_NO_TIME : asking->due_us;
    entry->asked_by = request->caller.name;
    entry->asked_why = asking->reason;
    entry->release_key = there ? NULL : asking->key;
    asking->handed =
        asking->has_file_key && handoff_put(api->facts.handoff, entry->id, asking->file_key, err);
    if (asking->has_file_key && !asking->handed)
        return false;
    if (!custody_event(db, entry, event, &actor, now_us, err))
        return false;
    if (asking->verb == UNDO) {
        handoff_drop(api->facts.handoff, entry->id);
        return true;
    }
    bool later = entry->due_us != ENTRY_NO_TIME && !asking->has_file_key; /* a key is tried now */
    return custody_queue(db, entry, later ? entry->due_us : now_us, err);
}

json_t *api_entry_outcome(const struct entry *entry)
{
    own_json json_t *result = api_stored(entry->result);
    json_t *json = json_pack("{s:o, s:s, s:I, s:o, s:o}", "id", api_id(entry->id), "state",
                             entry_state_word(entry->state), "version", (json_int_t)entry->version,
                             "path", api_entry_path(entry), "due", api_time(entry->due_us));
    if (!json || entry->state != ENTRY_RELEASED)
        return json;
    json_object_set(json, "restored", json_object_get(result, "restored"));
    json_object_set(json, "lost", json_object_get(result, "lost"));
    return json;
}

static json_t *plan_json(const struct asking *asking, const struct entry *entry)
{
    static const char *const words[] = {"released", "deleted", "removed"};
    struct entry then = *entry;
    if (asking->verb == RELEASE)
        then.release_key = asking->key;
    return json_pack("{s:o, s:s, s:s, s:o, s:b}", "id", api_id(entry->id), "state",
                     entry_state_word(entry->state), "would_be", words[asking->verb], "path",
                     api_entry_path(&then), "dry_run", true);
}

static void problem(struct answer *answer, const struct refusal *refusal)
{
    answer_problem(answer, refusal->status, "%s", refusal->text);
    answer->more = json_pack("{s:s}", "code", refusal->code);
}

/* One ------------------------------------------------------------------------------------------ */

static bool take_one(const struct request *request, struct asking *asking, struct answer *answer)
{
    return api_part_id(request, 0, &asking->id, answer) && take_common(request, asking, answer) &&
           take_file_key(request->body, asking, answer);
}

static json_t *run_one(struct api *api, struct db *db, const struct request *request,
                       struct answer *answer, struct err *err)
{
    bool found;
    struct entry entry;
    struct asking *asking = answer->later.state;
    if (!entry_get(db, asking->id, request->arena, &entry, &found, err) || !found)
        return NULL;
    if (!request_match(request, entry.version, answer))
        return NULL;
    const struct refusal *refusal = refuse(api, asking, &entry);
    if (refusal) {
        problem(answer, refusal);
        return NULL;
    }
    if (request_dry(request))
        return plan_json(asking, &entry);
    return ask(api, db, request, asking, &entry, err) ? api_entry_outcome(&entry) : NULL;
}

/* How a refused release is told: the code is the worker's. */
static void told_refused(struct answer *answer, const struct entry *entry)
{
    static const struct {
        const char *code, *text;
    } texts[] = {
        {"taken", "a file of that name stands there already; release it with another path"},
        {"gone", "the folder is gone; make it again, or release it with another path"},
        {"wrong-key", "the file key is not the one of this entry"},
    };
    own_json json_t *result = api_stored(entry->result);
    const char *code = json_string_value(json_object_get(result, "code"));
    const char *text = code ? "the release was refused" : "it was undone";
    for (size_t i = 0; code && i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].code, code) == 0)
            text = texts[i].text;
    answer_problem(answer, 409, "%s", text);
    own_json json_t *name = json_object_get(result, "suggestion")
                                ? json_incref(json_object_get(result, "suggestion"))
                                : json_null();
    answer->more =
        json_pack("{s:s, s:O, s:o, s:I}", "code", code ? code : "undone", "suggestion", name,
                  "error", api_text(entry->error), "version", (json_int_t)entry->version);
}

static void wait_for(struct api *api, const struct request *request, struct answer *answer);

/* Until the end state is reached, or the time is over: then it is told as it stands. */
static json_t *look(struct api *api, struct db *db, const struct request *request,
                    struct answer *answer, struct err *err)
{
    bool found;
    struct entry entry;
    const struct asking *asking = answer->later.state;
    (void)api;
    if (!entry_get(db, asking->id, request->arena, &entry, &found, err) || !found)
        return NULL;
    if (entry.state == ENTRY_REMOVED) {
        told_refused(answer, &entry);
        return NULL;
    }
    bool under_way = entry.state == ENTRY_RELEASING || entry.state == ENTRY_DELETING;
    if (under_way && clock_steady_us() < answer->later.until_us)
        answer->later.ask = wait_for;
    return api_entry_outcome(&entry);
}

static void wait_for(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, look);
    const char *state = json_string_value(json_object_get(answer->json, "state"));
    if (state && (strcmp(state, "releasing") == 0 || strcmp(state, "deleting") == 0))
        answer->status = 202;
}

static void act(struct api *api, const struct request *request, struct answer *answer,
                enum verb verb)
{
    struct asking asking = {.verb = verb};
    answer->later.state = &asking;
    if (api_wait(request, answer) && take_one(request, &asking, answer)) {
        if (request_dry(request))
            api_read(api, request, answer, run_one);
        else
            api_write(api, request, answer, run_one);
    }
    if (asking.handed && !answer->json)
        handoff_drop(api->facts.handoff, asking.id);
    sodium_memzero(asking.file_key, sizeof asking.file_key);
    struct asking *kept = arena_alloc(request->arena, 1, sizeof *kept);
    answer->later.state = kept;
    if (kept)
        *kept = asking;
    if (!answer->json || request_dry(request) || verb == UNDO)
        return;
    if (answer->later.until_us && kept)
        answer->later.ask = wait_for;
    answer->status = 202;
}

void api_quarantine_release(struct api *api, const struct request *request, struct answer *answer)
{
    act(api, request, answer, RELEASE);
}

void api_quarantine_delete(struct api *api, const struct request *request, struct answer *answer)
{
    act(api, request, answer, DELETE);
}

void api_quarantine_undo(struct api *api, const struct request *request, struct answer *answer)
{
    act(api, request, answer, UNDO);
}

/* Many ----------------------------------------------------------------------------------------- */

struct asking_many {
    struct asking *list;
    int64_t *versions; /* 0 = none was sent */
    size_t count;
};

/* An id is a text, as all answers have it. */
static bool take_entry(const json_t *row, struct asking *asking, int64_t *version,
                       struct answer *answer)
{
    const char *id = json_string_value(json_object_get(row, "id")), *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)row, key, value)
    {
        (void)value;
        if (!route_has("id version file_key", key))
            return wrong(answer, "an unknown key in an entry; there are: id version file_key");
    }
    *version = json_integer_value(json_object_get(row, "version"));
    if (!id || !request_number(id, &asking->id))
        return wrong(answer, "entries: each has an id, as the list tells it, and a version");
    return take_file_key(row, asking, answer);
}

static bool take_many(const struct request *request, enum verb verb, struct asking_many *many,
                      struct answer *answer)
{
    struct asking common = {.verb = verb};
    const json_t *rows = json_object_get(request->body, "entries");
    many->count = json_array_size(rows);
    if (!json_is_array(rows) || many->count == 0 || many->count > entries_most)
        return wrong(answer, "entries: a list of 1 to 500");
    many->list = arena_alloc(request->arena, many->count, sizeof *many->list);
    many->versions = arena_alloc(request->arena, many->count, sizeof *many->versions);
    if (!many->list || !many->versions)
        return wrong(answer, "too many entries at once");
    for (size_t i = 0; i < many->count; i++)
        many->list[i] = common;
    if (!take_common(request, &common, answer))
        return false;
    for (size_t i = 0; i < many->count; i++) {
        many->list[i] = common;
        if (!take_entry(json_array_get(rows, i), &many->list[i], &many->versions[i], answer))
            return false;
    }
    return true;
}

static json_t *refusal_json(int64_t id, const struct refusal *refusal)
{
    return json_pack("{s:o, s:{s:i, s:s, s:s}}", "id", api_id(id), "problem", "status",
                     (int)refusal->status, "code", refusal->code, "detail", refusal->text);
}

static json_t *run_entry(struct api *api, struct db *db, const struct request *request,
                         struct asking *asking, int64_t version, struct err *err)
{
    static const struct refusal no_version = {428, "version",
                                              "send the version that you have seen"},
                                stale = {412, "version", "it was changed since"};
    bool found;
    struct entry entry;
    if (!entry_get(db, asking->id, request->arena, &entry, &found, err))
        return NULL;
    const struct refusal *refusal = !found                     ? &not_there
                                    : version == 0             ? &no_version
                                    : version != entry.version ? &stale
                                                               : refuse(api, asking, &entry);
    if (refusal)
        return refusal_json(asking->id, refusal);
    if (request_dry(request))
        return plan_json(asking, &entry);
    return ask(api, db, request, asking, &entry, err) ? api_entry_outcome(&entry) : NULL;
}

static json_t *run_many(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    struct asking_many *many = answer->later.state;
    own_json json_t *results = json_array();
    for (size_t i = 0; i < many->count; i++) {
        json_t *one = run_entry(api, db, request, &many->list[i], many->versions[i], err);
        if (!one)
            return NULL;
        json_array_append_new(results, one);
    }
    return json_pack("{s:O}", "results", results);
}

static void act_many(struct api *api, const struct request *request, struct answer *answer,
                     enum verb verb)
{
    struct asking_many many = {0};
    answer->later.state = &many;
    if (take_many(request, verb, &many, answer)) {
        if (request_dry(request))
            api_read(api, request, answer, run_many);
        else
            api_write(api, request, answer, run_many);
    }
    for (size_t i = 0; many.list && i < many.count; i++) {
        if (many.list[i].handed && !answer->json)
            handoff_drop(api->facts.handoff, many.list[i].id);
        sodium_memzero(many.list[i].file_key, sizeof many.list[i].file_key);
    }
    answer->later.state = NULL;
}

void api_quarantine_release_many(struct api *api, const struct request *request,
                                 struct answer *answer)
{
    act_many(api, request, answer, RELEASE);
}

void api_quarantine_delete_many(struct api *api, const struct request *request,
                                struct answer *answer)
{
    act_many(api, request, answer, DELETE);
}

void api_quarantine_undo_many(struct api *api, const struct request *request, struct answer *answer)
{
    act_many(api, request, answer, UNDO);
}
