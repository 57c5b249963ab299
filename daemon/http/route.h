/*
 * route: which row of routes.def answers a method and path. Pure.
 */
#ifndef LABELD_HTTP_ROUTE_H
#define LABELD_HTTP_ROUTE_H
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/role.h"

struct api;
struct answer;
struct request;

enum { ROUTE_PARTS = 2 };

struct route {
    const char *method, *path, *operation;
    enum role_needs needs;
    const char *query, *body; /* names with spaces between; in body a ! = must be there */
    size_t cap;               /* most bytes of a body */
    const char *answers, *sentence;
    void (*handler)(struct api *api, const struct request *request, struct answer *answer);
};

/* The table: `*count` rows. */
const struct route *route_all(size_t *count);

/* The row for a method and path; HEAD is answered as GET. `parts` become the texts that stand in
 * the place of {…}, in the arena. NULL: *known says whether another method would do. */
const struct route *route_find(const char *method, const char *path, struct arena *arena,
                               const char *parts[static ROUTE_PARTS], bool *known);

/* The methods that a path takes, as the Allow header has them: "GET, HEAD, POST". */
void route_allow(const char *path, struct buf *allow);

/* The next name of a list such as `query`: its length, and where it starts; 0 = no more. Moves
 * *list on. *must: a ! followed. */
size_t route_name(const char **list, const char **name, bool *must);

/* Whether a list has a name. */
bool route_has(const char *list, const char *name);

#endif
