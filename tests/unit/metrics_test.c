#include "base/metrics.h"
#include "check.h"

static struct metrics metrics;

static bool has(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

TEST(durations_fall_into_cumulative_buckets)
{
    own_buf struct buf out = buf_new(1 << 16);
    static const int64_t us[] = {-5, 5000, 5001, 20000, 700000000};
    memset(&metrics, 0, sizeof metrics);
    for (size_t i = 0; i < sizeof us / sizeof *us; i++)
        metrics_observe(&metrics, METRICS_LABEL_LIVE, us[i]);
    metrics_observe(&metrics, METRICS_VISIT, 1500000);
    assert_true(metrics_write(&metrics, &out));
    static const char *const lines[] = {
        "# TYPE labeld_change_to_label_seconds histogram",
        "labeld_change_to_label_seconds_bucket{lane=\"live\",le=\"0.005\"} 2",
        "labeld_change_to_label_seconds_bucket{lane=\"live\",le=\"0.01\"} 3",
        "labeld_change_to_label_seconds_bucket{lane=\"live\",le=\"0.02\"} 4",
        "labeld_change_to_label_seconds_bucket{lane=\"live\",le=\"600\"} 4",
        "labeld_change_to_label_seconds_bucket{lane=\"live\",le=\"+Inf\"} 5",
        "labeld_change_to_label_seconds_sum{lane=\"live\"} 700.030001",
        "labeld_change_to_label_seconds_count{lane=\"live\"} 5",
        "labeld_change_to_label_seconds_count{lane=\"backfill\"} 0",
        "labeld_visit_seconds_bucket{le=\"2.5\"} 1",
        "labeld_visit_seconds_sum 1.500000",
        "labeld_visit_seconds_count 1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK_CASE(i, has(buf_text(&out), lines[i]));
}

TEST(a_family_is_introduced_once)
{
    own_buf struct buf out = buf_new(1 << 16);
    memset(&metrics, 0, sizeof metrics);
    metrics_count(&metrics, METRICS_REQUESTS);
    metrics_count(&metrics, METRICS_REQUESTS);
    metrics_count(NULL, METRICS_REQUESTS);
    metrics_observe(NULL, METRICS_VISIT, 1);
    assert_true(metrics_write(&metrics, &out));
    const char *first = strstr(buf_text(&out), "# HELP labeld_change_to_label_seconds ");
    assert_non_null(first);
    assert_null(strstr(first + 1, "# HELP labeld_change_to_label_seconds "));
    assert_true(has(buf_text(&out), "# TYPE labeld_api_requests_total counter"));
    assert_true(has(buf_text(&out), "labeld_api_requests_total 2"));
}

TEST(a_label_is_escaped)
{
    own_buf struct buf out = buf_new(256);
    metrics_label(&out, "connection", "a\"b\\c\nd");
    assert_string_equal(buf_text(&out), "connection=\"a\\\"b\\\\c\\nd\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_fall_into_cumulative_buckets),
        cmocka_unit_test(a_family_is_introduced_once),
        cmocka_unit_test(a_label_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
