#include "http/route.h"

#include <string.h>

#include "http/api_parts.h"

static const struct route routes[] = {
#define ROUTE(method, path, operation, needs, query, body, cap, answers, handler, sentence)        \
    {method, path, #operation, ROLE_NEEDS_##needs, query, body, cap, answers, sentence, handler},
#include "http/routes.def"
#undef ROUTE
};
enum { route_count = sizeof routes / sizeof *routes };

const struct route *route_all(size_t *count)
{
    *count = route_count;
    return routes;
}

/* Compare part by part; *lengths of what stands for {…} in the path. */
static bool matches(const char *pattern, const char *path, const char *starts[static ROUTE_PARTS],
                    size_t lengths[static ROUTE_PARTS])
{
    size_t part = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t length = strcspn(path, "/");
        if (length == 0 || part == ROUTE_PARTS)
            return false;
        starts[part] = path;
        lengths[part++] = length;
        path += length;
        pattern += strcspn(pattern, "}") + 1;
    }
    return *path == '\0';
}

static bool take_parts(struct arena *arena, const char *const *starts, const size_t *lengths,
                       const char *parts[static ROUTE_PARTS])
{
    for (size_t i = 0; i < ROUTE_PARTS; i++) {
        parts[i] = starts[i] ? arena_strndup(arena, starts[i], lengths[i]) : NULL;
        if (starts[i] && !parts[i])
            return false;
    }
    return true;
}

const struct route *route_find(const char *method, const char *path, struct arena *arena,
                               const char *parts[static ROUTE_PARTS], bool *known)
{
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    *known = false;
    for (size_t i = 0; i < route_count; i++) {
        const char *starts[ROUTE_PARTS] = {0};
        size_t lengths[ROUTE_PARTS] = {0};
        if (!matches(routes[i].path, path, starts, lengths))
            continue;
        *known = true;
        if (strcmp(routes[i].method, method) == 0)
            return take_parts(arena, starts, lengths, parts) ? &routes[i] : NULL;
    }
    return NULL;
}

void route_allow(const char *path, struct buf *allow)
{
    for (size_t i = 0; i < route_count; i++) {
        const char *starts[ROUTE_PARTS] = {0};
        size_t lengths[ROUTE_PARTS] = {0};
        if (!matches(routes[i].path, path, starts, lengths))
            continue;
        buf_printf(allow, "%s%s", allow->length ? ", " : "", routes[i].method);
        if (strcmp(routes[i].method, "GET") == 0)
            buf_puts(allow, ", HEAD");
    }
}

size_t route_name(const char **list, const char **name, bool *must)
{
    *list += strspn(*list, " ");
    *name = *list;
    size_t length = strcspn(*list, "! ");
    *must = (*list)[length] == '!';
    *list += length + *must;
    return length;
}

bool route_has(const char *list, const char *name)
{
    const char *one;
    bool must;
    size_t length;
    while ((length = route_name(&list, &one, &must)) > 0)
        if (strlen(name) == length && memcmp(one, name, length) == 0)
            return true;
    return false;
}
