/*
 * host: the dispatcher of labeld-parse. Locked down, it reads no file itself: it receives requests
 * on HOSTLINK_FD, forks a child for each, kills it at its deadline, and says how it ended.
 * Never more than one thread. Owns: the children.
 */
#ifndef LABELD_CLASSIFIERS_HOST_H
#define LABELD_CLASSIFIERS_HOST_H
#include "base/err.h"
#include "classifier.h"
#include "lockdown.h"

/* Most children at once, whatever is asked for. */
#define HOST_CHILDREN 64

struct host_options {
    const struct classifier *classifier;
    struct lockdown *lockdown; /* prepared; used by each child */
    unsigned children;         /* at once; more requests are refused */
};

/* Say that the host is ready, or with `problem` why not. */
bool host_announce(const struct host_options *options, const char *problem, struct err *err);

/* Take what signals and waiting need, before the lock-down. The descriptor, or -1. */
int host_prepare(struct err *err);

/* Serve until the other side closes; then no child is left. `signals` is from host_prepare. */
bool host_serve(const struct host_options *options, int signals, struct err *err);

#endif
