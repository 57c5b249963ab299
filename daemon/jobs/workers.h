/*
 * workers: the threads that carry out jobs, and beside them what visits lean on: the rules in
 * force, the watchers, the settling and the clerk. One object for the daemon.
 * Owns: its threads; connections, store and parser are the caller's and outlive it.
 */
#ifndef LABELD_JOBS_WORKERS_H
#define LABELD_JOBS_WORKERS_H
#include "jobs/visit.h"
#include "policy/gate.h"

struct workers;

struct workers_options {
    struct store *store;
    struct parser *parser;
    const struct limits *limits;
    const struct gate *gate;           /* borrowed; NULL: nobody simulates */
    struct budget *budget;             /* borrowed; NULL = no bound on fetched bytes */
    const struct custodian *custodian; /* NULL: files are never taken away */
    struct policy *policy;    /* taken over, also on failure; freed when replaced and at the end */
    struct visit_link *links; /* borrowed */
    const int64_t *poll_us;   /* of each link: how often to walk; 0 = only at start */
    size_t link_count;
    struct metrics *metrics;     /* borrowed; NULL = nothing is counted */
    unsigned threads;            /* 0 = 4 a core, at least 8 */
    void (*told)(void *context); /* there are messages in the outbox; NULL = nobody delivers */
    void *told_context;
    void (*applied)(void *context, const struct policy *policy); /* other rules are in force */
    void *applied_context;
};

/* Finish what a kill has cut, then start. Each connection is walked once. NULL with err. */
struct workers *workers_start(const struct workers_options *options, struct err *err);

/* Running visits end or are handed back; then all threads are joined. */
void workers_stop(struct workers *workers);

/* There may be another revision of the rules in the store: put it in force soon. */
void workers_apply(struct workers *workers);

/* Walk a connection from its start, or go on with the walk under way. */
bool workers_scan(struct workers *workers, const char *connection, struct err *err);

struct workers_numbers {
    unsigned threads, busy, settling;
    uint64_t visits;
};
void workers_numbers(struct workers *workers, struct workers_numbers *numbers);

#endif
