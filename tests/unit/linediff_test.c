#include "base/linediff.h"

#include <string.h>

#include "base/own.h"
#include "check.h"

static const struct {
    const char *from, *to, *diff;
} cases[] = {
    {"", "", ""},
    {"a\nb\n", "a\nb\n", ""},
    {"", "a\n", "@@ -0,0 +1,1 @@\n+a\n"},
    {"a\n", "", "@@ -1,1 +0,0 @@\n-a\n"},
    {"a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10",
     "@@ -7,3 +7,4 @@\n 7\n 8\n 9\n+10\n"},
    {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
     "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n"},
    {"a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
     "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n"},
};

static void test_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_buf struct buf out = buf_new(1 << 16);
        assert_true(linediff_write(cases[i].from, cases[i].to, &out));
        if (strcmp(buf_text(&out), cases[i].diff) != 0)
            fail_msg("case %zu: %s", i, buf_text(&out));
    }
}

/* More lines than the table takes: taken out and put in whole, and nothing is lost. */
static void test_a_large_difference(void **state)
{
    (void)state;
    own_buf struct buf from = buf_new(1 << 20), to = buf_new(1 << 20), out = buf_new(1 << 22);
    for (int i = 0; i < 5000; i++) {
        buf_printf(&from, "old %d\n", i);
        buf_printf(&to, "new %d\n", i);
    }
    assert_true(linediff_write(buf_text(&from), buf_text(&to), &out));
    assert_non_null(strstr(buf_text(&out), "\n-old 4999\n"));
    assert_non_null(strstr(buf_text(&out), "\n+new 4999\n"));
    own_buf struct buf small = buf_new(16);
    assert_false(linediff_write(buf_text(&from), buf_text(&to), &small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_a_large_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
