#include "http/admin.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/api.h"

static const size_t arena_max_bytes = 256u << 20, allow_max_bytes = 256;
static const size_t in_flight_max_bytes = 64u << 20;
static const size_t token_buckets = 4096, address_buckets = 1 << 16;

/* Between libmicrohttpd's calls for one question. */
struct exchange {
    struct admin *admin;
    struct arena arena;
    struct request request;
    struct request_done done;
    struct answer answer; /* a status other than 0: decided already, the body is not kept */
    struct buf body, allow;
    uint64_t seen_bytes;
    bool bad_query; /* too many parameters, or a NUL in one */
};

/* Whether the Host header names this server: a page of another site in a browser on this machine
 * cannot ask through a name of its own (DNS rebinding). */
static bool host_is_ours(const struct admin *admin, struct MHD_Connection *connection)
{
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    if (!host)
        return false;
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    const char *const names[] = {"localhost", "127.0.0.1", "[::1]", admin->host,
                                 admin->public_host};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] && strlen(names[i]) == length && strncasecmp(names[i], host, length) == 0)
            return true;
    return false;
}

/* Values end at a NUL for everybody else: one that holds a NUL is refused. */
static enum MHD_Result take_value(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_length, const char *value, size_t value_length)
{
    struct exchange *exchange = context;
    struct request *request = &exchange->request;
    (void)kind;
    exchange->bad_query = request->query_count == REQUEST_QUERY_MOST ||
                          memchr(name, '\0', name_length) ||
                          (value && memchr(value, '\0', value_length));
    if (exchange->bad_query)
        return MHD_NO;
    request->query[request->query_count++] = (struct request_pair){name, value ? value : ""};
    return MHD_YES;
}

static void no_route(struct exchange *exchange, const char *url, bool known)
{
    if (!known) {
        answer_problem(&exchange->answer, 404, "no such resource");
        return;
    }
    route_allow(url, &exchange->allow);
    answer_problem(&exchange->answer, 405, "this resource takes: %s", buf_text(&exchange->allow));
    exchange->answer.allow = buf_text(&exchange->allow);
}

/* Who shows a token has its own share, whatever comes from the same address (a proxy's) without
 * one. */
static bool in_rate(struct exchange *exchange, struct MHD_Connection *connection)
{
    struct admin *admin = exchange->admin;
    const struct request_caller *caller = &exchange->request.caller;
    bool known = caller->role != ROLE_NOBODY;
    if (known ? rate_take(admin->by_token, (uint64_t)caller->token, clock_steady_us())
              : rate_take(admin->by_address, address_print(connection, admin->address_key),
                          clock_steady_us()))
        return true;
    metrics_count(api_counts(admin->api), METRICS_OVER_RATE);
    answer_problem(&exchange->answer, 429, "too many questions a second (limits.%s)",
                   known ? "api_rate" : "api_address_rate");
    exchange->answer.retry_s = 1;
    return false;
}

/* The role that a route needs, and no more questions than the rate lets in. */
static void let_in(struct exchange *exchange, struct MHD_Connection *connection, bool shown)
{
    struct metrics *counts = api_counts(exchange->admin->api);
    const struct request *request = &exchange->request;
    metrics_count(counts, METRICS_REQUESTS);
    if (shown && request->caller.role == ROLE_NOBODY)
        metrics_count(counts, METRICS_SIGNIN_FAILED);
    if (!in_rate(exchange, connection) || role_may(request->caller.role, request->route->needs))
        return;
    metrics_count(counts, METRICS_REFUSED);
    if (request->caller.role == ROLE_NOBODY)
        answer_problem(&exchange->answer, 401, "show a valid token: Authorization: Bearer …");
    else
        answer_problem(&exchange->answer, 403, "the role %s may not do this",
                       role_word(request->caller.role));
}

/* Decide with the headers alone whether the question is heard. */
static void hear(struct exchange *exchange, struct MHD_Connection *connection, const char *url,
                 const char *method)
{
    bool known;
    struct admin *admin = exchange->admin;
    struct request *request = &exchange->request;
    request->arena = &exchange->arena;
    request->done = &exchange->done;
    if (!host_is_ours(admin, connection)) {
        answer_problem(&exchange->answer, 421, "the Host header names another server");
        return;
    }
    request->route = route_find(method, url, &exchange->arena, request->parts, &known);
    if (!request->route) {
        no_route(exchange, url, known);
        return;
    }
    const char *token = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    struct err err = {0};
    if (!signin_check(&admin->signin, token, &exchange->arena, &request->caller, &err) &&
        request->route->needs != ROLE_NEEDS_NOBODY) {
        answer_problem(&exchange->answer, 503, "the store cannot be used now");
        return;
    }
    let_in(exchange, connection, token != NULL);
}

bool admin_init(struct admin *admin, const struct limits *limits)
{
    randombytes_buf(admin->address_key, sizeof admin->address_key);
    admin->body_bytes = limits->api_body_bytes;
    admin->by_token = rate_open(token_buckets, limits->api_rate);
    admin->by_address = rate_open(address_buckets, limits->api_address_rate);
    return admin->by_token && admin->by_address;
}

void admin_fini(struct admin *admin)
{
    rate_close(admin->by_token);
    rate_close(admin->by_address);
}

static struct exchange *begin(struct admin *admin)
{
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->admin = admin;
    exchange->arena = arena_new(arena_max_bytes);
    exchange->allow = buf_new(allow_max_bytes);
    exchange->body = buf_new(SIZE_MAX);
    return exchange;
}

/* A piece of the body: kept when the question is heard, else only counted. */
static void take_piece(struct exchange *exchange, const char *upload, size_t size)
{
    struct admin *admin = exchange->admin;
    const struct route *route = exchange->request.route;
    exchange->seen_bytes += size;
    if (exchange->seen_bytes > admin->body_bytes) {
        if (exchange->answer.status != 413)
            answer_problem(&exchange->answer, 413, "the body is over limits.api_body_bytes");
        return;
    }
    if (exchange->answer.status)
        return;
    if (exchange->seen_bytes > route->cap) {
        answer_problem(&exchange->answer, 413, "this resource takes a body of at most %zu bytes",
                       route->cap);
        return;
    }
    if (atomic_fetch_add(&admin->in_flight, size) + size > in_flight_max_bytes ||
        !buf_append(&exchange->body, upload, size)) {
        atomic_fetch_sub(&admin->in_flight, size);
        answer_problem(&exchange->answer, 503, "too many bodies at once");
        exchange->answer.retry_s = 1;
    }
}

static bool is_json(struct MHD_Connection *connection)
{
    static const char type[] = "application/json";
    const char *said = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    return said && strncasecmp(said, type, sizeof type - 1) == 0 &&
           strchr("; \t", said[sizeof type - 1]);
}

/* False: answered. */
static bool read_body(struct exchange *exchange, struct MHD_Connection *connection, json_t **json)
{
    struct err err = {0};
    if (exchange->body.length == 0)
        return true;
    if (!is_json(connection)) {
        answer_problem(&exchange->answer, 415, "send Content-Type: application/json");
        return false;
    }
    *json = json_parse(exchange->body.bytes, exchange->body.length, &err);
    if (json_is_object(*json))
        return true;
    answer_problem(&exchange->answer, 400, "the body: %s",
                   *json ? "a JSON object is needed" : err.text);
    return false;
}

static void answer(struct exchange *exchange, struct MHD_Connection *connection)
{
    struct request *request = &exchange->request;
    own_json json_t *body = NULL;
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_value, exchange);
    if (exchange->bad_query) {
        answer_problem(&exchange->answer, 400, "too many query parameters, or a NUL in one");
        return;
    }
    if (!read_body(exchange, connection, &body))
        return;
    request->body = body;
    request->match = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-Match");
    request->last = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Last-Event-ID");
    if (request_check(request, &exchange->answer))
        request->route->handler(exchange->admin->api, request, &exchange->answer);
    request->body = NULL;
}

/* What was not there yet. */
static void ask_again(struct exchange *exchange)
{
    struct answer_later *later = &exchange->answer.later;
    void (*ask)(struct api * api, const struct request *request, struct answer *answer) =
        later->ask;
    later->ask = NULL;
    answer_fini(&exchange->answer);
    exchange->answer.status = 0;
    ask(exchange->admin->api, &exchange->request, &exchange->answer);
}

/* libmicrohttpd calls once with the headers, then with the body piece by piece, then once more to
 * be answered. */
enum MHD_Result admin_ask(void *context, struct MHD_Connection *connection, const char *url,
                          const char *method, const char *version, const char *upload,
                          size_t *upload_size, void **state)
{
    struct exchange *exchange = *state;
    (void)version;
    if (!exchange) {
        *state = exchange = begin(context);
        if (exchange)
            hear(exchange, connection, url, method);
        return exchange ? MHD_YES : MHD_NO;
    }
    if (*upload_size > 0) {
        take_piece(exchange, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (exchange->answer.later.ask)
        ask_again(exchange);
    else if (exchange->answer.status == 0)
        answer(exchange, connection);
    if (exchange->answer.later.ask && waiting_add(exchange->admin->waiting, connection))
        return MHD_YES;
    if (exchange->request.caller.role != ROLE_NOBODY)
        exchange->answer.stopped_us = api_stopped_us(exchange->admin->api);
    return answer_send(&exchange->answer, connection) ? MHD_YES : MHD_NO;
}

void admin_done(void *context, struct MHD_Connection *connection, void **state,
                enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *state;
    (void)context;
    (void)connection;
    (void)code;
    if (!exchange)
        return;
    atomic_fetch_sub(&exchange->admin->in_flight, exchange->body.length);
    if (exchange->body.bytes) /* a body may hold a key */
        sodium_memzero(exchange->body.bytes, exchange->body.length);
    buf_fini(&exchange->body);
    buf_fini(&exchange->allow);
    answer_fini(&exchange->answer);
    arena_fini(&exchange->arena);
    mem_free(exchange);
    *state = NULL;
}
