/*
 * rulesfile: which rules are in force. The file of the configuration passes a gate (no errors, no
 * failed test); a file that does not pass never takes effect: the last good one, kept in the
 * state folder, stays.
 */
#ifndef LABELD_RULESFILE_H
#define LABELD_RULESFILE_H
#include "policy/policy.h"

struct rulesfile_options {
    const char *path; /* of the configuration; NULL = none */
    const char *last; /* where the last good file is kept */
    const struct limits *limits;
    const struct type_list *types;
    const char *const *connections;
    size_t connection_count;
    const char *const *targets;
    size_t target_count;
};

/* The rules to start with: the file if it passes, else the last good one with `problem` set to a
 * sentence for people (into the arena), else NULL with err and the messages in `problems`. */
struct policy *rulesfile_start(const struct rulesfile_options *options, struct arena *arena,
                               struct buf *problems, const char **problem, struct err *err);

/* Whether the file passes, for --check; nothing is kept. NULL with err. */
struct policy *rulesfile_check(const struct rulesfile_options *options, struct buf *problems,
                               struct err *err);

/* The file again, after a SIGHUP. NULL with err: what is in force stays. */
struct policy *rulesfile_reload(const struct rulesfile_options *options, struct buf *problems,
                                struct err *err);

#endif
