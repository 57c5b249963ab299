#include "jobs/job.h"

#include "base/json.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/item.h"

static const struct {
    enum queue_state from;
    enum job_event event;
    enum queue_state to;
} steps[] = {
#define EVENT(name, word)
#define STEP(from, event, to) {QUEUE_##from, JOB_##event, QUEUE_##to},
#include "jobs/transitions.def"
#undef EVENT
#undef STEP
};

static const char *const event_words[JOB_EVENT_COUNT] = {
#define EVENT(name, word) [JOB_##name] = word,
#define STEP(from, event, to)
#include "jobs/transitions.def"
#undef EVENT
#undef STEP
};

enum { tries_most = 8, conflicts_quick = 3, item_bytes = 1 << 17, details_bytes = 8192 };

static const int64_t first_wait_us = 500000, longest_wait_us = 3600LL * 1000000;

bool job_next(enum queue_state from, enum job_event event, enum queue_state *to)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].from != from || steps[i].event != event)
            continue;
        *to = steps[i].to;
        return true;
    }
    return false;
}

const char *job_event_word(enum job_event event)
{
    return (unsigned)event < JOB_EVENT_COUNT ? event_words[event] : "unknown";
}

const char *job_state_word(enum queue_state state)
{
    return queue_state_word(state);
}

const char *job_kind_word(enum queue_kind kind)
{
    return queue_kind_word(kind);
}

/* Nobody tries again by itself: that is on record, and in the history of the item. */
static bool record_given_up(struct db *db, const struct queue_job *job, int64_t now_us,
                            struct err *err)
{
    own_arena struct arena arena = arena_new(item_bytes);
    own_buf struct buf details = buf_new(details_bytes);
    struct item item = {0};
    bool found = false;
    if (job->kind == QUEUE_VISIT &&
        !item_find(db, job->connection, job->key, &arena, &item, &found, err))
        return false;
    own_json json_t *json = json_pack("{s:I, s:s, s:i, s:o}", "job", (json_int_t)job->id, "kind",
                                      job_kind_word(job->kind), "tries", job->attempt, "error",
                                      json_text(job->error ? job->error : ""));
    if (!json || !json_write(json, &details))
        return err_set(err, ERR_MEMORY, "out of memory");
    const char *path = job->kind == QUEUE_VISIT ? job->key : NULL;
    const struct audit_record record = {.event = "gave-up",
                                        .actor = "labeld",
                                        .item = item.id,
                                        .connection = job->connection,
                                        .path = found ? item.path : path,
                                        .details = buf_text(&details),
                                        .at_us = now_us};
    return audit_add(db, &record, err);
}

bool job_event(struct db *db, struct queue_job *job, enum job_event event, int64_t now_us,
               struct err *err)
{
    own_arena struct arena arena = arena_new(64 * 1024);
    struct queue_job stored;
    bool found;
    enum queue_state to;
    if (!queue_get(db, job->id, &arena, &stored, &found, err))
        return false;
    if (event != JOB_CLAIMED && (!found || stored.claim != job->claim))
        return err_set(err, ERR_STALE, "job %lld: event %s comes from a claim that was lost",
                       (long long)job->id, job_event_word(event));
    if (!found || !job_next(stored.state, event, &to))
        return err_set(err, ERR_BROKEN, "job %lld: event %s is refused while %s",
                       (long long)job->id, job_event_word(event),
                       found ? job_state_word(stored.state) : "gone");
    job->lane = stored.lane;
    job->state = to;
    if (event == JOB_CUT)
        job->claim = 0;
    if (to == QUEUE_DONE && !stored.again)
        return queue_remove(db, job->id, err);
    if (stored.again && (to == QUEUE_DONE || to == QUEUE_FAILED || to == QUEUE_WAITING)) {
        job->state = QUEUE_QUEUED; /* another version is there: it starts anew, as a live change */
        if (stored.kind == QUEUE_VISIT)
            job->lane = QUEUE_LIVE;
        job->due_us = now_us;
        job->seen_us = stored.seen_us;
        job->attempt = job->conflicts = 0;
        job->error = NULL;
    }
    bool running = job->state == QUEUE_RUNNING || job->state == QUEUE_ACTING;
    job->again = running && stored.again;
    job->force = stored.force && job->state != QUEUE_DONE && !(to == QUEUE_DONE);
    return queue_save(db, job, err) &&
           (job->state != QUEUE_FAILED || record_given_up(db, job, now_us, err));
}

bool job_claim(struct db *db, int64_t now_us, int cap, struct arena *arena, struct queue_job *job,
               bool *found, struct err *err)
{
    const int64_t claim = job->claim;
    if (!queue_next(db, now_us, cap, arena, job, found, err))
        return false;
    job->claim = claim;
    return !*found || job_event(db, job, JOB_CLAIMED, now_us, err);
}

static int64_t back_off(int attempt)
{
    int64_t wait = first_wait_us;
    for (int i = 1; i < attempt && wait < longest_wait_us; i++)
        wait *= 4;
    return wait < longest_wait_us ? wait : longest_wait_us;
}

static enum job_event later(struct queue_job *job, int most, int64_t now_us)
{
    job->attempt++;
    if (job->attempt > most)
        return JOB_GAVE_UP;
    job->due_us = now_us + back_off(job->attempt);
    return JOB_RETRY;
}

enum job_event job_after(struct queue_job *job, const struct err *why, int64_t now_us)
{
    job->error = why->text;
    if (why->kind == ERR_STOPPED)
        return JOB_HANDED_BACK;
    switch (err_kind_retry(why->kind)) {
    case ERR_RETRY_DONE: return JOB_FINISHED;
    case ERR_RETRY_RESTART:
        job->conflicts++;
        job->due_us = now_us + (job->conflicts > conflicts_quick ? back_off(job->conflicts) : 0);
        return JOB_CONFLICT;
    case ERR_RETRY_BACKOFF: /* a file that is held open is no failure: it is waited for */
        if (why->kind == ERR_BUSY && job->attempt >= tries_most)
            job->attempt = tries_most - 1;
        return later(job, tries_most, now_us);
    case ERR_RETRY_ONCE: return later(job, 1, now_us);
    case ERR_RETRY_NEVER: break;
    }
    return JOB_GAVE_UP;
}

void job_not_recorded(const struct queue_job *job, const struct err *why)
{
    bool stale = why->kind == ERR_STALE;
    LOG(stale ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, stale ? "claim-lost" : "job-not-recorded",
        LOG_NUMBER(job, job->id), LOG_TEXT(error, why->text));
}
