#include "base/clock.h"
#include "check.h"
#include "scratch.h"
#include "store/alert.h"
#include "store/outbox.h"
#include "store/store.h"

static struct scratch scratch;
static struct store *store;

static int open_store(void **state)
{
    (void)state;
    struct err err = {0};
    scratch = scratch_open();
    store = store_open(scratch.path, &err);
    return store ? 0 : -1;
}

static int close_store(void **state)
{
    (void)state;
    store_close(store);
    scratch_close(&scratch);
    return 0;
}

static bool write_unit(bool (*run)(struct db *, void *, struct err *), void *context)
{
    struct err err = {0};
    const struct store_unit unit = {run, context};
    return store_write(store, STORE_COMMITTED, unit, &err);
}

/* Alerts -------------------------------------------------------------------------------------- */

enum step { RAISE, END, CLOSE };

struct alert_case {
    enum step step;
    enum alert_level level;
    const char *seen;
    int exposure;
    enum alert_change change; /* RAISE */
    int64_t open, all;        /* afterwards */
};

static bool take_step(struct db *db, void *context, struct err *err)
{
    bool done, found;
    struct alert live;
    const struct alert_case *one = context;
    own_arena struct arena arena = arena_new(65536);
    enum alert_change change = ALERT_SAME;
    const struct alert alert = {.item = 7,
                                .rule = "Cards",
                                .level = one->level,
                                .seen = one->seen,
                                .exposure = one->exposure,
                                .updated_us = 1000000};
    if (one->step == RAISE)
        return alert_raise(db, &alert, &change, err) && change == one->change;
    if (!alert_live(db, 7, 0, &arena, &live, &found, err) || !found)
        return false;
    if (one->step == END)
        return alert_end(db, live.id, "labeld", "no match", 1000000, err);
    return alert_close(db, live.id, "anna", "seen", 1000000, &done, err) && done;
}

static void count(int64_t *open, int64_t *all)
{
    size_t rows;
    struct err err = {0};
    struct alert_row *list;
    int64_t counts[ALERT_LEVEL_COUNT];
    own_arena struct arena arena = arena_new(1u << 20);
    const struct alert_filter filter = {.limit = 100};
    struct db *db = store_reader(store, &err);
    assert_true(alert_counts(db, counts, &err));
    assert_true(alert_list(db, &filter, &arena, &list, &rows, &err));
    store_reader_done(store, db);
    *open = counts[0] + counts[1] + counts[2];
    *all = (int64_t)rows;
}

TEST(an_alert_is_opened_once_and_what_a_person_closed_needs_news)
{
    static const struct alert_case cases[] = {
        {RAISE, ALERT_MEDIUM, "v1", 2, ALERT_OPENED, 1, 1},
        {RAISE, ALERT_MEDIUM, "v1", 2, ALERT_SAME, 1, 1},
        {RAISE, ALERT_HIGH, "v1", 2, ALERT_UPDATED, 1, 1},
        {RAISE, ALERT_HIGH, "v2", 2, ALERT_UPDATED, 1, 1},
        {CLOSE, 0, NULL, 0, 0, 0, 1},
        {RAISE, ALERT_HIGH, "v2", 2, ALERT_SAME, 0, 1},
        {RAISE, ALERT_LOW, "v2", 0, ALERT_SAME, 0, 1},
        {RAISE, ALERT_HIGH, "v2", 3, ALERT_OPENED, 1, 2}, /* more people */
        {CLOSE, 0, NULL, 0, 0, 0, 2},
        {RAISE, ALERT_HIGH, "v3", 3, ALERT_OPENED, 1, 3}, /* another version */
        {CLOSE, 0, NULL, 0, 0, 0, 3},
        {END, 0, NULL, 0, 0, 0, 3},
        {RAISE, ALERT_LOW, "v3", 0, ALERT_OPENED, 1, 4}, /* matches anew */
        {CLOSE, 0, NULL, 0, 0, 0, 4},
        {RAISE, ALERT_MEDIUM, "v3", 0, ALERT_OPENED, 1, 5}, /* a higher level */
        {END, 0, NULL, 0, 0, 0, 5},
        {RAISE, ALERT_MEDIUM, "v3", 6, ALERT_OPENED, 1, 6},
        {CLOSE, 0, NULL, 0, 0, 0, 6},
        {RAISE, ALERT_MEDIUM, "v3", 5, ALERT_OPENED, 1, 7}, /* now it is known, and public */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t open, all;
        CHECK_CASE(i, write_unit(take_step, (void *)(uintptr_t)&cases[i]));
        count(&open, &all);
        CHECK_CASE(i, open == cases[i].open && all == cases[i].all);
    }
}

static bool close_twice(struct db *db, void *context, struct err *err)
{
    bool first, second;
    int64_t id = *(int64_t *)context;
    return alert_close(db, id, "anna", "one", 5, &first, err) &&
           alert_close(db, id, "bob", "two", 6, &second, err) && first && !second;
}

TEST(an_alert_is_closed_by_the_first_who_does)
{
    bool found;
    struct err err = {0};
    struct alert_row row;
    int64_t id = 1;
    own_arena struct arena arena = arena_new(65536);
    const struct alert_case one = {RAISE, ALERT_LOW, "v1", 0, ALERT_OPENED, 1, 1};
    assert_true(write_unit(take_step, (void *)(uintptr_t)&one));
    assert_true(write_unit(close_twice, &id));
    struct db *db = store_reader(store, &err);
    assert_true(alert_row(db, id, &arena, &row, &found, &err) && found);
    store_reader_done(store, db);
    assert_string_equal(row.alert.closed_by, "anna");
    assert_string_equal(row.alert.reason, "one");
    assert_int_equal(row.alert.version, 2);
}

/* The outbox ---------------------------------------------------------------------------------- */

static bool fill(struct db *db, void *context, struct err *err)
{
    (void)context;
    for (int64_t i = 1; i <= 3; i++) {
        const struct outbox_message message = {
            .target = i == 3 ? "b" : "a", .item = i, .body = "{}", .made_us = i * 10};
        if (!outbox_add(db, &message, err))
            return false;
    }
    return true;
}

static bool next(struct db *db, const char *target, int64_t now_us, int64_t *item)
{
    bool found;
    struct err err = {0};
    struct outbox_message message;
    own_arena struct arena arena = arena_new(65536);
    if (!outbox_next(db, target, now_us, &arena, &message, &found, &err))
        return false;
    *item = found ? message.item : 0;
    return !found || strlen(message.message) == OUTBOX_ID_BYTES - 1;
}

static bool live(struct db *db, void *context, struct err *err)
{
    int64_t item, count, last;
    (void)context;
    bool ok = next(db, "a", 5, &item) && item == 0 && next(db, "a", 100, &item) && item == 1 &&
              next(db, "b", 100, &item) && item == 3;
    ok = ok && outbox_later(db, 1, 1, 500, "HTTP status 500", err) && next(db, "a", 100, &item) &&
         item == 2 && next(db, "a", 500, &last) && last == 2;
    ok = ok && outbox_hasten(db, "a", 15, err) && next(db, "a", 15, &item) && item == 1;
    ok = ok && outbox_sent(db, 1, err) && next(db, "a", 100, &item) && item == 2;
    ok = ok && outbox_give_up(db, "a", 10, 600, "late", &count, err) && count == 0 &&
         outbox_give_up(db, "a", 20, 600, "late", &count, err) && count == 1;
    return ok && next(db, "a", 1000, &item) && item == 0 && next(db, "b", 1000, &item) && item == 3;
}

TEST(a_message_waits_until_it_is_taken_or_given_up)
{
    size_t count;
    struct err err = {0};
    struct outbox_target *targets;
    own_arena struct arena arena = arena_new(1u << 20);
    assert_true(write_unit(fill, NULL));
    assert_true(write_unit(live, NULL));
    struct db *db = store_reader(store, &err);
    assert_true(outbox_targets(db, &arena, &targets, &count, &err));
    store_reader_done(store, db);
    assert_int_equal(count, 2);
    assert_string_equal(targets[0].target, "b");
    assert_true(targets[0].waiting == 1 && targets[0].oldest_us == 30);
    assert_true(targets[1].given_up == 1 && targets[1].given_up_us == 600);
    assert_string_equal(targets[1].error, "late");
}

static bool tell(struct db *db, void *context, struct err *err)
{
    size_t count;
    struct outbox_told *told;
    own_arena struct arena arena = arena_new(65536);
    (void)context;
    bool ok = true;
    char rule[16];
    for (int i = 0; ok && i < 40; i++) {
        snprintf(rule, sizeof rule, "rule %02d", i);
        ok = outbox_tell(db, 7, rule, i % 2 ? "v1" : "v0", err);
    }
    ok = ok && outbox_carry(db, 7, "v1", "v2", err) && outbox_untell(db, 7, "rule 00", err) &&
         outbox_told(db, 7, &arena, &told, &count, err) && count == 39;
    ok = ok && strcmp(told[0].version, "v2") == 0 && strcmp(told[1].version, "v0") == 0;
    return ok && outbox_untell(db, 7, NULL, err) &&
           outbox_told(db, 7, &arena, &told, &count, err) && count == 0;
}

TEST(what_was_told_follows_our_own_versions)
{
    assert_true(write_unit(tell, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_alert_is_opened_once_and_what_a_person_closed_needs_news,
                                        open_store, close_store),
        cmocka_unit_test_setup_teardown(an_alert_is_closed_by_the_first_who_does, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_message_waits_until_it_is_taken_or_given_up, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(what_was_told_follows_our_own_versions, open_store,
                                        close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
