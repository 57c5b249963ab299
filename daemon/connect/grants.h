/*
 * grants: what the owner, the group, the ACL and the mode of a file give to whom; what is left of
 * it when some is taken away, and what comes back. Pure but for grants_read and grants_write.
 * A grant is always in `acl`: a file without an ACL has the three entries that its mode says.
 */
#ifndef LABELD_CONNECT_GRANTS_H
#define LABELD_CONNECT_GRANTS_H
#include <sys/types.h>

#include "connect/acl.h"
#include "connect/connect.h"
#include "policy/glob.h"

enum { grants_max_bytes = 64 + 24 * acl_max_entries };

struct grants {
    uid_t uid;
    gid_t gid;
    struct acl acl;
};

/* What is to be taken away. */
struct grants_wish {
    bool bounded; /* `to` counts: every grant wider than it */
    enum facts_exposure to;
    const struct glob *remove; /* and those of users and groups that match one of them */
    size_t remove_count;
};

/* Of an open file (O_PATH too). */
bool grants_read(int fd, struct grants *grants, struct err *err);

/* Make them those of an open file; its owner and group are not touched. One system call: either
 * all of it or nothing. */
bool grants_write(int fd, const struct grants *grants, struct err *err);

bool grants_equal(const struct grants *a, const struct grants *b);

/* "1000:50 u::rw- u:1001:r-- g::r-- m::r-- o::---" and back. NULL: memory. */
const char *grants_text(const struct grants *grants, struct arena *arena);
bool grants_parse(const char *text, struct grants *grants);

/* The names by which exposure tells them: the account's, else "uid:N", "gid:N". NULL: memory. */
const char *grants_user(struct arena *arena, uid_t uid);
const char *grants_group(struct arena *arena, gid_t gid);

/* What is left. A user or group that is to be removed keeps an entry without rights: without one
 * it would fall back on what others have. False: memory. */
bool grants_narrow(const struct grants *before, const struct grants_wish *wish, struct arena *arena,
                   struct grants *after);

/* `now` with all that lies between `before` and `after` given back, as far as it is still as it
 * was left; each part is told ("others", "group staff", "user anna"). False: memory. */
bool grants_restore(const struct grants *before, const struct grants *after, struct grants *now,
                    struct arena *arena, struct connect_restored *restored);

#endif
