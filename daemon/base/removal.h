/*
 * removal: take a file away from its name without losing anybody's edit.
 * Under a read lease the name is changed to a private one (renameat2, RENAME_NOREPLACE); a writer
 * that was parked by the lease goes on with the file under its private name, which is therefore
 * compared, some seconds later, before it is unlinked: what was edited gets its name back.
 * The steps and why: place.h. A broken lease raises SIGIO: the program must ignore it.
 */
#ifndef LABELD_BASE_REMOVAL_H
#define LABELD_BASE_REMOVAL_H
#include "base/place.h"

/* One removal under way. */
struct removal;

/* Begin: `name` in `folder` (a descriptor, borrowed) leads to `file` (open, borrowed) of version
 * `examined`. Takes the read lease: what is read from `file` from now on is what will be taken
 * away. ERR_BUSY: somebody has it open for writing, try later. ERR_CONFLICT: it is not that
 * version any more. ERR_REFUSED: hard links, or no leases here. */
struct removal *removal_open(int folder, const char *name, int file,
                             const struct place_version *examined, struct err *err);

/* The name that it will have; store it before removal_take, so that a replay finds it. */
const char *removal_private_name(const struct removal *removal);

/* Take it away from its name. ERR_CONFLICT: changed meanwhile, nothing was done. */
bool removal_take(struct removal *removal, struct err *err);

/* Free; the file stays where it is. NULL is fine. */
void removal_close(struct removal *removal);

enum removal_end {
    REMOVAL_DONE,     /* gone: the bytes were those that were examined */
    REMOVAL_UNDONE,   /* edited meanwhile: the edit is in place again (err: ERR_CONFLICT, how) */
    REMOVAL_NOT_MADE, /* was never taken away: it stands where it was */
};

/* Whether the bytes of an open file, from its start, are the ones meant. */
struct removal_check {
    bool (*same)(void *context, int file, struct err *err); /* false with err unset: they differ */
    void *context;
};

/* What remains, two seconds after removal_take at the earliest, or after a kill: unlink what has
 * the private name if it is still what was examined, else give it its name back. False: not
 * possible now (err: ERR_BUSY, ...), try again. */
bool removal_settle(int folder, const char *name, const char *private_name,
                    const struct place_version *examined, const struct removal_check *check,
                    enum removal_end *end, struct err *err);

#endif
