/* The changes that a folder tells. */
#include "check.h"

#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "localdir_world.h"

struct watching {
    struct connection *connection;
    int stop[2];
    pthread_t thread;
    pthread_mutex_t lock;
    char text[65536];
    unsigned count;
    bool held; /* changes are not taken until this is false */
};

static void see_change(void *context, const struct connect_change *change)
{
    static const char *const words[] = {"changed", "gone", "moved", "overflow"};
    struct watching *watching = context;
    pthread_mutex_lock(&watching->lock);
    while (watching->held) {
        pthread_mutex_unlock(&watching->lock);
        clock_sleep_us(1000);
        pthread_mutex_lock(&watching->lock);
    }
    size_t used = strlen(watching->text);
    snprintf(watching->text + used, sizeof watching->text - used, "%s:%s%s%s ",
             words[change->event], change->key ? change->key : "", change->old_key ? "<" : "",
             change->old_key ? change->old_key : "");
    watching->count++;
    pthread_mutex_unlock(&watching->lock);
}

static void *watch(void *argument)
{
    struct watching *watching = argument;
    struct err err = {0};
    const struct connect_changes changes = {watching, see_change};
    localdir_connector.watch(watching->connection, &changes, watching->stop[0], &err);
    return NULL;
}

static void watch_start(struct watching *watching, struct connection *connection)
{
    *watching = (struct watching){.connection = connection, .lock = PTHREAD_MUTEX_INITIALIZER};
    assert_int_equal(pipe(watching->stop), 0);
    assert_int_equal(pthread_create(&watching->thread, NULL, watch, watching), 0);
    clock_sleep_us(150000);
}

/* Wait, bounded, until all words have been seen. */
static bool wait_for(struct watching *watching, const char *wanted)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&watching->lock);
        bool there = strstr(watching->text, wanted) != NULL;
        pthread_mutex_unlock(&watching->lock);
        if (there)
            return true;
        clock_sleep_us(20000);
    }
    print_error("wanted \"%s\", saw: %s\n", wanted, watching->text);
    return false;
}

static void watch_end(struct watching *watching)
{
    (void)!write(watching->stop[1], "x", 1);
    pthread_join(watching->thread, NULL);
    close(watching->stop[0]);
    close(watching->stop[1]);
}

TEST(changes_are_told_as_they_come)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    static struct watching watching;
    scratch_write(&scratch, "old", "x");
    watch_start(&watching, connection);
    scratch_write(&scratch, "new.txt", "x");
    assert_true(wait_for(&watching, "changed:new.txt "));
    renameat(scratch.folder, "old", scratch.folder, "moved");
    assert_true(wait_for(&watching, "moved:moved<old "));
    scratch_write(&scratch, "save.tmp", "y");
    renameat(scratch.folder, "save.tmp", scratch.folder, "doc");
    assert_true(wait_for(&watching, "changed:doc "));
    unlinkat(scratch.folder, "doc", 0);
    assert_true(wait_for(&watching, "gone:doc "));
    assert_int_equal(fchmodat(scratch.folder, "moved", 0600, 0), 0);
    assert_true(wait_for(&watching, "changed:moved "));
    assert_null(strstr(watching.text, "tmp"));
    watch_end(&watching);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(files_in_folders_that_are_just_being_made_are_not_missed)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    static struct watching watching;
    watch_start(&watching, connection);
    for (int i = 0; i < 20; i++) {
        char path[64], wanted[80];
        snprintf(path, sizeof path, "d%d", i);
        mkdirat(scratch.folder, path, 0755);
        snprintf(path, sizeof path, "d%d/e", i);
        mkdirat(scratch.folder, path, 0755);
        snprintf(path, sizeof path, "d%d/e/f", i);
        scratch_write(&scratch, path, "x");
        snprintf(wanted, sizeof wanted, "changed:%s ", path);
        assert_true(wait_for(&watching, wanted));
    }
    renameat(scratch.folder, "d3", scratch.folder, "r3");
    assert_true(wait_for(&watching, "moved:r3/e/f<d3/e/f "));
    scratch_write(&scratch, "r3/e/g", "x");
    assert_true(wait_for(&watching, "changed:r3/e/g "));
    watch_end(&watching);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(a_thousand_saves_of_one_file_are_few_changes)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    static struct watching watching;
    watch_start(&watching, connection);
    for (int i = 0; i < 1000; i++)
        scratch_write(&scratch, "busy", "x");
    assert_true(wait_for(&watching, "changed:busy "));
    clock_sleep_us(200000);
    assert_true(watching.count < 500);
    watch_end(&watching);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

static void hold(struct watching *watching, bool held)
{
    pthread_mutex_lock(&watching->lock);
    watching->held = held;
    pthread_mutex_unlock(&watching->lock);
}

/* How many events the kernel keeps for one inotify instance. */
static int queue_length(void)
{
    int length = 0;
    own_file FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    assert_true(file && fscanf(file, "%d", &length) == 1 && length > 0);
    return length;
}

TEST(events_that_the_kernel_dropped_ask_for_a_walk)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    static struct watching watching;
    watch_start(&watching, connection);
    hold(&watching, true);
    scratch_write(&scratch, "first", "x");
    clock_sleep_us(100000); /* the watch is inside of its callback now, or will be */
    for (int i = queue_length(); i > -1000; i -= 2) {
        scratch_write(&scratch, "a", "x");
        scratch_write(&scratch, "b", "x");
    }
    mkdirat(scratch.folder, "late", 0755);
    hold(&watching, false);
    assert_true(wait_for(&watching, "overflow: "));
    scratch_write(&scratch, "late/c", "x"); /* a folder whose making was dropped is watched */
    assert_true(wait_for(&watching, "changed:late/c "));
    watch_end(&watching);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(a_folder_that_is_not_there_is_waited_for)
{
    struct scratch scratch = scratch_open();
    own_arena struct arena arena = arena_new(1 << 16);
    struct connect_stat stat;
    struct err err = {0};
    const char *notes;
    char path[80];
    const struct connect_found found = {0};
    static struct watching watching;
    snprintf(path, sizeof path, "%s/mounted", scratch.path);
    const struct connect_settings settings = {
        .name = "team", .path = path, .limits = &localdir_world_limits};
    struct connection *connection = localdir_connector.open(&settings, &err);
    assert_non_null(connection);
    assert_int_equal(localdir_connector.caps(connection, &arena, &notes) & CONNECT_REPLACE, 0);
    assert_non_null(strstr(notes, "waiting for the folder"));
    assert_false(localdir_connector.stat(connection, "a", &arena, &stat, &err));
    assert_int_equal(err.kind, ERR_BUSY); /* not gone */
    assert_false(localdir_connector.walk(connection, "", &found, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    watch_start(&watching, connection);
    mkdirat(scratch.folder, "mounted", 0755);
    scratch_write(&scratch, "mounted/a", "x");
    assert_true(wait_for(&watching, "overflow: "));
    assert_true(localdir_connector.stat(connection, "a", &arena, &stat, &err));
    localdir_connector.caps(connection, &arena, &notes);
    assert_null(strstr(notes, "waiting"));
    watch_end(&watching);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(what_is_written_and_not_closed_is_told_when_it_is_quiet)
{
    struct scratch scratch = scratch_open();
    struct connection *connection = localdir_on(&scratch, NULL, 0);
    static struct watching watching;
    watch_start(&watching, connection);
    own_fd int fd = openat(scratch.folder, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(io_write(fd, "x", 1));
    assert_true(wait_for(&watching, "changed:log "));
    watch_end(&watching);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

int main(void)
{
    signal(SIGIO, SIG_IGN);
    umask(022);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told_as_they_come),
        cmocka_unit_test(files_in_folders_that_are_just_being_made_are_not_missed),
        cmocka_unit_test(a_thousand_saves_of_one_file_are_few_changes),
        cmocka_unit_test(events_that_the_kernel_dropped_ask_for_a_walk),
        cmocka_unit_test(a_folder_that_is_not_there_is_waited_for),
        cmocka_unit_test(what_is_written_and_not_closed_is_told_when_it_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
