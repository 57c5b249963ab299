#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "store/hold.h"
#include "store/queue.h"
#include "store/store.h"

static char folder[64];

static struct store *open_new(void)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/labeld-hold-XXXXXX");
    assert_non_null(mkdtemp(folder));
    struct store *store = store_open(folder, &err);
    if (!store)
        fail_msg("%s", err.text);
    return store;
}

static void remove_all(void)
{
    static const char *const files[] = {"labeld.db", "labeld.db-wal", "labeld.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void run(struct store *store, bool (*unit)(struct db *, void *, struct err *), void *context)
{
    struct err err = {0};
    if (!store_write(store, STORE_COMMITTED, (struct store_unit){unit, context}, &err))
        fail_msg("%s", err.text);
}

struct setting {
    const char *scope, *who;
    int64_t since_us;
    bool end, told;
};

static bool set(struct db *db, void *context, struct err *err)
{
    struct setting *setting = context;
    const struct hold hold = {.scope = setting->scope,
                              .since_us = setting->since_us,
                              .who = setting->who,
                              .why = "a reason"};
    return setting->end ? hold_end(db, setting->scope, &setting->told, err)
                        : hold_set(db, &hold, &setting->told, err);
}

static bool add(struct db *db, void *context, struct err *err)
{
    return queue_add(db, context, err);
}

static void add_jobs(struct store *store)
{
    struct queue_job jobs[] = {
        {.connection = "a", .key = "1", .lane = QUEUE_LIVE, .due_us = 10},
        {.connection = "b", .key = "1", .lane = QUEUE_LIVE, .due_us = 20},
        {.connection = "b", .key = "2", .lane = QUEUE_BACKFILL, .due_us = 5},
        {.connection = "c", .key = "1", .lane = QUEUE_BACKFILL, .due_us = 30},
    };
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        run(store, add, &jobs[i]);
}

/* The connection of what may be claimed next, "" = nothing; and when the next is due. */
static const char *next(struct store *store, int64_t now_us, struct arena *arena, int64_t *due_us)
{
    struct err err = {0};
    struct queue_job job;
    bool found;
    struct db *db = store_reader(store, &err);
    assert_true(queue_next(db, now_us, 4, arena, &job, &found, &err));
    assert_true(queue_due(db, due_us, &err));
    store_reader_done(store, db);
    return found ? job.connection : "";
}

TEST(a_paused_connection_is_passed_over_and_its_jobs_stay)
{
    static const struct {
        const char *pause[3];
        const char *claimed;
        int64_t due_us;
    } cases[] = {
        {{NULL}, "a", 5},
        {{"a"}, "b", 5},
        {{"b"}, "a", 10},
        {{"a", "b"}, "c", 30},
        {{"a", "b", "c"}, "", INT64_MAX},
        {{"other"}, "a", 5},
        {{HOLD_ACTING}, "a", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_arena struct arena arena = arena_new(1u << 20);
        struct store *store = open_new();
        int64_t due_us;
        add_jobs(store);
        for (size_t k = 0; k < 3 && cases[i].pause[k]; k++) {
            struct setting pause = {.scope = cases[i].pause[k], .who = "me", .since_us = 1};
            run(store, set, &pause);
        }
        CHECK_CASE(i, strcmp(next(store, 100, &arena, &due_us), cases[i].claimed) == 0);
        CHECK_CASE(i, due_us == cases[i].due_us);
        struct queue_numbers numbers;
        struct err err = {0};
        struct db *db = store_reader(store, &err);
        CHECK_CASE(i, queue_numbers_of(db, "b", &numbers, &err));
        CHECK_CASE(i, numbers.queued[QUEUE_LIVE] == 1 && numbers.queued[QUEUE_BACKFILL] == 1);
        CHECK_CASE(i, queue_numbers(db, &numbers, &err));
        CHECK_CASE(i, numbers.queued[QUEUE_LIVE] == 2 && numbers.queued[QUEUE_BACKFILL] == 2);
        store_reader_done(store, db);
        store_close(store);
        remove_all();
    }
}

static bool claims(struct store *store, enum queue_kind kind)
{
    int64_t due_us;
    own_arena struct arena arena = arena_new(1u << 20);
    struct queue_job job = {.kind = kind, .connection = "a", .key = "7", .due_us = 1};
    run(store, add, &job);
    return strcmp(next(store, 100, &arena, &due_us), "a") == 0;
}

TEST(what_was_taken_away_from_a_paused_connection_goes_on)
{
    struct setting pause = {.scope = "a", .who = "me", .since_us = 1};
    struct store *store = open_new();
    run(store, set, &pause);
    assert_false(claims(store, QUEUE_VISIT));
    assert_false(claims(store, QUEUE_WALK));
    assert_true(claims(store, QUEUE_ENTRY));
    store_close(store);
    remove_all();
}

static void note_ring(void *context)
{
    ++*(int *)context;
}

TEST(a_hold_lasts_until_it_is_ended_and_keeps_its_first_reason)
{
    own_arena struct arena arena = arena_new(1u << 16);
    struct err err = {0};
    struct hold hold;
    int rung = 0;
    struct store *store = open_new();
    struct setting first = {.scope = "team", .who = "first", .since_us = 7};
    struct setting second = {.scope = "team", .who = "second", .since_us = 8};
    struct setting end = {.scope = "team", .end = true};
    run(store, set, &first);
    run(store, set, &second);
    assert_false(first.told);
    assert_true(second.told);
    store_close(store);
    store = store_open(folder, &err);
    struct db *db = store_reader(store, &err);
    assert_true(hold_get(db, "team", &arena, &hold, &err));
    store_reader_done(store, db);
    assert_int_equal(hold.since_us, 7);
    assert_string_equal(hold.who, "first");
    assert_string_equal(hold.why, "a reason");
    store_on_jobs(store, note_ring, &rung);
    run(store, set, &end);
    assert_true(end.told);
    assert_int_equal(rung, 1);
    run(store, set, &end);
    assert_false(end.told);
    db = store_reader(store, &err);
    assert_true(hold_get(db, "team", &arena, &hold, &err));
    store_reader_done(store, db);
    assert_int_equal(hold.since_us, 0);
    store_close(store);
    remove_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_connection_is_passed_over_and_its_jobs_stay),
        cmocka_unit_test(what_was_taken_away_from_a_paused_connection_goes_on),
        cmocka_unit_test(a_hold_lasts_until_it_is_ended_and_keeps_its_first_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
