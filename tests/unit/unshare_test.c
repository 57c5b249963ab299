#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "check.h"
#include "jobs/job.h"
#include "jobs/recover.h"
#include "jobs/visit.h"
#include "store/audit.h"

/* One visit that takes sharing away, and one that gives it back, with a fault at every place:
 * whatever fails or is killed, what is run afterwards ends as if nothing had happened, on record
 * once. */

static const char rules_text[] = "rules:\n"
                                 "  - name: Closed\n"
                                 "    when: { exposure: { at_least: organisation } }\n"
                                 "    then: { unshare: { to: private } }\n"
                                 "    mode: enforce\n";

static const int64_t far_us = 4000000000LL * 1000000;

enum { runs_most = 12, faults_most = 60, open_mode = 0644, closed_mode = 0600 };

enum moment { NEVER, PLANNED, TAKEN, UNDO_ASKED, GIVEN_BACK, MOMENT_COUNT };

/* The connector around the real one: call number `fail_at` fails, or the process dies. */
static struct fault {
    unsigned calls, fail_at;
    enum err_kind kind;
    enum moment die;
} fault;

static struct parser *parser;

struct world {
    char folder[64], files[80], state[80], file[120];
    struct limits limits;
    struct policy *policy;
    struct visit_world visits;
    struct visit_link link;
    struct arena arena;
};

static void die_at(enum moment moment)
{
    if (fault.die == moment)
        kill(getpid(), SIGKILL);
}

static const struct connector *real(void)
{
    return connect_find("directory");
}

static bool fails(struct err *err)
{
    return ++fault.calls == fault.fail_at && !err_set(err, fault.kind, "a test lets this fail");
}

static bool fault_exposure(struct connection *connection, const char *key, struct arena *arena,
                           struct connect_exposure *exposure, struct err *err)
{
    return !fails(err) && real()->exposure(connection, key, arena, exposure, err);
}

static bool fault_plan(struct connection *connection, const char *key,
                       const struct connect_wish *wish, struct arena *arena,
                       struct connect_restriction *restriction, struct err *err)
{
    return !fails(err) && real()->restrict_plan(connection, key, wish, arena, restriction, err);
}

/* Fails before or after the real one has done its work: an answer that got lost. */
static bool fault_take(struct connection *connection, const char *key, const char *version,
                       const char *text, struct err *err)
{
    die_at(PLANNED);
    if (fails(err))
        return false;
    bool ok = real()->restrict_take(connection, key, version, text, err);
    die_at(TAKEN);
    return ok && !fails(err);
}

static bool fault_done(struct connection *connection, const char *key, const char *version,
                       const char *text, bool *done, struct err *err)
{
    return !fails(err) && real()->restrict_done(connection, key, version, text, done, err);
}

static bool fault_unrestrict(struct connection *connection, const char *key, const char *version,
                             const char *text, bool look, struct arena *arena,
                             struct connect_restored *restored, struct err *err)
{
    die_at(UNDO_ASKED);
    if (fails(err))
        return false;
    bool ok = real()->unrestrict(connection, key, version, text, look, arena, restored, err);
    die_at(GIVEN_BACK);
    return ok && !fails(err);
}

static const struct policy *hold(void *context)
{
    return ((struct world *)context)->policy;
}

static void drop(void *context, const struct policy *policy)
{
    assert_ptr_equal(((struct world *)context)->policy, policy);
}

static void open_link(struct world *world)
{
    static struct connector faulty;
    struct err err = {0};
    const struct connect_settings settings = {
        .name = "team", .path = world->files, .memory_max = 8 << 20, .limits = &world->limits};
    faulty = *real();
    faulty.exposure = fault_exposure;
    faulty.restrict_plan = fault_plan;
    faulty.restrict_take = fault_take;
    faulty.restrict_done = fault_done;
    faulty.unrestrict = fault_unrestrict;
    world->link = (struct visit_link){.name = "team", .connector = &faulty};
    world->link.connection = faulty.open(&settings, &err);
    assert_non_null(world->link.connection);
    world->link.caps = faulty.caps(world->link.connection, &world->arena, &world->link.notes);
}

static void make_folders(struct world *world)
{
    *world = (struct world){.limits = limits_default()};
    fault = (struct fault){0};
    snprintf(world->folder, sizeof world->folder, "/tmp/labeld-unshare-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->files, sizeof world->files, "%s/files", world->folder);
    snprintf(world->state, sizeof world->state, "%s/state", world->folder);
    snprintf(world->file, sizeof world->file, "%s/a.txt", world->files);
    assert_true(mkdir(world->files, 0755) == 0 && mkdir(world->state, 0700) == 0);
    assert_int_equal(chmod(world->files, 0755), 0);
}

static void open_world(struct world *world)
{
    struct err err = {0};
    struct policy_problems problems = {0};
    const struct policy_world known = {0};
    world->arena = arena_new(16u << 20);
    world->policy = policy_parse("rules.yaml", rules_text, sizeof rules_text - 1, &known,
                                 &world->arena, &problems, &err);
    assert_non_null(world->policy);
    world->visits = (struct visit_world){.store = store_open(world->state, &err),
                                         .parser = parser,
                                         .limits = &world->limits,
                                         .policy = hold,
                                         .policy_done = drop,
                                         .policy_context = world};
    assert_non_null(world->visits.store);
    open_link(world);
}

static void close_world(struct world *world)
{
    store_close(world->visits.store);
    world->link.connector->close(world->link.connection);
    policy_free(world->policy);
    arena_fini(&world->arena);
}

static void remove_folders(const struct world *world)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/rm", "rm", "-rf", world->folder, (char *)NULL);
        _exit(1);
    }
    waitpid(child, &status, 0);
}

/* Another content each time, so that each round is a new version. */
static void put_file(const struct world *world)
{
    static unsigned round;
    FILE *file = fopen(world->file, "w");
    assert_non_null(file);
    fprintf(file, "round %u of %d\n", ++round, getpid());
    fclose(file);
    assert_int_equal(chmod(world->file, open_mode), 0);
}

static mode_t mode_of(const struct world *world)
{
    struct stat st;
    assert_int_equal(stat(world->file, &st), 0);
    return st.st_mode & 07777;
}

struct claim {
    struct arena *arena;
    struct queue_job job;
    bool found;
};

static bool add_job(struct db *db, void *context, struct err *err)
{
    (void)context;
    struct queue_job job = {.kind = QUEUE_VISIT, .connection = "team", .key = "a.txt"};
    return queue_add(db, &job, err);
}

static bool claim_job(struct db *db, void *context, struct err *err)
{
    struct claim *claim = context;
    return job_claim(db, far_us, 2, claim->arena, &claim->job, &claim->found, err);
}

static void ask(struct world *world)
{
    struct err err = {0};
    const struct store_unit unit = {add_job, NULL};
    assert_true(store_write(world->visits.store, STORE_COMMITTED, unit, &err));
}

struct look {
    struct arena *arena;
    struct item item;
    struct restriction last, open;
    bool found, has_last, has_open;
    const char *history;
};

static bool read_all(struct db *db, void *context, struct err *err)
{
    struct look *look = context;
    return item_find(db, "team", "a.txt", look->arena, &look->item, &look->found, err) &&
           restriction_last(db, look->item.id, look->arena, &look->last, &look->has_last, err) &&
           restriction_next_open(db, 0, look->arena, &look->open, &look->has_open, err) &&
           audit_history(db, look->item.id, 500, look->arena, &look->history, err);
}

static struct look look_at(struct world *world)
{
    struct err err = {0};
    struct look look = {.arena = &world->arena};
    const struct store_unit unit = {read_all, &look};
    if (!store_write(world->visits.store, STORE_COMMITTED, unit, &err))
        fail_msg("%s", err.text);
    return look;
}

static size_t count(const struct look *look, const char *event)
{
    char text[64];
    size_t found = 0;
    snprintf(text, sizeof text, "\"event\":\"%s\"", event);
    for (const char *at = look->history; (at = strstr(at, text)); at++)
        found++;
    return found;
}

/* As the API does it. */
static bool ask_undo(struct db *db, void *context, struct err *err)
{
    struct restriction last = ((const struct look *)context)->last;
    last.state = RESTRICTION_UNDOING;
    last.asked_by = "anna";
    last.asked_why = "needed";
    return restriction_save(db, &last, RESTRICTION_DONE, err) && add_job(db, NULL, err);
}

static void undo(struct world *world)
{
    struct err err = {0};
    struct look look = look_at(world);
    const struct store_unit unit = {ask_undo, &look};
    assert_true(look.has_last);
    if (!store_write(world->visits.store, STORE_COMMITTED, unit, &err))
        fail_msg("%s", err.text);
}

/* Run one job; `statement`: which of its statements fails. False: there was none. */
static bool run_one(struct world *world, uint64_t statement)
{
    struct err err = {0};
    own_arena struct arena arena = arena_new(1 << 16);
    struct claim claim = {.arena = &arena};
    const struct store_unit unit = {claim_job, &claim};
    assert_true(store_write(world->visits.store, STORE_COMMITTED, unit, &err));
    if (!claim.found)
        return false;
    store_fail_nth(world->visits.store, statement);
    visit_run(&world->visits, &world->link, &claim.job);
    store_fail_nth(world->visits.store, 0);
    return true;
}

/* Everything that is left, as after a start. */
static void run_rest(struct world *world)
{
    struct err err = {0};
    struct audit_head head;
    fault = (struct fault){0};
    assert_true(recover_all(world->visits.store, &world->link, 1, &err));
    for (int i = 0; i < runs_most && run_one(world, 0); i++)
        ;
    assert_false(run_one(world, 0));
    struct db *db = store_reader(world->visits.store, &err);
    if (!audit_verify(db, NULL, &head, &err))
        fail_msg("%s", err.text);
    store_reader_done(world->visits.store, db);
}

static void check_closed(struct world *world, size_t times)
{
    struct look look = look_at(world);
    assert_int_equal(mode_of(world), closed_mode);
    assert_true(look.found && look.has_last && !look.has_open);
    assert_int_equal(look.last.state, RESTRICTION_DONE);
    assert_int_equal(look.last.item, look.item.id);
    assert_int_equal(look.item.exposure, FACTS_PRIVATE);
    assert_int_equal(look.last.before, FACTS_ORGANISATION);
    assert_int_equal(look.last.after, FACTS_PRIVATE);
    assert_string_equal(look.item.outcome, "unshared");
    assert_int_equal(count(&look, "unshared"), times);
}

static void check_undone(struct world *world, size_t times)
{
    struct look look = look_at(world);
    assert_int_equal(mode_of(world), open_mode);
    assert_true(look.found && look.has_last && !look.has_open);
    assert_int_equal(look.last.state, RESTRICTION_UNDONE);
    assert_int_equal(look.item.exposure, FACTS_ORGANISATION);
    assert_string_equal(look.item.outcome, "undone");
    assert_string_equal(look.item.message, "anna has undone it: needed");
    assert_int_equal(count(&look, "unshare-undone"), times);
}

/* One round with a fault in the first visit: closed, undone. False: it ended before the fault. */
static bool one_round(struct world *world, const struct fault *wanted, uint64_t statement,
                      size_t round)
{
    put_file(world);
    ask(world);
    fault = *wanted;
    assert_true(run_one(world, statement));
    bool struck = fault.calls >= wanted->fail_at;
    run_rest(world);
    check_closed(world, round);
    if (wanted->kind == ERR_CONFLICT)
        return struck;
    undo(world);
    fault = *wanted;
    assert_true(run_one(world, statement));
    struck = struck || fault.calls >= wanted->fail_at;
    run_rest(world);
    check_undone(world, round);
    return struck;
}

TEST(whichever_call_of_the_connector_fails_it_ends_as_it_should_and_is_told_once)
{
    static const enum err_kind kinds[] = {ERR_IO, ERR_BUSY, ERR_CONFLICT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct world world;
        struct fault wanted = {.fail_at = 1, .kind = kinds[i]};
        make_folders(&world);
        open_world(&world);
        while (one_round(&world, &wanted, 0, wanted.fail_at))
            assert_true(++wanted.fail_at < faults_most);
        assert_true(wanted.fail_at >= 5);
        close_world(&world);
        remove_folders(&world);
    }
}

TEST(whichever_statement_of_the_store_fails_it_ends_as_it_should_and_is_told_once)
{
    struct world world;
    const struct fault none = {0};
    make_folders(&world);
    open_world(&world);
    for (uint64_t statement = 1; statement <= 48; statement++)
        one_round(&world, &none, statement, statement);
    close_world(&world);
    remove_folders(&world);
}

TEST(a_kill_at_every_state_is_finished_at_the_next_start)
{
    for (int moment = PLANNED; moment < MOMENT_COUNT; moment++) {
        struct world world;
        int status;
        make_folders(&world);
        put_file(&world);
        pid_t child = fork();
        if (child == 0) {
            open_world(&world);
            ask(&world);
            fault.die = (enum moment)moment;
            run_one(&world, 0);
            undo(&world);
            run_one(&world, 0);
            _exit(0); /* it should have been killed */
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(mode_of(&world),
                         moment == PLANNED || moment == GIVEN_BACK ? open_mode : closed_mode);
        open_world(&world);
        run_rest(&world);
        if (moment < UNDO_ASKED)
            check_closed(&world, 1);
        else
            check_undone(&world, 1);
        close_world(&world);
        remove_folders(&world);
    }
}

TEST(somebody_who_opens_the_file_again_is_closed_again_and_an_undo_of_another_content_is_refused)
{
    struct world world;
    make_folders(&world);
    open_world(&world);
    put_file(&world);
    ask(&world);
    run_rest(&world);
    check_closed(&world, 1);
    assert_int_equal(chmod(world.file, open_mode), 0);
    ask(&world);
    run_rest(&world);
    check_closed(&world, 2);
    put_file(&world); /* nobody has looked at this content yet */
    undo(&world);
    run_rest(&world);
    struct look look = look_at(&world);
    assert_int_equal(mode_of(&world), closed_mode);
    assert_int_equal(count(&look, "undo-refused"), 1);
    assert_int_equal(count(&look, "unshare-undone"), 0);
    close_world(&world);
    remove_folders(&world);
}

/* A kill between the change and its record, then a rename over the file: nothing of ours is left
 * in the new one, and what is on record is true. */
TEST(a_file_that_was_replaced_after_a_kill_is_not_ours)
{
    struct world world;
    char other[140];
    int status;
    make_folders(&world);
    put_file(&world);
    pid_t child = fork();
    if (child == 0) {
        open_world(&world);
        ask(&world);
        fault.die = TAKEN;
        run_one(&world, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    snprintf(other, sizeof other, "%s.new", world.file);
    FILE *file = fopen(other, "w");
    assert_true(file && fputs("somebody's own", file) >= 0 && fclose(file) == 0);
    assert_true(chmod(other, closed_mode) == 0 && rename(other, world.file) == 0);
    open_world(&world);
    run_rest(&world);
    struct look look = look_at(&world);
    assert_true(look.found && !look.has_last && !look.has_open);
    assert_int_equal(count(&look, "unshared"), 0);
    assert_int_equal(mode_of(&world), closed_mode);
    close_world(&world);
    remove_folders(&world);
}

static int start_parser(void **state)
{
    struct err err = {0};
    const struct parser_options options = {.program = PARSE_PROGRAM, .hosts = 1};
    (void)state;
    parser = parser_open(&options, NULL, &err);
    return parser ? 0 : -1;
}

static int stop_parser(void **state)
{
    (void)state;
    parser_close(parser);
    return 0;
}

int main(void)
{
    umask(022);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_every_state_is_finished_at_the_next_start),
        cmocka_unit_test(
            whichever_call_of_the_connector_fails_it_ends_as_it_should_and_is_told_once),
        cmocka_unit_test(
            whichever_statement_of_the_store_fails_it_ends_as_it_should_and_is_told_once),
        cmocka_unit_test(
            somebody_who_opens_the_file_again_is_closed_again_and_an_undo_of_another_content_is_refused),
        cmocka_unit_test(a_file_that_was_replaced_after_a_kill_is_not_ours),
    };
    return cmocka_run_group_tests(tests, start_parser, stop_parser);
}
