#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "check.h"
#include "jobs/workers.h"
#include "store/audit.h"
#include "store/catalogue.h"

static const char rules_text[] =
    "site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10\n"
    "labels:\n"
    "  - { name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }\n"
    "rules:\n"
    "  - { name: Everything, when: always, then: { label: General }, mode: enforce }\n";

#define SAMPLE "files/office/cards-shared.docx"

static const char label_id[] = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11";

/* A daemon's inside: a folder that is watched, a store, parse hosts, workers. */
struct world {
    char folder[64], files[80], state[80];
    struct limits limits;
    struct store *store;
    struct parser *parser;
    struct visit_link link;
    struct workers *workers;
    struct arena arena;
};

static struct policy *load_rules(struct world *world)
{
    struct err err = {0};
    struct policy_problems problems = {0};
    const struct policy_world known = {0};
    struct policy *policy = policy_parse("rules.yaml", rules_text, sizeof rules_text - 1, &known,
                                         &world->arena, &problems, &err);
    assert_non_null(policy);
    return policy;
}

static void start(struct world *world)
{
    struct err err = {0};
    world->store = store_open(world->state, &err);
    assert_non_null(world->store);
    struct workers_options options = {.store = world->store,
                                      .parser = world->parser,
                                      .limits = &world->limits,
                                      .policy = load_rules(world),
                                      .links = &world->link,
                                      .link_count = 1,
                                      .threads = 4};
    world->workers = workers_start(&options, &err);
    if (!world->workers)
        fail_msg("%s", err.text);
}

static void stop(struct world *world)
{
    workers_stop(world->workers);
    store_close(world->store);
}

static void open_world(struct world *world)
{
    struct err err = {0};
    *world = (struct world){.limits = limits_default(), .arena = arena_new(16u << 20)};
    snprintf(world->folder, sizeof world->folder, "/tmp/labeld-visit-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->files, sizeof world->files, "%s/files", world->folder);
    snprintf(world->state, sizeof world->state, "%s/state", world->folder);
    assert_true(mkdir(world->files, 0755) == 0 && mkdir(world->state, 0700) == 0);
    const struct parser_options options = {.program = PARSE_PROGRAM, .hosts = 1};
    world->parser = parser_open(&options, NULL, &err);
    if (!world->parser)
        fail_msg("%s", err.text);
    const struct connect_settings settings = {
        .name = "team", .path = world->files, .memory_max = 8 << 20, .limits = &world->limits};
    world->link.name = "team";
    world->link.connector = connect_find("directory");
    world->link.connection = world->link.connector->open(&settings, &err);
    assert_non_null(world->link.connection);
    world->link.caps =
        world->link.connector->caps(world->link.connection, &world->arena, &world->link.notes);
}

static void close_world(struct world *world)
{
    char command[128];
    world->link.connector->close(world->link.connection);
    parser_close(world->parser);
    arena_fini(&world->arena);
    snprintf(command, sizeof command, "%s", world->folder);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/rm", "rm", "-rf", command, (char *)NULL);
        _exit(1);
    }
}

static void put_sample(const struct world *world, const char *name)
{
    size_t length;
    char path[160];
    struct err err = {0};
    own_free char *bytes = io_read_file(SOURCE_DIR "/samples/" SAMPLE, 1 << 20, &length, &err);
    snprintf(path, sizeof path, "%s/%s", world->files, name);
    assert_non_null(bytes);
    assert_true(io_write_file(path, bytes, length, 0644, &err));
}

static bool is_done(struct world *world, const char *key, const char *outcome)
{
    struct err err = {0};
    struct item item;
    bool found;
    own_arena struct arena arena = arena_new(1u << 20);
    struct queue_numbers numbers;
    struct db *db = store_reader(world->store, &err);
    bool ok = db && item_find(db, "team", key, &arena, &item, &found, &err) &&
              queue_numbers(db, &numbers, &err);
    store_reader_done(world->store, db);
    return ok && found && strcmp(item.outcome, outcome) == 0 &&
           numbers.queued[0] + numbers.queued[1] + numbers.running == 0;
}

static void wait_for(struct world *world, const char *key, const char *outcome)
{
    for (int i = 0; i < 600 && !is_done(world, key, outcome); i++)
        clock_sleep_us(20000);
    assert_true(is_done(world, key, outcome));
}

static void check_labelled(struct world *world, const char *name)
{
    char path[160];
    struct err err = {0};
    struct label_result result = {0};
    snprintf(path, sizeof path, "%s/%s", world->files, name);
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(parser_labels(world->parser, fd, &world->limits, &world->arena, &result, &err));
    assert_int_equal(result.labels_count, 1);
    assert_string_equal(result.labels[0].id, label_id);
}

TEST(a_file_that_is_there_and_one_that_comes_are_labelled_once)
{
    struct world world;
    struct err err = {0};
    struct audit_head head;
    open_world(&world);
    put_sample(&world, "there.docx");
    start(&world);
    wait_for(&world, "there.docx", "labelled");
    put_sample(&world, "new.docx");
    wait_for(&world, "new.docx", "labelled");
    check_labelled(&world, "there.docx");
    check_labelled(&world, "new.docx");
    clock_sleep_us(200000); /* the echo of our own writes */
    struct db *db = store_reader(world.store, &err);
    assert_true(audit_verify(db, NULL, &head, &err));
    store_reader_done(world.store, db);
    assert_int_equal(head.seq, 2);
    stop(&world);
    start(&world); /* nothing is new: nothing is done */
    clock_sleep_us(300000);
    assert_true(is_done(&world, "there.docx", "labelled"));
    stop(&world);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_there_and_one_that_comes_are_labelled_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
