/*
 * request: what a handler sees of a question to the admin listener. No libmicrohttpd in here.
 * Names in the query and keys of the body were checked against the route's row before.
 * Owns: nothing; everything lives in the request's arena.
 */
#ifndef LABELD_HTTP_REQUEST_H
#define LABELD_HTTP_REQUEST_H
#include "base/json.h"
#include "http/answer.h"
#include "http/route.h"

enum { REQUEST_QUERY_MOST = 256 };

struct request_pair {
    const char *name, *value;
};

/* Who asks. */
struct request_caller {
    enum role role;
    const char *name; /* of the token; what the audit calls the actor */
    int64_t token;    /* 0 = the first one, from the state folder */
};

/* What a change was put on record as; logged when it is durable. */
struct request_done {
    const char *event, *connection;
};

struct request {
    const struct route *route;
    const char *parts[ROUTE_PARTS]; /* what stands in the place of {…} in the path */
    struct request_pair query[REQUEST_QUERY_MOST];
    size_t query_count;
    const char *match;  /* If-Match; NULL = none */
    const char *last;   /* Last-Event-ID; NULL = none */
    const json_t *body; /* an object; NULL = none */
    struct request_caller caller;
    struct request_done *done; /* filled by api_audit */
    struct arena *arena;
};

/* The values of a query parameter, at most `most`; how many there are. */
size_t request_values(const struct request *request, const char *name, const char **values,
                      size_t most);

/* The first value of a query parameter, or NULL. */
const char *request_value(const struct request *request, const char *name);

/* A text of the body, or NULL when the key is not there or no text. */
const char *request_text(const struct request *request, const char *key);

/* The optional "reason" of the body: NULL when there is none. False: answered with 400. */
bool request_reason(const struct request *request, const char **reason, struct answer *answer);

/* A number in decimal digits, 1 to INT64_MAX: an id in a path or a cursor. False: not one. */
bool request_number(const char *text, int64_t *number);

/* Check names of the query and keys of the body against the route's row. False: answered with
 * 400. */
bool request_check(const struct request *request, struct answer *answer);

/* Whether it is asked for the plan alone (dry_run=1): nothing is kept of what it does. */
bool request_dry(const struct request *request);

/* Changing an object needs If-Match with its version, or * for whatever it is now (RFC 9110,
 * section 13.1.1): 428 without, 412 when stale. */
bool request_match(const struct request *request, int64_t version, struct answer *answer);

#endif
