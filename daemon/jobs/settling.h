/*
 * settling: replacements that are in place and wait for writers that were under way: two seconds
 * later what was displaced is removed, or an edit that came meanwhile is back (connect.h,
 * replace_settle). Bounded by the descriptors that each of them holds: when it is full, who adds
 * waits. May be called from any thread; one thread settles.
 */
#ifndef LABELD_JOBS_SETTLING_H
#define LABELD_JOBS_SETTLING_H
#include <stdatomic.h>

#include "jobs/visit.h"

struct settling;

/* `stop`: once true nothing is put off any more. `rung` is called after each addition. */
struct settling_options {
    struct store *store;
    const atomic_bool *stop;
    void (*rung)(void *context);
    void *context;
};
struct settling *settling_open(const struct settling_options *options, struct err *err);

/* Empty by then (settling_all). */
void settling_close(struct settling *settling);

/* Takes over a replacement that is in place; waits for room (struct visit_world's settle). */
void settling_add(void *settling, const struct visit_link *link,
                  struct connect_replacing *replacing, const struct intent *intent);

/* Settle those whose time has come, or all of them at the end. */
void settling_due(struct settling *settling);
void settling_all(struct settling *settling);

/* When the next one is due, in steady microseconds; INT64_MAX = none. */
int64_t settling_next_us(struct settling *settling);

unsigned settling_count(struct settling *settling);

#endif
