#include "check.h"

#include "base/own.h"
#include "opc.h"
#include "package.h"
#include "zip_builder.h"

/* A reading, and what came of it. */
struct bench {
    struct limits limits;
    struct report report;
    struct format_reading reading;
    struct format_input input;
    struct buf bytes;
};

static void bench_init(struct bench *bench, struct zip_builder *zip)
{
    *bench = (struct bench){.limits = limits_default(), .report = {.reason = ""}};
    bench->reading = (struct format_reading){.limits = &bench->limits, .report = &bench->report};
    zip_builder_end(zip);
    bench->input = (struct format_input){.bytes = zip->out.bytes, .length = zip->out.length};
    bench->bytes = buf_new(64u << 20);
}

/* Open, load the member of that name, close. */
static enum package_result load(struct bench *bench, const char *name)
{
    own_package struct package *package = NULL;
    enum package_result result = package_open(&bench->reading, &bench->input, &package);
    if (result != PACKAGE_OK)
        return result;
    size_t index = package_find(package, name);
    return index == PACKAGE_NONE ? PACKAGE_STOPPED
                                 : package_load(package, index, &bench->bytes, "test");
}

static const struct member_case {
    struct zip_member member;
    bool front, zip64_end;
} honest_cases[] = {
    {{.name = "a.txt"}, false, false},
    {{.name = "a.txt", .stored = true}, false, false},
    {{.name = "a.txt", .descriptor = true}, false, false},
    {{.name = "a.txt", .zip64 = true}, false, false},
    {{.name = "a.txt", .zip64 = true, .descriptor = true}, false, true},
    {{.name = "a.txt"}, true, false},
    {{.name = "a.txt"}, false, true},
    {{.name = "\\A.TXT"}, false, false},
    {{.name = "/a.txt"}, false, false},
};

TEST(members_in_every_honest_form_are_read)
{
    static char content[70000];
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)(i * i >> 7);
    for (size_t i = 0; i < sizeof honest_cases / sizeof *honest_cases; i++) {
        own_zip struct zip_builder zip = zip_builder_new();
        if (honest_cases[i].front)
            zip_builder_front(&zip, "#!/bin/true\n", 12);
        zip.zip64_end = honest_cases[i].zip64_end;
        zip_builder_text(&zip, "first", "1");
        struct zip_member member = honest_cases[i].member;
        member.bytes = content;
        member.length = sizeof content;
        zip_builder_add(&zip, &member);
        struct bench bench;
        bench_init(&bench, &zip);
        CHECK_CASE(i, package_looks_like(&bench.input));
        CHECK_CASE(i, load(&bench, "a.txt") == PACKAGE_OK);
        CHECK_CASE(i, bench.bytes.length == sizeof content);
        CHECK_CASE(i, memcmp(bench.bytes.bytes, content, sizeof content) == 0);
        CHECK_CASE(i, bench.report.status == REPORT_OK);
        CHECK_CASE(i, bench.reading.expanded_bytes == sizeof content);
        buf_fini(&bench.bytes);
    }
}

static const struct lying_case {
    struct zip_member member;
    enum report_status status;
    const char *reason;
} lying_cases[] = {
    {{.name = "a", .bytes = "abc", .length = 3, .wrong_crc = true}, REPORT_CORRUPT, "crc"},
    {{.name = "a", .bytes = "abc", .length = 3, .encrypted = true}, REPORT_ENCRYPTED, "zip-entry"},
    {{.name = "a", .bytes = "abc", .length = 3, .method = 14}, REPORT_PARTIAL, "zip-method"},
    {{.name = "a", .bytes = "abc", .length = 3, .says_size = 2}, REPORT_CORRUPT, "size"},
    {{.name = "a", .bytes = "abc", .length = 3, .says_size = 4}, REPORT_CORRUPT, "size"},
    {{.name = "a", .bytes = "abc", .length = 3, .says_size = 17u << 20},
     REPORT_HOSTILE,
     "expand-ratio"},
    {{.name = "a", .bytes = "abc", .length = 3, .says_size = 5ull << 30, .zip64 = true},
     REPORT_HOSTILE,
     "expand-ratio"},
    {{.name = "a", .length = 3, .packed = "\xFF\xFF\xFF", .packed_length = 3},
     REPORT_CORRUPT,
     "inflate"},
    {{.name = "a", .length = 3, .packed = "", .packed_length = 0}, REPORT_CORRUPT, "inflate"},
};

TEST(members_that_lie_are_told)
{
    for (size_t i = 0; i < sizeof lying_cases / sizeof *lying_cases; i++) {
        own_zip struct zip_builder zip = zip_builder_new();
        zip_builder_add(&zip, &lying_cases[i].member);
        struct bench bench;
        bench_init(&bench, &zip);
        bench.bytes.max = SIZE_MAX / 2;
        CHECK_CASE(i, load(&bench, "a") == PACKAGE_GAP);
        CHECK_CASE(i, bench.report.status == lying_cases[i].status);
        CHECK_CASE(i, strcmp(bench.report.reason, lying_cases[i].reason) == 0);
        buf_fini(&bench.bytes);
    }
}

/* A large member: 40 MiB of a text that deflates well, but not too well. */
static char *large_content(size_t length)
{
    char *content = mem_alloc(length);
    uint32_t state = 1;
    for (size_t i = 0; i < length; i++) {
        if (i % 64 == 0)
            state = state * 1664525u + 1013904223u;
        content[i] = (char)('a' + (state >> (i % 8)) % 16);
    }
    return content;
}

TEST(large_members_are_read_in_steps_and_checked)
{
    const size_t length = 20u << 20;
    own_free char *content = large_content(length);
    for (int lie = 0; lie < 4; lie++) {
        own_zip struct zip_builder zip = zip_builder_new();
        const struct zip_member member = {
            .name = "a",
            .bytes = content,
            .length = length,
            .stored = lie == 1,
            .wrong_crc = lie == 2,
            .says_size = lie == 3 ? length - 1 : 0,
        };
        zip_builder_add(&zip, &member);
        struct bench bench;
        bench_init(&bench, &zip);
        enum package_result result = load(&bench, "a");
        assert_int_equal(result, lie > 1 ? PACKAGE_GAP : PACKAGE_OK);
        if (lie < 2)
            assert_memory_equal(bench.bytes.bytes, content, length);
        else
            assert_string_equal(bench.report.reason, lie == 2 ? "crc" : "size");
        buf_fini(&bench.bytes);
    }
}

TEST(the_limits_of_an_archive_hold)
{
    own_zip struct zip_builder zip = zip_builder_new();
    static char zeros[1u << 20];
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        const struct zip_member member = {.name = name, .bytes = zeros, .length = sizeof zeros};
        zip_builder_add(&zip, &member);
    }
    struct bench bench;
    bench_init(&bench, &zip);
    bench.limits.archive_entries = 19;
    assert_int_equal(load(&bench, "m1"), PACKAGE_GAP);
    assert_string_equal(bench.report.reason, "archive-entries");
    bench.report = (struct report){.reason = ""};
    bench.limits.archive_entries = 20;
    bench.limits.expanded_bytes = 3u << 20;
    assert_int_equal(load(&bench, "m1"), PACKAGE_OK);
    assert_int_equal(load(&bench, "m2"), PACKAGE_OK);
    assert_int_equal(load(&bench, "m3"), PACKAGE_OK);
    assert_int_equal(load(&bench, "m4"), PACKAGE_GAP);
    assert_int_equal(bench.report.status, REPORT_HOSTILE);
    assert_string_equal(bench.report.reason, "expanded-bytes");
    buf_fini(&bench.bytes);
}

TEST(members_that_share_bytes_are_hostile)
{
    own_zip struct zip_builder zip = zip_builder_new();
    zip_builder_text(&zip, "a", "some text");
    const struct zip_member member = {.name = "b", .bytes = "x", .length = 1, .shares = "a"};
    zip_builder_add(&zip, &member);
    struct bench bench;
    bench_init(&bench, &zip);
    assert_int_equal(load(&bench, "a"), PACKAGE_GAP);
    assert_int_equal(bench.report.status, REPORT_HOSTILE);
    assert_string_equal(bench.report.reason, "overlap");
    buf_fini(&bench.bytes);
}

TEST(a_peek_sees_the_beginning_only)
{
    own_zip struct zip_builder zip = zip_builder_new();
    zip_builder_text(&zip, "a", "the beginning and the end");
    const struct zip_member stored = {
        .name = "b", .bytes = "stored bytes", .length = 12, .stored = true};
    zip_builder_add(&zip, &stored);
    zip_builder_text(&zip, "c", "");
    struct bench bench;
    bench_init(&bench, &zip);
    own_package struct package *package = NULL;
    assert_int_equal(package_open(&bench.reading, &bench.input, &package), PACKAGE_OK);
    static const char *const wanted[] = {"the be", "stored", ""};
    for (size_t i = 0; i < 3; i++) {
        char head[6];
        size_t length;
        assert_int_equal(package_peek(package, i, head, sizeof head, &length), PACKAGE_OK);
        assert_int_equal(length, strlen(wanted[i]));
        assert_memory_equal(head, wanted[i], length);
    }
}

static const struct resolve_case {
    const char *base, *target, *name;
} resolve_cases[] = {
    {"word/document.xml", "header1.xml", "word/header1.xml"},
    {"word/document.xml", "/docProps/app.xml", "docProps/app.xml"},
    {"ppt/slides/s.xml", "../media/i.png", "ppt/media/i.png"},
    {"", "docProps/core.xml", "docProps/core.xml"},
    {"a/b.xml", "../../../c.xml", "c.xml"},
    {"a/b.xml", "./c%20d.xml#part", "a/c d.xml"},
    {"a/b.xml", "c\\d.xml", "a/c/d.xml"},
    {"a/b.xml", "%zz%4", "a/%zz%4"},
    {"a/b.xml", "", "a"},
};

TEST(targets_are_seen_from_their_part)
{
    for (size_t i = 0; i < sizeof resolve_cases / sizeof *resolve_cases; i++) {
        char name[OPC_NAME_MAX];
        CHECK_CASE(i, opc_resolve(resolve_cases[i].base, resolve_cases[i].target, name));
        CHECK_CASE(i, strcmp(name, resolve_cases[i].name) == 0);
    }
    char longest[OPC_NAME_MAX * 2], name[OPC_NAME_MAX];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(opc_resolve("a/b", longest, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_in_every_honest_form_are_read),
        cmocka_unit_test(members_that_lie_are_told),
        cmocka_unit_test(large_members_are_read_in_steps_and_checked),
        cmocka_unit_test(the_limits_of_an_archive_hold),
        cmocka_unit_test(members_that_share_bytes_are_hostile),
        cmocka_unit_test(a_peek_sees_the_beginning_only),
        cmocka_unit_test(targets_are_seen_from_their_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
