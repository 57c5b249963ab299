#include "jobs/visit.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { arena_max_bytes = 64 << 20 };

static void finish(struct visit *visit)
{
    if (visit->copy.copy.fd >= 0)
        close(visit->copy.copy.fd);
    budget_give(visit->world->budget, visit->copy.budgeted);
    if (visit->outcome.replacing)
        visit->link->connector->replace_close(visit->outcome.replacing);
    if (visit->plan.policy && visit->world->policy_done)
        visit->world->policy_done(visit->world->policy_context, visit->plan.policy);
}

/* `seen_us`: when the change was seen that this visit is for; the job may have been rung since. */
static void tell(const struct visit *visit, int64_t seen_us)
{
    const char *label = visit->outcome.label ? visit->outcome.label->name : NULL;
    int64_t took_us = clock_steady_us() - visit->started_us;
    int64_t delay_us = clock_now_us() - seen_us;
    const char *path = visit->copy.stat.path ? visit->copy.stat.path : visit->job.key;
    if (visit->copy.nothing_new)
        return;
    metrics_observe(visit->world->metrics, METRICS_VISIT, took_us);
    if (visit->outcome.new_version && visit->outcome.label)
        metrics_observe(visit->world->metrics,
                        visit->job.lane == QUEUE_LIVE ? METRICS_LABEL_LIVE : METRICS_LABEL_BACKFILL,
                        delay_us);
    if (visit->outcome.new_version)
        LOG(LOG_LEVEL_INFO, visit->outcome.word, LOG_TEXT(connection, visit->link->name),
            LOG_TEXT(path, path), LOG_TEXT(label, label), LOG_TEXT(rule, visit->outcome.rule),
            LOG_NUMBER(took_ms, took_us / 1000), LOG_NUMBER(delay_ms, delay_us / 1000));
    LOG(LOG_LEVEL_INFO, visit->copy.gone ? "gone" : "visited", LOG_NUMBER(job, visit->job.id),
        LOG_TEXT(connection, visit->link->name), LOG_TEXT(path, path),
        LOG_TEXT(status, report_status_word(visit->report.report.status)),
        LOG_NUMBER(findings, visit->report.report.findings_count),
        LOG_TEXT(what, visit->outcome.word), LOG_TEXT(reason, visit->outcome.code),
        LOG_TEXT(label, label), LOG_NUMBER(took_ms, took_us / 1000),
        LOG_NUMBER(delay_ms, delay_us / 1000));
}

void visit_run(const struct visit_world *world, const struct visit_link *link,
               const struct queue_job *job)
{
    own_arena struct arena arena = arena_new(arena_max_bytes);
    struct err err = {0};
    struct visit visit = {.world = world,
                          .link = link,
                          .arena = &arena,
                          .now_us = clock_now_us(),
                          .started_us = clock_steady_us(),
                          .job = *job,
                          .copy.copy.fd = -1};
    bool ok = visit_fetch(&visit, &err) && visit_examine(&visit, &err) &&
              visit_decide(&visit, &err) && visit_act(&visit, &err) && visit_record(&visit, &err);
    if (ok)
        tell(&visit, job->seen_us);
    else
        visit_failed(&visit, &err);
    if (!ok)
        metrics_count(world->metrics, METRICS_VISIT_FAILED);
    finish(&visit);
}
