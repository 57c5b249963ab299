/*
 * waiting: questions whose answer is not there yet. Their connections are suspended, so that no
 * thread of the listener is held, and are asked again some times a second.
 * Owns: a thread. May be called from any thread.
 */
#ifndef LABELD_HTTP_WAITING_H
#define LABELD_HTTP_WAITING_H
#include <microhttpd.h>
#include <stdbool.h>

#include "base/err.h"

enum { WAITING_MOST = 128 }; /* questions at once */

struct waiting;

struct waiting *waiting_open(struct err *err);

/* Suspend a connection: its access handler is called again soon. False: too many wait, or the
 * daemon stops; then answer with what is known. After true nothing of the question may be touched:
 * another thread may have it. */
bool waiting_add(struct waiting *waiting, struct MHD_Connection *connection);

/* Resume all, and suspend none from now on: before the listener is stopped. */
void waiting_stop(struct waiting *waiting);

/* NULL is fine. */
void waiting_close(struct waiting *waiting);

#endif
