/* Tokens: who may ask, as what. */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "http/api_parts.h"
#include "http/signin.h"
#include "store/token.h"

enum { name_max_bytes = 64 };

static json_t *token_json(const struct token *token)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:I}", "id", api_id(token->id), "name",
                     json_text(token->name), "role", token->role, "created",
                     api_time(token->made_us), "created_by", json_text(token->made_by), "used",
                     api_time(token->used_us), "version", (json_int_t)token->version);
}

static json_t *list_json(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    struct api_page page;
    struct token *tokens;
    size_t count;
    (void)api;
    if (!api_page(request, &page, answer) ||
        !token_list(db, page.after, page.limit + 1, request->arena, &tokens, &count, err))
        return NULL;
    bool more = count > (size_t)page.limit;
    json_t *items = json_array();
    for (size_t i = 0; i < count - more; i++)
        json_array_append_new(items, token_json(&tokens[i]));
    return api_page_json(&page, items, more, more ? tokens[page.limit - 1].id : 0);
}

void api_tokens_list(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, list_json);
}

/* The audit calls people by this name. */
static bool is_name(const char *name)
{
    static const char *const ours[] = {SIGNIN_FIRST, "labeld", "nobody"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(name, ours[i]) == 0)
            return false;
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    return length > 0 && length <= name_max_bytes && utf8_valid(name, length);
}

static bool take(const struct request *request, struct token *token, const char **reason,
                 struct answer *answer)
{
    enum role role;
    token->name = request_text(request, "name");
    token->role = request_text(request, "role");
    if (!token->role || !role_find(token->role, &role))
        answer_problem(answer, 400, "role: viewer, compliance, reviewer or admin");
    else if (!token->name || !is_name(token->name))
        answer_problem(answer, 400,
                       "name: a text of 1 to 64 bytes, not " SIGNIN_FIRST ", labeld or nobody");
    else
        return request_reason(request, reason, answer);
    return false;
}

static json_t *create(struct api *api, struct db *db, const struct request *request,
                      struct answer *answer, struct err *err)
{
    bool taken;
    const char *reason;
    char text[SIGNIN_TOKEN_SIZE], hash[TOKEN_HASH_LENGTH + 1];
    struct token token = {.made_us = clock_now_us(), .made_by = request->caller.name};
    (void)api;
    if (!take(request, &token, &reason, answer))
        return NULL;
    signin_make(text, hash);
    json_t *json = NULL;
    bool ok = token_add(db, &token, hash, &taken, err);
    if (ok && taken)
        answer_problem(answer, 409, "there is a token of that name");
    struct api_record record = {.event = "token-created", .reason = reason};
    if (ok && !taken) {
        record.details = json_pack("{s:o, s:o, s:s}", "token", api_id(token.id), "name",
                                   json_text(token.name), "token_role", token.role);
        json = api_audit(db, request, &record, err) ? token_json(&token) : NULL;
    }
    if (json)
        json_object_set_new(json, "token", json_string(text));
    sodium_memzero(text, sizeof text);
    return json;
}

void api_tokens_create(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, create);
    if (answer->json)
        answer->status = 201;
}

static json_t *revoke(struct api *api, struct db *db, const struct request *request,
                      struct answer *answer, struct err *err)
{
    int64_t id;
    bool found;
    const char *reason;
    struct token token;
    (void)api;
    if (!api_part_id(request, 0, &id, answer) || !request_reason(request, &reason, answer) ||
        !token_get(db, id, request->arena, &token, &found, err) || !found ||
        !request_match(request, token.version, answer))
        return NULL;
    const struct api_record record = {
        .event = "token-revoked",
        .reason = reason,
        .details = json_pack("{s:o, s:o, s:s}", "token", api_id(token.id), "name",
                             json_text(token.name), "token_role", token.role)};
    if (!token_remove(db, id, err) || !api_audit(db, request, &record, err))
        return NULL;
    return token_json(&token);
}

void api_tokens_revoke(struct api *api, const struct request *request, struct answer *answer)
{
    api_write(api, request, answer, revoke);
}
