/*
 * place_parts: what replacing a file (place) and taking one away (removal) have in common:
 * versions behind names, leases, private names.
 */
#ifndef LABELD_BASE_PLACE_PARTS_H
#define LABELD_BASE_PLACE_PARTS_H
#include "base/place.h"

enum { PLACE_PRIVATE_BYTES = 40 };

/* The version that a name leads to; false when it leads nowhere or to no regular file. */
bool place_version_at(int folder, const char *name, struct place_version *version);
bool place_leads_to(int folder, const char *name, const struct place_version *wanted);
bool place_leads_to_inode(int folder, const char *name, const struct place_version *wanted);

/* A new private name (place_is_private). False: no randomness. */
bool place_private_make(char name[static PLACE_PRIVATE_BYTES]);

/* The one private name for the file of a version: who comes back after a kill finds it. */
void place_private_of(const struct place_version *version, char name[static PLACE_PRIVATE_BYTES]);

/* The read lease. ERR_BUSY: somebody has the file open for writing. ERR_REFUSED: this file system
 * or user has none. */
bool place_lease_take(int file, const char *name, struct err *err);
void place_lease_drop(int file);

/* The same, waiting about a second for writers that are under way. */
bool place_lease_wait(int file, const char *name, struct err *err);

/* Whether nobody has opened the file for writing since the lease was taken. */
bool place_lease_held(int file);

/* A regular file of one name only: ERR_REFUSED otherwise. */
bool place_may_change(int file, const char *name, struct err *err);

/* Give a file that lost its name to a newer edit a name that people see. Always false:
 * ERR_CONFLICT, told with both names. */
bool place_keep_both(int folder, const char *name, const char *private_name, struct err *err);

#endif
