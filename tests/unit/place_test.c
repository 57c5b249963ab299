#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "base/own.h"
#include "base/place.h"
#include "scratch.h"

/* A replacement of "doc" = "old" by "new", as far as a test wants it. */
struct attempt {
    struct scratch scratch;
    int file;
    struct place_version examined, made;
    struct place *place;
    struct err err;
};

static void begin(struct attempt *attempt)
{
    *attempt = (struct attempt){.scratch = scratch_open()};
    scratch_write(&attempt->scratch, "doc", "old");
    attempt->file = openat(attempt->scratch.folder, "doc", O_RDONLY | O_CLOEXEC);
    assert_true(place_version_of(attempt->file, &attempt->examined, &attempt->err));
    attempt->place = place_open(attempt->scratch.folder, "doc", attempt->file, &attempt->examined,
                                &attempt->err);
}

static void make_ready(struct attempt *attempt)
{
    assert_non_null(attempt->place);
    assert_true(io_write(place_output(attempt->place), "new!", 4));
    assert_true(place_ready(attempt->place, &attempt->made, &attempt->err));
}

static void end(struct attempt *attempt)
{
    place_close(attempt->place);
    close(attempt->file);
    scratch_close(&attempt->scratch);
}

static unsigned private_files(const struct scratch *scratch)
{
    unsigned count = 0;
    DIR *dir = opendir(scratch->path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += place_is_private(entry->d_name);
    if (dir)
        closedir(dir);
    return count;
}

TEST(new_bytes_take_the_place_and_nothing_else_stays)
{
    struct attempt attempt;
    char room[256];
    begin(&attempt);
    make_ready(&attempt);
    assert_true(place_exchange(attempt.place, &attempt.err));
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "new!");
    assert_int_equal(private_files(&attempt.scratch), 1);
    assert_true(place_settle(attempt.place, 1000, &attempt.err));
    assert_int_equal(private_files(&attempt.scratch), 0);
    end(&attempt);
}

TEST(mode_owner_and_attributes_come_along)
{
    struct attempt attempt;
    struct stat st;
    char value[16] = {0};
    begin(&attempt);
    fchmod(attempt.file, 0641);
    fsetxattr(attempt.file, "user.team", "blue", 4, 0);
    make_ready(&attempt);
    assert_true(place_exchange(attempt.place, &attempt.err));
    assert_true(place_settle(attempt.place, 1000, &attempt.err));
    own_fd int now = openat(attempt.scratch.folder, "doc", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(now, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0641);
    if (fgetxattr(now, "user.team", value, sizeof value) > 0)
        assert_string_equal(value, "blue");
    end(&attempt);
}

TEST(giving_up_leaves_nothing_behind)
{
    struct attempt attempt;
    char room[256];
    begin(&attempt);
    make_ready(&attempt);
    place_close(attempt.place);
    attempt.place = NULL;
    assert_int_equal(private_files(&attempt.scratch), 0);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "old");
    end(&attempt);
}

TEST(a_file_that_is_open_for_writing_is_busy)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    struct place_version version;
    scratch_write(&scratch, "doc", "old");
    own_fd int writer = openat(scratch.folder, "doc", O_WRONLY | O_CLOEXEC);
    own_fd int file = openat(scratch.folder, "doc", O_RDONLY | O_CLOEXEC);
    assert_true(place_version_of(file, &version, &err));
    assert_null(place_open(scratch.folder, "doc", file, &version, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    scratch_close(&scratch);
}

TEST(a_hard_linked_file_is_refused)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    struct place_version version;
    scratch_write(&scratch, "doc", "old");
    assert_int_equal(linkat(scratch.folder, "doc", scratch.folder, "other", 0), 0);
    own_fd int file = openat(scratch.folder, "doc", O_RDONLY | O_CLOEXEC);
    assert_true(place_version_of(file, &version, &err));
    assert_null(place_open(scratch.folder, "doc", file, &version, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.text, "2 hard links"));
    scratch_close(&scratch);
}

TEST(an_atomic_save_meanwhile_is_a_conflict_and_stays)
{
    struct attempt attempt;
    char room[256];
    begin(&attempt);
    make_ready(&attempt);
    scratch_write(&attempt.scratch, "save", "edit");
    renameat(attempt.scratch.folder, "save", attempt.scratch.folder, "doc");
    assert_false(place_exchange(attempt.place, &attempt.err));
    assert_int_equal(attempt.err.kind, ERR_CONFLICT);
    place_close(attempt.place);
    attempt.place = NULL;
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "edit");
    assert_int_equal(private_files(&attempt.scratch), 0);
    end(&attempt);
}

TEST(a_change_of_mode_meanwhile_is_a_conflict)
{
    struct attempt attempt;
    begin(&attempt);
    make_ready(&attempt);
    fchmod(attempt.file, 0600);
    assert_false(place_exchange(attempt.place, &attempt.err));
    assert_int_equal(attempt.err.kind, ERR_CONFLICT);
    end(&attempt);
}

TEST(an_edit_of_the_displaced_file_goes_back_in_place)
{
    struct attempt attempt;
    char room[256];
    begin(&attempt);
    make_ready(&attempt);
    assert_true(place_exchange(attempt.place, &attempt.err));
    own_fd int late =
        openat(attempt.scratch.folder, place_private_name(attempt.place), O_WRONLY | O_CLOEXEC);
    assert_true(io_write(late, "edited", 6));
    close(own_take_fd(&late));
    assert_false(place_settle(attempt.place, 1000, &attempt.err));
    assert_int_equal(attempt.err.kind, ERR_CONFLICT);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "edited");
    assert_int_equal(private_files(&attempt.scratch), 0);
    end(&attempt);
}

TEST(two_edits_at_once_are_both_kept)
{
    struct attempt attempt;
    char room[256], kept[300];
    begin(&attempt);
    make_ready(&attempt);
    assert_true(place_exchange(attempt.place, &attempt.err));
    own_fd int late =
        openat(attempt.scratch.folder, place_private_name(attempt.place), O_WRONLY | O_CLOEXEC);
    assert_true(io_write(late, "first", 5));
    close(own_take_fd(&late));
    scratch_write(&attempt.scratch, "doc", "second");
    assert_false(place_settle(attempt.place, 1000, &attempt.err));
    assert_int_equal(attempt.err.kind, ERR_CONFLICT);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "second");
    const char *name = strstr(attempt.err.text, "kept as ");
    assert_non_null(name);
    snprintf(kept, sizeof kept, "%s", name + strlen("kept as "));
    assert_string_equal(scratch_read(&attempt.scratch, kept, room), "first");
    end(&attempt);
}

/* Kill -9 at each step: a child does the first steps and dies; recovery must end in the old file
 * or the new one, whole, with nothing left beside it. */
enum { STEP_OPENED, STEP_READY, STEP_EXCHANGED, STEP_SETTLED, STEP_COUNT };

struct told {
    char private_name[64];
    struct place_version examined, made;
};

static void child_until(const struct scratch *scratch, int step, int tell)
{
    struct err err = {0};
    struct told told = {0};
    int file = openat(scratch->folder, "doc", O_RDONLY | O_CLOEXEC);
    struct place *place = NULL;
    if (place_version_of(file, &told.examined, &err))
        place = place_open(scratch->folder, "doc", file, &told.examined, &err);
    if (!place || !io_write(place_output(place), "new!", 4))
        _exit(1);
    if (step >= STEP_READY && !place_ready(place, &told.made, &err))
        _exit(1);
    snprintf(told.private_name, sizeof told.private_name, "%s", place_private_name(place));
    if (!io_write(tell, &told, sizeof told))
        _exit(1);
    if (step >= STEP_EXCHANGED && !place_exchange(place, &err))
        _exit(1);
    if (step >= STEP_SETTLED && !place_settle(place, 1000, &err))
        _exit(1);
    kill(getpid(), SIGKILL);
}

TEST(a_kill_at_any_step_is_recovered)
{
    for (int step = STEP_OPENED; step < STEP_COUNT; step++) {
        struct scratch scratch = scratch_open();
        struct told told;
        struct err err = {0};
        char room[256];
        int tell[2], status;
        bool placed = false;
        assert_int_equal(pipe(tell), 0);
        scratch_write(&scratch, "doc", "old");
        pid_t pid = fork();
        if (pid == 0)
            child_until(&scratch, step, tell[1]);
        assert_int_equal(io_read(tell[0], &told, sizeof told), (ssize_t)sizeof told);
        waitpid(pid, &status, 0);
        CHECK_CASE(step, WIFSIGNALED(status));
        CHECK_CASE(step, place_recover(scratch.folder, "doc", told.private_name, &told.examined,
                                       &told.made, &placed, &err));
        CHECK_CASE(step, placed == (step >= STEP_EXCHANGED));
        assert_string_equal(scratch_read(&scratch, "doc", room), placed ? "new!" : "old");
        assert_int_equal(private_files(&scratch), 0);
        close(tell[0]);
        close(tell[1]);
        scratch_close(&scratch);
    }
}

TEST(recovery_keeps_an_edit_that_came_after_the_kill)
{
    struct attempt attempt;
    struct err err = {0};
    char room[256];
    bool placed = true;
    begin(&attempt);
    make_ready(&attempt);
    assert_true(place_exchange(attempt.place, &attempt.err));
    scratch_write(&attempt.scratch, place_private_name(attempt.place), "edited late");
    assert_true(place_recover(attempt.scratch.folder, "doc", place_private_name(attempt.place),
                              &attempt.examined, &attempt.made, &placed, &err));
    assert_false(placed);
    assert_string_equal(scratch_read(&attempt.scratch, "doc", room), "edited late");
    end(&attempt);
}

TEST(private_names_are_told_from_others)
{
    assert_true(place_is_private(".labeld-0123456789abcdef.tmp"));
    assert_false(place_is_private(".labeld-0123456789abcdeg.tmp"));
    assert_false(place_is_private(".labeld-0123456789abcdef.tmp2"));
    assert_false(place_is_private("labeld-0123456789abcdef.tmp"));
    assert_false(place_is_private("report.docx"));
}

TEST(the_probe_tells_what_the_file_system_can)
{
    struct scratch scratch = scratch_open();
    struct place_abilities abilities;
    struct err err = {0};
    assert_true(place_probe(scratch.folder, &abilities, &err));
    assert_true(abilities.leases && abilities.exchange);
    assert_int_equal(private_files(&scratch), 0);
    scratch_close(&scratch);
}

int main(void)
{
    signal(SIGIO, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_bytes_take_the_place_and_nothing_else_stays),
        cmocka_unit_test(mode_owner_and_attributes_come_along),
        cmocka_unit_test(giving_up_leaves_nothing_behind),
        cmocka_unit_test(a_file_that_is_open_for_writing_is_busy),
        cmocka_unit_test(a_hard_linked_file_is_refused),
        cmocka_unit_test(an_atomic_save_meanwhile_is_a_conflict_and_stays),
        cmocka_unit_test(a_change_of_mode_meanwhile_is_a_conflict),
        cmocka_unit_test(an_edit_of_the_displaced_file_goes_back_in_place),
        cmocka_unit_test(two_edits_at_once_are_both_kept),
        cmocka_unit_test(a_kill_at_any_step_is_recovered),
        cmocka_unit_test(recovery_keeps_an_edit_that_came_after_the_kill),
        cmocka_unit_test(private_names_are_told_from_others),
        cmocka_unit_test(the_probe_tells_what_the_file_system_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
