/*
 * pool: the parse hosts and their slots.
 * Keeps as many hosts as wanted: replaces one that died (not faster than a bounded rate), and one
 * that has served enough files once its successor is ready. A backfill never gets the last slots.
 * A successor that reads other types than the first host did is not used: the types' files have
 * changed, and to take them up is the caller's decision (open a new parser).
 * Owns: the hosts. Every function may be called from any thread.
 */
#ifndef LABELD_SANDBOX_POOL_H
#define LABELD_SANDBOX_POOL_H
#include "sandbox/parser.h"

struct pool;
struct pool_host;

/* Start the first host and wait for it; start the others without waiting. NULL: err. The options
 * are copied. */
struct pool *pool_open(const struct parser_options *options, struct buf *problems, struct err *err);

/* Refuse new slots, wait until all are given back, end the hosts. */
void pool_close(struct pool *pool);

void pool_facts(struct pool *pool, struct parser_facts *facts);

/* Wait for a slot. The host to ask, its socket in *link; NULL with ERR_STOPPED when the pool
 * closes, or with why no host could be started for a while. */
struct pool_host *pool_take(struct pool *pool, enum parse_lane lane, int *link, struct err *err);

/* Give the slot back. `broken`: the host is dead or stuck; end it as soon as nobody waits on it. */
void pool_give(struct pool *pool, struct pool_host *host, enum parse_lane lane, bool broken);

#endif
