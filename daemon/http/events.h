/*
 * events: what was changed, as server-sent events: the last of them in a ring that all listeners
 * share. A listener is a place in the ring and one line of text, whatever it reads; one that reads
 * too slowly is cut off and comes back with its Last-Event-ID.
 * Owns: the ring, a thread that wakes listeners, the listeners. May be called from any thread.
 */
#ifndef LABELD_HTTP_EVENTS_H
#define LABELD_HTTP_EVENTS_H
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct MHD_Connection;
struct events;
struct events_listener;
struct store;

enum { EVENTS_KEPT = 10000 }; /* a Last-Event-ID further back is answered with a reset */

/* Begin to hear the store. At most `most` listeners. NULL with err. */
struct events *events_open(struct store *store, uint64_t most, struct err *err);

/* Let all listeners end, and nobody listen any more: before the listener of the API is stopped. */
void events_stop(struct events *events);

/* NULL is fine. All listeners have left. */
void events_close(struct events *events);

/* One more: tasks are told to the token that made them. `last`: what the Last-Event-ID header
 * says, NULL = from now on. NULL: there are too many, or the daemon stops. */
struct events_listener *events_listen(struct events *events, int64_t token, const char *last);

/* What libmicrohttpd asks for: the connection is suspended while there is nothing to tell. */
void events_attach(struct events_listener *listener, struct MHD_Connection *connection);
ssize_t events_read(void *listener, uint64_t position, char *out, size_t most);
void events_leave(void *listener);

#endif
