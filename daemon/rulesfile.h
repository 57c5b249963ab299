/*
 * rulesfile: which rules are in force (rules.md §6.4). The store holds the revisions. The file of
 * the configuration is read at start and on SIGHUP; only when it differs from the one last read
 * does it go through the gate (no errors, no failed test) and become a revision of its own. What
 * does not pass never takes effect. A file that was refused is tried again each time, since what
 * it was refused for may lie outside it, until other rules are put in force.
 */
#ifndef LABELD_RULESFILE_H
#define LABELD_RULESFILE_H
#include "policy/gate.h"
#include "store/store.h"

struct rulesfile_options {
    const char *path;    /* of the configuration; NULL = none */
    struct store *store; /* NULL for rulesfile_check */
    const struct gate *gate;
};

/* The rules to start with: the file if it is due and passes, else the revision in force, without
 * its tests; then `problem` says, for people, why the file is not in force (into the arena, NULL =
 * it need not be). NULL with err and the messages in `problems`. */
struct policy *rulesfile_start(const struct rulesfile_options *options, struct arena *arena,
                               struct buf *problems, const char **problem, struct err *err);

/* The file again, after a SIGHUP. `*policy` is the new revision, which is in the store, or NULL
 * when nothing was due. False with err: what is in force stays, the refusal is in the store. */
bool rulesfile_reload(const struct rulesfile_options *options, struct buf *problems,
                      struct policy **policy, struct err *err);

/* Whether the file passes, for --check; nothing is kept. NULL with err. */
struct policy *rulesfile_check(const struct rulesfile_options *options, struct buf *problems,
                               struct err *err);

#endif
