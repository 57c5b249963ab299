/* The rules: what passes, what is in force, what was; who put them there. The gate reads a text
 * before the unit that stores it, for a large one takes a while and the writer is everybody's. */
#include <string.h>

#include "base/clock.h"
#include "base/linediff.h"
#include "http/api_parts.h"
#include "policy/digest.h"
#include "policy/expect.h"
#include "store/revision.h"

enum { diff_max_bytes = 8 << 20 };
static const size_t work_max_bytes = 256u << 20;
static const char file_name[] = "rules.yaml";

/* The gate --------------------------------------------------------------------------------------
 */

/* A text that somebody sent; NULL: answered with 400. */
static const char *text_of(const json_t *text, struct answer *answer)
{
    const char *rules = json_string_value(text);
    if (rules && strlen(rules) == json_string_length(text))
        return rules;
    answer_problem(answer, 400, "rules: a text without NUL");
    return NULL;
}

static bool passes(const struct api *api, const char *text, bool with_tests, struct answer *answer)
{
    struct err err = {0};
    struct policy_problems problems = {0};
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct policy *policy = gate_load(api->facts.gate, file_name, text, &arena, &problems, &err);
    if (!policy && problems.errors)
        answer_problem(answer, 400, "the rules have %zu error%s; the first is in line %u",
                       problems.errors, problems.errors == 1 ? "" : "s", problems.items[0].line);
    else if (!policy)
        api_failed(answer, &err);
    else if (with_tests && !gate_test(policy, file_name, clock_now_us(), &arena, &err))
        answer_problem(answer, 400, "a test of the rules fails; POST rules/check says which");
    policy_free(policy);
    return answer->status < 400;
}

bool api_rules_good(const struct api *api, const json_t *text, struct answer *answer)
{
    const char *rules = text_of(text, answer);
    return rules && passes(api, rules, false, answer);
}

static json_t *problem_json(const struct policy_problem *problem)
{
    return json_pack("{s:i, s:i, s:s, s:s, s:o, s:o}", "line", (int)problem->line, "column",
                     (int)problem->column, "severity",
                     problem->severity == POLICY_ERROR ? "error" : "warning", "code", problem->code,
                     "message", json_text(problem->message), "suggestion",
                     api_text(problem->suggestion));
}

/* Of the tests only those without a file can be run here. */
static json_t *tests_json(const struct policy *policy, struct arena *arena)
{
    size_t count, files = 0;
    struct err err = {0};
    const struct expect_test *tests = expect_tests(policy, &count);
    for (size_t i = 0; i < count; i++)
        files += tests[i].facts.file != NULL;
    bool pass = gate_test(policy, file_name, clock_now_us(), arena, &err);
    return json_pack("{s:b, s:I, s:I, s:o}", "pass", pass, "count", (json_int_t)count, "with_file",
                     (json_int_t)files, "failed", pass ? json_null() : json_text(err.text));
}

void api_rules_check(struct api *api, const struct request *request, struct answer *answer)
{
    struct err err = {0};
    struct policy_problems problems = {0};
    own_arena struct arena arena = arena_new(work_max_bytes);
    const char *text = text_of(json_object_get(request->body, "rules"), answer);
    if (!text)
        return;
    struct policy *policy = gate_load(api->facts.gate, file_name, text, &arena, &problems, &err);
    if (!policy && problems.errors == 0) {
        api_failed(answer, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < problems.count; i++)
        json_array_append_new(list, problem_json(&problems.items[i]));
    answer->json = json_pack("{s:I, s:I, s:o, s:o}", "errors", (json_int_t)problems.errors,
                             "warnings", (json_int_t)problems.warnings, "problems", list, "tests",
                             policy ? tests_json(policy, &arena) : json_null());
    policy_free(policy);
}

/* What is in force ------------------------------------------------------------------------------
 */

static json_t *revision_json(const struct revision *revision, bool with_text)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o}", "number", (json_int_t)revision->number,
                     "revision", revision->digest, "origin", revision_origin_word(revision->origin),
                     "author", api_text(revision->author), "at", api_time(revision->at_us),
                     "applied", revision->applied_us ? api_time(revision->applied_us) : json_null(),
                     "text", with_text ? json_text(revision->text) : json_null());
}

static json_t *in_force_json(struct db *db, struct arena *arena, struct err *err)
{
    struct revision revision;
    if (!revision_in_force(db, arena, &revision, err))
        return NULL;
    json_t *json = revision_json(&revision, true);
    json_object_set_new(json, "version", json_integer((json_int_t)revision.number));
    json_t *brakes = api_brakes_json(db, arena, err);
    if (brakes)
        json_object_set_new(json, "brakes", brakes);
    else
        json_decref(json);
    return brakes ? json : NULL;
}

static json_t *get(struct api *api, struct db *db, const struct request *request,
                   struct answer *answer, struct err *err)
{
    (void)api;
    (void)answer;
    return in_force_json(db, request->arena, err);
}

void api_rules_get(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, get);
}

/* Putting ---------------------------------------------------------------------------------------
 */

/* A text that passed the gate. */
static json_t *store_text(struct db *db, const struct request *request, enum revision_origin origin,
                          const char *text, json_t *details, struct answer *answer, struct err *err)
{
    const char *reason;
    char digest[DIGEST_HEX_BYTES];
    struct revision before;
    struct revision revision = {.digest = digest,
                                .origin = origin,
                                .author = request->caller.name,
                                .at_us = clock_now_us(),
                                .text = text};
    if (!request_reason(request, &reason, answer) ||
        !revision_in_force(db, request->arena, &before, err) ||
        !request_match(request, before.number, answer)) {
        json_decref(details);
        return NULL;
    }
    const struct api_record record = {.event = origin == REVISION_PUT ? "rules-put"
                                                                      : "rules-rolled-back",
                                      .reason = reason,
                                      .details = details};
    if (!digest_text(text, strlen(text), digest)) {
        json_decref(details);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    return api_audit(db, request, &record, err) && revision_add(db, &revision, err)
               ? in_force_json(db, request->arena, err)
               : NULL;
}

static json_t *put(struct api *api, struct db *db, const struct request *request,
                   struct answer *answer, struct err *err)
{
    const char *simulation = request_text(request, "simulation");
    (void)api;
    return store_text(db, request, REVISION_PUT, request_text(request, "rules"),
                      json_pack("{s:o}", "simulation", api_text(simulation)), answer, err);
}

void api_rules_put(struct api *api, const struct request *request, struct answer *answer)
{
    const char *text = text_of(json_object_get(request->body, "rules"), answer);
    if (text && passes(api, text, true, answer))
        api_write(api, request, answer, put);
}

/* Revisions -------------------------------------------------------------------------------------
 */

static json_t *list(struct api *api, struct db *db, const struct request *request,
                    struct answer *answer, struct err *err)
{
    struct api_page page;
    struct revision *revisions;
    size_t count;
    (void)api;
    if (!api_page(request, &page, answer) ||
        !revision_list(db, page.after, page.limit + 1, request->arena, &revisions, &count, err))
        return NULL;
    bool more = count > (size_t)page.limit;
    json_t *items = json_array();
    for (size_t i = 0; i < count - more; i++)
        json_array_append_new(items, revision_json(&revisions[i], false));
    return api_page_json(&page, items, more, more ? revisions[page.limit - 1].number : 0);
}

void api_rules_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list);
}

static json_t *get_one(struct api *api, struct db *db, const struct request *request,
                       struct answer *answer, struct err *err)
{
    int64_t number;
    struct revision revision;
    (void)api;
    return api_part_id(request, 0, &number, answer) &&
                   revision_get(db, number, request->arena, &revision, err) && revision.number
               ? revision_json(&revision, true)
               : NULL;
}

void api_rules_revision(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, get_one);
}

/* A number of the query, or `otherwise`. */
static bool number_of(const struct request *request, const char *name, int64_t otherwise,
                      int64_t *number, struct answer *answer)
{
    const char *text = request_value(request, name);
    *number = otherwise;
    if (!text || request_number(text, number))
        return true;
    answer_problem(answer, 400, "%s: the number of a revision", name);
    return false;
}

static json_t *diff(struct api *api, struct db *db, const struct request *request,
                    struct answer *answer, struct err *err)
{
    int64_t from, to;
    struct revision now, old, new;
    own_buf struct buf text = buf_new(diff_max_bytes);
    (void)api;
    if (!revision_in_force(db, request->arena, &now, err) ||
        !number_of(request, "to", now.number, &to, answer) ||
        !number_of(request, "from", to - 1, &from, answer) ||
        !revision_get(db, from, request->arena, &old, err) ||
        !revision_get(db, to, request->arena, &new, err) || !new.number ||
        (!old.number && request_value(request, "from")))
        return NULL;
    if (!linediff_write(old.number ? old.text : "", new.text, &text)) {
        err_set(err, ERR_MEMORY, "the difference is too large to be shown");
        return NULL;
    }
    return json_pack("{s:I, s:I, s:o}", "from", (json_int_t)old.number, "to",
                     (json_int_t) new.number, "diff", json_text(buf_text(&text)));
}

void api_rules_diff(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, diff);
}

/* Rolling back ----------------------------------------------------------------------------------
 */

struct rolling {
    int64_t number;
    struct revision revision; /* in the request's arena */
};

static bool read_number(const struct request *request, int64_t *number, struct answer *answer)
{
    const json_t *value = json_object_get(request->body, "number");
    *number = json_integer_value(value);
    if (*number > 0)
        return true;
    answer_problem(answer, 400, "number: of the revision to go back to");
    return false;
}

static json_t *find_old(struct api *api, struct db *db, const struct request *request,
                        struct answer *answer, struct err *err)
{
    struct rolling *rolling = answer->later.state;
    (void)api;
    return revision_get(db, rolling->number, request->arena, &rolling->revision, err) &&
                   rolling->revision.number
               ? json_object()
               : NULL;
}

static json_t *roll_back(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    const struct rolling *rolling = answer->later.state;
    (void)api;
    return store_text(db, request, REVISION_ROLLBACK, rolling->revision.text,
                      json_pack("{s:I}", "to", (json_int_t)rolling->number), answer, err);
}

/* What was good once may not pass now: a type, a target or a connection may be gone. */
void api_rules_rollback(struct api *api, const struct request *request, struct answer *answer)
{
    struct rolling rolling = {0};
    if (!read_number(request, &rolling.number, answer))
        return;
    answer->later.state = &rolling;
    api_read(api, request, answer, find_old);
    if (answer->status < 400) {
        json_decref(answer->json);
        answer->json = NULL;
        if (passes(api, rolling.revision.text, true, answer))
            api_write(api, request, answer, roll_back);
    }
    answer->later.state = NULL;
}

/* Templates -------------------------------------------------------------------------------------
 */

#define TEMPLATE(id, name, about) extern const char template_##id[];
#include "http/templates.def"
#undef TEMPLATE

static const struct template
{
    const char *name, *about, *text;
}
templates[] = {
#define TEMPLATE(id, name, about) {name, about, template_##id},
#include "http/templates.def"
#undef TEMPLATE
};

void api_rules_templates(struct api *api, const struct request *request, struct answer *answer)
{
    json_t *items = json_array();
    (void)api;
    (void)request;
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        json_array_append_new(items,
                              json_pack("{s:s, s:s, s:s}", "name", templates[i].name, "about",
                                        templates[i].about, "text", templates[i].text));
    answer->json = json_pack("{s:o, s:n}", "items", items, "next");
}
