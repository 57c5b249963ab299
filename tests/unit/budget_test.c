#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "jobs/budget.h"

struct waiter {
    struct budget *budget;
    uint64_t bytes;
    atomic_int state; /* 0 waits, 1 has taken, 2 was stopped */
    pthread_t thread;
};

static void *take(void *argument)
{
    struct waiter *waiter = argument;
    atomic_store(&waiter->state, budget_take(waiter->budget, waiter->bytes) ? 1 : 2);
    return NULL;
}

static void begin(struct waiter *waiter, struct budget *budget, uint64_t bytes)
{
    *waiter = (struct waiter){.budget = budget, .bytes = bytes};
    assert_int_equal(pthread_create(&waiter->thread, NULL, take, waiter), 0);
}

/* Whether it stays waiting for a while; a bound, not a measure. */
static bool waits(struct waiter *waiter)
{
    clock_sleep_us(50000);
    return atomic_load(&waiter->state) == 0;
}

TEST(a_fetch_waits_until_there_is_room)
{
    struct budget *budget = budget_open(100);
    struct waiter waiter;
    assert_true(budget_take(budget, 60));
    assert_true(budget_take(budget, 40));
    begin(&waiter, budget, 50);
    assert_true(waits(&waiter));
    budget_give(budget, 40);
    assert_true(waits(&waiter));
    budget_give(budget, 60);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(atomic_load(&waiter.state), 1);
    budget_close(budget);
}

TEST(what_is_larger_than_the_whole_goes_alone)
{
    struct budget *budget = budget_open(100);
    struct waiter waiter;
    assert_true(budget_take(budget, 500));
    begin(&waiter, budget, 1);
    assert_true(waits(&waiter));
    budget_give(budget, 500);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(atomic_load(&waiter.state), 1);
    budget_close(budget);
}

TEST(a_stop_wakes_everybody_and_nothing_is_taken)
{
    struct budget *budget = budget_open(1);
    struct waiter waiter;
    assert_true(budget_take(budget, 1));
    begin(&waiter, budget, 1);
    assert_true(waits(&waiter));
    budget_stop(budget);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(atomic_load(&waiter.state), 2);
    assert_false(budget_take(budget, 1));
    budget_close(budget);
}

TEST(without_a_bound_nobody_waits)
{
    assert_true(budget_take(NULL, UINT64_MAX));
    budget_give(NULL, 1);
    struct budget *budget = budget_open(0);
    assert_true(budget_take(budget, UINT64_MAX / 2));
    assert_true(budget_take(budget, UINT64_MAX / 4));
    budget_close(budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fetch_waits_until_there_is_room),
        cmocka_unit_test(what_is_larger_than_the_whole_goes_alone),
        cmocka_unit_test(a_stop_wakes_everybody_and_nothing_is_taken),
        cmocka_unit_test(without_a_bound_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
