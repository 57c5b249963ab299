/*
 * pending: changes seen but not yet told, one for each path; and which paths changed a moment ago.
 * A file that is saved again and again waits: due at once the first time, then 200 ms after the
 * last telling, doubling to 2 s, until it has been quiet for 2 s.
 * A file that is written to and not closed waits until it has been quiet for 5 s, or, while it
 * keeps changing, for 60 s; closing it is a change like any other and ends that. Owns: its entries;
 * bounded, quiet ones are forgotten.
 */
#ifndef LABELD_CONNECT_PENDING_H
#define LABELD_CONNECT_PENDING_H
#include <stdbool.h>
#include <stdint.h>

#include "connect/connect.h"

struct pending;

struct pending *pending_open(void);
void pending_close(struct pending *pending);

/* Note a change of a raw path. `from`: the path it had before, or NULL. False: no memory or full;
 * then everything has to be listed. */
bool pending_add(struct pending *pending, const char *path, const char *from,
                 enum connect_event event, int64_t now_us);

/* Note that somebody writes to a path and has not closed it yet. False: as above. */
bool pending_written(struct pending *pending, const char *path, int64_t now_us);

/* Tell the changes that are due and forget them; *next_us: when the next one is, or INT64_MAX.
 * False: no memory. */
bool pending_tell(struct pending *pending, const struct connect_changes *changes, int64_t now_us,
                  int64_t *next_us);

/* Forget paths that have been quiet. */
void pending_sweep(struct pending *pending, int64_t now_us);

#endif
