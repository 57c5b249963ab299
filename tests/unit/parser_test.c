/*
 * The pool and its distrust, with the real dispatcher and lock-down and a child that does what
 * the file says (tests/boundary/liar.c).
 */
#include "sandbox/parser.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "check.h"

static struct parser *parser_with(unsigned hosts, unsigned children, unsigned files_per_host)
{
    struct parser_options options = {
        .program = LIAR,
        .hosts = hosts,
        .children = children,
        .files_per_host = files_per_host,
    };
    struct err err = {0};
    struct parser *parser = parser_open(&options, NULL, &err);
    if (!parser)
        fail_msg("%s", err.text);
    return parser;
}

static int file_of(const char *text)
{
    int fd = io_memfd("case", NULL);
    assert_true(fd >= 0);
    assert_true(io_write(fd, text, strlen(text)));
    assert_true(io_seal(fd, NULL));
    return fd;
}

/* Little time for what never ends, enough for the rest on a busy machine. */
static struct limits limits_for(const char *text)
{
    struct limits limits = limits_default();
    limits.parse_wall_ms = strncmp(text, "spin", 4) == 0 ? 1500 : 30000;
    limits.parse_memory_bytes = 64u << 20;
    return limits;
}

/* What the report of such a file says; the reason is copied. REPORT_STATUS_COUNT: no report, and
 * the reason is the error. Called in threads, so it does not fail the test itself. */
static enum report_status status_of(struct parser *parser, enum parse_lane lane, const char *text,
                                    char reason[static 65], struct parser_cost *cost)
{
    own_arena struct arena arena = arena_new(32u << 20);
    own_fd int file = file_of(text);
    struct limits limits = limits_for(text);
    struct report report;
    struct err err = {0};
    if (!parser_examine(parser, lane, file, &limits, &arena, &report, cost, &err)) {
        snprintf(reason, 65, "%s", err.text);
        return REPORT_STATUS_COUNT;
    }
    snprintf(reason, 65, "%s", report.reason);
    return report.status;
}

static const struct {
    const char *text;
    enum report_status status;
    const char *reason; /* NULL = depends on the sanitizer */
} outcomes[] = {
    {"nothing special here", REPORT_HOSTILE, "answer"}, /* the order "nothing": no answer */
    {"plain words", REPORT_OK, ""},
    {"", REPORT_OK, ""},
    {"abort now", REPORT_CRASHED, "abort"},
    {"segv now", REPORT_CRASHED, "segv"},
    {"bus now", REPORT_CRASHED, "bus"},
    {"socket now", REPORT_HOSTILE, "forbidden-call"},
    {"kill-parent now", REPORT_HOSTILE, "forbidden-call"},
    {"kill-thread now", REPORT_HOSTILE, "forbidden-call"},
    {"exec-memory now", REPORT_HOSTILE, "forbidden-call"},
    {"open now", REPORT_PARTIAL, "missing-data"},
    {"spin now", REPORT_CRASHED, "time"},
    {"garbage now", REPORT_HOSTILE, "answer"},
    {"short now", REPORT_HOSTILE, "answer"},
    {"twice now", REPORT_HOSTILE, "answer"},
    {"trailing now", REPORT_HOSTILE, "answer"},
    {"huge now", REPORT_HOSTILE, "answer-too-large"},
    {"claim now", REPORT_HOSTILE, "answer"},
    {"forge now", REPORT_OK, ""},
    {"descriptors now", REPORT_PARTIAL, "3 4 "},
    {"input now", REPORT_PARTIAL, NULL},
};

TEST(each_way_to_end_becomes_its_status)
{
    struct parser *parser = parser_with(1, 2, 0);
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        char reason[65];
        struct parser_cost cost;
        enum report_status status = status_of(parser, PARSE_LIVE, outcomes[i].text, reason, &cost);
        if (status != outcomes[i].status ||
            (outcomes[i].reason && strcmp(reason, outcomes[i].reason) != 0))
            fail_msg("%s: status %d, reason %s", outcomes[i].text, (int)status, reason);
        if (strcmp(outcomes[i].text, "forge now") == 0)
            assert_true(cost.peak_bytes > 7);
    }
    parser_close(parser);
}

#ifndef __SANITIZE_ADDRESS__
TEST(memory_over_the_limit_is_a_crash_that_says_so)
{
    struct parser *parser = parser_with(1, 2, 0);
    char reason[65];
    struct parser_cost cost;
    assert_int_equal(status_of(parser, PARSE_LIVE, "memory now", reason, &cost), REPORT_CRASHED);
    assert_string_equal(reason, "memory");
    assert_true(cost.peak_bytes < (80u << 20));
    parser_close(parser);
}
#endif

TEST(a_crash_is_tried_once_more_and_a_timeout_is_not)
{
    struct parser *parser = parser_with(1, 2, 0);
    char reason[65];
    struct parser_cost cost;
    status_of(parser, PARSE_LIVE, "spin now", reason, &cost);
    assert_in_range(cost.wall_us, 1400000, 2900000); /* one time 1.5 s, not two */
    parser_close(parser);
}

TEST(a_file_that_can_be_written_is_handed_over_for_reading_only)
{
    struct parser *parser = parser_with(1, 2, 0);
    char path[] = "/tmp/parser-test-XXXXXX";
    own_fd int file = mkstemp(path);
    own_arena struct arena arena = arena_new(1u << 20);
    struct report report;
    struct err err = {0};
    unlink(path);
    assert_true(io_write(file, "input here", 10));
    assert_true(parser_examine(parser, PARSE_LIVE, file, NULL, &arena, &report, NULL, &err));
    assert_string_equal(report.reason, "read-only");
    assert_int_equal(lseek(file, 0, SEEK_END), 10);
    parser_close(parser);
}

TEST(what_is_no_regular_file_is_refused_and_too_large_is_said_without_asking)
{
    struct parser *parser = parser_with(1, 2, 0);
    own_arena struct arena arena = arena_new(1u << 20);
    struct report report;
    struct err err = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_false(parser_examine(parser, PARSE_LIVE, ends[0], NULL, &arena, &report, NULL, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    close(ends[0]);
    close(ends[1]);
    struct limits limits = limits_default();
    limits.fetch_bytes = 1024;
    own_fd int large = io_memfd("large", NULL);
    assert_int_equal(ftruncate(large, 1025), 0);
    assert_true(parser_examine(parser, PARSE_LIVE, large, &limits, &arena, &report, NULL, &err));
    assert_int_equal(report.status, REPORT_TOO_LARGE);
    assert_string_equal(report.reason, "fetch-bytes");
    parser_close(parser);
}

TEST(text_goes_to_the_descriptor_and_types_come_back)
{
    struct parser *parser = parser_with(1, 2, 0);
    own_arena struct arena arena = arena_new(1u << 20);
    own_fd int file = file_of("words of a file\n");
    own_fd int out = io_memfd("out", NULL);
    struct text_result result;
    struct type_list types;
    struct err err = {0};
    char back[64] = "";
    assert_true(parser_text(parser, file, "", out, NULL, &arena, &result, &err));
    assert_true(result.part_found);
    assert_int_equal(io_read_at(out, back, sizeof back - 1, 0), 16);
    assert_string_equal(back, "words of a file\n");
    assert_true(parser_text(parser, file, "no/such/part", out, NULL, &arena, &result, &err));
    assert_false(result.part_found);
    assert_true(parser_types(parser, &arena, &types, &err));
    assert_string_equal(types.types[0].id, "liar");
    parser_close(parser);
}

TEST(an_output_that_takes_nothing_is_an_error_of_ours)
{
    struct parser *parser = parser_with(1, 2, 0);
    own_arena struct arena arena = arena_new(1u << 20);
    own_fd int file = file_of("words of a file\n");
    own_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct text_result result;
    struct err err = {0};
    assert_false(parser_text(parser, file, "", full, NULL, &arena, &result, &err));
    assert_int_equal(err.kind, ERR_IO);
    parser_close(parser);
}

/* Opening ------------------------------------------------------------------------------------ */

static void check_opening(const char *program, const char *region, enum err_kind kind,
                          const char *words)
{
    struct parser_options options = {
        .program = program, .regions = &region, .region_count = 1, .hosts = 1};
    own_buf struct buf problems = buf_new(8192);
    struct err err = {0};
    assert_null(parser_open(&options, &problems, &err));
    if (err.kind != kind || !strstr(err.text, words))
        fail_msg("%s: %s", region, err.text);
    if (kind == ERR_CONFIG)
        assert_non_null(strstr(buf_text(&problems), "second line"));
}

TEST(a_host_that_does_not_get_ready_says_why)
{
    check_opening(LIAR, "ZA", ERR_CONFIG, "unknown key `idd`");
    check_opening(LIAR, "ZB", ERR_HOSTILE, "parse_ready");
    check_opening(LIAR, "ZC", ERR_CRASHED, "exit code 9");
    check_opening("/nonexistent/labeld-parse", "ZC", ERR_GONE, "/nonexistent/labeld-parse");
    check_opening("/bin/true", "ZC", ERR_CRASHED, "exit code 0");
}

/* Many at once ------------------------------------------------------------------------------- */

struct crowd {
    struct parser *parser;
    enum parse_lane lane;
    const char *text;
    unsigned times;
    atomic_uint good, bad;
    atomic_llong last_us;
};

static void *ask_often(void *context)
{
    struct crowd *crowd = context;
    for (unsigned i = 0; i < crowd->times; i++) {
        char reason[65];
        struct parser_cost cost;
        enum report_status status =
            status_of(crowd->parser, crowd->lane, crowd->text, reason, &cost);
        if (status == REPORT_OK)
            crowd->good++;
        else
            crowd->bad++;
    }
    crowd->last_us = clock_steady_us();
    return NULL;
}

static pid_t children_of_mine(pid_t *list, size_t room, size_t *count)
{
    own_dir DIR *proc = opendir("/proc");
    *count = 0;
    for (const struct dirent *entry; proc && (entry = readdir(proc));) {
        char path[300], line[512];
        int pid, parent;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        own_file FILE *stat = fopen(path, "r");
        if (!stat || !fgets(line, sizeof line, stat) || !strrchr(line, ')'))
            continue;
        if (sscanf(line, "%d", &pid) == 1 &&
            sscanf(strrchr(line, ')') + 1, " %*c %d", &parent) == 1 && parent == getpid() &&
            *count < room)
            list[(*count)++] = pid;
    }
    return *count ? list[0] : 0;
}

TEST(many_threads_share_the_hosts)
{
    struct crowd crowd = {.parser = parser_with(2, 2, 0), .text = "plain", .times = 12};
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.good, 96);
    parser_close(crowd.parser);
}

TEST(requests_survive_the_death_of_their_host)
{
    struct crowd crowd = {.parser = parser_with(2, 2, 0), .text = "plain", .times = 40};
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (size_t round = 0; round < 2; round++) {
        pid_t hosts[16];
        size_t count;
        clock_sleep_us(100000);
        if (children_of_mine(hosts, 16, &count))
            kill(hosts[round % count], SIGKILL);
    }
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.good, 120);
    char reason[65];
    struct parser_cost cost;
    assert_int_equal(status_of(crowd.parser, PARSE_LIVE, "plain", reason, &cost), REPORT_OK);
    parser_close(crowd.parser);
    size_t left;
    pid_t list[16];
    children_of_mine(list, 16, &left);
    assert_int_equal(left, 0);
}

TEST(a_host_is_replaced_after_its_files)
{
    struct crowd crowd = {.parser = parser_with(1, 1, 5), .text = "plain", .times = 10};
    pid_t first, last = 0;
    size_t count;
    first = children_of_mine(&last, 1, &count);
    last = first;
    for (size_t i = 0; i < 40 && last == first; i++) {
        ask_often(&crowd);
        children_of_mine(&last, 1, &count);
        clock_sleep_us(20000);
    }
    assert_int_equal(crowd.bad, 0);
    assert_int_not_equal(first, last);
    parser_close(crowd.parser);
}

TEST(a_backfill_leaves_a_slot_for_live_changes)
{
    struct parser *parser = parser_with(1, 2, 0);
    struct crowd slow = {.parser = parser, .lane = PARSE_BACKFILL, .text = "work now", .times = 3};
    struct crowd quick = {.parser = parser, .lane = PARSE_LIVE, .text = "plain", .times = 1};
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &slow), 0);
    clock_sleep_us(50000);
    ask_often(&quick);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(quick.good, 1);
    assert_int_equal(slow.good, 9); /* one after the other: at least 9 x 0.4 s */
    assert_true(slow.last_us - quick.last_us > 2000000);
    parser_close(parser);
}

TEST(a_child_holds_no_descriptor_of_another)
{
    struct parser *parser = parser_with(1, 4, 0);
    struct crowd others = {.parser = parser, .text = "work now", .times = 2};
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &others), 0);
    for (size_t i = 0; i < 5; i++) {
        char reason[65];
        struct parser_cost cost;
        clock_sleep_us(50000);
        status_of(parser, PARSE_LIVE, "descriptors now", reason, &cost);
        assert_string_equal(reason, "3 4 "); /* its answer and its file */
    }
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(others.good, 6);
    parser_close(parser);
}

/* With the program that is installed: a document is read, labelled, verified and read again. */
TEST(the_real_host_labels_a_document_and_a_fresh_process_verifies_it)
{
    struct parser_options options = {.program = PARSE, .hosts = 1};
    own_buf struct buf problems = buf_new(64u << 10);
    own_arena struct arena arena = arena_new(32u << 20);
    struct err err = {0};
    struct parser *parser = parser_open(&options, &problems, &err);
    if (!parser)
        fail_msg("%s", buf_text(&problems));
    own_fd int before = open(SOURCE_DIR "/samples/files/office/letter.docx", O_RDONLY);
    own_fd int after = io_memfd("after", NULL);
    const struct label_edit edit = {
        .op = LABEL_SET,
        .id = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11",
        .site_id = "5b0e2b44-3f39-4d6e-8c8a-7b6f0d5a9e02",
        .name = "General",
        .method = "Privileged",
        .set_date = "2026-03-01T09:30:00Z",
        .action_id = "3c0e2b44-3f39-4d6e-8c8a-7b6f0d5a9e03",
    };
    struct label_result written, verified, present;
    struct report report;
    assert_true(before >= 0 && after >= 0);
    if (!parser_relabel(parser, PARSE_LIVE, before, after, &edit, NULL, &arena, &written, &err) ||
        !parser_verify(parser, PARSE_LIVE, before, after, &edit, NULL, &arena, &verified, &err) ||
        !parser_labels(parser, after, NULL, &arena, &present, &err) ||
        !parser_examine(parser, PARSE_BACKFILL, after, NULL, &arena, &report, NULL, &err))
        fail_msg("%s", err.text);
    assert_int_equal(written.done, LABEL_WRITTEN);
    assert_int_equal(verified.done, LABEL_VERIFIED);
    assert_int_equal(present.labels_count, 1);
    assert_string_equal(present.labels[0].id, edit.id);
    assert_int_equal(report.status, REPORT_OK);
    assert_int_equal(report.format, FORMAT_DOCX);
    assert_int_equal(report.labels_count, 1);
    assert_true(report.text_bytes > 0);
    /* One byte of the new file changed by somebody: no longer what was planned. */
    char byte = 0;
    assert_int_equal(io_read_at(after, &byte, 1, 60), 1);
    byte ^= 1;
    assert_true(io_write_at(after, &byte, 1, 60));
    assert_true(
        parser_verify(parser, PARSE_LIVE, before, after, &edit, NULL, &arena, &verified, &err));
    assert_int_not_equal(verified.done, LABEL_VERIFIED);
    parser_close(parser);
}

TEST(closing_waits_for_what_runs)
{
    struct crowd crowd = {.parser = parser_with(1, 2, 0), .text = "work now", .times = 1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_often, &crowd), 0);
    clock_sleep_us(150000);
    parser_close(crowd.parser);
    pthread_join(thread, NULL);
    assert_int_equal(crowd.good, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_to_end_becomes_its_status),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(memory_over_the_limit_is_a_crash_that_says_so),
#endif
        cmocka_unit_test(a_crash_is_tried_once_more_and_a_timeout_is_not),
        cmocka_unit_test(a_file_that_can_be_written_is_handed_over_for_reading_only),
        cmocka_unit_test(what_is_no_regular_file_is_refused_and_too_large_is_said_without_asking),
        cmocka_unit_test(text_goes_to_the_descriptor_and_types_come_back),
        cmocka_unit_test(an_output_that_takes_nothing_is_an_error_of_ours),
        cmocka_unit_test(a_host_that_does_not_get_ready_says_why),
        cmocka_unit_test(many_threads_share_the_hosts),
        cmocka_unit_test(requests_survive_the_death_of_their_host),
        cmocka_unit_test(a_host_is_replaced_after_its_files),
        cmocka_unit_test(a_backfill_leaves_a_slot_for_live_changes),
        cmocka_unit_test(a_child_holds_no_descriptor_of_another),
        cmocka_unit_test(the_real_host_labels_a_document_and_a_fresh_process_verifies_it),
        cmocka_unit_test(closing_waits_for_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
