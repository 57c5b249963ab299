/*
 * rate: how many requests a second are let in, for each of a fixed number of keys. A burst of one
 * second's worth is let in at once, then they come evenly (the generic cell rate algorithm,
 * ITU-T I.371, annex A). Fixed memory: keys that share a bucket share its rate.
 * May be used from any thread; nobody waits.
 */
#ifndef LABELD_HTTP_RATE_H
#define LABELD_HTTP_RATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate;

/* NULL when memory is out. */
struct rate *rate_open(size_t buckets, uint64_t per_second);
void rate_close(struct rate *rate);

/* Whether one more may come in now (steady time). `key` is taken modulo the buckets. */
bool rate_take(struct rate *rate, uint64_t key, int64_t now_us);

#endif
