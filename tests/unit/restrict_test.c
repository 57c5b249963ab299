#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "base/own.h"
#include "connect/grants.h"
#include "connect/localdir.h"
#include "scratch.h"

#include "acl_files.h"

static const struct limits limits = {.fetch_bytes = 1u << 20, .capture_bytes = 64u << 10};

/* The system calls that change sharing: number `nth` from now on fails, or is preceded by a change
 * of somebody else. (Linked with --wrap.) */
static struct meddle {
    unsigned calls, nth;
    int path_mode; /* -1 = fail; else somebody sets this mode just before */
    const char *path;
    bool after; /* ... or just behind it */
} meddle;

int __real_fchmod(int fd, mode_t mode);
int __real_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags);
int __real_fsync(int fd);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags);
int __wrap_fsync(int fd);

static bool fails(void)
{
    meddle.calls++;
    if (meddle.calls == meddle.nth && meddle.path_mode < 0) {
        errno = EIO;
        return true;
    }
    return false;
}

static void meddle_behind(void)
{
    if (meddle.calls == meddle.nth && meddle.after)
        assert_int_equal(chmod(meddle.path, (mode_t)meddle.path_mode), 0);
}

int __wrap_fchmod(int fd, mode_t mode)
{
    if (fails())
        return -1;
    int result = __real_fchmod(fd, mode);
    meddle_behind();
    return result;
}

int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
    if (fails())
        return -1;
    int result = __real_fsetxattr(fd, name, value, size, flags);
    meddle_behind();
    return result;
}

int __wrap_fsync(int fd)
{
    return fails() ? -1 : __real_fsync(fd);
}

/* A folder with one file, and a connection on it. */
struct world {
    struct scratch scratch;
    char path[80], public[80];
    struct connection *connection;
    struct arena arena;
    struct connect_stat stat;
    struct connect_exposure exposure;
    struct err err;
};

static void open_world(struct world *world, bool public)
{
    *world = (struct world){.scratch = scratch_open(), .arena = arena_new(4u << 20)};
    meddle = (struct meddle){.path_mode = -1};
    const char *root = world->scratch.path;
    const struct connect_settings settings = {.name = "team",
                                              .path = root,
                                              .memory_max = 1u << 20,
                                              .limits = &limits,
                                              .public_roots = &root,
                                              .public_root_count = public};
    assert_int_equal(chmod(root, 0755), 0);
    scratch_write(&world->scratch, "doc", "content");
    snprintf(world->path, sizeof world->path, "%s/doc", root);
    world->connection = localdir_connector.open(&settings, &world->err);
    assert_non_null(world->connection);
}

static void close_world(struct world *world)
{
    localdir_connector.close(world->connection);
    arena_fini(&world->arena);
    scratch_close(&world->scratch);
}

/* The mode, or the whole ACL, of the file. */
static void set(struct world *world, const char *acl)
{
    const struct grants grants = {.acl = acl_of(acl)};
    own_fd int fd = openat(world->scratch.folder, "doc", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && grants_write(fd, &grants, &world->err));
}

static bool is(struct world *world, const char *acl)
{
    struct grants now;
    const struct acl wanted = acl_of(acl);
    own_fd int fd = openat(world->scratch.folder, "doc", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && grants_read(fd, &now, &world->err));
    if (acl_same(&now.acl, &wanted))
        return true;
    print_message("wanted %s, is %s\n", acl, grants_text(&now, &world->arena));
    return false;
}

static void look(struct world *world)
{
    assert_true(localdir_connector.stat(world->connection, "doc", &world->arena, &world->stat,
                                        &world->err));
    assert_true(localdir_connector.exposure(world->connection, "doc", &world->arena,
                                            &world->exposure, &world->err));
}

static bool plan(struct world *world, const char *to, const char *remove,
                 struct connect_restriction *restriction)
{
    struct connect_wish wish = {.version = world->stat.version,
                                .grants = world->exposure.grants,
                                .remove = &remove,
                                .remove_count = remove != NULL};
    wish.bounded = to && facts_exposure_find(to, &wish.to);
    return localdir_connector.restrict_plan(world->connection, "doc", &wish, &world->arena,
                                            restriction, &world->err);
}

static bool take(struct world *world, const char *text)
{
    return localdir_connector.restrict_take(world->connection, "doc", world->stat.version, text,
                                            &world->err);
}

static bool give_back(struct world *world, const char *text, struct connect_restored *restored)
{
    return localdir_connector.unrestrict(world->connection, "doc", world->stat.version, text, false,
                                         &world->arena, restored, &world->err);
}

static bool done(struct world *world, const char *text)
{
    bool is_done = false;
    assert_true(localdir_connector.restrict_done(world->connection, "doc", world->stat.version,
                                                 text, &is_done, &world->err));
    return is_done;
}

static bool all_back(const struct connect_restored *restored)
{
    for (size_t i = 0; i < restored->count; i++)
        if (restored->parts[i].lost)
            return false;
    return restored->count > 0;
}

/* What each step leaves of each sharing. */
static const struct {
    const char *before, *to, *remove, *after;
    int step; /* exposure behind it, in a folder that others reach */
} cases[] = {
    {"u::rw- g::r-- o::r--", "organisation", NULL, NULL, FACTS_ORGANISATION},
    {"u::rw- g::r-- o::r--", "internal-people", NULL, "u::rw- g::r-- o::---",
     FACTS_INTERNAL_PEOPLE},
    {"u::rw- g::rw- o::rw-", "private", NULL, "u::rw- g::--- o::---", FACTS_PRIVATE},
    {"u::rwx g::r-x o::r-x", "private", NULL, "u::rwx g::--- o::---", FACTS_PRIVATE},
    {"u::r-- g::--- o::r--", "internal-people", NULL, "u::r-- g::--- o::---", FACTS_PRIVATE},
    {"u::rw- g::--- o::---", "private", NULL, NULL, FACTS_PRIVATE},
    {"u::rw- g::r-- o::---", "internal-people", NULL, NULL, FACTS_INTERNAL_PEOPLE},
    {"u::rw- g::r-- o::-wx", "internal-people", NULL, "u::rw- g::r-- o::---",
     FACTS_INTERNAL_PEOPLE},
    {"u::rw- u:70001:r-- g::r-- m::r-- o::r--", "internal-people", NULL,
     "u::rw- u:70001:r-- g::r-- m::r-- o::---", FACTS_INTERNAL_PEOPLE},
    {"u::rw- u:70001:rw- g::--- g:70050:r-- m::rw- o::r--", "private", NULL, "u::rw- g::--- o::---",
     FACTS_PRIVATE},
    {"u::rw- u:70001:rw- g::rwx m::--- o::---", "private", NULL, "u::rw- g::--- o::---",
     FACTS_PRIVATE},
    /* by name: an entry without rights stays, else they would have what others have */
    {"u::rw- u:70001:r-- g::r-- m::r-- o::r--", NULL, "uid:70001",
     "u::rw- u:70001:--- g::r-- m::r-- o::r--", FACTS_ORGANISATION},
    {"u::rw- u:70001:r-- u:70002:r-- g::--- m::r-- o::---", NULL, "uid:*1",
     "u::rw- u:70001:--- u:70002:r-- g::--- m::r-- o::---", FACTS_INTERNAL_PEOPLE},
    {"u::rw- g::--- g:70050:r-- m::r-- o::---", NULL, "GID:70050",
     "u::rw- g::--- g:70050:--- m::r-- o::---", FACTS_PRIVATE},
    {"u::rw- g::r-- o::r--", NULL, "organisation", "u::rw- g::r-- o::---", FACTS_INTERNAL_PEOPLE},
    {"u::rw- g::r-- o::r--", NULL, "*", "u::rw- g::--- o::---", FACTS_PRIVATE},
    {"u::rw- u:70001:r-- g::r-- m::r-- o::r--", "internal-people", "uid:70001",
     "u::rw- u:70001:--- g::r-- m::r-- o::---", FACTS_INTERNAL_PEOPLE},
    {"u::rw- g::r-- o::r--", NULL, "nobody-such", NULL, FACTS_ORGANISATION},
};

/* One row: planned (nothing is changed), taken, taken once more, given back, once more. */
static void run_case(struct world *world, size_t i)
{
    const char *after = cases[i].after ? cases[i].after : cases[i].before;
    struct connect_restriction restriction;
    struct connect_restored restored;
    set(world, cases[i].before);
    look(world);
    CHECK_CASE(i, plan(world, cases[i].to, cases[i].remove, &restriction));
    CHECK_CASE(i, is(world, cases[i].before) && restriction.nothing == !cases[i].after);
    CHECK_CASE(i, !done(world, restriction.text));
    CHECK_CASE(i, take(world, restriction.text) && is(world, after));
    CHECK_CASE(i, take(world, restriction.text) && is(world, after));
    CHECK_CASE(i, done(world, restriction.text) == (cases[i].after != NULL));
    look(world);
    CHECK_CASE(i, strcmp(world->exposure.grants, restriction.after) == 0);
    CHECK_CASE(i, (int)world->exposure.step == cases[i].step);
    CHECK_CASE(i, give_back(world, restriction.text, &restored) && is(world, cases[i].before));
    CHECK_CASE(i, all_back(&restored) == (cases[i].after != NULL));
    CHECK_CASE(i, give_back(world, restriction.text, &restored) && is(world, cases[i].before));
}

TEST(each_step_takes_what_is_wider_and_an_undo_gives_it_back)
{
    struct world world;
    open_world(&world, false);
    bool acl_works = acl_possible(world.scratch.folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (acl_works || !strstr(cases[i].before, "m::"))
            run_case(&world, i);
    close_world(&world);
}

/* All that the file has, with who reached it by `grants`. */
static const char *capture(struct world *world, const char *grants)
{
    const char *json = NULL;
    if (!localdir_connector.capture(world->connection, "doc", world->stat.version, grants,
                                    &world->arena, &json, &world->err))
        fail_msg("%s", world->err.text);
    return json;
}

/* Whatever the mode, the ACL and the step: what was planned is what is done, nobody has more than
 * before, nothing wider than the step is left, and what is captured by the grants from before is
 * what was captured before. */
TEST(what_is_planned_is_what_is_done)
{
    static const char *const steps[] = {"organisation", "internal-people", "private"};
    struct world world;
    open_world(&world, false);
    bool acl_works = acl_possible(world.scratch.folder);
    unsigned seed = 4711;
    for (size_t i = 0; i < 600; i++) {
        char acl[128], bits[6][4];
        enum facts_exposure to;
        for (size_t k = 0; k < 6; k++)
            for (size_t b = 0; b < 3; b++, bits[k][3] = '\0')
                bits[k][b] = rand_r(&seed) & 1 ? "rwx"[b] : '-';
        bits[0][0] = 'r';
        bool named = acl_works && rand_r(&seed) & 1;
        if (named)
            snprintf(acl, sizeof acl, "u::%s u:70001:%s g::%s g:70050:%s m::%s o::%s", bits[0],
                     bits[1], bits[2], bits[3], bits[4], bits[5]);
        else
            snprintf(acl, sizeof acl, "u::%s g::%s o::%s", bits[0], bits[2], bits[5]);
        own_arena struct arena arena = arena_new(1u << 20);
        struct world one = world;
        one.arena = arena;
        struct connect_restriction restriction;
        set(&one, acl);
        look(&one);
        enum facts_exposure was = one.exposure.step;
        assert_true(facts_exposure_find(steps[i % 3], &to));
        const char *before = capture(&one, one.exposure.grants);
        CHECK_CASE(i, plan(&one, steps[i % 3], NULL, &restriction) && take(&one, restriction.text));
        CHECK_CASE(i, strcmp(capture(&one, restriction.before), before) == 0);
        look(&one);
        CHECK_CASE(i, strcmp(one.exposure.grants, restriction.after) == 0);
        CHECK_CASE(i, one.exposure.step <= was && one.exposure.step <= to);
        struct connect_restored restored;
        CHECK_CASE(i, give_back(&one, restriction.text, &restored) && is(&one, acl));
        arena = one.arena;
    }
    close_world(&world);
}

TEST(set_id_bits_and_the_owner_s_rights_stay)
{
    struct world world;
    struct connect_restriction restriction;
    struct connect_restored restored;
    struct stat st;
    open_world(&world, false);
    assert_int_equal(chmod(world.path, 06755), 0);
    look(&world);
    assert_true(plan(&world, "private", NULL, &restriction) && take(&world, restriction.text));
    assert_true(stat(world.path, &st) == 0 && (st.st_mode & 07777) == 06700);
    assert_true(give_back(&world, restriction.text, &restored));
    assert_true(stat(world.path, &st) == 0 && (st.st_mode & 07777) == 06755);
    close_world(&world);
}

TEST(a_public_root_stays_and_is_told)
{
    struct world world;
    struct connect_restriction restriction;
    open_world(&world, true);
    set(&world, "u::rw- g::--- o::---");
    look(&world);
    assert_int_equal(world.exposure.step, FACTS_PUBLIC);
    assert_true(plan(&world, "internal-people", NULL, &restriction));
    assert_true(restriction.nothing && restriction.stays);
    assert_true(plan(&world, NULL, "Public", &restriction) && restriction.stays);
    assert_true(plan(&world, NULL, "anna", &restriction) && !restriction.stays);
    set(&world, "u::rw- g::--- o::r--");
    look(&world);
    assert_true(plan(&world, "internal-people", NULL, &restriction));
    assert_true(!restriction.nothing && restriction.stays);
    close_world(&world);
}

TEST(a_file_with_another_name_is_left_alone)
{
    struct world world;
    struct connect_restriction restriction;
    struct connect_restored restored;
    open_world(&world, false);
    set(&world, "u::rw- g::r-- o::r--");
    look(&world);
    assert_true(plan(&world, "private", NULL, &restriction));
    assert_int_equal(linkat(world.scratch.folder, "doc", world.scratch.folder, "other", 0), 0);
    assert_true(!take(&world, restriction.text) && world.err.kind == ERR_REFUSED);
    assert_true(!plan(&world, "private", NULL, &restriction) && world.err.kind == ERR_REFUSED);
    assert_true(is(&world, "u::rw- g::r-- o::r--"));
    unlinkat(world.scratch.folder, "other", 0);
    assert_true(plan(&world, "private", NULL, &restriction) && take(&world, restriction.text));
    assert_int_equal(linkat(world.scratch.folder, "doc", world.scratch.folder, "other", 0), 0);
    assert_true(!give_back(&world, restriction.text, &restored) && world.err.kind == ERR_REFUSED);
    assert_true(is(&world, "u::rw- g::--- o::---"));
    close_world(&world);
}

TEST(whoever_changes_the_file_or_its_sharing_in_between_wins)
{
    struct world world;
    struct connect_restriction restriction;
    open_world(&world, false);
    set(&world, "u::rw- g::r-- o::r--");
    look(&world);
    set(&world, "u::rw- g::rw- o::r--"); /* since it was read */
    assert_true(!plan(&world, "private", NULL, &restriction) && world.err.kind == ERR_CONFLICT);
    look(&world);
    assert_true(plan(&world, "private", NULL, &restriction));
    set(&world, "u::rw- g::--- o::r--"); /* since it was planned */
    assert_true(!take(&world, restriction.text) && world.err.kind == ERR_CONFLICT);
    assert_true(is(&world, "u::rw- g::--- o::r--"));
    look(&world);
    assert_true(plan(&world, "private", NULL, &restriction));
    meddle = (struct meddle){.nth = 1, .path = world.path, .path_mode = 0664, .after = true};
    assert_true(!take(&world, restriction.text) && world.err.kind == ERR_CONFLICT); /* behind it */
    assert_true(is(&world, "u::rw- g::rw- o::r--"));
    meddle = (struct meddle){.path_mode = -1};
    look(&world);
    assert_true(plan(&world, "private", NULL, &restriction));
    scratch_write(&world.scratch, "doc", "other content");
    assert_true(!take(&world, restriction.text) && world.err.kind == ERR_CONFLICT);
    assert_true(!plan(&world, "private", NULL, &restriction) && world.err.kind == ERR_CONFLICT);
    unlinkat(world.scratch.folder, "doc", 0);
    assert_int_equal(symlinkat("/etc/passwd", world.scratch.folder, "doc"), 0);
    assert_false(take(&world, restriction.text));
    assert_false(plan(&world, "private", NULL, &restriction));
    close_world(&world);
}

/* What came between the restriction and its undo. */
static const struct {
    const char *before, *to, *since, *after, *lost;
} undone[] = {
    {"u::rw- g::r-- o::r--", "private", "u::rw- g::rw- o::---", "u::rw- g::rw- o::r--", "group"},
    {"u::rw- g::r-- o::r--", "private", "u::rwx g::--- o::---", "u::rwx g::r-- o::r--", NULL},
    {"u::rw- g::r-- o::r--", "internal-people", "u::rw- g::--- o::---", "u::rw- g::--- o::r--",
     NULL},
    {"u::rw- g::r-- o::rw-", "internal-people", "u::rw- g::r-- o::r--", "u::rw- g::r-- o::r--",
     "others"},
    {"u::rw- u:70001:rw- g::r-- m::rw- o::---", "private",
     "u::rw- u:70002:r-- g::--- m::r-- o::---",
     "u::rw- u:70001:rw- u:70002:r-- g::r-- m::r-- o::---", "mask"},
    {"u::rw- u:70001:rw- g::--- m::rw- o::---", "private",
     "u::rw- u:70001:r-- g::--- m::r-- o::---", "u::rw- u:70001:r-- g::--- m::r-- o::---",
     "user uid:70001"},
};

TEST(an_undo_gives_back_only_what_is_as_it_was_left_and_tells_the_rest)
{
    struct world world;
    open_world(&world, false);
    bool acl_works = acl_possible(world.scratch.folder);
    for (size_t i = 0; i < sizeof undone / sizeof *undone; i++) {
        struct connect_restriction restriction;
        struct connect_restored restored;
        if (!acl_works && strstr(undone[i].before, "m::"))
            continue;
        set(&world, undone[i].before);
        look(&world);
        CHECK_CASE(i, plan(&world, undone[i].to, NULL, &restriction));
        CHECK_CASE(i, take(&world, restriction.text));
        set(&world, undone[i].since);
        CHECK_CASE(i, give_back(&world, restriction.text, &restored));
        CHECK_CASE(i, is(&world, undone[i].after));
        bool named = !undone[i].lost;
        for (size_t k = 0; k < restored.count; k++)
            named = named ||
                    (restored.parts[k].lost &&
                     strncmp(restored.parts[k].what, undone[i].lost, strlen(undone[i].lost)) == 0);
        CHECK_CASE(i, named && all_back(&restored) == !undone[i].lost);
    }
    close_world(&world);
}

TEST(an_undo_is_for_the_version_that_is_known)
{
    struct world world;
    struct connect_restriction restriction;
    struct connect_restored restored;
    open_world(&world, false);
    set(&world, "u::rw- g::r-- o::r--");
    look(&world);
    assert_true(plan(&world, "private", NULL, &restriction) && take(&world, restriction.text));
    scratch_write(&world.scratch, "doc", "something else by now");
    assert_true(!give_back(&world, restriction.text, &restored) && world.err.kind == ERR_CONFLICT);
    assert_true(is(&world, "u::rw- g::--- o::---"));
    if (geteuid() == 0) { /* and for the user and group that it belonged to */
        look(&world);
        assert_int_equal(chown(world.path, 70001, 70001), 0);
        assert_true(give_back(&world, restriction.text, &restored));
        assert_true(restored.count == 1 && restored.parts[0].lost);
        assert_true(is(&world, "u::rw- g::--- o::---"));
    }
    close_world(&world);
}

/* The nth call fails, for every n: the file is as before or as planned, and a second try ends. */
static void fail_each(struct world *world, const char *before, const char *after)
{
    bool more = true;
    for (unsigned nth = 1; more; nth++) {
        struct connect_restriction restriction;
        struct connect_restored restored;
        meddle = (struct meddle){.path_mode = -1};
        set(world, before);
        look(world);
        assert_true(plan(world, "private", NULL, &restriction));
        meddle = (struct meddle){.nth = nth, .path_mode = -1};
        more = !take(world, restriction.text);
        assert_true(!more || world->err.kind == ERR_IO);
        meddle.nth = 0;
        bool is_done = done(world, restriction.text);
        assert_true(is(world, is_done ? after : before));
        assert_true(take(world, restriction.text) && is(world, after));
        meddle = (struct meddle){.nth = nth, .path_mode = -1};
        bool back = give_back(world, restriction.text, &restored);
        assert_true(back == !more);
        meddle.nth = 0;
        assert_true(give_back(world, restriction.text, &restored) && is(world, before));
        assert_true(nth < 8);
    }
}

TEST(whatever_call_fails_it_is_all_or_nothing_and_the_next_try_ends)
{
    struct world world;
    open_world(&world, false);
    fail_each(&world, "u::rw- g::r-- o::r--", "u::rw- g::--- o::---");
    if (acl_possible(world.scratch.folder))
        fail_each(&world, "u::rw- u:70001:rw- g::r-- m::rw- o::r--", "u::rw- g::--- o::---");
    close_world(&world);
}

TEST(grants_are_text_and_back)
{
    static const char *const bad[] = {"",
                                      "0:0",
                                      "0:0 ",
                                      "0:0 u::rw-",
                                      "0:0 u::rw- g::r-- o::r-- ",
                                      "0:0 u::rw- g::r-- o::r--x",
                                      "0:0 u::rw- g::r-- o::r",
                                      "0:0 u::wr- g::r-- o::r--",
                                      "0:0 u::rw- u:1:r-- g::r-- o::r--",
                                      "0:0 u::rw- u:-1:r-- g::r-- m::r-- o::r--",
                                      "0:0 u::rw- u:4294967296:r-- g::r-- m::r-- o::r--",
                                      "0:0 x::rw- g::r-- o::r--",
                                      "0:0 u::rw- o::r-- g::r--",
                                      "-1:0 u::rw- g::r-- o::r--",
                                      "00000000000:0 u::rw- g::r-- o::r--"};
    own_arena struct arena arena = arena_new(1u << 20);
    struct grants grants = {.uid = 4294967294u, .gid = 7}, back;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_CASE(i, !grants_parse(bad[i], &back));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        grants.acl = acl_of(cases[i].before);
        const char *text = grants_text(&grants, &arena);
        CHECK_CASE(i, grants_parse(text, &back) && strcmp(grants_text(&back, &arena), text) == 0);
        CHECK_CASE(i, strncmp(text, "4294967294:7 ", 13) == 0);
    }
}

TEST(a_text_that_is_none_changes_nothing)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"before\":\"\",\"after\":\"\"}",
                                        "{\"before\":\"0:0 u::rw- g::r-- o::r--\"}",
                                        "{\"before\":1,\"after\":2}"};
    struct world world;
    struct connect_restored restored;
    open_world(&world, false);
    set(&world, "u::rw- g::r-- o::r--");
    look(&world);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool is_done;
        CHECK_CASE(i, !take(&world, texts[i]) && world.err.kind == ERR_CORRUPT);
        CHECK_CASE(i, !give_back(&world, texts[i], &restored) && world.err.kind == ERR_CORRUPT);
        CHECK_CASE(i, !localdir_connector.restrict_done(world.connection, "doc", world.stat.version,
                                                        texts[i], &is_done, &world.err));
    }
    assert_true(is(&world, "u::rw- g::r-- o::r--"));
    close_world(&world);
}

int main(void)
{
    umask(022);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_takes_what_is_wider_and_an_undo_gives_it_back),
        cmocka_unit_test(what_is_planned_is_what_is_done),
        cmocka_unit_test(set_id_bits_and_the_owner_s_rights_stay),
        cmocka_unit_test(a_public_root_stays_and_is_told),
        cmocka_unit_test(a_file_with_another_name_is_left_alone),
        cmocka_unit_test(whoever_changes_the_file_or_its_sharing_in_between_wins),
        cmocka_unit_test(an_undo_gives_back_only_what_is_as_it_was_left_and_tells_the_rest),
        cmocka_unit_test(an_undo_is_for_the_version_that_is_known),
        cmocka_unit_test(whatever_call_fails_it_is_all_or_nothing_and_the_next_try_ends),
        cmocka_unit_test(grants_are_text_and_back),
        cmocka_unit_test(a_text_that_is_none_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
