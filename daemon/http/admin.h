/*
 * admin: one question to the admin listener, from libmicrohttpd to its handler and back.
 * Order: Host, route, token, role, then the body, which is kept only for those who may ask.
 * Owns: nothing that outlives a question.
 */
#ifndef LABELD_HTTP_ADMIN_H
#define LABELD_HTTP_ADMIN_H
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdint.h>

#include "http/address.h"
#include "http/rate.h"
#include "http/signin.h"
#include "http/waiting.h"

struct admin {
    struct api *api;
    struct signin signin;
    struct waiting *waiting;        /* questions whose answer is not there yet */
    const char *host, *public_host; /* what a Host header may say beside the loopback names */
    char host_room[256];
    uint64_t body_bytes;     /* limits.api_body_bytes */
    atomic_size_t in_flight; /* bytes of bodies kept now */
    struct rate *by_token, *by_address;
    unsigned char address_key[ADDRESS_KEY_SIZE];
};

/* Rates by the limits; false: memory is out. admin_fini in any case. */
bool admin_init(struct admin *admin, const struct limits *limits);
void admin_fini(struct admin *admin);

/* The callbacks for MHD_start_daemon; `context` is a struct admin. */
enum MHD_Result admin_ask(void *context, struct MHD_Connection *connection, const char *url,
                          const char *method, const char *version, const char *upload,
                          size_t *upload_size, void **state);
void admin_done(void *context, struct MHD_Connection *connection, void **state,
                enum MHD_RequestTerminationCode code);

#endif
