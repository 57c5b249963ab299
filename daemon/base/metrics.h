/*
 * metrics: counters and histograms of metrics.def, counted by any thread, told in Prometheus'
 * text format (exposition format 0.0.4).
 * Owns: nothing beside its numbers.
 */
#ifndef LABELD_BASE_METRICS_H
#define LABELD_BASE_METRICS_H
#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

enum metrics_id {
#define METRIC(name, kind, family, labels, sentence) METRICS_##name,
#include "base/metrics.def"
#undef METRIC
    METRICS_COUNT
};

enum { METRICS_BUCKETS = 14 }; /* the last one has no upper bound */

struct metrics {
    struct {
        atomic_uint_fast64_t buckets[METRICS_BUCKETS]; /* of a counter or gauge: the first */
        atomic_uint_fast64_t sum_us;
    } rows[METRICS_COUNT];
};

/* One more. NULL metrics count nothing. */
void metrics_count(struct metrics *metrics, enum metrics_id id);

/* A gauge by so many up or down, and where it stands. */
void metrics_move(struct metrics *metrics, enum metrics_id id, int by);
int64_t metrics_now(const struct metrics *metrics, enum metrics_id id);

/* One duration more, in microseconds. */
void metrics_observe(struct metrics *metrics, enum metrics_id id, int64_t us);

/* Append all of them. False: `out` is full. */
bool metrics_write(const struct metrics *metrics, struct buf *out);

/* "# HELP" and "# TYPE" of a family. */
void metrics_family(struct buf *out, const char *family, const char *type, const char *sentence);

/* name="value" with the value escaped. */
void metrics_label(struct buf *out, const char *name, const char *value);

#endif
