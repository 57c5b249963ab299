/*
 * watchers: a thread for each connection that tells changes by itself, and the polling of those
 * that are to be walked now and then. What they see becomes jobs (change.h).
 */
#ifndef LABELD_JOBS_WATCHERS_H
#define LABELD_JOBS_WATCHERS_H
#include "jobs/visit.h"

struct watchers;

struct watchers_options {
    struct store *store;
    struct visit_link *links; /* borrowed */
    const int64_t *poll_us;   /* of each link: how often to walk; 0 = never; NULL = none polls */
    size_t link_count;
};

/* Each connection is walked once, from the start on. NULL with err. */
struct watchers *watchers_start(const struct watchers_options *options, struct err *err);

/* Ask for the walks whose time has come. One thread calls this. */
void watchers_poll(struct watchers *watchers);

/* Ends and joins the threads; watchers_poll may still be called until watchers_close. NULL is
 * fine for both. */
void watchers_stop(struct watchers *watchers);
void watchers_close(struct watchers *watchers);

#endif
