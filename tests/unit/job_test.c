#include "base/clock.h"
#include "check.h"
#include "jobs/claims.h"
#include "jobs/job.h"
#include "jobs/keep.h"
#include "scratch.h"
#include "store/audit.h"
#include "store/store.h"

TEST(every_state_and_event_is_a_row_or_refused)
{
    static const char *const may[QUEUE_STATE_COUNT] = {
        [QUEUE_QUEUED] = "claimed ",
        [QUEUE_RUNNING] = "planned finished conflict retry gave-up handed-back cut ",
        [QUEUE_ACTING] = "finished conflict retry gave-up handed-back cut ",
        [QUEUE_WAITING] = "claimed due asked ",
        [QUEUE_DONE] = "",
        [QUEUE_FAILED] = "asked ",
    };
    for (int from = 0; from < QUEUE_STATE_COUNT; from++) {
        char words[200] = "";
        size_t length = 0;
        for (int event = 0; event < JOB_EVENT_COUNT; event++) {
            enum queue_state to;
            if (job_next((enum queue_state)from, (enum job_event)event, &to))
                length += (size_t)snprintf(words + length, sizeof words - length, "%s ",
                                           job_event_word((enum job_event)event));
        }
        assert_string_equal(words, may[from]);
    }
}

TEST(an_error_leads_to_what_its_kind_says)
{
    static const struct {
        enum err_kind kind;
        int attempt;
        enum job_event event;
    } cases[] = {
        {ERR_GONE, 0, JOB_FINISHED},   {ERR_CONFLICT, 0, JOB_CONFLICT},
        {ERR_BUSY, 0, JOB_RETRY},      {ERR_BUSY, 50, JOB_RETRY},
        {ERR_IO, 0, JOB_RETRY},        {ERR_IO, 8, JOB_GAVE_UP},
        {ERR_CRASHED, 0, JOB_RETRY},   {ERR_CRASHED, 1, JOB_GAVE_UP},
        {ERR_REFUSED, 0, JOB_GAVE_UP}, {ERR_STOPPED, 0, JOB_HANDED_BACK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct queue_job job = {.attempt = cases[i].attempt};
        const struct err why = {.kind = cases[i].kind, .text = "why"};
        enum job_event event = job_after(&job, &why, 1000);
        CHECK_CASE(i, event == cases[i].event);
        CHECK_CASE(i, event != JOB_RETRY || job.due_us > 1000);
    }
}

static bool live_before_backfill(struct db *db, void *context, struct err *err)
{
    (void)context;
    own_arena struct arena arena = arena_new(1u << 20);
    struct queue_job job = {0};
    bool found;
    struct queue_job jobs[] = {
        {.connection = "a", .key = "1", .lane = QUEUE_BACKFILL, .due_us = 1},
        {.connection = "a", .key = "2", .lane = QUEUE_LIVE, .due_us = 5},
        {.connection = "a", .key = "3", .lane = QUEUE_LIVE, .due_us = 6},
        {.connection = "b", .key = "4", .lane = QUEUE_LIVE, .due_us = 9},
        {.connection = "b", .key = "5", .lane = QUEUE_LIVE, .due_us = 99},
    };
    /* the longest due, then the connection with the fewest running, then up to the cap */
    static const char *const order[] = {"2", "4", "3"};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        if (!queue_add(db, &jobs[i], err))
            return false;
    for (size_t i = 0; i < 3; i++) {
        assert_true(job_claim(db, 50, 2, &arena, &job, &found, err) && found);
        assert_string_equal(job.key, order[i]);
    }
    assert_true(job_claim(db, 50, 2, &arena, &job, &found, err));
    assert_false(found); /* a is at its cap, b's other job is not due */

    /* a change while it runs: it runs once more */
    assert_true(queue_add(db, &jobs[1], err));
    assert_true(queue_get(db, jobs[1].id, &arena, &job, &found, err) && job.again);
    assert_true(job_event(db, &job, JOB_FINISHED, 60, err));
    assert_true(queue_get(db, jobs[1].id, &arena, &job, &found, err) && found);
    assert_int_equal(job.state, QUEUE_QUEUED);
    assert_false(job.again);
    assert_false(job_event(db, &job, JOB_FINISHED, 60, err)); /* refused while queued */
    return true;
}

TEST(claims_are_fair_capped_and_a_change_while_running_runs_again)
{
    struct err err = {0};
    struct scratch scratch = scratch_open();
    struct store *store = store_open(scratch.path, &err);
    assert_non_null(store);
    const struct store_unit unit = {live_before_backfill, NULL};
    if (!store_write(store, STORE_COMMITTED, unit, &err))
        fail_msg("%s", err.text);
    store_close(store);
    scratch_close(&scratch);
}

/* Eight workers: six may be in backfills, of whatever connections and kinds. */
static bool backfills_leave_room(struct db *db, void *context, struct err *err)
{
    enum { cap = 7, most = 6 };
    own_arena struct arena arena = arena_new(1u << 20);
    struct queue_job job = {0}, first = {0};
    bool found;
    (void)context;
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i % 10);
        struct queue_job one = {.kind = i % 2 ? QUEUE_WALK : QUEUE_VISIT,
                                .connection = name,
                                .key = i < 10 ? "" : "f",
                                .lane = QUEUE_BACKFILL,
                                .due_us = 1};
        assert_true(queue_add(db, &one, err));
    }
    for (int i = 0; i < most; i++) {
        CHECK_CASE(i, job_claim(db, 50, cap, &arena, &job, &found, err) && found);
        if (i == 0)
            first = job;
    }
    assert_true(job_claim(db, 50, cap, &arena, &job, &found, err) && !found);
    /* a change of a file that a backfill is at frees no slot for another backfill */
    struct queue_job again = {.kind = first.kind,
                              .connection = first.connection,
                              .key = first.key,
                              .lane = QUEUE_LIVE,
                              .due_us = 2};
    assert_true(queue_add(db, &again, err));
    assert_true(job_claim(db, 50, cap, &arena, &job, &found, err) && !found);
    for (int i = 0; i < 2; i++) {
        struct queue_job live = {.connection = "c1", .key = i ? "x" : "y", .due_us = 40};
        assert_true(queue_add(db, &live, err));
        CHECK_CASE(i, job_claim(db, 50, cap, &arena, &job, &found, err) && found);
        CHECK_CASE(i, job.lane == QUEUE_LIVE);
    }
    assert_true(job_event(db, &first, JOB_FINISHED, 60, err));
    assert_true(job_claim(db, 70, cap, &arena, &job, &found, err) && found);
    assert_true(job.id == first.id && job.lane == QUEUE_LIVE); /* once more, and now live */
    return true;
}

TEST(a_backfill_never_takes_the_last_workers)
{
    struct err err = {0};
    struct scratch scratch = scratch_open();
    struct store *store = store_open(scratch.path, &err);
    assert_non_null(store);
    const struct store_unit unit = {backfills_leave_room, NULL};
    if (!store_write(store, STORE_COMMITTED, unit, &err))
        fail_msg("%s", err.text);
    store_close(store);
    scratch_close(&scratch);
}

static bool claim(struct db *db, void *context, struct err *err)
{
    struct queue_job job = {.connection = "team", .key = "/a", .due_us = 1};
    bool found;
    return queue_add(db, &job, err) && job_claim(db, 50, 2, context, &job, &found, err) && found;
}

static bool give_up(struct db *db, void *context, struct err *err)
{
    bool found;
    struct queue_job job;
    if (!queue_get(db, 1, context, &job, &found, err) || !found)
        return false;
    job.error = "the disk is full";
    job.attempt = 9;
    return job_event(db, &job, JOB_GAVE_UP, 60, err);
}

/* How many jobs have failed, and how many audit records there are. */
static void count(struct store *store, int64_t *failed, int64_t *records)
{
    struct err err = {0};
    struct queue_numbers numbers;
    struct audit_head head;
    struct db *db = store_reader(store, &err);
    assert_true(queue_numbers(db, &numbers, &err) && audit_head(db, &head, &err));
    store_reader_done(store, db);
    *failed = numbers.failed;
    *records = head.seq;
}

TEST(a_job_that_gives_up_is_on_record_in_the_same_unit)
{
    struct err err = {0};
    struct scratch scratch = scratch_open();
    own_arena struct arena arena = arena_new(1u << 20);
    struct store *store = store_open(scratch.path, &err);
    const struct store_unit claiming = {claim, &arena}, giving_up = {give_up, &arena};
    int64_t failed, records;
    assert_non_null(store);
    assert_true(store_write(store, STORE_COMMITTED, claiming, &err));
    bool ok = false;
    for (uint64_t nth = 1; !ok; nth++) {
        assert_true(nth < 50);
        store_fail_nth(store, nth);
        ok = store_write(store, STORE_COMMITTED, giving_up, &err);
        store_fail_nth(store, 0);
        count(store, &failed, &records);
        assert_int_equal(failed, ok);
        assert_int_equal(records, ok);
    }
    store_close(store);
    scratch_close(&scratch);
}

/* A step of what two workers do with one job. */
struct step {
    struct queue_job job;
    int64_t claim;
    enum job_event event;
};

static bool take(struct db *db, void *context, struct err *err)
{
    bool found;
    struct step *step = context;
    own_arena struct arena arena = arena_new(1u << 20);
    step->job.claim = step->claim;
    if (!job_claim(db, 50, 2, &arena, &step->job, &found, err) || !found)
        return false;
    step->job.connection = "team"; /* not the arena's */
    step->job.key = "/a";
    return true;
}

static bool event_of(struct db *db, void *context, struct err *err)
{
    struct step *step = context;
    return job_event(db, &step->job, step->event, 60, err);
}

static bool ask_for(struct db *db, void *context, struct err *err)
{
    struct queue_job job = {.connection = "team", .key = "/a", .due_us = 1};
    (void)context;
    return queue_add(db, &job, err);
}

static enum queue_state state_of(struct store *store, int64_t id)
{
    struct err err = {0};
    bool found;
    struct queue_job job;
    own_arena struct arena arena = arena_new(1u << 20);
    struct db *db = store_reader(store, &err);
    assert_true(queue_get(db, id, &arena, &job, &found, &err));
    store_reader_done(store, db);
    return found ? job.state : QUEUE_DONE;
}

TEST(what_a_lost_claim_wants_recorded_is_refused)
{
    struct err err = {0};
    struct scratch scratch = scratch_open();
    struct store *store = store_open(scratch.path, &err);
    assert_non_null(store);
    struct step first = {.claim = 11}, second = {.claim = 22};
    const struct store_unit ask = {ask_for, NULL}, claims[] = {{take, &first}, {take, &second}},
                            says[] = {{event_of, &first}, {event_of, &second}};
    assert_true(store_write(store, STORE_COMMITTED, ask, &err));
    do { /* until its commit, which it does not wait for, is the one that fails */
        store_fail_commit(store);
        assert_true(store_write(store, STORE_RAN, claims[0], &err));
        store_write(store, STORE_COMMITTED, ask, &err);
        assert_true(store_write(store, STORE_COMMITTED, ask, &err));
    } while (state_of(store, first.job.id) != QUEUE_QUEUED);
    assert_true(store_write(store, STORE_COMMITTED, claims[1], &err));
    static const enum job_event all[] = {JOB_PLANNED, JOB_FINISHED, JOB_CONFLICT,
                                         JOB_RETRY,   JOB_GAVE_UP,  JOB_HANDED_BACK};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        first.event = all[i];
        CHECK_CASE(i, !store_write(store, STORE_COMMITTED, says[0], &err));
        CHECK_CASE(i, err.kind == ERR_STALE);
        CHECK_CASE(i, state_of(store, second.job.id) == QUEUE_RUNNING);
    }
    second.event = JOB_FINISHED;
    assert_true(store_write(store, STORE_COMMITTED, says[1], &err));
    assert_false(store_write(store, STORE_COMMITTED, says[0], &err)); /* also when it is gone */
    assert_int_equal(err.kind, ERR_STALE);
    store_close(store);
    scratch_close(&scratch);
}

TEST(a_job_that_nobody_holds_is_put_back_and_one_that_is_held_is_not)
{
    struct err err = {0};
    struct scratch scratch = scratch_open();
    struct store *store = store_open(scratch.path, &err);
    struct claims claims;
    struct claims_one held;
    assert_non_null(store);
    claims_init(&claims);
    assert_true(claims_take(&claims, &held, &err));
    struct step step = {.claim = held.number};
    const struct store_unit ask = {ask_for, NULL}, claiming = {take, &step};
    assert_true(store_write(store, STORE_COMMITTED, ask, &err));
    assert_true(store_write(store, STORE_COMMITTED, claiming, &err));
    assert_true(claims_put_back(&claims, store, &err));
    assert_int_equal(state_of(store, step.job.id), QUEUE_RUNNING);
    claims_drop(&claims, &held);
    assert_true(claims_put_back(&claims, store, &err));
    assert_int_equal(state_of(store, step.job.id), QUEUE_QUEUED);
    claims_fini(&claims);
    store_close(store);
    scratch_close(&scratch);
}

struct refusing {
    struct metrics metrics;
    int refusals, failed;
    int64_t most; /* of the gauge, while it was tried again */
};

static bool take_at_last(struct db *db, void *context, struct err *err)
{
    struct refusing *refusing = context;
    (void)db;
    return refusing->refusals-- <= 0 || err_set(err, ERR_IO, "a test lets this fail");
}

static void note_failed(void *context, const struct err *why)
{
    struct refusing *refusing = context;
    int64_t now = metrics_now(&refusing->metrics, METRICS_UNRECORDED);
    assert_int_equal(why->kind, ERR_IO);
    refusing->failed++;
    refusing->most = now > refusing->most ? now : refusing->most;
}

TEST(a_job_s_end_is_recorded_however_long_the_store_refuses_it)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    atomic_bool stop = false;
    struct refusing refusing = {.refusals = 12};
    struct store *store = store_open(scratch.path, &err);
    const struct visit_world world = {.store = store, .metrics = &refusing.metrics, .stop = &stop};
    const struct queue_job job = {.id = 7};
    const struct keep keep = {&job, {take_at_last, &refusing}, note_failed, &refusing};
    clock_freeze(1000000); /* nobody sleeps */
    assert_true(keep_recorded(&world, &keep));
    assert_int_equal(refusing.failed, 12);
    assert_int_equal(refusing.most, 1);
    assert_int_equal(metrics_now(&refusing.metrics, METRICS_UNRECORDED), 0);
    atomic_store(&stop, true);
    refusing.refusals = 1;
    assert_false(keep_recorded(&world, &keep));
    clock_freeze(-1);
    store_close(store);
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_event_is_a_row_or_refused),
        cmocka_unit_test(an_error_leads_to_what_its_kind_says),
        cmocka_unit_test(claims_are_fair_capped_and_a_change_while_running_runs_again),
        cmocka_unit_test(a_backfill_never_takes_the_last_workers),
        cmocka_unit_test(a_job_s_end_is_recorded_however_long_the_store_refuses_it),
        cmocka_unit_test(a_job_that_gives_up_is_on_record_in_the_same_unit),
        cmocka_unit_test(what_a_lost_claim_wants_recorded_is_refused),
        cmocka_unit_test(a_job_that_nobody_holds_is_put_back_and_one_that_is_held_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
