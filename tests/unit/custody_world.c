#include "custody_world.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "jobs/custody_run.h"
#include "jobs/job.h"
#include "jobs/recover.h"
#include "protect/open.h"
#include "vault/handoff.h"
#include "vault/vault.h"

enum { runs_most = 24, rules_bytes = 4096 };
static const int64_t far_us = 4000000000LL * 1000000;

static struct parser *parser;
static struct identities *keys;
static char shown[RECIPIENTS_TEXT_BYTES], to_json[RECIPIENTS_TEXT_BYTES + 8];

int world_begin(void **state)
{
    struct err err = {0};
    const struct parser_options options = {.program = PARSE_PROGRAM, .hosts = 1};
    (void)state;
    signal(SIGIO, SIG_IGN);
    umask(022);
    parser = parser_open(&options, NULL, &err);
    keys = identities_new(&err);
    if (!parser || !keys || !identities_generate(keys, &err))
        return -1;
    identities_recipient(keys, 0, shown);
    snprintf(to_json, sizeof to_json, "[\"%s\"]", shown);
    return 0;
}

int world_end(void **state)
{
    (void)state;
    identities_free(keys);
    parser_close(parser);
    return 0;
}

const struct identities *world_keys(void)
{
    return keys;
}

/* Life ----------------------------------------------------------------------------------------- */

static const struct policy *hold(void *context)
{
    return ((struct world *)context)->policy;
}

static void drop(void *context, const struct policy *policy)
{
    assert_ptr_equal(((struct world *)context)->policy, policy);
}

void world_make(struct world *world)
{
    *world = (struct world){.limits = limits_default()};
    snprintf(world->folder, sizeof world->folder, "/tmp/labeld-custody-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->files, sizeof world->files, "%s/files", world->folder);
    snprintf(world->state, sizeof world->state, "%s/state", world->folder);
    snprintf(world->vault, sizeof world->vault, "%s/vault", world->state);
    snprintf(world->file, sizeof world->file, "%s/a.txt", world->files);
    snprintf(world->sealed, sizeof world->sealed, "%s/a.txt.age", world->files);
    assert_true(mkdir(world->files, 0755) == 0 && mkdir(world->state, 0700) == 0);
}

void world_remove(const struct world *world)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/rm", "rm", "-rf", world->folder, (char *)NULL);
        _exit(1);
    }
    waitpid(child, &status, 0);
}

static struct policy *read_rules(struct world *world, const char *rules)
{
    char text[rules_bytes];
    struct err err = {0};
    struct policy_problems problems = {0};
    const struct policy_world known = {0};
    snprintf(text, sizeof text, "recipients: { Team: %s }\nrules:\n%s", shown, rules);
    struct policy *policy =
        policy_parse("rules.yaml", text, strlen(text), &known, &world->arena, &problems, &err);
    assert_non_null(policy);
    return policy;
}

static void open_link(struct world *world, const struct connector *connector)
{
    struct err err = {0};
    const struct connect_settings settings = {
        .name = "team", .path = world->files, .memory_max = 8 << 20, .limits = &world->limits};
    world->link = (struct visit_link){.name = "team", .connector = connector};
    world->link.connection = connector->open(&settings, &err);
    assert_non_null(world->link.connection);
    world->link.caps = connector->caps(world->link.connection, &world->arena, &world->link.notes);
}

void world_open(struct world *world, const char *rules, const struct connector *connector)
{
    struct err err = {0};
    world->arena = arena_new(16u << 20);
    world->policy = read_rules(world, rules);
    world->to = recipients_new(&err);
    assert_true(recipients_add(world->to, shown, &err));
    struct vault *vault = vault_open(world->vault, &err);
    world->custodian = (struct custodian){.vault = vault,
                                          .tasks = vault,
                                          .to = world->to,
                                          .to_json = to_json,
                                          .own = keys,
                                          .handoff = handoff_open(vault, vault, &err),
                                          .tombstone = true};
    assert_non_null(world->custodian.handoff);
    open_link(world, connector);
    world->visits = (struct visit_world){.store = store_open(world->state, &err),
                                         .parser = parser,
                                         .limits = &world->limits,
                                         .custodian = &world->custodian,
                                         .policy = hold,
                                         .policy_done = drop,
                                         .policy_context = world};
    assert_non_null(world->visits.store);
}

void world_close(struct world *world)
{
    store_close(world->visits.store);
    world->link.connector->close(world->link.connection);
    handoff_close(world->custodian.handoff);
    vault_close(world->custodian.vault);
    recipients_free(world->to);
    policy_free(world->policy);
    arena_fini(&world->arena);
}

/* Jobs ----------------------------------------------------------------------------------------- */

struct claim {
    struct arena *arena;
    struct queue_job job;
    bool found;
};

static bool claim_job(struct db *db, void *context, struct err *err)
{
    struct claim *claim = context;
    return job_claim(db, far_us, 2, claim->arena, &claim->job, &claim->found, err);
}

void world_write(struct world *world, bool (*run)(struct db *db, void *context, struct err *err),
                 void *context)
{
    struct err err = {0};
    const struct store_unit unit = {run, context};
    if (!store_write(world->visits.store, STORE_COMMITTED, unit, &err))
        fail_msg("%s", err.text);
}

bool world_add_visit(struct db *db, void *context, struct err *err)
{
    (void)context;
    struct queue_job job = {.kind = QUEUE_VISIT, .connection = "team", .key = "a.txt"};
    return queue_add(db, &job, err);
}

void world_ask(struct world *world)
{
    world_write(world, world_add_visit, NULL);
}

bool world_run_one(struct world *world, uint64_t statement)
{
    own_arena struct arena arena = arena_new(1 << 16);
    struct claim claim = {.arena = &arena};
    world_write(world, claim_job, &claim);
    if (!claim.found)
        return false;
    store_fail_nth(world->visits.store, statement);
    if (claim.job.kind == QUEUE_ENTRY)
        custody_run(&world->visits, &world->link, &claim.job);
    else
        visit_run(&world->visits, &world->link, &claim.job);
    store_fail_nth(world->visits.store, 0);
    return true;
}

void world_run_all(struct world *world)
{
    int i = 0;
    while (i < runs_most && world_run_one(world, 0))
        i++;
    assert_true(i < runs_most); /* it converges */
}

void world_recover(struct world *world)
{
    struct err err = {0};
    assert_true(recover_all(world->visits.store, &world->link, 1, &err));
    world_run_all(world);
}

unsigned world_copies(const struct world *world)
{
    unsigned count = 0;
    DIR *folder = opendir(world->vault);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return count;
}
