#include "http/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    hash_bytes = 32,
    threads = 4,
    connections_per_thread = 120, /* libmicrohttpd's epoll loop stalls at exactly 128 */
    idle_timeout_s = 30,
    connection_memory_bytes = 64 * 1024,
    pem_max_bytes = 1 << 20,
    answer_max_bytes = 64 << 20,
};

struct server {
    struct MHD_Daemon *admin, *webhooks;
    const struct server_route *routes;
    size_t route_count;
    void *context;
    const char *admin_host, *public_host; /* what a Host header may say */
    char host_room[256];
    unsigned char token_hash[hash_bytes];
    char *cert, *key;
    uint64_t api_body_bytes, webhook_body_bytes; /* larger bodies get 413 */
};

/* Between libmicrohttpd's calls for one request: bytes of body so far. */
struct progress {
    uint64_t body_bytes;
};

struct server_request {
    struct MHD_Connection *connection;
    const char *tail;
};

/* Answering ---------------------------------------------------------------------------------- */

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},         {401, "Unauthorized"},          {403, "Forbidden"},
    {404, "Not Found"},           {405, "Method Not Allowed"},    {413, "Content Too Large"},
    {421, "Misdirected Request"}, {500, "Internal Server Error"}, {503, "Service Unavailable"},
};

static const char *title_of(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void server_problem(struct server_answer *answer, unsigned status, const char *sentence)
{
    json_decref(answer->json);
    *answer = (struct server_answer){.status = status, .problem = sentence};
}

static json_t *problem_json(const struct server_answer *answer)
{
    return json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
                     title_of(answer->status), "status", (int)answer->status, "detail",
                     answer->problem ? answer->problem : title_of(answer->status));
}

static void add_headers(struct MHD_Response *response, unsigned status, bool problem)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'none'"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    MHD_add_response_header(response, "Content-Type",
                            problem ? "application/problem+json" : "application/json");
    if (status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (status == 405)
        MHD_add_response_header(response, "Allow", "GET");
    if (status == 503)
        MHD_add_response_header(response, "Retry-After", "60");
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct server_answer *answer)
{
    bool problem = !answer->json;
    own_json json_t *json = problem ? problem_json(answer) : answer->json;
    own_buf struct buf body = buf_new(answer_max_bytes);
    if (!json || !json_write(json, &body) || !buf_putc(&body, '\n'))
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.length, body.bytes, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    add_headers(response, answer->status, problem);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_problem(struct MHD_Connection *connection, unsigned status,
                                    const char *sentence)
{
    struct server_answer answer = {.status = status, .problem = sentence};
    return send_answer(connection, &answer);
}

/* Asking ------------------------------------------------------------------------------------- */

const char *server_tail(const struct server_request *request)
{
    return request->tail;
}

struct query {
    const char *name;
    const char **values;
    size_t count, most;
};

static enum MHD_Result take_value(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct query *query = context;
    (void)kind;
    if (strcmp(name, query->name) == 0 && value && query->count < query->most)
        query->values[query->count++] = value;
    return MHD_YES;
}

size_t server_query(const struct server_request *request, const char *name, const char **values,
                    size_t most)
{
    struct query query = {name, values, 0, most};
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, take_value, &query);
    return query.count;
}

/* Who may ask -------------------------------------------------------------------------------- */

/* Whether the Host header names this server: a page of another site in a browser on this machine
 * cannot ask through a name of its own (DNS rebinding). */
static bool host_is_ours(const struct server *server, struct MHD_Connection *connection)
{
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    if (!host)
        return false;
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (strlen(local[i]) == length && strncasecmp(local[i], host, length) == 0)
            return true;
    const char *const named[] = {server->admin_host, server->public_host};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i] && strlen(named[i]) == length && strncasecmp(named[i], host, length) == 0)
            return true;
    return false;
}

static void hash_token(const char *token, size_t length, unsigned char hash[static hash_bytes])
{
    crypto_generichash(hash, hash_bytes, (const unsigned char *)token, length, NULL, 0);
}

static enum server_role role_of(const struct server *server, struct MHD_Connection *connection)
{
    static const char scheme[] = "Bearer ";
    unsigned char hash[hash_bytes];
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    if (!header || strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return SERVER_NOBODY;
    header += sizeof scheme - 1;
    hash_token(header, strlen(header), hash);
    return sodium_memcmp(hash, server->token_hash, hash_bytes) == 0 ? SERVER_ADMIN : SERVER_NOBODY;
}

/* Routing ------------------------------------------------------------------------------------ */

static bool path_matches(const char *pattern, const char *path, const char **tail)
{
    size_t length = strlen(pattern);
    *tail = "";
    if (length == 0 || pattern[length - 1] != '*')
        return strcmp(pattern, path) == 0;
    if (strncmp(pattern, path, length - 1) != 0 || !path[length - 1] || strchr(path + length, '/'))
        return false;
    *tail = path + length - 1;
    return true;
}

static enum MHD_Result route(const struct server *server, struct MHD_Connection *connection,
                             const char *path, const char *method)
{
    bool path_known = false;
    for (size_t i = 0; i < server->route_count; i++) {
        const struct server_route *one = &server->routes[i];
        struct server_request request = {.connection = connection};
        struct server_answer answer = {.status = 200};
        if (!path_matches(one->path, path, &request.tail))
            continue;
        path_known = true;
        if (strcmp(one->method, method) != 0)
            continue;
        if (role_of(server, connection) < one->role)
            return send_problem(connection, 401, "show a valid token: Authorization: Bearer …");
        one->handler(server->context, &request, &answer);
        return send_answer(connection, &answer);
    }
    return path_known ? send_problem(connection, 405, "this resource takes no such method")
                      : send_problem(connection, 404, "no such resource");
}

/* libmicrohttpd calls once with the headers, then with the body piece by piece, then once more to
 * be answered. No route of this version takes a body, so pieces are only counted. True: answer. */
static bool body_is_read(void **state, const char *upload, size_t *upload_size)
{
    struct progress *progress = *state;
    (void)upload;
    if (!progress) {
        *state = mem_zalloc(1, sizeof *progress);
        return false;
    }
    progress->body_bytes += *upload_size;
    bool whole = *upload_size == 0;
    *upload_size = 0;
    return whole;
}

static bool body_is_too_large(void *state, uint64_t most)
{
    return ((const struct progress *)state)->body_bytes > most;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    mem_free(*state);
    *state = NULL;
}

static enum MHD_Result on_admin(void *context, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **state)
{
    const struct server *server = context;
    (void)version;
    if (!body_is_read(state, upload, upload_size))
        return *state ? MHD_YES : MHD_NO;
    if (!host_is_ours(server, connection))
        return send_problem(connection, 421, "the Host header names another server");
    if (body_is_too_large(*state, server->api_body_bytes))
        return send_problem(connection, 413, "the body is over limits.api_body_bytes");
    return route(server, connection, url, strcmp(method, "HEAD") == 0 ? "GET" : method);
}

static enum MHD_Result on_webhook(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    const struct server *server = context;
    (void)url;
    (void)method;
    (void)version;
    if (!body_is_read(state, upload, upload_size))
        return *state ? MHD_YES : MHD_NO;
    if (body_is_too_large(*state, server->webhook_body_bytes))
        return send_problem(connection, 413, "the body is over limits.webhook_body_bytes");
    return send_problem(connection, 503, "webhooks are not taken in this version");
}

/* Opening ------------------------------------------------------------------------------------ */

static bool socket_address(const struct config_address *address, struct sockaddr_storage *room,
                           struct err *err)
{
    struct sockaddr_in *four = (struct sockaddr_in *)room;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)room;
    const char *host = strcmp(address->host, "localhost") == 0 ? "127.0.0.1" : address->host;
    memset(room, 0, sizeof *room);
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(address->port);
        return true;
    }
    if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(address->port);
        return true;
    }
    return err_set(err, ERR_CONFIG, "\"%s\" is not an address to listen on; write 127.0.0.1:PORT",
                   address->host);
}

static struct MHD_Daemon *listen_on(const struct server *server,
                                    const struct config_address *address,
                                    MHD_AccessHandlerCallback handler, bool tls, struct err *err)
{
    struct sockaddr_storage room;
    if (!socket_address(address, &room, err))
        return NULL;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (tls ? MHD_USE_TLS : 0u) |
                     (room.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    const struct MHD_OptionItem secrets[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handler, (void *)(uintptr_t)server, MHD_OPTION_SOCK_ADDR, &room,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)threads, MHD_OPTION_CONNECTION_LIMIT, (unsigned)threads * connections_per_thread,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)connection_memory_bytes, MHD_OPTION_ARRAY, tls ? secrets : secrets + 2,
        MHD_OPTION_END);
    if (!daemon)
        err_errno(err, "listening on %s port %u", address->host, address->port);
    return daemon;
}

/* The host of an URL ("https://labeld.example.com:8443/x"), or NULL. */
static const char *host_of(const char *url, char room[static 256])
{
    const char *start = url ? strstr(url, "://") : NULL;
    if (!start)
        return NULL;
    start += 3;
    snprintf(room, 256, "%.*s", (int)strcspn(start, ":/"), start);
    return room;
}

static bool load_tls(struct server *server, const struct config *config, struct err *err)
{
    if (!config->tls_cert)
        return true;
    server->cert = io_read_file(config->tls_cert, pem_max_bytes, NULL, err);
    server->key = server->cert ? io_read_file(config->tls_key, pem_max_bytes, NULL, err) : NULL;
    return server->key != NULL;
}

static bool start(struct server *server, const struct config *config, struct err *err)
{
    bool tls = config->tls_cert != NULL;
    if (!load_tls(server, config, err))
        return false;
    server->admin = listen_on(server, &config->admin, on_admin, tls, err);
    if (!server->admin)
        return false;
    server->webhooks = listen_on(server, &config->webhooks, on_webhook, tls, err);
    return server->webhooks != NULL;
}

struct server *server_open(const struct server_options *options, struct err *err)
{
    struct server *server = mem_zalloc(1, sizeof *server);
    if (!server) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    server->routes = options->routes;
    server->route_count = options->route_count;
    server->context = options->context;
    server->api_body_bytes = options->config->limits.api_body_bytes;
    server->webhook_body_bytes = options->config->limits.webhook_body_bytes;
    server->admin_host = options->config->admin.host;
    server->public_host = host_of(options->config->admin_url, server->host_room);
    hash_token(options->admin_token, strlen(options->admin_token), server->token_hash);
    if (start(server, options->config, err))
        return server;
    server_close(server);
    return NULL;
}

void server_close(struct server *server)
{
    if (!server)
        return;
    if (server->webhooks)
        MHD_stop_daemon(server->webhooks);
    if (server->admin)
        MHD_stop_daemon(server->admin);
    if (server->key)
        sodium_memzero(server->key, strlen(server->key));
    mem_free(server->key);
    mem_free(server->cert);
    mem_free(server);
}

static uint16_t port_of(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

uint16_t server_admin_port(const struct server *server)
{
    return port_of(server->admin);
}

uint16_t server_webhooks_port(const struct server *server)
{
    return port_of(server->webhooks);
}
