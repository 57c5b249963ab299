#include "http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/priority.h"
#include "http/admin.h"
#include "http/api.h"
#include "http/events.h"
#include "http/hooks.h"

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
    struct hooks *hooks;
};

enum { ADMIN, WEBHOOKS };

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
    unsigned flags;
    bool urgent; /* its threads run in real time */
};

static struct MHD_Daemon *listen_on(const struct server *server, const struct listener *listener,
                                    struct err *err)
{
    struct sockaddr_storage room;
    bool tls = server->key != NULL;
    if (!socket_address(listener->address, &room, err))
        return NULL;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | listener->flags | (tls ? MHD_USE_TLS : 0u) |
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
        [ADMIN] = {&config->admin, admin_ask, admin_done, &server->admin, MHD_ALLOW_SUSPEND_RESUME,
                   false},
        [WEBHOOKS] = {&config->webhooks, hooks_access, hooks_completed, server->hooks,
                      MHD_ALLOW_SUSPEND_RESUME, true},
    };
    if (!load_tls(server, config, err))
        return false;
    for (int i = ADMIN; i <= WEBHOOKS; i++) {
        /* the listener's threads inherit real time from this one, which gives it back */
        bool raised = listeners[i].urgent && priority_raise();
        server->listeners[i] = listen_on(server, &listeners[i], err);
        if (raised)
            priority_lower();
        hooks_set_realtime(server->hooks, raised); /* the last one's are the webhooks' */
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
    admin->host = config->admin.host;
    admin->public_host = host_of(config->admin_url, admin->host_room);
    signin_init(&admin->signin, options->store, options->admin_token);
    server->hooks = options->hooks;
    if (!admin_init(admin, &config->limits))
        err_set(err, ERR_MEMORY, "out of memory");
    else if ((admin->waiting = waiting_open(err)) && start(server, config, err))
        return server;
    server_close(server);
    return NULL;
}

void server_close(struct server *server)
{
    if (!server)
        return;
    if (server->listeners[WEBHOOKS])
        hooks_stop(server->hooks); /* libmicrohttpd may not stop with suspended connections */
    if (server->admin.waiting)
        waiting_stop(server->admin.waiting);
    if (server->admin.api)
        events_stop(api_events(server->admin.api));
    for (int i = WEBHOOKS; i >= ADMIN; i--)
        if (server->listeners[i])
            MHD_stop_daemon(server->listeners[i]);
    waiting_close(server->admin.waiting);
    admin_fini(&server->admin);
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
