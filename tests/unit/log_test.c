#include "check.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/log.h"

/* Paths and errors that somebody else chose. */
static const char *const texts[] = {
    "plain",
    "",
    "two words",
    "a=b",
    "say \"hi\" \\ there",
    "two\nlines\revent=forged",
    "tab\tand bell\a and delete \x7f",
    "not \xff utf-8 \xc3",
    "overlong \xc0\xaf",
    "gr\xc3\xbc\xc3\x9f"
    "e \xe2\x82\xac \xf0\x9f\x98\x80",
    "next line \xc2\x85 here",
};
enum { text_count = sizeof texts / sizeof *texts };

static char *written(bool json, const char *path)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    log_open(fd, LOG_LEVEL_INFO, json);
    LOG(LOG_LEVEL_WARN, "tried", LOG_NUMBER(job, -7), LOG_TEXT(path, path), LOG_TEXT(error, NULL));
    LOG(LOG_LEVEL_DEBUG, "unheard", LOG_TEXT(path, path));
    char *line = calloc(1, 4096);
    assert_true(io_read_at(fd, line, 4095, 0) > 0);
    close(fd);
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, false);
    return line;
}

TEST(a_line_is_one_line_whatever_stands_in_it)
{
    for (size_t i = 0; i < 2 * text_count; i++) {
        char *line = written(i % 2, texts[i / 2]);
        size_t length = strlen(line);
        CHECK_CASE(i, length > 0 && strcspn(line, "\n\r\t\a\x7f") == length - 1);
        CHECK_CASE(i, !strstr(line, " event=forged"));
        free(line);
    }
}

TEST(as_json_each_line_is_an_object_with_the_text_that_was_given)
{
    for (size_t i = 0; i < text_count; i++) {
        struct err err = {0};
        char *line = written(true, texts[i]);
        own_json json_t *json = json_parse(line, strlen(line), &err);
        CHECK_CASE(i, json);
        own_json json_t *wanted = json_text(texts[i]);
        CHECK_CASE(i, json_equal(json_object_get(json, "path"), wanted));
        CHECK_CASE(i, json_integer_value(json_object_get(json, "job")) == -7);
        CHECK_CASE(i, !json_object_get(json, "error"));
        CHECK_CASE(i, json_string_value(json_object_get(json, "time")));
        assert_string_equal(json_string_value(json_object_get(json, "event")), "tried");
        assert_string_equal(json_string_value(json_object_get(json, "level")), "warn");
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_line_whatever_stands_in_it),
        cmocka_unit_test(as_json_each_line_is_an_object_with_the_text_that_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
