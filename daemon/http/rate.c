#include "http/rate.h"

#include <stdatomic.h>

#include "base/mem.h"

static const int64_t burst_ns = 1000000000;

struct rate {
    int64_t period_ns; /* between two of them */
    size_t count;
    _Atomic int64_t due_ns[]; /* when the next one would come, if all came evenly */
};

struct rate *rate_open(size_t buckets, uint64_t per_second)
{
    struct rate *rate = mem_zalloc(1, sizeof *rate + buckets * sizeof *rate->due_ns);
    if (rate) {
        rate->period_ns = burst_ns / (int64_t)per_second;
        rate->count = buckets;
    }
    return rate;
}

void rate_close(struct rate *rate)
{
    mem_free(rate);
}

bool rate_take(struct rate *rate, uint64_t key, int64_t now_us)
{
    _Atomic int64_t *bucket = &rate->due_ns[key % rate->count];
    int64_t now = now_us * 1000, due = atomic_load(bucket), next;
    do {
        next = (due > now ? due : now) + rate->period_ns;
        if (next - now > burst_ns)
            return false;
    } while (!atomic_compare_exchange_weak(bucket, &due, next));
    return true;
}
