#include "base/metrics.h"

#include <inttypes.h>
#include <string.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };
static const char *const types[] = {"counter", "gauge", "histogram"};

static const struct {
    enum kind kind;
    const char *family, *labels, *sentence;
} rows[METRICS_COUNT] = {
#define METRIC(name, kind, family, labels, sentence) {kind, family, labels, sentence},
#include "base/metrics.def"
#undef METRIC
};

/* Upper bounds; design numbers (20 ms, 40 ms, 120 ms) are among them. */
static const struct {
    int64_t us;
    const char *text;
} bounds[METRICS_BUCKETS - 1] = {
    {5000, "0.005"},  {10000, "0.01"},  {20000, "0.02"},    {40000, "0.04"},  {120000, "0.12"},
    {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},     {2500000, "2.5"}, {5000000, "5"},
    {10000000, "10"}, {60000000, "60"}, {600000000, "600"},
};

void metrics_count(struct metrics *metrics, enum metrics_id id)
{
    if (metrics)
        atomic_fetch_add_explicit(&metrics->rows[id].buckets[0], 1, memory_order_relaxed);
}

void metrics_move(struct metrics *metrics, enum metrics_id id, int by)
{
    if (metrics)
        atomic_fetch_add_explicit(&metrics->rows[id].buckets[0], (uint64_t)(int64_t)by,
                                  memory_order_relaxed);
}

int64_t metrics_now(const struct metrics *metrics, enum metrics_id id)
{
    return metrics
               ? (int64_t)atomic_load_explicit(&metrics->rows[id].buckets[0], memory_order_relaxed)
               : 0;
}

void metrics_observe(struct metrics *metrics, enum metrics_id id, int64_t us)
{
    size_t bucket = 0;
    if (!metrics)
        return;
    us = us < 0 ? 0 : us;
    while (bucket < METRICS_BUCKETS - 1 && us > bounds[bucket].us)
        bucket++;
    atomic_fetch_add_explicit(&metrics->rows[id].buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->rows[id].sum_us, (uint64_t)us, memory_order_relaxed);
}

void metrics_family(struct buf *out, const char *family, const char *type, const char *sentence)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family, sentence, family, type);
}

void metrics_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n')
            buf_puts(out, "\\n");
        else if (*value == '"' || *value == '\\')
            buf_printf(out, "\\%c", *value);
        else
            buf_putc(out, *value);
    }
    buf_putc(out, '"');
}

static uint64_t read(const struct metrics *metrics, enum metrics_id id, size_t bucket)
{
    return atomic_load_explicit(&metrics->rows[id].buckets[bucket], memory_order_relaxed);
}

/* {labels}, or nothing. */
static void put_labels(struct buf *out, const char *labels)
{
    buf_printf(out, *labels ? "{%s}" : "%s", labels);
}

/* Buckets are cumulative, so that the count is that of the last one whatever is counted meanwhile.
 */
static void write_histogram(const struct metrics *metrics, enum metrics_id id, struct buf *out)
{
    uint64_t count = 0;
    const char *family = rows[id].family, *labels = rows[id].labels;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += read(metrics, id, i);
        buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", family, labels,
                   *labels ? "," : "", i < METRICS_BUCKETS - 1 ? bounds[i].text : "+Inf", count);
    }
    uint64_t sum_us = atomic_load_explicit(&metrics->rows[id].sum_us, memory_order_relaxed);
    buf_printf(out, "%s_sum", family);
    put_labels(out, labels);
    buf_printf(out, " %" PRIu64 ".%06" PRIu64 "\n%s_count", sum_us / 1000000, sum_us % 1000000,
               family);
    put_labels(out, labels);
    buf_printf(out, " %" PRIu64 "\n", count);
}

bool metrics_write(const struct metrics *metrics, struct buf *out)
{
    for (int i = 0; i < METRICS_COUNT; i++) {
        if (i == 0 || strcmp(rows[i].family, rows[i - 1].family) != 0)
            metrics_family(out, rows[i].family, types[rows[i].kind], rows[i].sentence);
        if (rows[i].kind == HISTOGRAM) {
            write_histogram(metrics, (enum metrics_id)i, out);
            continue;
        }
        buf_puts(out, rows[i].family);
        put_labels(out, rows[i].labels);
        buf_printf(out, " %" PRIu64 "\n", read(metrics, (enum metrics_id)i, 0));
    }
    return !out->failed;
}
