/*
 * place: put new bytes in place of a file without losing anybody's edit.
 * Used by the directory connector, by quarantine and by labelctl.
 * A reader sees the old file or the new one, never half of one. The protocol: a read lease keeps
 * writers out while names are exchanged (renameat2, RENAME_EXCHANGE); a writer that was parked by
 * the lease goes on with the displaced file, which therefore keeps a private name for a while and
 * is compared before it is removed. (Unlinking at once lost hundreds of 10,000 raced edits.)
 * A broken lease raises SIGIO: the program must ignore it.
 * Owns: the temporary file it made, until it is in place or given up.
 */
#ifndef LABELD_BASE_PLACE_H
#define LABELD_BASE_PLACE_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"

/* Which bytes a name leads to. ctime is not in it: an exchange of names sets it. */
struct place_version {
    uint64_t device, inode, size;
    int64_t mtime_ns;
};

/* One replacement under way: the folder, the name, the file that was examined, the new file. */
struct place;

/* What the file system under a folder can do; probed once by place_probe. */
struct place_abilities {
    bool leases;   /* F_SETLEASE by this user */
    bool exchange; /* RENAME_EXCHANGE */
    bool tmpfile;  /* O_TMPFILE */
    bool xattrs;   /* user.* */
};

/* Try on a scratch file in `folder`. False with err when not even that could be made. */
bool place_probe(int folder, struct place_abilities *abilities, struct err *err);

/* The version of an open file. */
bool place_version_of(int fd, struct place_version *version, struct err *err);
bool place_version_equal(const struct place_version *a, const struct place_version *b);

/* Begin: `name` in `folder` (a descriptor, borrowed) leads to `file` (open, borrowed) of version
 * `examined`. Takes the read lease: what is read from `file` from now on is what will be
 * replaced (a time stamp alone does not prove it: a mapping writes without a new one). Makes an
 * unnamed file in the same folder for the new bytes. ERR_BUSY: somebody has it open for writing,
 * try later. ERR_CONFLICT: it is not that version any more. */
struct place *place_open(int folder, const char *name, int file,
                         const struct place_version *examined, struct err *err);

/* The descriptor to write the new bytes to; belongs to the place. */
int place_output(const struct place *place);

/* The new bytes are written: copy mode, owner, ACL and xattrs from the examined file, set a new
 * mtime, fsync. Afterwards the private name and the version are known: store both as an intent
 * before place_exchange, so that a replay knows its own file. */
bool place_ready(struct place *place, struct place_version *made, struct err *err);
const char *place_private_name(const struct place *place);

/* Put it in place. ERR_CONFLICT: somebody wanted to write meanwhile, nothing was done, examine
 * again. After success the displaced file keeps the private name. */
bool place_exchange(struct place *place, struct err *err);

/* Wait until writers that were under way have shown themselves (`wait_us`: 2 s in the daemon,
 * 20 ms in labelctl), then remove the displaced file; or, if it was edited meanwhile, put the
 * edit back in place and answer ERR_CONFLICT. */
bool place_settle(struct place *place, int64_t wait_us, struct err *err);

/* Give up before place_exchange, or free after it. Removes what was not put in place. */
void place_close(struct place *place);

/* At start, for an intent found in the store: finish or undo a replacement that a kill has cut.
 * `examined` and `made` as stored. *placed says whether the new file is in place afterwards. */
bool place_recover(int folder, const char *name, const char *private_name,
                   const struct place_version *examined, const struct place_version *made,
                   bool *placed, struct err *err);

/* Whether a name is one of ours (never an item). */
bool place_is_private(const char *name);

#endif
