/*
 * hooks: the webhook listener's requests: bounded, then authenticated, then made into jobs. A
 * request is answered 202 only after the commit of its jobs; until then its connection is
 * suspended, so that no thread waits. What is rung is never believed: a visit reads the truth.
 * Owns: the doors, what it remembers of accepted webhooks, its counters.
 */
#ifndef LABELD_HTTP_HOOKS_H
#define LABELD_HTTP_HOOKS_H
#include <microhttpd.h>

#include "config/config.h"
#include "store/store.h"

struct hooks;

/* How a request ends. */
enum hooks_end {
#define HOOK_END(name, status, retry_after, word, sentence) HOOKS_##name,
#include "http/hooks.def"
#undef HOOK_END
    HOOKS_END_COUNT
};

/* Read the secrets of the doors. `store` may be NULL to look whether they are good. */
struct hooks *hooks_open(const struct config *config, struct store *store, struct err *err);
void hooks_close(struct hooks *hooks);

/* libmicrohttpd's callbacks, with the hooks as context. */
enum MHD_Result hooks_access(void *hooks, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **state);
void hooks_completed(void *hooks, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode code);

/* Accept nothing more; returns when no connection is suspended, so that the listener may stop. */
void hooks_stop(struct hooks *hooks);

/* Whether the listener's threads got real-time priority. */
void hooks_set_realtime(struct hooks *hooks, bool realtime);

struct hooks_numbers {
    uint64_t ends[HOOKS_END_COUNT];
    uint64_t jobs; /* paths that were accepted */
    uint64_t flight_bytes;
    size_t doors;
    bool realtime;
};
void hooks_numbers(const struct hooks *hooks, struct hooks_numbers *numbers);

/* The row of an end: HTTP status, and its word in status. */
unsigned hooks_end_status(enum hooks_end end);
const char *hooks_end_word(enum hooks_end end);

#endif
