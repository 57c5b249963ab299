/* /metrics, in Prometheus' text format: what was counted, and what the store holds now. */
#include <inttypes.h>
#include <string.h>

#include "http/api_parts.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/hold.h"

enum { metrics_max_bytes = 4 << 20 };

static void put(struct buf *out, const char *family, const char *type, const char *sentence,
                int64_t value)
{
    metrics_family(out, family, type, sentence);
    buf_printf(out, "%s %" PRId64 "\n", family, value);
}

static bool put_items(struct db *db, struct buf *out, struct err *err)
{
    struct catalogue_numbers numbers;
    if (!catalogue_numbers(db, &numbers, err))
        return false;
    metrics_family(out, "labeld_items", "gauge",
                   "files in the catalogue, by how far they were read");
    for (int i = 0; i < REPORT_STATUS_COUNT; i++)
        buf_printf(out, "labeld_items{status=\"%s\"} %" PRId64 "\n",
                   report_status_word((enum report_status)i), numbers.by_status[i]);
    put(out, "labeld_items_labelled", "gauge", "files that carry a label of ours",
        numbers.labelled);
    put(out, "labeld_items_with_findings", "gauge", "files in which something was found",
        numbers.with_findings);
    return true;
}

static bool put_jobs(struct db *db, struct buf *out, struct err *err)
{
    struct queue_numbers numbers;
    if (!queue_numbers(db, &numbers, err))
        return false;
    const struct {
        const char *state;
        int64_t count;
    } rows[] = {{"queued", numbers.queued[QUEUE_LIVE]},
                {"backfill", numbers.queued[QUEUE_BACKFILL]},
                {"running", numbers.running},
                {"waiting", numbers.waiting},
                {"failed", numbers.failed}};
    metrics_family(out, "labeld_jobs", "gauge", "open jobs");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        buf_printf(out, "labeld_jobs{state=\"%s\"} %" PRId64 "\n", rows[i].state, rows[i].count);
    return true;
}

static bool put_connections(struct api *api, struct db *db, struct arena *arena, struct buf *out,
                            struct err *err)
{
    const struct config *config = api->facts.config;
    metrics_family(out, "labeld_connection_paused", "gauge", "1: people have paused it");
    for (size_t i = 0; i < config->connection_count; i++) {
        struct hold hold;
        if (!hold_get(db, config->connections[i].name, arena, &hold, err))
            return false;
        buf_puts(out, "labeld_connection_paused{");
        metrics_label(out, "connection", config->connections[i].name);
        buf_printf(out, "} %d\n", hold.since_us != 0);
    }
    return true;
}

static bool put_record(struct api *api, struct db *db, struct arena *arena, struct buf *out,
                       struct err *err)
{
    struct audit_head head;
    struct hold hold;
    struct store_numbers numbers;
    int64_t stopped;
    if (!audit_head(db, &head, err) || !hold_get(db, HOLD_ACTING, arena, &hold, err) ||
        !item_stopped_count(db, &stopped, err))
        return false;
    store_numbers(api->facts.store, &numbers);
    put(out, "labeld_acting", "gauge", "0: people have stopped all acting", hold.since_us == 0);
    put(out, "labeld_items_stopped", "gauge", "files that wait for acting to go on", stopped);
    put(out, "labeld_audit_records_total", "counter", "records in the audit chain", head.seq);
    put(out, "labeld_store_units_total", "counter", "units of work written to the store",
        (int64_t)numbers.units);
    put(out, "labeld_store_commits_total", "counter", "commits of the store",
        (int64_t)numbers.commits);
    put(out, "labeld_store_commit_failures_total", "counter", "commits that failed",
        (int64_t)numbers.failed);
    return true;
}

static void put_start(struct api *api, struct buf *out)
{
    metrics_family(out, "labeld_info", "gauge", "the version that runs");
    buf_printf(out, "labeld_info{version=\"%s\"} 1\n", LABELD_VERSION);
    put(out, "labeld_start_time_seconds", "gauge", "when the daemon started, since 1970",
        api->started_us / 1000000);
    pthread_mutex_lock(&api->lock);
    bool problem = api->problem != NULL;
    pthread_mutex_unlock(&api->lock);
    put(out, "labeld_rules_refused", "gauge", "1: the rules file is not the one in force", problem);
}

static json_t *write_all(struct api *api, struct db *db, const struct request *request,
                         struct answer *answer, struct err *err)
{
    own_buf struct buf out = buf_new(metrics_max_bytes);
    put_start(api, &out);
    if (!metrics_write(api->facts.metrics, &out) || !put_items(db, &out, err) ||
        !put_jobs(db, &out, err) || !put_connections(api, db, request->arena, &out, err) ||
        !put_record(api, db, request->arena, &out, err))
        return NULL;
    if (out.failed) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    answer->status = 200;
    answer->text = buf_take(&out);
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    return NULL;
}

void api_metrics(struct api *api, const struct request *request, struct answer *answer)
{
    api_read(api, request, answer, write_all);
}
