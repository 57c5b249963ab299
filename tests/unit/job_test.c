#include "check.h"
#include "jobs/job.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_event_is_a_row_or_refused),
        cmocka_unit_test(an_error_leads_to_what_its_kind_says),
        cmocka_unit_test(claims_are_fair_capped_and_a_change_while_running_runs_again),
        cmocka_unit_test(a_backfill_never_takes_the_last_workers),
        cmocka_unit_test(a_job_that_gives_up_is_on_record_in_the_same_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
