#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "base/place.h"
#include "check.h"
#include "jobs/job.h"
#include "jobs/recover.h"
#include "jobs/visit.h"
#include "store/alert.h"
#include "store/audit.h"
#include "store/outbox.h"

/* One visit that labels a file, with a fault at every place: whatever fails or is killed, the file
 * is the old or the new one, and what is run afterwards ends with a label. */

static const char rules_text[] =
    "site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10\n"
    "labels:\n"
    "  - { name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }\n"
    "rules:\n"
    "  - { name: Everything, when: always, then: { label: General, alert: low, notify: [soc] },\n"
    "      mode: enforce }\n";

#define SAMPLE SOURCE_DIR "/samples/files/office/cards-shared.docx"

static const char label_id[] = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11";
static const int64_t far_us = 4000000000LL * 1000000;

enum { runs_most = 12, faults_most = 200 };

enum moment { NEVER, BEFORE_INTENT, INTENT_STORED, PLACED, RECORDED, MOMENT_COUNT };

/* The connector around the real one: call number `fail_at` fails, or the process dies. */
static struct fault {
    unsigned calls, fail_at;
    enum err_kind kind;
    enum moment die;
} fault;

/* One for all: a parse host takes its time to start. */
static struct parser *parser;

struct world {
    char folder[64], files[80], state[80], file[120];
    struct limits limits;
    struct policy *policy;
    struct parser *parser;
    struct visit_world visits;
    struct visit_link link;
    struct arena arena;
    int64_t told; /* messages in the outbox so far */
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

static bool fault_stat(struct connection *connection, const char *key, struct arena *arena,
                       struct connect_stat *stat, struct err *err)
{
    return !fails(err) && real()->stat(connection, key, arena, stat, err);
}

static bool fault_exposure(struct connection *connection, const char *key, struct arena *arena,
                           struct connect_exposure *exposure, struct err *err)
{
    return !fails(err) && real()->exposure(connection, key, arena, exposure, err);
}

static bool fault_fetch(struct connection *connection, const char *key, struct arena *arena,
                        struct connect_copy *copy, struct err *err)
{
    return !fails(err) && real()->fetch(connection, key, arena, copy, err);
}

static struct connect_replacing *fault_open(struct connection *connection,
                                            const struct connect_copy *examined, int *output,
                                            struct err *err)
{
    return fails(err) ? NULL : real()->replace_open(connection, examined, output, err);
}

static bool fault_ready(struct connect_replacing *replacing, struct arena *arena,
                        struct connect_intent *intent, struct err *err)
{
    bool ok = !fails(err) && real()->replace_ready(replacing, arena, intent, err);
    die_at(BEFORE_INTENT);
    return ok;
}

/* Fails before or after the real one has done its work: an answer that got lost. */
static bool fault_place(struct connect_replacing *replacing, struct err *err)
{
    die_at(INTENT_STORED);
    if (fails(err))
        return false;
    bool ok = real()->replace_place(replacing, err);
    die_at(PLACED);
    bool lost = fails(err) && fault.kind == ERR_IO;
    return ok && !lost;
}

static bool fault_recover(struct connection *connection, const char *key, const char *intent,
                          bool *placed, struct err *err)
{
    return !fails(err) && real()->replace_recover(connection, key, intent, placed, err);
}

static const struct policy *hold(void *context)
{
    return ((struct world *)context)->policy;
}

static void drop(void *context, const struct policy *policy)
{
    assert_ptr_equal(((struct world *)context)->policy, policy);
}

static bool forget(struct db *db, void *context, struct err *err)
{
    return intent_remove(db, ((const struct intent *)context)->id, err);
}

static void settle(void *context, const struct visit_link *link,
                   struct connect_replacing *replacing, const struct intent *intent)
{
    struct err err = {0};
    struct world *world = context;
    const struct store_unit unit = {forget, (void *)(uintptr_t)intent};
    die_at(RECORDED);
    assert_true(link->connector->replace_settle(replacing, &err));
    link->connector->replace_close(replacing);
    store_fail_nth(world->visits.store, 0);
    assert_true(store_write(world->visits.store, STORE_COMMITTED, unit, &err));
}

static void open_link(struct world *world)
{
    static struct connector faulty;
    struct err err = {0};
    const struct connect_settings settings = {
        .name = "team", .path = world->files, .memory_max = 8 << 20, .limits = &world->limits};
    faulty = *real();
    faulty.stat = fault_stat;
    faulty.exposure = fault_exposure;
    faulty.fetch = fault_fetch;
    faulty.replace_open = fault_open;
    faulty.replace_ready = fault_ready;
    faulty.replace_place = fault_place;
    faulty.replace_recover = fault_recover;
    world->link = (struct visit_link){.name = "team", .connector = &faulty};
    world->link.connection = faulty.open(&settings, &err);
    assert_non_null(world->link.connection);
    world->link.caps = faulty.caps(world->link.connection, &world->arena, &world->link.notes);
}

static void make_folders(struct world *world)
{
    *world = (struct world){.limits = limits_default()};
    fault = (struct fault){0};
    snprintf(world->folder, sizeof world->folder, "/tmp/labeld-recover-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->files, sizeof world->files, "%s/files", world->folder);
    snprintf(world->state, sizeof world->state, "%s/state", world->folder);
    snprintf(world->file, sizeof world->file, "%s/a.docx", world->files);
    assert_true(mkdir(world->files, 0755) == 0 && mkdir(world->state, 0700) == 0);
}

static void open_world(struct world *world)
{
    struct err err = {0};
    struct policy_problems problems = {0};
    const struct policy_world known = {0};
    world->arena = arena_new(16u << 20);
    world->policy = policy_parse("rules.yaml", rules_text, sizeof rules_text - 1, &known,
                                 &world->arena, &problems, &err);
    world->parser = parser;
    assert_non_null(world->policy);
    world->visits = (struct visit_world){.store = store_open(world->state, &err),
                                         .parser = world->parser,
                                         .limits = &world->limits,
                                         .policy = hold,
                                         .policy_done = drop,
                                         .policy_context = world,
                                         .settle = settle,
                                         .settle_context = world};
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

static void put_sample(const struct world *world)
{
    size_t length;
    struct err err = {0};
    own_free char *bytes = io_read_file(SAMPLE, 1 << 20, &length, &err);
    assert_non_null(bytes);
    assert_true(io_write_file(world->file, bytes, length, 0644, &err));
}

struct claim {
    struct arena *arena;
    struct queue_job job;
    bool found;
};

static bool add_job(struct db *db, void *context, struct err *err)
{
    (void)context;
    struct queue_job job = {.kind = QUEUE_VISIT, .connection = "team", .key = "a.docx"};
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
    return true;
}

static unsigned count_private(const struct world *world)
{
    unsigned count = 0;
    DIR *folder = opendir(world->files);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += place_is_private(entry->d_name);
    closedir(folder);
    return count;
}

/* The old bytes, or a package with just our label. */
static bool is_labelled(struct world *world)
{
    struct err err = {0};
    size_t length, sample_length;
    struct label_result result = {0};
    own_free char *bytes = io_read_file(world->file, 1 << 20, &length, &err);
    own_free char *sample = io_read_file(SAMPLE, 1 << 20, &sample_length, &err);
    assert_true(bytes && sample);
    if (length == sample_length && memcmp(bytes, sample, length) == 0)
        return false;
    own_fd int fd = open(world->file, O_RDONLY | O_CLOEXEC);
    assert_true(parser_labels(world->parser, fd, &world->limits, &world->arena, &result, &err));
    assert_int_equal(result.labels_count, 1);
    assert_string_equal(result.labels[0].id, label_id);
    return true;
}

/* Each version was told exactly once, and the one alert knows the version that stands there. */
static void check_told(struct world *world, struct db *db, const struct item *item)
{
    bool found;
    size_t count;
    struct err err = {0};
    struct alert alert;
    struct outbox_target *targets;
    struct outbox_told *told;
    assert_true(outbox_targets(db, &world->arena, &targets, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(targets[0].waiting, ++world->told);
    assert_true(outbox_told(db, item->id, &world->arena, &told, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(told[0].version, item->version);
    assert_true(alert_live(db, item->id, 0, &world->arena, &alert, &found, &err) && found);
    assert_int_equal(alert.closed_us, 0);
    assert_string_equal(alert.seen, item->version);
    assert_true(alert_live(db, item->id, alert.id, &world->arena, &alert, &found, &err));
    assert_false(found);
}

static void check_end(struct world *world)
{
    struct err err = {0};
    struct audit_head head;
    struct item item;
    bool found;
    assert_true(recover_all(world->visits.store, &world->link, 1, &err));
    for (int i = 0; i < runs_most && run_one(world, 0); i++)
        ;
    assert_false(run_one(world, 0));
    assert_true(is_labelled(world));
    assert_int_equal(count_private(world), 0);
    struct db *db = store_reader(world->visits.store, &err);
    if (!audit_verify(db, NULL, &head, &err))
        fail_msg("%s", err.text);
    assert_true(item_find(db, "team", "a.docx", &world->arena, &item, &found, &err) && found);
    assert_string_equal(item.label_id, label_id);
    check_told(world, db, &item);
    store_reader_done(world->visits.store, db);
}

/* A fault in one visit of a fresh file. False: the visit ended before the fault. */
static bool one_fault(struct world *world, unsigned call, enum err_kind kind, uint64_t statement)
{
    put_sample(world);
    ask(world);
    fault = (struct fault){.fail_at = call, .kind = kind};
    assert_true(run_one(world, statement));
    bool struck = call == 0 || fault.calls >= call;
    fault = (struct fault){0};
    store_fail_nth(world->visits.store, 0);
    is_labelled(world);
    check_end(world);
    return struck;
}

TEST(whichever_call_of_the_connector_fails_the_file_is_whole_and_labelled_later)
{
    struct world world;
    static const enum err_kind kinds[] = {ERR_IO, ERR_BUSY, ERR_CONFLICT};
    make_folders(&world);
    open_world(&world);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        unsigned call = 1;
        while (one_fault(&world, call, kinds[i], 0))
            assert_true(++call < faults_most);
        assert_true(call > 7);
    }
    close_world(&world);
    remove_folders(&world);
}

TEST(whichever_statement_of_the_store_fails_the_file_is_whole_and_labelled_later)
{
    struct world world;
    make_folders(&world);
    open_world(&world);
    for (uint64_t statement = 1; statement <= 44; statement += 2) /* each costs a second */
        one_fault(&world, 0, ERR_NONE, statement);
    close_world(&world);
    remove_folders(&world);
}

TEST(a_kill_at_every_step_is_finished_or_undone_at_the_next_start)
{
    for (int moment = BEFORE_INTENT; moment < MOMENT_COUNT; moment++) {
        struct world world;
        int status;
        make_folders(&world);
        put_sample(&world);
        pid_t child = fork();
        if (child == 0) {
            fault.die = (enum moment)moment;
            open_world(&world);
            ask(&world);
            run_one(&world, 0);
            _exit(0); /* it should have been killed */
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        open_world(&world);
        assert_true(is_labelled(&world) == (moment >= PLACED));
        check_end(&world);
        close_world(&world);
        remove_folders(&world);
    }
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_every_step_is_finished_or_undone_at_the_next_start),
        cmocka_unit_test(
            whichever_call_of_the_connector_fails_the_file_is_whole_and_labelled_later),
        cmocka_unit_test(
            whichever_statement_of_the_store_fails_the_file_is_whole_and_labelled_later),
    };
    return cmocka_run_group_tests(tests, start_parser, stop_parser);
}
