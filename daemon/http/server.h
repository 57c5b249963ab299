/*
 * server: the two listeners on libmicrohttpd: admin (the API) and webhooks.
 * A request is bounded before it is read; a handler sees rows and answers JSON, it never acts.
 * Owns: its threads and sockets.
 */
#ifndef LABELD_HTTP_SERVER_H
#define LABELD_HTTP_SERVER_H
#include <stdint.h>

#include "base/json.h"
#include "config/config.h"

struct server;
struct server_request;

/* What a handler answers with. */
struct server_answer {
    unsigned status;     /* HTTP */
    json_t *json;        /* handed over; NULL with a problem */
    const char *problem; /* status >= 400: one sentence, made into problem+json (RFC 9457) */
};

/* `context` is the options' context. */
typedef void server_handler(void *context, const struct server_request *request,
                            struct server_answer *answer);

enum server_role { SERVER_NOBODY, SERVER_VIEWER, SERVER_ADMIN };

struct server_route {
    const char *method, *path; /* a path that ends in * takes the rest as its tail */
    enum server_role role;
    server_handler *handler;
};

struct server_options {
    const struct config *config;
    const struct server_route *routes; /* of the admin listener; borrowed */
    size_t route_count;
    void *context;
    const char *admin_token; /* the one token of this version; only its hash is kept */
};

/* Bind both listeners and start answering. NULL with err. */
struct server *server_open(const struct server_options *options, struct err *err);

/* Stop answering; running handlers end first. */
void server_close(struct server *server);

/* The ports that were bound. */
uint16_t server_admin_port(const struct server *server);
uint16_t server_webhooks_port(const struct server *server);

/* What stands in the place of the route's *. */
const char *server_tail(const struct server_request *request);

/* The values of a query parameter, at most `most`; how many there are. */
size_t server_query(const struct server_request *request, const char *name, const char **values,
                    size_t most);

/* Answer with a problem. */
void server_problem(struct server_answer *answer, unsigned status, const char *sentence);

#endif
