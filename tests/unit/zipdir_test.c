#include "check.h"

#include "base/mem.h"
#include "zip_builder.h"
#include "zipdir.h"

static const char text[] = "the content of a member, the content of a member";

static struct zip_builder archive(void)
{
    static const struct zip_member members[] = {
        {.name = "a.txt", .bytes = text, .length = sizeof text - 1},
        {.name = "b/c.txt", .bytes = text, .length = sizeof text - 1, .descriptor = true},
        {.name = "b\\d.txt", .bytes = text, .length = sizeof text - 1, .stored = true},
        {.name = "/e.txt", .bytes = text, .length = sizeof text - 1, .zip64 = true},
    };
    struct zip_builder zip = zip_builder_new();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        zip_builder_add(&zip, &members[i]);
    return zip;
}

static enum zipdir_result open_bytes(struct zipdir *dir, const struct buf *bytes)
{
    return zipdir_open(dir, bytes->bytes, bytes->length, 100);
}

TEST(entries_lie_end_to_end_and_hold_what_was_put_in)
{
    for (unsigned form = 0; form < 4; form++) {
        own_zip struct zip_builder zip = zip_builder_new();
        if (form & 1)
            zip_builder_front(&zip, "front", 5);
        zip.zip64_end = form & 2;
        zip_builder_text(&zip, "first", text);
        zip_builder_text(&zip, "second", "");
        zip_builder_end(&zip);
        own_zipdir struct zipdir dir;
        assert_int_equal(open_bytes(&dir, &zip.out), ZIPDIR_OK);
        assert_int_equal(dir.count, 2);
        assert_int_equal(dir.base, form & 1 ? 5 : 0);
        assert_int_equal(dir.zip64, form & 2 ? 1 : 0);
        assert_int_equal(dir.entries[0].start, dir.base);
        assert_int_equal(dir.entries[0].end, dir.entries[1].start);
        assert_int_equal(dir.entries[1].end, dir.directory);
        own_buf struct buf out = buf_new(1000);
        assert_int_equal(zipdir_load(&dir, 0, &out), ZIPDIR_OK);
        assert_string_equal(buf_text(&out), text);
        assert_int_equal(zipdir_load(&dir, 1, &out), ZIPDIR_OK);
        assert_int_equal(out.length, 0);
    }
}

TEST(names_are_found_as_packages_want_it)
{
    static const struct {
        const char *name;
        size_t index;
    } cases[] = {
        {"a.txt", 0},      {"A.TXT", 0}, {"b/c.txt", 1},          {"B\\C.txt", 1},
        {"b/d.txt", 2},    {"e.txt", 3}, {"/e.txt", ZIPDIR_NONE}, {"a.tx", ZIPDIR_NONE},
        {"", ZIPDIR_NONE},
    };
    own_zip struct zip_builder zip = archive();
    zip_builder_text(&zip, "B/D.TXT", "again");
    zip_builder_end(&zip);
    own_zipdir struct zipdir dir;
    assert_int_equal(open_bytes(&dir, &zip.out), ZIPDIR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool duplicate;
        CHECK_CASE(i, zipdir_find(&dir, cases[i].name, &duplicate) == cases[i].index);
        CHECK_CASE(i, duplicate == (cases[i].index == 2));
        CHECK_CASE(i, zipdir_find(&dir, cases[i].name, NULL) == cases[i].index);
    }
}

/* One field of the archive changed: `at` counts from the end record, the first central record or
 * the first local header. */
enum whence { FROM_END, FROM_RECORD, FROM_LOCAL };

static const struct broken_case {
    const char *what;
    enum whence whence;
    int at;
    uint64_t value;
    int bytes;
    enum zipdir_result result;
} broken_cases[] = {
    {"no end record", FROM_END, 0, 0, 4, ZIPDIR_DAMAGED},
    {"another disk", FROM_END, 4, 1, 2, ZIPDIR_DAMAGED},
    {"the directory on another disk", FROM_END, 6, 1, 2, ZIPDIR_DAMAGED},
    {"entries on another disk", FROM_END, 8, 3, 2, ZIPDIR_DAMAGED},
    {"more entries than records", FROM_END, 8, 0x00050005, 4, ZIPDIR_DAMAGED},
    {"fewer entries than records", FROM_END, 8, 0x00030003, 4, ZIPDIR_DAMAGED},
    {"far too many entries", FROM_END, 8, 0xFFFFFFFF, 4, ZIPDIR_ENTRIES},
    {"a directory that is too long", FROM_END, 12, 0x7FFFFFFF, 4, ZIPDIR_DAMAGED},
    {"a directory that lies outside", FROM_END, 16, 0x7FFFFFFF, 4, ZIPDIR_DAMAGED},
    {"a comment longer than the file", FROM_END, 20, 1, 2, ZIPDIR_DAMAGED},
    {"no record", FROM_RECORD, 0, 0, 4, ZIPDIR_DAMAGED},
    {"a name over the end", FROM_RECORD, 28, 0xFFFF, 2, ZIPDIR_DAMAGED},
    {"an extra field over the end", FROM_RECORD, 30, 0xFFFF, 2, ZIPDIR_DAMAGED},
    {"an entry on another disk", FROM_RECORD, 34, 2, 2, ZIPDIR_DAMAGED},
    {"an offset behind the directory", FROM_RECORD, 42, 0x7FFFFFFF, 4, ZIPDIR_DAMAGED},
    {"an offset into another entry", FROM_RECORD, 42, 1, 4, ZIPDIR_DAMAGED},
    {"data over the next entry", FROM_RECORD, 20, 0x7FFFFFFF, 4, ZIPDIR_OVERLAP},
    {"no local header", FROM_LOCAL, 0, 0, 4, ZIPDIR_DAMAGED},
    {"a local name over the next entry", FROM_LOCAL, 26, 0xFFFF, 2, ZIPDIR_OVERLAP},
};

TEST(a_directory_that_does_not_add_up_is_refused)
{
    for (size_t i = 0; i < sizeof broken_cases / sizeof *broken_cases; i++) {
        const struct broken_case *row = &broken_cases[i];
        own_zip struct zip_builder zip = archive();
        zip_builder_end(&zip);
        size_t end = zip.out.length - 22;
        size_t at = row->whence == FROM_END      ? end
                    : row->whence == FROM_RECORD ? end - zip.directory.length
                                                 : 0;
        for (int k = 0; k < row->bytes; k++)
            zip.out.bytes[at + (size_t)(row->at + k)] = (char)(row->value >> (8 * k));
        own_zipdir struct zipdir dir;
        enum zipdir_result result = open_bytes(&dir, &zip.out);
        if (result != row->result || !dir.fault)
            fail_msg("%s: %d", row->what, (int)result);
    }
}

TEST(entries_that_share_bytes_overlap)
{
    own_zip struct zip_builder zip = archive();
    zip_builder_add(&zip, &(struct zip_member){.name = "again", .shares = "a.txt"});
    zip_builder_end(&zip);
    own_zipdir struct zipdir dir;
    assert_int_equal(open_bytes(&dir, &zip.out), ZIPDIR_OVERLAP);
}

TEST(a_cut_file_is_never_read_past_its_end)
{
    own_zip struct zip_builder zip = archive();
    zip_builder_end(&zip);
    for (size_t length = 0; length < zip.out.length; length++) {
        char *copy = mem_alloc(length + 1);
        memcpy(copy, zip.out.bytes, length);
        own_zipdir struct zipdir dir;
        CHECK_CASE(length, zipdir_open(&dir, copy, length, 100) != ZIPDIR_OK);
        mem_free(copy);
    }
}

static const struct load_case {
    const char *what;
    struct zip_member member;
    size_t max;
    enum zipdir_result result;
} load_cases[] = {
    {"honest", {.name = "x", .bytes = text, .length = 20}, 20, ZIPDIR_OK},
    {"too large", {.name = "x", .bytes = text, .length = 20}, 19, ZIPDIR_TOO_LARGE},
    {"larger than it says",
     {.name = "x", .bytes = text, .length = 20, .says_size = 10},
     20,
     ZIPDIR_DAMAGED},
    {"smaller than it says",
     {.name = "x", .bytes = text, .length = 20, .says_size = 30},
     30,
     ZIPDIR_DAMAGED},
    {"a wrong checksum",
     {.name = "x", .bytes = text, .length = 20, .wrong_crc = true},
     20,
     ZIPDIR_DAMAGED},
    {"another method",
     {.name = "x", .bytes = text, .length = 20, .method = 12},
     20,
     ZIPDIR_DAMAGED},
    {"no deflate at all",
     {.name = "x", .length = 20, .packed = "\377\377\377", .packed_length = 3},
     20,
     ZIPDIR_DAMAGED},
    {"stored with two sizes",
     {.name = "x", .bytes = text, .length = 20, .stored = true, .says_size = 19},
     20,
     ZIPDIR_DAMAGED},
};

TEST(a_member_is_read_whole_or_not_at_all)
{
    for (size_t i = 0; i < sizeof load_cases / sizeof *load_cases; i++) {
        const struct load_case *row = &load_cases[i];
        own_zip struct zip_builder zip = zip_builder_new();
        zip_builder_add(&zip, &row->member);
        zip_builder_end(&zip);
        own_zipdir struct zipdir dir;
        own_buf struct buf out = buf_new(row->max);
        assert_int_equal(open_bytes(&dir, &zip.out), ZIPDIR_OK);
        enum zipdir_result result = zipdir_load(&dir, 0, &out);
        if (result != row->result)
            fail_msg("%s: %d", row->what, (int)result);
    }
}

TEST(two_headers_that_disagree_are_refused)
{
    own_zip struct zip_builder zip = archive();
    zip_builder_end(&zip);
    zip.out.bytes[30] = 'z';
    own_zipdir struct zipdir dir;
    own_buf struct buf out = buf_new(1000);
    assert_int_equal(open_bytes(&dir, &zip.out), ZIPDIR_OK);
    assert_int_equal(zipdir_load(&dir, 0, &out), ZIPDIR_DAMAGED);
    assert_int_equal(zipdir_load(&dir, 1, &out), ZIPDIR_OK);
}

/* A record made by hand: fields, then extra fields. */
static void put_record(struct buf *out, uint32_t size, uint32_t packed, uint32_t offset,
                       const char *extra, size_t extra_length)
{
    zipdir_put(out, 0x02014b50, 4);
    zipdir_put(out, 0, 8);
    zipdir_put(out, 0, 8);
    zipdir_put(out, packed, 4);
    zipdir_put(out, size, 4);
    zipdir_put(out, 3, 2);
    zipdir_put(out, extra_length, 2);
    zipdir_put(out, 2, 2);
    zipdir_put(out, 0, 8);
    zipdir_put(out, offset, 4);
    buf_puts(out, "abc");
    buf_append(out, extra, extra_length);
    buf_puts(out, "!!");
}

#define STAMP "\x55\x54\x01\x00\x07"
#define WIDE                                                                                       \
    "\x01\x00\x10\x00"                                                                             \
    "\1\0\0\0\0\0\0\0"                                                                             \
    "\2\0\0\0\0\0\0\0"

TEST(a_record_gets_another_offset_and_nothing_else)
{
    static const struct {
        uint32_t size, packed, offset;
        const char *extra;
        size_t extra_length;
        uint64_t moved;
        const char *expected; /* extra fields */
        size_t expected_length;
    } cases[] = {
        {7, 8, 9, STAMP, 5, 1000, STAMP, 5},
        {UINT32_MAX, UINT32_MAX, 9, WIDE STAMP, 25, 1000, WIDE STAMP, 25},
        {7, 8, UINT32_MAX,
         "\1\0\x8\0"
         "\5\0\0\0\1\0\0\0" STAMP,
         17, 1000,
         "\1\0\x8\0"
         "\xE8\3\0\0\0\0\0\0" STAMP,
         17},
        {7, 8, 9, STAMP, 5, UINT64_C(0x123456789),
         STAMP "\1\0\x8\0"
               "\x89\x67\x45\x23\1\0\0\0",
         17},
        {UINT32_MAX, UINT32_MAX, 9, WIDE STAMP, 25, UINT64_C(0x123456789),
         "\1\0\x18\0"
         "\1\0\0\0\0\0\0\0"
         "\2\0\0\0\0\0\0\0"
         "\x89\x67\x45\x23\1\0\0\0" STAMP,
         33},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_buf struct buf record = buf_new(1000), made = buf_new(1000), expected = buf_new(1000);
        put_record(&record, cases[i].size, cases[i].packed, cases[i].offset, cases[i].extra,
                   cases[i].extra_length);
        const struct zipdir_entry entry = {.record = record.bytes,
                                           .name = record.bytes + 46,
                                           .name_length = 3,
                                           .record_length = (uint32_t)record.length,
                                           .size = cases[i].size == 7 ? 7 : 1,
                                           .packed_bytes = cases[i].size == 7 ? 8 : 2};
        bool wide = cases[i].offset == UINT32_MAX || cases[i].moved >= UINT32_MAX;
        assert_true(zipdir_put_record(&entry, cases[i].moved, &made));
        put_record(&expected, cases[i].size, cases[i].packed,
                   wide ? UINT32_MAX : (uint32_t)cases[i].moved, cases[i].expected,
                   cases[i].expected_length);
        CHECK_CASE(i, made.length == expected.length);
        CHECK_CASE(i, memcmp(made.bytes, expected.bytes, made.length) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_lie_end_to_end_and_hold_what_was_put_in),
        cmocka_unit_test(names_are_found_as_packages_want_it),
        cmocka_unit_test(a_directory_that_does_not_add_up_is_refused),
        cmocka_unit_test(entries_that_share_bytes_overlap),
        cmocka_unit_test(a_cut_file_is_never_read_past_its_end),
        cmocka_unit_test(a_member_is_read_whole_or_not_at_all),
        cmocka_unit_test(two_headers_that_disagree_are_refused),
        cmocka_unit_test(a_record_gets_another_offset_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
