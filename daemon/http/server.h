/*
 * server: the two listeners on libmicrohttpd: admin (the API) and webhooks.
 * Owns: its threads and sockets.
 */
#ifndef LABELD_HTTP_SERVER_H
#define LABELD_HTTP_SERVER_H
#include <stdint.h>

#include "config/config.h"

struct api;
struct hooks;
struct server;
struct store;

struct server_options {
    const struct config *config;
    struct api *api;         /* borrowed */
    struct store *store;     /* borrowed; of the tokens */
    struct hooks *hooks;     /* of the webhook listener; borrowed */
    const char *admin_token; /* the first token; only its hash is kept */
};

/* Bind both listeners and start answering. NULL with err. */
struct server *server_open(const struct server_options *options, struct err *err);

/* Stop answering; running handlers end first. */
void server_close(struct server *server);

/* The ports that were bound. */
uint16_t server_admin_port(const struct server *server);
uint16_t server_webhooks_port(const struct server *server);

#endif
