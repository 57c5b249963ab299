#include "check.h"

#include <fcntl.h>
#include <signal.h>

#include "base/own.h"
#include "base/removal.h"
#include "scratch.h"

/* Taking "doc" = "old" away, as far as a test wants it. */
struct attempt {
    struct scratch scratch;
    int file;
    struct place_version examined;
    struct removal *removal;
    char private_name[64];
    struct err err;
};

static void begin(struct attempt *attempt)
{
    *attempt = (struct attempt){.scratch = scratch_open()};
    scratch_write(&attempt->scratch, "doc", "old");
    attempt->file = openat(attempt->scratch.folder, "doc", O_RDONLY | O_CLOEXEC);
    assert_true(place_version_of(attempt->file, &attempt->examined, &attempt->err));
    attempt->removal = removal_open(attempt->scratch.folder, "doc", attempt->file,
                                    &attempt->examined, &attempt->err);
    assert_non_null(attempt->removal);
    snprintf(attempt->private_name, sizeof attempt->private_name, "%s",
             removal_private_name(attempt->removal));
}

static void take(struct attempt *attempt)
{
    assert_true(removal_take(attempt->removal, &attempt->err));
    removal_close(attempt->removal);
    attempt->removal = NULL;
    close(own_take_fd(&attempt->file));
}

static bool is_old(void *context, int file, struct err *err)
{
    char bytes[8] = {0};
    (void)context;
    (void)err;
    return pread(file, bytes, sizeof bytes, 0) == 3 && memcmp(bytes, "old", 3) == 0;
}

static bool cannot_be_read(void *context, int file, struct err *err)
{
    (void)context;
    (void)file;
    return err_set(err, ERR_IO, "no bytes");
}

static bool settle(struct attempt *attempt, enum removal_end *end)
{
    const struct removal_check check = {is_old, NULL};
    attempt->err = (struct err){0};
    return removal_settle(attempt->scratch.folder, "doc", attempt->private_name, &attempt->examined,
                          &check, end, &attempt->err);
}

static bool is_there(const struct attempt *attempt, const char *name)
{
    return faccessat(attempt->scratch.folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void end(struct attempt *attempt)
{
    removal_close(attempt->removal);
    if (attempt->file >= 0)
        close(attempt->file);
    scratch_close(&attempt->scratch);
}

TEST(a_file_is_taken_from_its_name_and_then_unlinked)
{
    struct attempt attempt;
    enum removal_end how;
    begin(&attempt);
    take(&attempt);
    assert_false(is_there(&attempt, "doc"));
    assert_true(is_there(&attempt, attempt.private_name));
    assert_true(settle(&attempt, &how));
    assert_int_equal(how, REMOVAL_DONE);
    assert_false(is_there(&attempt, attempt.private_name));
    assert_true(settle(&attempt, &how)); /* a replay finds the same */
    assert_int_equal(how, REMOVAL_DONE);
    end(&attempt);
}

TEST(what_was_never_taken_is_told_so)
{
    struct attempt attempt;
    enum removal_end how;
    begin(&attempt);
    removal_close(attempt.removal);
    attempt.removal = NULL;
    assert_true(settle(&attempt, &how));
    assert_int_equal(how, REMOVAL_NOT_MADE);
    assert_true(is_there(&attempt, "doc"));
    end(&attempt);
}

TEST(an_edit_of_the_taken_file_gets_its_name_back)
{
    struct attempt attempt;
    enum removal_end how;
    char room[256];
    begin(&attempt);
    take(&attempt);
    scratch_write(&attempt.scratch, attempt.private_name, "edit");
    assert_true(settle(&attempt, &how));
    assert_int_equal(how, REMOVAL_UNDONE);
    assert_int_equal(attempt.err.kind, ERR_CONFLICT);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "edit");
    end(&attempt);
}

TEST(an_edit_that_kept_size_and_time_is_seen_by_its_bytes)
{
    struct attempt attempt;
    enum removal_end how;
    char room[256];
    begin(&attempt);
    take(&attempt);
    struct stat st;
    assert_int_equal(fstatat(attempt.scratch.folder, attempt.private_name, &st, 0), 0);
    scratch_write(&attempt.scratch, attempt.private_name, "new");
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(attempt.scratch.folder, attempt.private_name, times, 0), 0);
    assert_true(settle(&attempt, &how));
    assert_int_equal(how, REMOVAL_UNDONE);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "new");
    end(&attempt);
}

TEST(two_edits_at_once_are_both_kept)
{
    struct attempt attempt;
    enum removal_end how;
    char room[256], kept[128];
    begin(&attempt);
    take(&attempt);
    scratch_write(&attempt.scratch, attempt.private_name, "edit");
    scratch_write(&attempt.scratch, "doc", "newer");
    assert_true(settle(&attempt, &how));
    assert_int_equal(how, REMOVAL_UNDONE);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "newer");
    snprintf(kept, sizeof kept, "doc.labeld-kept-%.16s", attempt.private_name + 8);
    assert_string_equal(scratch_read(&attempt.scratch, kept, room), "edit");
    end(&attempt);
}

TEST(a_save_before_the_taking_is_a_conflict_and_stays)
{
    struct attempt attempt;
    char room[256];
    begin(&attempt);
    scratch_write(&attempt.scratch, "save", "edit");
    renameat(attempt.scratch.folder, "save", attempt.scratch.folder, "doc");
    assert_false(removal_take(attempt.removal, &attempt.err));
    assert_int_equal(attempt.err.kind, ERR_CONFLICT);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "edit");
    assert_false(is_there(&attempt, attempt.private_name));
    end(&attempt);
}

TEST(a_new_file_of_the_name_does_not_stop_the_unlinking)
{
    struct attempt attempt;
    enum removal_end how;
    char room[256];
    begin(&attempt);
    take(&attempt);
    scratch_write(&attempt.scratch, "doc", "another");
    assert_true(settle(&attempt, &how));
    assert_int_equal(how, REMOVAL_DONE);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "another");
    assert_false(is_there(&attempt, attempt.private_name));
    end(&attempt);
}

TEST(what_cannot_be_compared_is_not_unlinked)
{
    struct attempt attempt;
    enum removal_end how;
    begin(&attempt);
    take(&attempt);
    const struct removal_check check = {cannot_be_read, NULL};
    assert_false(removal_settle(attempt.scratch.folder, "doc", attempt.private_name,
                                &attempt.examined, &check, &how, &attempt.err));
    assert_int_equal(attempt.err.kind, ERR_IO);
    assert_true(is_there(&attempt, attempt.private_name));
    end(&attempt);
}

TEST(a_writer_makes_it_wait)
{
    struct attempt attempt;
    enum removal_end how;
    begin(&attempt);
    take(&attempt);
    own_fd int writer = openat(attempt.scratch.folder, attempt.private_name, O_RDWR | O_CLOEXEC);
    assert_false(settle(&attempt, &how));
    assert_int_equal(attempt.err.kind, ERR_BUSY);
    assert_true(is_there(&attempt, attempt.private_name));
    close(own_take_fd(&writer));
    assert_true(settle(&attempt, &how));
    assert_int_equal(how, REMOVAL_DONE);
    end(&attempt);
}

TEST(hard_links_and_writers_are_refused_at_the_beginning)
{
    struct scratch scratch = scratch_open();
    struct place_version version;
    struct err err = {0};
    scratch_write(&scratch, "doc", "old");
    own_fd int file = openat(scratch.folder, "doc", O_RDONLY | O_CLOEXEC);
    assert_true(place_version_of(file, &version, &err));
    own_fd int writer = openat(scratch.folder, "doc", O_WRONLY | O_CLOEXEC);
    assert_null(removal_open(scratch.folder, "doc", file, &version, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    close(own_take_fd(&writer));
    err = (struct err){0};
    assert_int_equal(linkat(scratch.folder, "doc", scratch.folder, "other", 0), 0);
    assert_null(removal_open(scratch.folder, "doc", file, &version, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    scratch_close(&scratch);
}

int main(void)
{
    signal(SIGIO, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_taken_from_its_name_and_then_unlinked),
        cmocka_unit_test(what_was_never_taken_is_told_so),
        cmocka_unit_test(an_edit_of_the_taken_file_gets_its_name_back),
        cmocka_unit_test(an_edit_that_kept_size_and_time_is_seen_by_its_bytes),
        cmocka_unit_test(two_edits_at_once_are_both_kept),
        cmocka_unit_test(a_save_before_the_taking_is_a_conflict_and_stays),
        cmocka_unit_test(a_new_file_of_the_name_does_not_stop_the_unlinking),
        cmocka_unit_test(what_cannot_be_compared_is_not_unlinked),
        cmocka_unit_test(a_writer_makes_it_wait),
        cmocka_unit_test(hard_links_and_writers_are_refused_at_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
