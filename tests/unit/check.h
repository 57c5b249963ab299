/*
 * check: cmocka with its includes in the order it needs, and sentences as test names:
 *   TEST(an_empty_arena_hands_out_nothing) { ... }
 * and a table of cmocka_unit_test rows in main.
 */
#ifndef LABELD_TESTS_CHECK_H
#define LABELD_TESTS_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))

/* Say which row of a table of cases failed. */
#define CHECK_CASE(index, condition)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("case %zu: %s", (size_t)(index), #condition);                                 \
    } while (0)

#endif
