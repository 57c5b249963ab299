#include "../../daemon/rulesfile.h"

#include "base/own.h"
#include "check.h"
#include "policy/digest.h"
#include "scratch.h"
#include "store/audit.h"
#include "store/revision.h"

#define LABELS                                                                                     \
    "site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10\n"                                                 \
    "labels: [{ name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }]\n"                      \
    "rules: [{ name: all, when: always, then: { label: General }, mode: enforce }]\n"

static const char good[] = LABELS, better[] = LABELS "# another\n",
                  failing[] = LABELS "tests: [{ expect: { label: none } }]\n",
                  broken[] = "rules: [\n";

struct world {
    struct scratch scratch;
    char path[96];
    struct limits limits;
    struct gate gate;
    struct arena arena;
    struct buf messages;
    struct rulesfile_options options;
};

static void set_up(struct world *world, const char *rules)
{
    struct err err = {0};
    *world = (struct world){.scratch = scratch_open(),
                            .limits = limits_default(),
                            .arena = arena_new(1 << 20),
                            .messages = buf_new(1 << 20)};
    snprintf(world->path, sizeof world->path, "%s/rules.yaml", world->scratch.path);
    if (rules)
        scratch_write(&world->scratch, "rules.yaml", rules);
    world->options = (struct rulesfile_options){
        .path = world->path, .store = store_open(world->scratch.path, &err), .gate = &world->gate};
    world->gate.limits = &world->limits;
    assert_non_null(world->options.store);
}

static void tear_down(struct world *world)
{
    store_close(world->options.store);
    scratch_close(&world->scratch);
    arena_fini(&world->arena);
    buf_fini(&world->messages);
}

static void restart(struct world *world)
{
    struct err err = {0};
    store_close(world->options.store);
    world->options.store = store_open(world->scratch.path, &err);
    assert_non_null(world->options.store);
}

/* The revision that a text has, to compare with. */
static const char *revision_of(const char *text)
{
    static char digest[65];
    assert_true(digest_text(text, strlen(text), digest));
    return digest;
}

/* Start; "" = refused. The problem in *problem, NULL = none. */
static void starts(struct world *world, const char *with, const char **problem)
{
    struct err err = {0};
    struct policy *policy =
        rulesfile_start(&world->options, &world->arena, &world->messages, problem, &err);
    if (!policy != !with)
        fail_msg("started with %s: %s", policy ? policy_revision(policy) : "nothing", err.text);
    if (policy)
        assert_string_equal(policy_revision(policy), revision_of(with));
    policy_free(policy);
}

static struct revision in_force(struct world *world)
{
    struct err err = {0};
    struct revision revision;
    struct db *db = store_reader(world->options.store, &err);
    assert_true(revision_in_force(db, &world->arena, &revision, &err));
    store_reader_done(world->options.store, db);
    return revision;
}

static int64_t records(struct world *world)
{
    struct err err = {0};
    struct audit_head head;
    struct db *db = store_reader(world->options.store, &err);
    assert_true(audit_verify(db, NULL, &head, &err));
    store_reader_done(world->options.store, db);
    return head.seq;
}

static bool reload(struct world *world, const char *with)
{
    struct err err = {0};
    struct policy *policy = NULL;
    bool ok = rulesfile_reload(&world->options, &world->messages, &policy, &err);
    bool same = policy && with && strcmp(policy_revision(policy), revision_of(with)) == 0;
    bool expected = with ? same : policy == NULL;
    policy_free(policy);
    assert_true(expected);
    return ok;
}

TEST(a_first_start_needs_rules_that_pass)
{
    static const struct {
        const char *text, *in_force;
    } cases[] = {{good, good}, {"", ""}, {broken, NULL}, {failing, NULL}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        const char *problem;
        set_up(&world, cases[i].text);
        starts(&world, cases[i].in_force, &problem);
        CHECK_CASE(i, in_force(&world).number == (cases[i].in_force ? 1 : 0));
        tear_down(&world);
    }
}

TEST(a_daemon_without_a_rules_file_decides_nothing)
{
    struct world world;
    const char *problem;
    set_up(&world, NULL);
    world.options.path = NULL;
    starts(&world, "", &problem);
    assert_null(problem);
    tear_down(&world);
}

TEST(only_a_file_that_differs_becomes_a_revision)
{
    struct world world;
    const char *problem;
    set_up(&world, good);
    starts(&world, good, &problem);
    assert_int_equal(records(&world), 1);
    assert_true(reload(&world, NULL));
    restart(&world);
    starts(&world, good, &problem);
    assert_null(problem);
    assert_int_equal(in_force(&world).number, 1);
    assert_int_equal(records(&world), 1);
    scratch_write(&world.scratch, "rules.yaml", better);
    assert_true(reload(&world, better));
    assert_int_equal(in_force(&world).number, 2);
    scratch_write(&world.scratch, "rules.yaml", good);
    assert_true(reload(&world, good));
    struct revision last = in_force(&world);
    assert_int_equal(last.number, 3);
    assert_string_equal(last.text, good);
    assert_string_equal(last.author, "labeld");
    assert_int_equal(last.origin, REVISION_FILE);
    assert_int_equal(records(&world), 3);
    tear_down(&world);
}

TEST(a_file_that_does_not_pass_leaves_the_last_good_rules)
{
    static const char *const texts[] = {broken, failing};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        const char *problem;
        set_up(&world, good);
        starts(&world, good, &problem);
        scratch_write(&world.scratch, "rules.yaml", texts[i]);
        CHECK_CASE(i, !reload(&world, NULL));
        CHECK_CASE(i, records(&world) == 2);
        restart(&world);
        starts(&world, good, &problem);
        CHECK_CASE(i, problem && strstr(problem, "last good"));
        CHECK_CASE(i, in_force(&world).number == 1);
        unlink(world.path);
        CHECK_CASE(i, !reload(&world, NULL));
        tear_down(&world);
    }
}

static bool put(struct db *db, void *context, struct err *err)
{
    return revision_add(db, context, err);
}

/* As a person would, over the API. */
static void put_in_force(struct world *world, const char *text)
{
    struct err err = {0};
    struct revision revision = {.digest = revision_of(text),
                                .origin = REVISION_PUT,
                                .author = "anna",
                                .at_us = 1,
                                .text = text};
    assert_true(store_write(world->options.store, STORE_COMMITTED,
                            (struct store_unit){put, &revision}, &err));
}

TEST(a_restart_loads_the_revision_in_force_without_its_tests_and_not_the_file)
{
    struct world world;
    const char *problem;
    set_up(&world, good);
    starts(&world, good, &problem);
    put_in_force(&world, failing);
    restart(&world);
    starts(&world, failing, &problem);
    assert_null(problem);
    assert_true(reload(&world, NULL));
    assert_string_equal(in_force(&world).author, "anna");
    tear_down(&world);
}

TEST(a_refused_file_is_tried_again_when_what_it_lacked_is_there)
{
    static const char *const teams[] = {"team"};
    static const char wanting[] =
        "rules: [{ name: r, when: { connection: team }, then: { tag: [t] } }]\n";
    struct world world;
    const char *problem;
    set_up(&world, good);
    starts(&world, good, &problem);
    scratch_write(&world.scratch, "rules.yaml", wanting);
    world.gate.connections = teams;
    world.gate.connection_count = 0;
    assert_false(reload(&world, NULL));
    world.gate.connection_count = 1;
    assert_true(reload(&world, wanting));
    tear_down(&world);
}

TEST(rules_that_are_taken_out_of_the_configuration_end)
{
    struct world world;
    const char *problem;
    set_up(&world, good);
    starts(&world, good, &problem);
    world.options.path = NULL;
    restart(&world);
    starts(&world, "", &problem);
    put_in_force(&world, good);
    restart(&world);
    starts(&world, good, &problem);
    assert_int_equal(in_force(&world).number, 3);
    tear_down(&world);
}

TEST(a_revision_that_cannot_be_stored_never_takes_effect)
{
    struct world world;
    const char *problem;
    set_up(&world, good);
    starts(&world, good, &problem);
    scratch_write(&world.scratch, "rules.yaml", better);
    for (uint64_t nth = 1;; nth++) {
        assert_true(nth < 100);
        store_fail_nth(world.options.store, nth);
        struct err err = {0};
        struct policy *policy = NULL;
        bool ok = rulesfile_reload(&world.options, &world.messages, &policy, &err);
        store_fail_nth(world.options.store, 0);
        assert_int_equal(ok, policy != NULL);
        assert_string_equal(in_force(&world).digest, revision_of(ok ? better : good));
        policy_free(policy);
        if (ok)
            break;
    }
    assert_int_equal(records(&world), 2);
    tear_down(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_start_needs_rules_that_pass),
        cmocka_unit_test(a_daemon_without_a_rules_file_decides_nothing),
        cmocka_unit_test(only_a_file_that_differs_becomes_a_revision),
        cmocka_unit_test(a_file_that_does_not_pass_leaves_the_last_good_rules),
        cmocka_unit_test(a_restart_loads_the_revision_in_force_without_its_tests_and_not_the_file),
        cmocka_unit_test(a_refused_file_is_tried_again_when_what_it_lacked_is_there),
        cmocka_unit_test(rules_that_are_taken_out_of_the_configuration_end),
        cmocka_unit_test(a_revision_that_cannot_be_stored_never_takes_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
