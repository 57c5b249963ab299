#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config.h"
#include "config/value.h"

struct result {
    struct arena arena;
    struct buf problems;
    struct config config;
    bool ok;
};

static struct result parse(const char *text)
{
    struct result result = {.arena = arena_new(8 << 20), .problems = buf_new(1 << 20)};
    struct err err = {0};
    result.ok = config_parse("/etc/labeld/labeld.yaml", text, strlen(text), &result.config,
                             &result.arena, &result.problems, &err);
    return result;
}

static void forget(struct result *result)
{
    arena_fini(&result->arena);
    buf_fini(&result->problems);
}

static const struct {
    const char *text;
    const char *message; /* part of the problems; NULL: none at all */
    bool ok;
} cases[] = {
    {"", NULL, true},
    {"state: /srv/labeld\nworkers: 8\n", NULL, true},
    {"stat: /srv\n", "1:1: error: unknown key \"stat\"; did you mean \"state\"?", false},
    {"listen: { admn: 127.0.0.1:1 }\n", "unknown key \"listen.admn\"; did you mean \"admin\"?",
     false},
    {"listen: 127.0.0.1:80\n", "\"listen\" is a mapping of settings", false},
    {"conections: []\n", "did you mean \"connections\"?", false},
    {"state: a\nstate: b\n", "2:1: error: \"state\" stands here twice (first in line 1)", false},
    {"spool: { memory_max: 8 }\n", NULL, true},
    {"spool: { memory_max: 8 Mib }\n", "\"8 Mib\" is not a size such as 8 MiB", false},
    {"workers: many\n", "\"many\" is not a number", false},
    {"listen: { admin: 127.0.0.1 }\n", "is not an address such as 127.0.0.1:8480", false},
    {"listen: { admin: 127.0.0.1:70000 }\n", "is not an address", false},
    {"listen: { admin: 0.0.0.0:80 }\n", "is not loopback", false},
    {"listen: { admin: 0.0.0.0:80, behind_proxy: true }\n", NULL, true},
    {"listen: { behind_proxy: yes }\n", "\"yes\" is not true or false", false},
    {"sandbox: none\n", "is not one of strict, relaxed", false},
    {"store: { kind: postgresql }\n", "\"postgresql\" is not in this version", false},
    {"vault: { kind: s3 }\n", "\"s3\" is not in this version", false},
    {"quarantine: { old_versions: seal }\n",
     "warning: \"quarantine.old_versions\" does not act in this version", true},
    {"limits: { text_bytes: 1 MiB, xml-depth: 64 }\n", NULL, true},
    {"limits: { text_bits: 1 MiB }\n", "did you mean \"text_bytes\"?", false},
    {"limits: { xml_depth: 2 }\n", "xml_depth must be 16 to 4096 levels", false},
    {"connections: [{ name: a, kind: s3, bucket: b }]\n", "\"s3\" is not in this version", false},
    {"connections: [{ name: a, kind: s3, bukcet: b }]\n", "did you mean \"bucket\"?", false},
    {"connections: [{ name: a, kind: s3, event_keys: x }]\n", "is not one of raw, encoded", false},
    {"connections: [{ name: a, kind: directory, path: x, exclude: [build] }]\n",
     "must begin with \"/\"", false},
    {"connections: [{ name: a, kind: ftp }]\n", "is not a kind of connection", false},
    {"connections: [{ name: a, kind: directory }]\n", "needs \"path\"", false},
    {"connections: [{ kind: directory, path: x }]\n", "needs a \"name\"", false},
    {"connections:\n  - { name: a, kind: directory, path: x }\n"
     "  - { name: a, kind: directory, path: y }\n",
     "3:5: error: connection \"a\" is defined already in line 2", false},
    {"connections: [{ name: a, kind: directory, path: x, bucket: b }]\n",
     "a connection of kind directory has no \"bucket\"", false},
    {"connections: [{ name: a, kind: directory, path: x, poll: 10m }]\n", NULL, true},
    {"connections: [{ name: a, kind: directory, path: x, poll: 10 }]\n", "is not a span", false},
    {"connections: [{ name: a, kind: directory, path: x, webhook: { token_file: no.such } }]\n",
     "no.such cannot be read", false},
    {"notify: [{ name: soc }]\n", "a target needs \"name\", \"url\" and \"secret_file\"", false},
    {"notify: [{ name: soc, url: 'https://a/', secret_file: no.such }]\n", "no.such cannot be read",
     false},
    {"notify: [{ name: soc, ulr: 'https://a/' }]\n", "did you mean \"url\"?", false},
    {"notify: { name: soc }\n", "\"notify\" is a list of targets", false},
    {"a: [\n", "error:", false},
    {"- a\n", "the file is a mapping", false},
};

TEST(each_mistake_is_told_with_place_and_suggestion)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result = parse(cases[i].text);
        const char *problems = buf_text(&result.problems);
        if (result.ok != cases[i].ok ||
            (cases[i].message ? !strstr(problems, cases[i].message) : *problems != '\0'))
            print_error("case %zu printed: %s\n", i, problems);
        CHECK_CASE(i, result.ok == cases[i].ok);
        CHECK_CASE(i, cases[i].message ? strstr(problems, cases[i].message) != NULL
                                       : *problems == '\0');
        forget(&result);
    }
}

TEST(paths_are_relative_to_the_file_and_defaults_are_there)
{
    struct result result = parse("rules: rules.yaml\ntypes: [types.d, /opt/types]\n"
                                 "connections:\n  - { name: team, kind: directory, path: data }\n");
    assert_true(result.ok);
    assert_string_equal(result.config.rules, "/etc/labeld/rules.yaml");
    assert_string_equal(result.config.types.items[0], "/etc/labeld/types.d");
    assert_string_equal(result.config.types.items[1], "/opt/types");
    assert_string_equal(result.config.connections[0].path, "/etc/labeld/data");
    assert_string_equal(result.config.state, "/var/lib/labeld");
    assert_int_equal(result.config.spool_memory, 8 << 20);
    assert_int_equal(result.config.admin.port, 8480);
    assert_false(result.config.relaxed);
    forget(&result);
}

TEST(a_path_that_is_a_secret_is_not_sent_in_the_clear)
{
    static const struct {
        const char *listen;
        bool ok;
    } rows[] = {{"webhooks: 127.0.0.1:81", true},
                {"webhooks: 0.0.0.0:81", false},
                {"webhooks: 0.0.0.0:81, behind_proxy: true", true}};
    char path[] = "/tmp/labeld-secret-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "listen: { %s }\nconnections:\n"
                 "  - { name: a, kind: directory, path: x, webhook: { token_file: %s } }\n",
                 rows[i].listen, path);
        struct result result = parse(text);
        bool told = strstr(buf_text(&result.problems), "webhook.token_file makes the path");
        CHECK_CASE(i, result.ok == rows[i].ok && told == !rows[i].ok);
        forget(&result);
    }
    unlink(path);
}

TEST(a_secret_that_others_can_read_is_refused)
{
    char path[] = "/tmp/labeld-secret-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char text[256];
    snprintf(text, sizeof text, "listen: { tls: { cert_file: %s, key_file: %s } }\n", path, path);
    chmod(path, 0640);
    struct result open = parse(text);
    assert_false(open.ok);
    assert_non_null(strstr(buf_text(&open.problems), "can be read by others; chmod 600"));
    forget(&open);
    chmod(path, 0600);
    struct result closed = parse(text);
    assert_true(closed.ok);
    forget(&closed);
    unlink(path);
}

TEST(every_setting_is_printed_with_its_origin)
{
    struct result result = parse("workers: 9\n");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_true(config_print(&result.config, &result.arena, out));
    fclose(out);
    assert_non_null(strstr(text, "workers: 9  # line 1\n"));
    assert_non_null(strstr(text, "sandbox: strict  # default\n"));
    assert_non_null(strstr(text, "spool.memory_max: 8 MiB  # default\n"));
    assert_non_null(strstr(text, "limits.xml_depth: 256"));
    free(text);
    forget(&result);
}

TEST(units_are_read_exactly)
{
    uint64_t bytes;
    int64_t us;
    assert_true(value_size("10 MB", &bytes));
    assert_int_equal(bytes, 10000000);
    assert_true(value_size("4GiB", &bytes));
    assert_int_equal(bytes, 4ull << 30);
    assert_false(value_size("18446744073709551615 GiB", &bytes));
    assert_false(value_size("-1", &bytes));
    assert_true(value_span("10m", &us));
    assert_int_equal(us, 600000000);
    assert_true(value_span("7 days", &us));
    assert_false(value_span("7", &us));
}

TEST(memory_may_run_out_anywhere)
{
    const char *text =
        "state: x\ntypes: [a, b]\nconnections: [{name: a, kind: directory, path: p}]\n";
    for (size_t nth = 1; nth < 200; nth++) {
        mem_fail_nth(nth, 1);
        struct result result = parse(text);
        size_t calls = mem_calls();
        mem_fail_nth(0, 0);
        bool ok = result.ok;
        forget(&result);
        if (calls < nth) {
            assert_true(ok);
            return;
        }
    }
    fail_msg("never got through");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_with_place_and_suggestion),
        cmocka_unit_test(paths_are_relative_to_the_file_and_defaults_are_there),
        cmocka_unit_test(a_path_that_is_a_secret_is_not_sent_in_the_clear),
        cmocka_unit_test(a_secret_that_others_can_read_is_refused),
        cmocka_unit_test(every_setting_is_printed_with_its_origin),
        cmocka_unit_test(units_are_read_exactly),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
