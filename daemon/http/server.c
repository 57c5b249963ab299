#include "http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/mem.h"
#include "http/admin.h"

enum {
    threads = 4,
    connections_per_thread = 120, /* libmicrohttpd's epoll loop stalls at exactly 128 */
    idle_timeout_s = 30,
    connection_memory_bytes = 64 * 1024,
    pem_max_bytes = 1 << 20,
};

struct server {
    struct MHD_Daemon *listeners[2]; /* admin, webhooks */
    struct admin admin;
    char *cert, *key;
    uint64_t webhook_body_bytes; /* larger bodies get 413 */
};

enum { ADMIN, WEBHOOKS };

/* Webhooks ----------------------------------------------------------------------------------- */

static enum MHD_Result send_problem(struct MHD_Connection *connection, unsigned status,
                                    const char *sentence)
{
    struct answer answer = {0};
    answer_problem(&answer, status, "%s", sentence);
    return answer_send(&answer, connection) ? MHD_YES : MHD_NO;
}

/* Between libmicrohttpd's calls for one webhook: bytes of body so far. */
struct progress {
    uint64_t body_bytes;
};

/* Pieces are only counted. True: answer. */
static bool body_is_read(void **state, size_t *upload_size)
{
    struct progress *progress = *state;
    if (!progress) {
        *state = mem_zalloc(1, sizeof *progress);
        return false;
    }
    progress->body_bytes += *upload_size;
    bool whole = *upload_size == 0;
    *upload_size = 0;
    return whole;
}

static void on_webhook_done(void *context, struct MHD_Connection *connection, void **state,
                            enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    mem_free(*state);
    *state = NULL;
}

static enum MHD_Result on_webhook(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    const struct server *server = context;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (!body_is_read(state, upload_size))
        return *state ? MHD_YES : MHD_NO;
    if (((const struct progress *)*state)->body_bytes > server->webhook_body_bytes)
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

/* What one listener does with a question. */
struct listener {
    const struct config_address *address;
    MHD_AccessHandlerCallback ask;
    MHD_RequestCompletedCallback done;
    void *context;
};

static struct MHD_Daemon *listen_on(const struct server *server, const struct listener *listener,
                                    struct err *err)
{
    struct sockaddr_storage room;
    bool tls = server->key != NULL;
    if (!socket_address(listener->address, &room, err))
        return NULL;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (tls ? MHD_USE_TLS : 0u) |
                     (room.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    const struct MHD_OptionItem secrets[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, listener->ask, listener->context, MHD_OPTION_SOCK_ADDR, &room,
        MHD_OPTION_NOTIFY_COMPLETED, listener->done, NULL, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)threads, MHD_OPTION_CONNECTION_LIMIT, (unsigned)threads * connections_per_thread,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)connection_memory_bytes, MHD_OPTION_ARRAY, tls ? secrets : secrets + 2,
        MHD_OPTION_END);
    if (!daemon)
        err_errno(err, "listening on %s port %u", listener->address->host, listener->address->port);
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
    const struct listener listeners[] = {
        [ADMIN] = {&config->admin, admin_ask, admin_done, &server->admin},
        [WEBHOOKS] = {&config->webhooks, on_webhook, on_webhook_done, server},
    };
    if (!load_tls(server, config, err))
        return false;
    for (int i = ADMIN; i <= WEBHOOKS; i++) {
        server->listeners[i] = listen_on(server, &listeners[i], err);
        if (!server->listeners[i])
            return false;
    }
    return true;
}

struct server *server_open(const struct server_options *options, struct err *err)
{
    const struct config *config = options->config;
    struct server *server = mem_zalloc(1, sizeof *server);
    if (!server) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    struct admin *admin = &server->admin;
    admin->api = options->api;
    admin->body_bytes = config->limits.api_body_bytes;
    admin->host = config->admin.host;
    admin->public_host = host_of(config->admin_url, admin->host_room);
    signin_init(&admin->signin, options->store, options->admin_token);
    server->webhook_body_bytes = config->limits.webhook_body_bytes;
    if (start(server, config, err))
        return server;
    server_close(server);
    return NULL;
}

void server_close(struct server *server)
{
    if (!server)
        return;
    for (int i = WEBHOOKS; i >= ADMIN; i--)
        if (server->listeners[i])
            MHD_stop_daemon(server->listeners[i]);
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
    return port_of(server->listeners[ADMIN]);
}

uint16_t server_webhooks_port(const struct server *server)
{
    return port_of(server->listeners[WEBHOOKS]);
}
