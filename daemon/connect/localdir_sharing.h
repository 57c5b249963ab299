/*
 * localdir_sharing: what a file of a folder has beside its bytes: kept, given back, taken away.
 */
#ifndef LABELD_CONNECT_LOCALDIR_SHARING_H
#define LABELD_CONNECT_LOCALDIR_SHARING_H
#include "connect/connect.h"
#include "connect/grants.h"

/* localdir_capture.c -------------------------------------------------------------------------- */

/* What an open file has beside its bytes, as JSON of at most `most_bytes` (at least 64 KiB):
 * {"mode":"0640","uid":N,"gid":N,"atime_ns":N,"mtime_ns":N,"acl":base64,
 * "xattrs":{name: base64},"left_out":[{"what","why"}]}; `acl` only when there is one, names as
 * keys are (localdir_key). Attributes are user.*, security.* and trusted.*. Rights are as `was`
 * has them (NULL: as they are), if owner and group are those still. */
bool localdir_capture_open(int fd, uint64_t most_bytes, const struct grants *was,
                           struct arena *arena, const char **json, struct err *err);

/* Give an open file what was captured. Attributes that it has beyond that stay. Whatever cannot
 * be given is left narrower, never wider, and told: without its owner or group no set-id bit and
 * no right for that group, without its ACL no right that the ACL's mask alone would open.
 * `restored`: each part. False: ERR_CORRUPT, it is not a captured state (nothing was
 * done), ERR_MEMORY, or ERR_IO: the disk is full or fails, try again. */
bool localdir_apply(int fd, const char *json, struct arena *arena,
                    struct connect_restored *restored, struct err *err);

bool localdir_capture(struct connection *connection, const char *key, const char *version,
                      const char *grants, struct arena *arena, const char **json, struct err *err);

/* localdir_restrict.c ------------------------------------------------------------------------- */

bool localdir_restrict_plan(struct connection *connection, const char *key,
                            const struct connect_wish *wish, struct arena *arena,
                            struct connect_restriction *restriction, struct err *err);
bool localdir_restrict_take(struct connection *connection, const char *key, const char *version,
                            const char *text, struct err *err);
bool localdir_restrict_done(struct connection *connection, const char *key, const char *version,
                            const char *text, bool *done, struct err *err);
bool localdir_unrestrict(struct connection *connection, const char *key, const char *version,
                         const char *text, bool look, struct arena *arena,
                         struct connect_restored *restored, struct err *err);

#endif
