#include "jobs/keep.h"

#include "base/clock.h"
#include "jobs/job.h"

enum { quick_tries = 8 };

static const int64_t first_pause_us = 50000, longest_pause_us = 5000000;

static bool is_over(const struct visit_world *world, const struct err *err)
{
    return err->kind == ERR_STOPPED || err->kind == ERR_STALE || err->kind == ERR_BROKEN ||
           (world->stop && atomic_load(world->stop));
}

bool keep_recorded(const struct visit_world *world, const struct keep *keep)
{
    struct err err = {0};
    bool kept = false, counted = false;
    int64_t pause_us = first_pause_us;
    for (int i = 0; i < quick_tries || world->stop; i++) {
        kept = store_write(world->store, STORE_COMMITTED, keep->unit, &err);
        if (kept || is_over(world, &err))
            break;
        if (keep->failed)
            keep->failed(keep->context, &err);
        if (i == quick_tries) {
            metrics_move(world->metrics, METRICS_UNRECORDED, 1);
            counted = true;
        }
        clock_sleep_us(pause_us);
        pause_us = 2 * pause_us < longest_pause_us ? 2 * pause_us : longest_pause_us;
    }
    if (counted)
        metrics_move(world->metrics, METRICS_UNRECORDED, -1);
    if (!kept)
        job_not_recorded(keep->job, &err);
    return kept;
}
