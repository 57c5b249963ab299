#include "http/request.h"

#include <string.h>

enum { reason_max_bytes = 1000 };

size_t request_values(const struct request *request, const char *name, const char **values,
                      size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < request->query_count && count < most; i++)
        if (strcmp(request->query[i].name, name) == 0)
            values[count++] = request->query[i].value;
    return count;
}

const char *request_value(const struct request *request, const char *name)
{
    const char *value = NULL;
    return request_values(request, name, &value, 1) ? value : NULL;
}

const char *request_text(const struct request *request, const char *key)
{
    return json_string_value(json_object_get(request->body, key));
}

bool request_reason(const struct request *request, const char **reason, struct answer *answer)
{
    const json_t *value = json_object_get(request->body, "reason");
    *reason = json_string_value(value);
    if (!value || json_is_null(value) || (*reason && strlen(*reason) <= reason_max_bytes))
        return true;
    answer_problem(answer, 400, "reason: a text of at most %d bytes", reason_max_bytes);
    return false;
}

bool request_number(const char *text, int64_t *number)
{
    int64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (INT64_MAX - (*text - '0')) / 10)
            return false;
        value = value * 10 + (*text - '0');
    }
    *number = value;
    return value > 0;
}

/* Names of others stand in no answer as they are: they may be anything. */
static bool check_query(const struct request *request, struct answer *answer)
{
    for (size_t i = 0; i < request->query_count; i++)
        if (!route_has(request->route->query, request->query[i].name)) {
            if (*request->route->query)
                answer_problem(answer, 400, "an unknown query parameter; there are: %s",
                               request->route->query);
            else
                answer_problem(answer, 400, "this resource takes no query parameters");
            return false;
        }
    return true;
}

static bool check_keys(const struct request *request, struct answer *answer)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)request->body, key, value)
    {
        (void)value;
        if (route_has(request->route->body, key))
            continue;
        if (*request->route->body)
            answer_problem(answer, 400, "an unknown key in the body; there are: %s",
                           request->route->body);
        else
            answer_problem(answer, 400, "this resource takes no body");
        return false;
    }
    return true;
}

static bool check_needed(const struct request *request, struct answer *answer)
{
    const char *list = request->route->body, *name;
    bool must;
    size_t length;
    while ((length = route_name(&list, &name, &must)) > 0) {
        const char *key = arena_strndup(request->arena, name, length);
        if (must && (!key || !json_object_get(request->body, key))) {
            answer_problem(answer, 400, "the body needs \"%.*s\"", (int)length, name);
            return false;
        }
    }
    return true;
}

static bool check_dry(const struct request *request, struct answer *answer)
{
    const char *dry = request_value(request, "dry_run");
    if (!dry || strcmp(dry, "1") == 0 || strcmp(dry, "0") == 0)
        return true;
    answer_problem(answer, 400, "dry_run: 1 or 0");
    return false;
}

bool request_dry(const struct request *request)
{
    const char *dry = request_value(request, "dry_run");
    return dry && strcmp(dry, "1") == 0;
}

bool request_check(const struct request *request, struct answer *answer)
{
    return check_query(request, answer) && check_keys(request, answer) &&
           check_needed(request, answer) && check_dry(request, answer);
}

/* An entity tag: the version in quotes (RFC 9110, section 13.1.1); bare digits are understood. */
bool request_match(const struct request *request, int64_t version, struct answer *answer)
{
    int64_t seen = 0;
    if (!request->match) {
        answer_problem(answer, 428, "send If-Match with the version that you have seen");
        return false;
    }
    if (strcmp(request->match, "*") == 0)
        return true;
    size_t length = strlen(request->match);
    bool quoted = length > 2 && request->match[0] == '"' && request->match[length - 1] == '"';
    const char *digits =
        quoted ? arena_strndup(request->arena, request->match + 1, length - 2) : request->match;
    if (!digits || !request_number(digits, &seen)) {
        answer_problem(answer, 400, "If-Match: a version in quotes, as in the object");
        return false;
    }
    if (seen != version)
        answer_problem(answer, 412, "it was changed since: the version is %lld now",
                       (long long)version);
    return seen == version;
}
