#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "base/place.h"
#include "check.h"
#include "custody_world.h"
#include "effects.h"
#include "jobs/recover.h"
#include "protect/open.h"
#include "store/audit.h"
#include "store/custody.h"
#include "store/queue.h"
#include "vault/handoff.h"

/* A file is quarantined, released, deleted or encrypted, with a fault at every place: whatever
 * fails or is killed, it is where it was or sealed, exactly once, and what is run afterwards ends
 * as it was meant to. */

static const char content[] = "PLAINTEXT-CANARY: nobody may find this outside its own file\n";

enum {
    runs_most = 24,
    faults_most = 120,
    statements_most = 80, /* more than any of these flows runs in one job */
    statement_stride = 9, /* of the share */
    allocation_stride = 17
};

/* What is done to the file. */
enum flow { QUARANTINE, RELEASE, DELETE, ENCRYPT, FLOW_COUNT };
static const char *const flow_words[FLOW_COUNT] = {"quarantine", "release", "delete", "encrypt"};

/* Every way at every place, as the soak target runs it; else each place by one way in turn. */
static bool all;

static void open_flow(struct world *world, enum flow flow)
{
    char rules[160];
    snprintf(rules, sizeof rules,
             "  - { name: All, when: { name: a.txt, exposure: { at_least: internal-people } },\n"
             "      then: { %s }, mode: enforce }\n",
             flow == ENCRYPT ? "encrypt: [Team]" : "quarantine: true");
    world_open(world, rules, connect_find("directory"));
}

static void put_file(const struct world *world)
{
    struct err err = {0};
    const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000001}};
    assert_true(io_write_file(world->file, content, strlen(content), 0640, &err));
    assert_int_equal(utimensat(AT_FDCWD, world->file, times, 0), 0);
}

/* Jobs ----------------------------------------------------------------------------------------- */

struct found {
    struct arena *arena;
    struct entry entry;
    bool found;
    enum custody_event event;
};

static bool find_removed(struct db *db, void *context, struct err *err)
{
    struct found *found = context;
    return entry_next(db, ENTRY_REMOVED, 0, found->arena, &found->entry, &found->found, err);
}

static bool ask_entry(struct db *db, void *context, struct err *err)
{
    struct found *found = context;
    const struct custody_actor actor = {"reviewer", "a test asks"};
    return find_removed(db, found, err) && found->found &&
           custody_event(db, &found->entry, found->event, &actor, 0, err) &&
           custody_queue(db, &found->entry, 0, err);
}

/* Bring the file to where the flow begins, and ask for it. */
static void ask(struct world *world, enum flow flow)
{
    put_file(world);
    world_ask(world);
    if (flow != RELEASE && flow != DELETE)
        return;
    world_run_all(world);
    struct found found = {.arena = &world->arena,
                          .event = flow == RELEASE ? CUSTODY_RELEASE_ASKED : CUSTODY_DELETE_ASKED};
    world_write(world, ask_entry, &found);
}

/* What must hold ------------------------------------------------------------------------------- */

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool has_content(const char *path)
{
    size_t length;
    struct err err = {0};
    own_free char *bytes = io_read_file(path, 1 << 20, &length, &err);
    return bytes && length == strlen(content) && memcmp(bytes, content, length) == 0;
}

static bool opens(const struct world *world, const char *path)
{
    struct err err = {0};
    char bytes[sizeof content] = {0};
    struct stream_facts facts;
    const struct stream_options options = {.hashed = true};
    own_fd int in = open(path, O_RDONLY | O_CLOEXEC), out = io_memfd("opened", &err);
    return in >= 0 && open_file(in, world_keys(), &world->limits, &options, out, &facts, &err) &&
           facts.plain_bytes == strlen(content) &&
           pread(out, bytes, sizeof bytes, 0) == (ssize_t)strlen(content) &&
           memcmp(bytes, content, strlen(content)) == 0;
}

/* Names in a folder: with the vault's, how many copies there are, and whether one opens. */
static unsigned count_copies(const struct world *world, bool *one_opens)
{
    unsigned count = 0;
    char path[400];
    DIR *folder = opendir(world->vault);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", world->vault, entry->d_name);
        *one_opens = *one_opens || opens(world, path);
        count++;
    }
    if (folder)
        closedir(folder);
    return count;
}

static unsigned count_private(const struct world *world, bool *one_is_whole)
{
    unsigned count = 0;
    char path[400];
    DIR *folder = opendir(world->files);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!place_is_private(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", world->files, entry->d_name);
        *one_is_whole = *one_is_whole || has_content(path);
        count++;
    }
    closedir(folder);
    return count;
}

/* At any instant the bytes can be had: in place, on the way, or from a copy that opens. */
static void check_nothing_lost(const struct world *world, enum flow flow)
{
    bool whole = has_content(world->file), copy = opens(world, world->sealed);
    count_private(world, &whole);
    count_copies(world, &copy);
    if (flow != DELETE && !whole && !copy)
        fail_msg("%s: the bytes are nowhere", flow_words[flow]);
}

static int look_for_plaintext(const char *path)
{
    size_t length;
    struct err err = {0};
    own_free char *bytes = io_read_file(path, 64 << 20, &length, &err);
    return bytes && memmem(bytes, length, "PLAINTEXT-CANARY", 16) ? 1 : 0;
}

static void check_no_plaintext(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char inner[400];
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            check_no_plaintext(inner);
        else if (entry->d_type == DT_REG && look_for_plaintext(inner))
            fail_msg("plaintext in %s", inner);
    }
    if (folder)
        closedir(folder);
}

static void check_released(const struct world *world)
{
    struct stat st;
    assert_true(has_content(world->file));
    assert_int_equal(stat(world->file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_mtim.tv_sec, 1700000001);
}

static void check_flow(const struct world *world, enum flow flow, unsigned copies, bool opened)
{
    char stone[160];
    snprintf(stone, sizeof stone, "%s.quarantined.txt", world->file);
    assert_int_equal(is_there(world->file), flow == RELEASE);
    assert_int_equal(is_there(stone), flow == QUARANTINE);
    switch (flow) {
    case QUARANTINE: assert_true(copies == 1 && opened); break;
    case RELEASE: check_released(world); break;
    case DELETE: assert_int_equal(copies, 0); break;
    case ENCRYPT: assert_true(copies == 0 && opens(world, world->sealed)); break;
    case FLOW_COUNT: break;
    }
}

static void check_record(struct world *world, enum flow flow)
{
    static const enum entry_state ends[FLOW_COUNT] = {[QUARANTINE] = ENTRY_REMOVED,
                                                      [RELEASE] = ENTRY_RELEASED,
                                                      [DELETE] = ENTRY_DELETED,
                                                      [ENCRYPT] = ENTRY_REMOVED};
    bool found;
    struct entry entry;
    struct audit_head head;
    struct err err = {0};
    struct db *db = store_reader(world->visits.store, &err);
    assert_true(entry_next(db, ends[flow], 0, &world->arena, &entry, &found, &err));
    assert_true(found);
    for (int state = ENTRY_SEALING; state < ENTRY_REMOVED; state++) {
        assert_true(
            entry_next(db, (enum entry_state)state, 0, &world->arena, &entry, &found, &err));
        assert_false(found);
    }
    if (!audit_verify(db, NULL, &head, &err))
        fail_msg("%s", err.text);
    store_reader_done(world->visits.store, db);
}

/* Go on as the daemon does after its start; then all is as it was meant. */
static void check_end(struct world *world, enum flow flow)
{
    struct err err = {0};
    bool opened = false, whole = false;
    check_nothing_lost(world, flow);
    assert_true(recover_all(world->visits.store, &world->link, 1, &err));
    world_run_all(world);
    unsigned copies = count_copies(world, &opened);
    check_flow(world, flow, copies, opened);
    check_record(world, flow);
    check_no_plaintext(world->state);
    assert_int_equal(count_private(world, &whole), 0);
}

/* Faults --------------------------------------------------------------------------------------- */

static size_t allocations; /* of the job that was struck last */

struct strike {
    unsigned effect, allocation;
    uint64_t statement;
    enum effects_how how;
    int error;
    bool seen; /* the watch tells of the file before the rest is done */
};

/* All jobs of the flow, the first with the fault. */
static unsigned run_struck(struct world *world, const struct strike *strike)
{
    effects_begin(strike->effect, strike->how, strike->error);
    mem_fail_nth(strike->allocation, 0);
    world_run_one(world, strike->statement);
    allocations = mem_calls();
    mem_fail_nth(0, 0);
    if (strike->seen)
        world_ask(world);
    for (int i = 0; i < runs_most && world_run_one(world, 0); i++)
        ;
    return effects_end();
}

/* How many effects there were, the struck one included. */
static unsigned one_fault(enum flow flow, const struct strike *strike)
{
    struct world world;
    world_make(&world);
    open_flow(&world, flow);
    ask(&world, flow);
    unsigned count = run_struck(&world, strike);
    check_end(&world, flow);
    world_close(&world);
    world_remove(&world);
    return count;
}

static void one_kill(enum flow flow, const struct strike *strike)
{
    struct world world;
    int status;
    world_make(&world);
    pid_t child = fork();
    if (child == 0) {
        open_flow(&world, flow);
        ask(&world, flow);
        run_struck(&world, strike);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    open_flow(&world, flow);
    check_end(&world, flow);
    world_close(&world);
    world_remove(&world);
}

static unsigned count_effects(enum flow flow)
{
    const struct strike none = {0};
    unsigned count = one_fault(flow, &none);
    assert_true(count > 4 && count < faults_most);
    return count;
}

TEST(whatever_effect_on_files_fails_nothing_is_lost_and_it_is_done_later)
{
    static const struct {
        enum effects_how how;
        int error;
    } ways[] = {{EFFECTS_FAIL, EIO}, {EFFECTS_FAIL, ENOSPC}, {EFFECTS_LOSE_ANSWER, EIO}};
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        unsigned count = count_effects((enum flow)flow);
        for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
            for (unsigned nth = 1; nth <= count; nth++) {
                if (!all && nth % 3 != way)
                    continue;
                const struct strike strike = {
                    .effect = nth, .how = ways[way].how, .error = ways[way].error};
                one_fault((enum flow)flow, &strike);
            }
    }
}

TEST(a_kill_before_or_after_any_effect_on_files_is_gone_on_with)
{
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        unsigned count = count_effects((enum flow)flow);
        for (unsigned nth = 1; nth <= count; nth++) {
            const struct strike before = {.effect = nth, .how = EFFECTS_DIE_BEFORE};
            const struct strike after = {.effect = nth, .how = EFFECTS_DIE_AFTER};
            if (all || nth % 2)
                one_kill((enum flow)flow, &before);
            if (all || nth % 2 == 0)
                one_kill((enum flow)flow, &after);
        }
    }
}

TEST(a_file_that_is_seen_before_its_release_is_on_record_is_not_taken_again)
{
    unsigned count = count_effects(RELEASE);
    for (unsigned nth = 1; nth <= count; nth++) {
        const struct strike strike = {.effect = nth, .error = EIO, .seen = true};
        one_fault(RELEASE, &strike);
    }
}

TEST(whichever_statement_of_the_store_fails_nothing_is_lost_and_it_is_done_later)
{
    for (int flow = 0; flow < FLOW_COUNT; flow++)
        for (unsigned nth = 1 + (unsigned)flow; nth <= statements_most;
             nth += all ? 1 : statement_stride) {
            const struct strike strike = {.statement = nth};
            one_fault((enum flow)flow, &strike);
        }
}

TEST(whichever_allocation_fails_nothing_is_lost_and_it_is_done_later)
{
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        unsigned nth = 1 + (unsigned)flow;
        do {
            const struct strike strike = {.allocation = nth};
            one_fault((enum flow)flow, &strike);
            nth += all ? 1 : allocation_stride;
        } while (nth <= allocations);
    }
}

int main(int argc, char **argv)
{
    all = argc > 1 && strcmp(argv[1], "all") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_seen_before_its_release_is_on_record_is_not_taken_again),
        cmocka_unit_test(whatever_effect_on_files_fails_nothing_is_lost_and_it_is_done_later),
        cmocka_unit_test(
            whichever_statement_of_the_store_fails_nothing_is_lost_and_it_is_done_later),
        cmocka_unit_test(whichever_allocation_fails_nothing_is_lost_and_it_is_done_later),
        cmocka_unit_test(a_kill_before_or_after_any_effect_on_files_is_gone_on_with),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
