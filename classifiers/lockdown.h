/*
 * lockdown: the door behind which documents are read.
 * Two layers. The host's: Landlock without any path (landlock(7)), no capabilities, a dead folder
 * as root where permitted, small limits, not dumpable, and a seccomp filter (seccomp(2)) that is
 * an allow-list. A child's, on top: a stricter filter, a limit on memory and processor time.
 * The rows are syscalls.def. Both filters are made beforehand by libseccomp, so that a child only
 * has to hand one to the kernel.
 */
#ifndef LABELD_CLASSIFIERS_LOCKDOWN_H
#define LABELD_CLASSIFIERS_LOCKDOWN_H
#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

/* AddressSanitizer needs some calls and descriptors more (syscalls.def). */
#if defined(__SANITIZE_ADDRESS__)
#define LABELD_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LABELD_SANITIZED
#endif
#endif

struct lockdown {
    struct sock_filter *host, *child;
    uint16_t host_length, child_length;
    uint16_t own_pid_at;     /* index in `child` of the comparison with the child's own pid */
    uint64_t standing_bytes; /* data segment of the host when it was locked */
    uint32_t landlock_abi;   /* in force; 0 = the kernel has none */
    bool seccomp;            /* in force */
};

/* Make both filters. */
bool lockdown_prepare(struct lockdown *lockdown, struct err *err);
void lockdown_fini(struct lockdown *lockdown);

/* Lock the calling process, which must have one thread. A kernel without Landlock is noted; one
 * that refuses seccomp is ERR_REFUSED unless `relaxed`. */
bool lockdown_host(struct lockdown *lockdown, bool relaxed, struct err *err);

/* The stricter layer for a child that has just been forked: limits and filter. Descriptors are
 * the caller's business. False: end the process. */
bool lockdown_child(struct lockdown *lockdown, const struct limits *limits);

/* Whether somebody in this child tried to open a file. */
bool lockdown_open_denied(void);

#endif
