/* The OpenAPI file (3.1), made from routes.def and roles.def. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/api_parts.h"

static json_t *problem_schema(void)
{
    return json_pack("{s:s, s:[s,s,s,s], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}}", "type", "object",
                     "required", "type", "title", "status", "detail", "properties", "type", "type",
                     "string", "title", "type", "string", "status", "type", "integer", "detail",
                     "type", "string");
}

static void add_parameter(json_t *list, const char *in, const char *name, size_t length)
{
    char room[64];
    snprintf(room, sizeof room, "%.*s", (int)length, name);
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", room, "in", in, "required",
                                    strcmp(in, "path") == 0, "schema", "type", "string"));
}

static json_t *parameters_json(const struct route *route)
{
    json_t *list = json_array();
    const char *names = route->query, *name;
    bool must;
    size_t length;
    for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{'))
        add_parameter(list, "path", at + 1, strcspn(at + 1, "}"));
    while ((length = route_name(&names, &name, &must)) > 0)
        add_parameter(list, "query", name, length);
    if (route_has(route->answers, "428"))
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", "If-Match", "in", "header",
                            "required", true, "description",
                            "the version that was seen, in quotes; * = whatever it is now",
                            "schema", "type", "string"));
    if (strcmp(route->operation, "listenEvents") == 0)
        add_parameter(list, "header", "Last-Event-ID", strlen("Last-Event-ID"));
    return list;
}

static json_t *body_json(const struct route *route)
{
    json_t *keys = json_object(), *needed = json_array();
    const char *names = route->body, *name;
    bool must;
    size_t length;
    while ((length = route_name(&names, &name, &must)) > 0) {
        char room[64];
        snprintf(room, sizeof room, "%.*s", (int)length, name);
        json_object_set_new(keys, room, json_object());
        if (must)
            json_array_append_new(needed, json_string(room));
    }
    bool any = json_array_size(needed) > 0;
    return json_pack("{s:b, s:{s:{s:{s:s, s:b, s:o, s:o}}}}", "required", any, "content",
                     "application/json", "schema", "type", "object", "additionalProperties", false,
                     "properties", keys, "required", needed);
}

static void add_code(json_t *responses, unsigned code)
{
    char key[8];
    snprintf(key, sizeof key, "%u", code);
    if (code < 400)
        json_object_set_new(responses, key, json_pack("{s:s}", "description", "done"));
    else
        json_object_set_new(responses, key,
                            json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", answer_title(code),
                                      "content", "application/problem+json", "schema", "$ref",
                                      "#/components/schemas/Problem"));
}

/* What the row says, and what the listener itself answers (admin.h). */
static json_t *responses_json(const struct route *route)
{
    json_t *responses = json_object();
    const char *codes = route->answers, *code;
    bool must;
    while (route_name(&codes, &code, &must) > 0)
        add_code(responses, (unsigned)strtoul(code, NULL, 10));
    add_code(responses, 400);
    add_code(responses, 421);
    add_code(responses, 429);
    if (route->needs != ROLE_NEEDS_NOBODY) {
        add_code(responses, 401);
        add_code(responses, 503);
    }
    for (int i = ROLE_VIEWER; i < ROLE_COUNT; i++)
        if (!role_may((enum role)i, route->needs))
            add_code(responses, 403);
    add_code(responses, 413);
    if (route->cap)
        add_code(responses, 415);
    return responses;
}

static json_t *operation_json(const struct route *route)
{
    json_t *roles = json_array();
    for (int i = ROLE_VIEWER; i < ROLE_COUNT; i++)
        if (role_may((enum role)i, route->needs))
            json_array_append_new(roles, json_string(role_word((enum role)i)));
    json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:o}", "operationId", route->operation,
                             "summary", route->sentence, "parameters", parameters_json(route),
                             "responses", responses_json(route), "x-roles", roles);
    if (json && *route->body)
        json_object_set_new(json, "requestBody", body_json(route));
    if (json && route->needs != ROLE_NEEDS_NOBODY)
        json_object_set_new(json, "security", json_pack("[{s:[]}]", "token"));
    return json;
}

static void add_route(json_t *paths, const struct route *route)
{
    char method[16];
    size_t length = strlen(route->method);
    for (size_t i = 0; i <= length && i < sizeof method; i++)
        method[i] = route->method[i] >= 'A' && route->method[i] <= 'Z'
                        ? (char)(route->method[i] + 'a' - 'A')
                        : route->method[i];
    json_t *path = json_object_get(paths, route->path);
    if (!path) {
        json_object_set_new(paths, route->path, json_object());
        path = json_object_get(paths, route->path);
    }
    json_object_set_new(path, method, operation_json(route));
}

void api_openapi(struct api *api, const struct request *request, struct answer *answer)
{
    size_t count;
    const struct route *routes = route_all(&count);
    json_t *paths = json_object();
    (void)api;
    (void)request;
    for (size_t i = 0; i < count; i++)
        add_route(paths, &routes[i]);
    answer->json =
        json_pack("{s:s, s:{s:s, s:s}, s:{s:{s:o}, s:{s:{s:s, s:s}}}, s:o}", "openapi", "3.1.0",
                  "info", "title", "labeld", "version", LABELD_VERSION, "components", "schemas",
                  "Problem", problem_schema(), "securitySchemes", "token", "type", "http", "scheme",
                  "bearer", "paths", paths);
    if (!answer->json)
        answer_problem(answer, 503, "out of memory");
}
