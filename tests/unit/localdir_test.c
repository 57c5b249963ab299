#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/xattr.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "localdir_world.h"

/* Names ---------------------------------------------------------------------------------------- */

TEST(temporary_and_lock_files_are_never_items)
{
    static const struct {
        const char *name;
        bool item;
    } cases[] = {
        {"report.docx", true},
        {"~$report.docx", false},
        {".~lock.report.odt#", false},
        {"report.docx~", false},
        {".report.swp", false},
        {"x.tmp", false},
        {"#1234", false},
        {"#notes", true},
        {".goutputstream-AB12", false},
        {"movie.part", false},
        {"parts", true},
        {"4913", false},
        {".labeld-0123456789abcdef.tmp", false},
        {"~WRD0001.tmp", false},
        {".hidden", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CASE(i, localdir_is_item_name(cases[i].name) == cases[i].item);
}

TEST(any_name_becomes_a_key_and_leads_back)
{
    static const char *const paths[] = {"a/b.txt",  "back\\slash", "caf\xc3\xa9", "latin\xe9.txt",
                                        "\xff\xfe", "new\nline",   "\\x41"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        own_arena struct arena arena = arena_new(1 << 16);
        const char *key = localdir_key(&arena, paths[i]);
        assert_non_null(key);
        const char *back = localdir_path(&arena, key);
        assert_non_null(back);
        assert_string_equal(back, paths[i]);
    }
    own_arena struct arena arena = arena_new(1 << 16);
    assert_null(localdir_path(&arena, "bad\\escape"));
    assert_null(localdir_path(&arena, "nul\\x00"));
}

/* Reading -------------------------------------------------------------------------------------- */

TEST(a_link_out_of_the_root_is_never_followed)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    assert_int_equal(symlinkat("/etc/passwd", scratch.folder, "link"), 0);
    assert_int_equal(symlinkat("/etc", scratch.folder, "folder"), 0);
    static const char *const keys[] = {"link", "folder/passwd", "../etc/passwd", "/etc/passwd"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        own_arena struct arena arena = arena_new(1 << 16);
        struct connect_copy copy;
        struct connect_stat stat;
        struct err err = {0};
        CHECK_CASE(i, !localdir_connector.fetch(connection, keys[i], &arena, &copy, &err));
        CHECK_CASE(i, !localdir_connector.stat(connection, keys[i], &arena, &stat, &err));
    }
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(a_fetch_is_a_sealed_copy_with_its_digest)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    own_arena struct arena arena = arena_new(1 << 16);
    struct connect_copy copy;
    struct err err = {0};
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180-4: SHA-256("abc") */
    scratch_write(&scratch, "a.txt", "abc");
    assert_true(localdir_connector.fetch(connection, "a.txt", &arena, &copy, &err));
    assert_int_equal(copy.stat.size, 3);
    assert_string_equal(copy.stat.path, "/a.txt");
    assert_memory_equal(copy.sha256, abc, sizeof abc);
    assert_int_equal(write(copy.fd, "x", 1), -1);
    close(copy.fd);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(a_file_over_the_limit_is_not_read)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    own_arena struct arena arena = arena_new(1 << 16);
    struct connect_copy copy;
    struct err err = {0};
    scratch_write(&scratch, "big", "x");
    own_fd int fd = openat(scratch.folder, "big", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 2 << 20), 0); /* sparse */
    assert_false(localdir_connector.fetch(connection, "big", &arena, &copy, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

/* Exposure ------------------------------------------------------------------------------------- */

TEST(exposure_follows_mode_bits_of_file_and_folders)
{
    static const struct {
        mode_t root, folder, file;
        enum facts_exposure step;
    } cases[] = {
        {0755, 0755, 0600, FACTS_PRIVATE},      {0755, 0755, 0640, FACTS_INTERNAL_PEOPLE},
        {0755, 0755, 0644, FACTS_ORGANISATION}, {0755, 0750, 0644, FACTS_INTERNAL_PEOPLE},
        {0750, 0755, 0604, FACTS_PRIVATE},      {0755, 0755, 0604, FACTS_ORGANISATION},
    };
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    mkdirat(scratch.folder, "sub", 0755);
    scratch_write(&scratch, "sub/a", "x");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_arena struct arena arena = arena_new(1 << 16);
        struct connect_exposure exposure;
        struct err err = {0};
        fchmod(scratch.folder, cases[i].root);
        assert_int_equal(fchmodat(scratch.folder, "sub", cases[i].folder, 0), 0);
        assert_int_equal(fchmodat(scratch.folder, "sub/a", cases[i].file, 0), 0);
        assert_true(localdir_connector.exposure(connection, "sub/a", &arena, &exposure, &err));
        CHECK_CASE(i, exposure.step == cases[i].step);
        CHECK_CASE(i, exposure.sharing_known);
    }
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(an_acl_entry_is_an_internal_person)
{
    /* version 2; owner rw, user 1 r, group none, mask r, others none */
    static const unsigned char acl[] = {2,   0,   0,   0,   1,   0,   6,  0,   255, 255, 255,
                                        255, 2,   0,   4,   0,   1,   0,  0,   0,   4,   0,
                                        0,   0,   255, 255, 255, 255, 16, 0,   4,   0,   255,
                                        255, 255, 255, 32,  0,   0,   0,  255, 255, 255, 255};
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    own_arena struct arena arena = arena_new(1 << 16);
    struct connect_exposure exposure;
    struct err err = {0};
    scratch_write(&scratch, "a", "x");
    own_fd int fd = openat(scratch.folder, "a", O_RDONLY | O_CLOEXEC);
    if (fsetxattr(fd, "system.posix_acl_access", acl, sizeof acl, 0) < 0)
        skip(); /* a file system without ACLs */
    assert_true(localdir_connector.exposure(connection, "a", &arena, &exposure, &err));
    assert_int_equal(exposure.step, FACTS_INTERNAL_PEOPLE);
    assert_int_equal(exposure.shared_with_count, 1);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

/* Walking -------------------------------------------------------------------------------------- */

struct seen {
    char text[2048];
    size_t stop_after, count;
    char cursor[256];
};

static bool see_item(void *context, const struct connect_stat *stat)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%s ", stat->key);
    snprintf(seen->cursor, sizeof seen->cursor, "%s", stat->key);
    return ++seen->count != seen->stop_after;
}

static void make_tree(const struct scratch *scratch)
{
    mkdirat(scratch->folder, "a", 0755);
    mkdirat(scratch->folder, "a/b", 0755);
    mkdirat(scratch->folder, "build", 0755);
    mkdirat(scratch->folder, "z", 0755);
    static const char *const files[] = {"a/1",     "a/b/2",   "a/b/~$x", "a-3",
                                        "build/o", "mid.iso", "z/4"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        scratch_write(scratch, files[i], "x");
}

TEST(a_walk_is_ordered_and_leaves_out_what_is_excluded)
{
    static const char *const exclude[] = {"/build/", "**/*.ISO"};
    struct scratch scratch = scratch_open();
    make_tree(&scratch);
    struct connection *connection = localdir_on(&scratch, exclude, 2);
    struct seen seen = {0};
    struct err err = {0};
    const struct connect_found found = {&seen, see_item, NULL};
    assert_true(localdir_connector.walk(connection, "", &found, &err));
    assert_string_equal(seen.text, "a/1 a/b/2 a-3 z/4 ");
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(a_walk_goes_on_behind_its_cursor_wherever_it_was_stopped)
{
    struct scratch scratch = scratch_open();
    make_tree(&scratch);
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    for (size_t stop = 1; stop <= 6; stop++) {
        struct seen first = {.stop_after = stop}, rest = {0};
        struct err err = {0};
        const struct connect_found found = {&first, see_item, NULL};
        assert_false(localdir_connector.walk(connection, "", &found, &err));
        assert_int_equal(err.kind, ERR_STOPPED);
        const struct connect_found again = {&rest, see_item, NULL};
        assert_true(localdir_connector.walk(connection, first.cursor, &again, &err));
        char both[4096];
        snprintf(both, sizeof both, "%s%s", first.text, rest.text);
        assert_string_equal(both, "a/1 a/b/2 a-3 build/o mid.iso z/4 ");
    }
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

/* Replacing ------------------------------------------------------------------------------------ */

static struct connect_replacing *begin_replace(struct connection *connection, const char *key,
                                               struct arena *arena, struct connect_copy *copy,
                                               struct err *err)
{
    int output;
    assert_true(localdir_connector.fetch(connection, key, arena, copy, err));
    struct connect_replacing *replacing =
        localdir_connector.replace_open(connection, copy, &output, err);
    if (replacing)
        assert_true(io_write(output, "labelled", 8));
    return replacing;
}

TEST(a_replaced_item_has_the_version_of_its_intent)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    own_arena struct arena arena = arena_new(1 << 16);
    struct connect_copy copy;
    struct connect_intent intent;
    struct connect_stat stat;
    struct err err = {0};
    bool placed;
    mkdirat(scratch.folder, "sub", 0755);
    scratch_write(&scratch, "sub/doc", "plain");
    struct connect_replacing *replacing = begin_replace(connection, "sub/doc", &arena, &copy, &err);
    assert_non_null(replacing);
    assert_true(localdir_connector.replace_ready(replacing, &arena, &intent, &err));
    assert_true(localdir_connector.replace_place(replacing, &err));
    assert_true(localdir_connector.stat(connection, "sub/doc", &arena, &stat, &err));
    assert_string_equal(stat.version, intent.new_version);
    assert_true(
        localdir_connector.replace_recover(connection, "sub/doc", intent.text, &placed, &err));
    assert_true(placed);
    localdir_connector.replace_close(replacing);
    close(copy.fd);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(content_that_is_not_what_was_examined_is_a_conflict_even_with_the_same_times)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    own_arena struct arena arena = arena_new(1 << 16);
    struct connect_copy copy;
    struct err err = {0};
    int output;
    struct stat st;
    scratch_write(&scratch, "doc", "plain");
    assert_true(localdir_connector.fetch(connection, "doc", &arena, &copy, &err));
    assert_int_equal(fstatat(scratch.folder, "doc", &st, 0), 0);
    scratch_write(&scratch, "doc", "edits");
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    utimensat(scratch.folder, "doc", times, 0);
    assert_null(localdir_connector.replace_open(connection, &copy, &output, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    close(copy.fd);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(a_broken_intent_is_refused)
{
    static const char *const texts[] = {
        "", "{}", "{\"private\":\"../x\",\"examined\":\"1:2:3:4\",\"made\":\"1:2:3:4\"}",
        "{\"private\":\".labeld-0123456789abcdef.tmp\",\"examined\":\"1:2\",\"made\":\"1:2:3:4\"}"};
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        bool placed;
        CHECK_CASE(i,
                   !localdir_connector.replace_recover(connection, "doc", texts[i], &placed, &err));
        CHECK_CASE(i, err.kind == ERR_CORRUPT);
    }
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

int main(void)
{
    signal(SIGIO, SIG_IGN);
    umask(022);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temporary_and_lock_files_are_never_items),
        cmocka_unit_test(any_name_becomes_a_key_and_leads_back),
        cmocka_unit_test(a_link_out_of_the_root_is_never_followed),
        cmocka_unit_test(a_fetch_is_a_sealed_copy_with_its_digest),
        cmocka_unit_test(a_file_over_the_limit_is_not_read),
        cmocka_unit_test(exposure_follows_mode_bits_of_file_and_folders),
        cmocka_unit_test(an_acl_entry_is_an_internal_person),
        cmocka_unit_test(a_walk_is_ordered_and_leaves_out_what_is_excluded),
        cmocka_unit_test(a_walk_goes_on_behind_its_cursor_wherever_it_was_stopped),
        cmocka_unit_test(a_replaced_item_has_the_version_of_its_intent),
        cmocka_unit_test(
            content_that_is_not_what_was_examined_is_a_conflict_even_with_the_same_times),
        cmocka_unit_test(a_broken_intent_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
