#include "connect/pending.h"

#include "check.h"

enum { second = 1000000 };

static const int64_t begin = 1000000ll * second;

struct told {
    unsigned count;
    int64_t seen_us;
};

static void take(void *context, const struct connect_change *change)
{
    struct told *told = context;
    assert_int_equal(change->event, CONNECT_CHANGED);
    assert_string_equal(change->key, "log");
    told->count++;
    told->seen_us = change->seen_us;
}

/* What is told by `now`; *next_us: when the next is due. */
static unsigned told_by(struct pending *pending, int64_t now_us, int64_t *next_us)
{
    struct told told = {0};
    const struct connect_changes changes = {&told, take};
    assert_true(pending_tell(pending, &changes, now_us, next_us));
    return told.count;
}

TEST(an_open_file_is_told_when_it_has_been_quiet_and_while_it_keeps_changing)
{
    struct pending *pending = pending_open();
    int64_t next;
    unsigned count = 0;
    for (int i = 0; i < 55; i++) { /* a line every second */
        assert_true(pending_written(pending, "log", begin + i * second));
        count += told_by(pending, begin + i * second, &next);
    }
    assert_int_equal(count, 0);
    assert_int_equal(next, begin + 59 * second);
    for (int i = 55; i < 125; i++) {
        assert_true(pending_written(pending, "log", begin + i * second));
        count += told_by(pending, begin + i * second, &next);
    }
    assert_int_equal(count, 2); /* once a minute */
    assert_int_equal(told_by(pending, begin + 128 * second, &next), 0);
    assert_int_equal(told_by(pending, begin + 129 * second, &next), 1);
    assert_int_equal(next, INT64_MAX);
    pending_close(pending);
}

TEST(a_file_that_is_closed_is_told_once_and_at_once)
{
    struct pending *pending = pending_open();
    int64_t next;
    for (int i = 0; i < 100; i++)
        assert_true(pending_written(pending, "log", begin + i));
    assert_true(pending_add(pending, "log", NULL, CONNECT_CHANGED, begin + 200));
    assert_int_equal(told_by(pending, begin + 200, &next), 1);
    assert_int_equal(next, INT64_MAX);
    assert_int_equal(told_by(pending, begin + 70 * second, &next), 0);
    pending_close(pending);
}

TEST(writing_after_a_close_that_is_not_told_yet_changes_nothing)
{
    struct pending *pending = pending_open();
    int64_t next;
    for (int i = 0; i < 2; i++)
        assert_true(pending_add(pending, "log", NULL, CONNECT_CHANGED, begin));
    assert_int_equal(told_by(pending, begin, &next), 1);
    assert_true(pending_add(pending, "log", NULL, CONNECT_CHANGED, begin + 1));
    assert_true(pending_written(pending, "log", begin + 2));
    assert_int_equal(told_by(pending, begin + 1, &next), 0);
    assert_true(next < begin + second);
    assert_int_equal(told_by(pending, next, &next), 1);
    pending_close(pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_file_is_told_when_it_has_been_quiet_and_while_it_keeps_changing),
        cmocka_unit_test(a_file_that_is_closed_is_told_once_and_at_once),
        cmocka_unit_test(writing_after_a_close_that_is_not_told_yet_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
