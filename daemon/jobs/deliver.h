/*
 * deliver: the thread that delivers what lies in the outbox: to each receiver in turn, signed as
 * Standard Webhooks, again and again until it is taken or its time is over. A receiver that does
 * not answer is left alone for a while and holds up nobody else.
 * Owns: its thread, its HTTP clients, the receivers' secrets (wiped at the end).
 */
#ifndef LABELD_JOBS_DELIVER_H
#define LABELD_JOBS_DELIVER_H
#include "config/config.h"
#include "store/store.h"

struct deliver;

struct deliver_options {
    struct store *store;
    const struct config_target *targets; /* borrowed */
    size_t target_count;
    int64_t retry_us; /* how long a message is tried */
};

/* Whether URLs, secrets and authorities of the receivers are good. ERR_CONFIG says what is not. */
bool deliver_check(const struct config_target *targets, size_t count, struct err *err);

/* Start; what the outbox holds is delivered. NULL with err. */
struct deliver *deliver_open(const struct deliver_options *options, struct err *err);

/* A delivery under way ends or is given back; the thread is joined. NULL is fine. */
void deliver_close(struct deliver *deliver);

/* There is something new in the outbox (struct visit_world's told). */
void deliver_wake(void *deliver);

/* How long after the nth failed try (from 1) the next one comes: what the receiver asked for; else
 * six tries within two minutes, then after 5 min, 15 min and every hour. */
int64_t deliver_wait_us(int tries, int64_t retry_after_us, uint32_t random);

/* What an answer means. */
enum deliver_verdict {
    DELIVER_TAKEN,
    DELIVER_REFUSED,     /* this message: later, others may do better */
    DELIVER_UNAVAILABLE, /* the receiver: later, and nothing else before */
    DELIVER_UNWANTED,    /* this message, for good (410) */
};
enum deliver_verdict deliver_verdict(int status);

#endif
