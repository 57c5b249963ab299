#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/own.h"
#include "custody_world.h"
#include "jobs/leftover.h"
#include "jobs/recover.h"
#include "store/audit.h"
#include "store/custody.h"
#include "store/hold.h"

/* A file that everybody reads is to be taken away and cannot be yet: it is closed to all but its
 * owner, and who reached it comes back with the file, whatever lies between. */

#define WHEN "when: { name: a.txt, size: { at_least: 10 }, exposure: { at_least: organisation } }"
static const char quarantine_rules[] =
    "  - { name: Away, " WHEN ", then: { quarantine: true }, mode: enforce }\n";
static const char encrypt_rules[] =
    "  - { name: Away, " WHEN ", then: { encrypt: [Team] }, mode: enforce }\n";
static const char unshare_rules[] =
    "  - { name: Away, " WHEN
    ", then: { unshare: { to: private }, encrypt: [Team] }, mode: enforce }\n";
static const char else_rules[] =
    "  - { name: Away, " WHEN
    ", then: { unshare: { to: private, else: quarantine } }, mode: enforce }\n";

enum { open_mode = 0644, closed_mode = 0600, turns = 4 };
static const char content[] = "what everybody reads\n";

/* The connector around the real one. */
enum moment { NEVER, CAPTURED, BEGUN, PLANNED, TAKEN, GIVING_BACK, GIVEN_BACK, MOMENT_COUNT };
static struct meddle {
    enum moment die;
    enum err_kind open, take; /* that fail so */
    bool stays;               /* something wider cannot go */
} meddle;

static const struct connector *real(void)
{
    return connect_find("directory");
}

static void die_at(enum moment moment)
{
    if (meddle.die == moment)
        kill(getpid(), SIGKILL);
}

static bool capture(struct connection *connection, const char *key, const char *version,
                    const char *grants, struct arena *arena, const char **json, struct err *err)
{
    bool ok = real()->capture(connection, key, version, grants, arena, json, err);
    die_at(CAPTURED);
    return ok;
}

static struct connect_removing *remove_open(struct connection *connection,
                                            const struct connect_stat *stat, int *input,
                                            struct err *err)
{
    die_at(BEGUN);
    if (meddle.open) {
        err_set(err, meddle.open, "a test refuses it");
        return NULL;
    }
    return real()->remove_open(connection, stat, input, err);
}

static bool remove_take(struct connect_removing *removing, struct err *err)
{
    return meddle.take ? err_set(err, meddle.take, "a test refuses to take it away")
                       : real()->remove_take(removing, err);
}

static bool restrict_plan(struct connection *connection, const char *key,
                          const struct connect_wish *wish, struct arena *arena,
                          struct connect_restriction *restriction, struct err *err)
{
    bool ok = real()->restrict_plan(connection, key, wish, arena, restriction, err);
    if (ok && meddle.stays)
        restriction->stays = "a test makes it stay";
    return ok;
}

static bool restrict_take(struct connection *connection, const char *key, const char *version,
                          const char *text, struct err *err)
{
    die_at(PLANNED);
    bool ok = real()->restrict_take(connection, key, version, text, err);
    die_at(TAKEN);
    return ok;
}

static bool unrestrict(struct connection *connection, const char *key, const char *version,
                       const char *text, bool look, struct arena *arena,
                       struct connect_restored *restored, struct err *err)
{
    die_at(GIVING_BACK);
    bool ok = real()->unrestrict(connection, key, version, text, look, arena, restored, err);
    die_at(GIVEN_BACK);
    return ok;
}

static const struct connector *meddling(void)
{
    static struct connector connector;
    connector = *real();
    connector.capture = capture;
    connector.remove_open = remove_open;
    connector.remove_take = remove_take;
    connector.restrict_plan = restrict_plan;
    connector.restrict_take = restrict_take;
    connector.unrestrict = unrestrict;
    return &connector;
}

/* The file ------------------------------------------------------------------------------------- */

static int held = -1; /* somebody writes it */

static void put_file(const struct world *world)
{
    meddle = (struct meddle){0};
    held = open(world->file, O_WRONLY | O_CREAT | O_CLOEXEC, open_mode);
    assert_true(held >= 0);
    assert_int_equal(write(held, content, sizeof content), sizeof content);
    assert_int_equal(fchmod(held, open_mode), 0);
}

static void let_go(void)
{
    close(held);
    held = -1;
}

static void make_world(struct world *world, const char *rules)
{
    world_make(world);
    assert_int_equal(chmod(world->files, 0755), 0);
    put_file(world);
    world_open(world, rules, meddling());
    world_ask(world);
}

static void end_world(struct world *world)
{
    if (held >= 0)
        let_go();
    world_close(world);
    world_remove(world);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static bool add_forced(struct db *db, void *context, struct err *err)
{
    (void)context;
    struct queue_job job = {
        .kind = QUEUE_VISIT, .connection = "team", .key = "a.txt", .force = true};
    return queue_add(db, &job, err);
}

/* As long as it waits there is always a next try. */
static void run_turns(struct world *world)
{
    for (int i = 0; i < turns; i++)
        world_run_one(world, 0);
}

/* What is on record ---------------------------------------------------------------------------- */

struct look {
    struct arena *arena;
    struct item item;
    struct entry entries[8];
    size_t entry_count;
    struct restriction last;
    bool found, has_last;
    const char *history;
};

static bool read_entries(struct db *db, struct look *look, struct err *err)
{
    bool found = true;
    for (int64_t id = 1; found; id++) {
        struct entry entry;
        if (!entry_get(db, id, look->arena, &entry, &found, err))
            return false;
        if (found)
            look->entries[look->entry_count++] = entry;
    }
    return true;
}

static bool read_all(struct db *db, void *context, struct err *err)
{
    struct look *look = context;
    return item_find(db, "team", "a.txt", look->arena, &look->item, &look->found, err) &&
           read_entries(db, look, err) &&
           restriction_last(db, look->item.id, look->arena, &look->last, &look->has_last, err) &&
           audit_history(db, look->item.id, 500, look->arena, &look->history, err);
}

static struct look look_at(struct world *world)
{
    struct look look = {.arena = &world->arena};
    world_write(world, read_all, &look);
    assert_true(look.found);
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

/* The newest entry. */
static const struct entry *entry_of(const struct look *look)
{
    assert_true(look->entry_count > 0);
    return &look->entries[look->entry_count - 1];
}

static bool captured_open(const struct entry *entry)
{
    return strstr(entry->captured, "\"mode\":\"0644\"") != NULL &&
           entry->exposure == FACTS_ORGANISATION && strstr(entry->shared_with, "organisation");
}

static void check_waits(struct world *world, enum entry_state state)
{
    struct look look = look_at(world);
    const struct entry *entry = entry_of(&look);
    assert_int_equal(mode_of(world->file), closed_mode);
    assert_int_equal(entry->state, state);
    assert_non_null(entry->error);
    assert_true(captured_open(entry));
    assert_true(look.has_last && look.last.state == RESTRICTION_DONE);
    assert_string_equal(look.last.wanted, RESTRICTION_MEANWHILE);
    assert_int_equal(look.item.exposure, FACTS_PRIVATE);
    assert_int_equal(count(&look, "unshared"), 1);
}

static bool ask_release(struct db *db, void *context, struct err *err)
{
    const struct custody_actor actor = {"anna", "needed"};
    struct entry entry = *(const struct entry *)context;
    entry.asked_by = actor.name;
    entry.asked_why = actor.reason;
    return custody_event(db, &entry, CUSTODY_RELEASE_ASKED, &actor, 0, err) &&
           custody_queue(db, &entry, 0, err);
}

/* Taken away, given back, with all who reached it. */
static void check_taken_and_released(struct world *world)
{
    struct look look = look_at(world);
    assert_int_equal(access(world->file, F_OK), -1);
    assert_int_equal(entry_of(&look)->state, ENTRY_REMOVED);
    assert_null(entry_of(&look)->error);
    assert_true(captured_open(entry_of(&look)));
    world_write(world, ask_release, (void *)(uintptr_t)entry_of(&look));
    world_run_all(world);
    look = look_at(world);
    assert_int_equal(mode_of(world->file), open_mode);
    assert_int_equal(entry_of(&look)->state, ENTRY_RELEASED);
    assert_int_equal(look.item.exposure, FACTS_ORGANISATION);
    assert_true(!look.has_last || look.last.state == RESTRICTION_UNDONE);
    assert_int_equal(world_copies(world), 0);
}

/* Not to be taken away after all: as it was, and the entry has ended. */
static void check_given_back(struct world *world)
{
    struct look look = look_at(world);
    assert_int_equal(mode_of(world->file), open_mode);
    assert_int_equal(entry_of(&look)->state, ENTRY_CANCELLED);
    assert_int_equal(look.item.exposure, FACTS_ORGANISATION);
    assert_int_equal(look.last.state, RESTRICTION_UNDONE);
    assert_int_equal(count(&look, "unshare-undone"), 1);
    assert_int_equal(world_copies(world), 0);
}

/* Waiting -------------------------------------------------------------------------------------- */

TEST(a_file_that_is_written_is_closed_then_taken_and_given_back_open)
{
    struct world world;
    make_world(&world, quarantine_rules);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    struct look look = look_at(&world);
    assert_string_equal(look.item.outcome, "waiting");
    let_go();
    world_run_all(&world);
    check_taken_and_released(&world);
    end_world(&world);
}

TEST(a_file_that_is_to_be_encrypted_is_closed_too_and_its_copy_is_as_open_as_it_was)
{
    struct world world;
    make_world(&world, encrypt_rules);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    let_go();
    world_run_all(&world);
    struct look look = look_at(&world);
    assert_int_equal(access(world.file, F_OK), -1);
    assert_int_equal(entry_of(&look)->state, ENTRY_REMOVED);
    assert_int_equal(mode_of(world.sealed), open_mode);
    end_world(&world);
}

TEST(whatever_makes_it_wait_it_is_closed)
{
    static const enum err_kind kinds[] = {ERR_IO, ERR_REFUSED, ERR_LIMIT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct world world;
        make_world(&world, quarantine_rules);
        let_go();
        meddle.open = kinds[i];
        run_turns(&world);
        check_waits(&world, ENTRY_SEALING);
        meddle.open = ERR_NONE;
        world_write(&world, add_forced, NULL); /* somebody asks for it again */
        world_run_all(&world);
        check_taken_and_released(&world);
        end_world(&world);
    }
}

TEST(a_removal_that_is_refused_waits_sealed_and_is_not_tried_for_ever)
{
    struct world world;
    make_world(&world, quarantine_rules);
    let_go();
    meddle.take = ERR_REFUSED;
    world_run_all(&world);
    check_waits(&world, ENTRY_SEALED);
    struct look look = look_at(&world);
    assert_string_equal(look.item.outcome, "refused");
    assert_int_equal(count(&look, "quarantine-sealed"), 2); /* kept, not made */
    meddle.take = ERR_NONE;
    world_write(&world, add_forced, NULL);
    world_run_all(&world);
    check_taken_and_released(&world);
    end_world(&world);
}

/* Not after all -------------------------------------------------------------------------------- */

TEST(what_no_rule_asks_for_any_more_is_given_back)
{
    struct world world;
    make_world(&world, quarantine_rules);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    assert_int_equal(ftruncate(held, 3), 0);
    world_ask(&world);
    let_go();
    world_run_all(&world);
    check_given_back(&world);
    end_world(&world);
}

TEST(a_changed_file_that_is_still_to_go_stays_closed_and_what_was_shared_is_kept)
{
    struct world world;
    make_world(&world, quarantine_rules);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    assert_int_equal(write(held, content, sizeof content), sizeof content);
    world_ask(&world);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    struct look look = look_at(&world);
    assert_int_equal(look.entry_count, 2);
    assert_int_equal(look.entries[0].state, ENTRY_CANCELLED);
    let_go();
    world_run_all(&world);
    check_taken_and_released(&world);
    end_world(&world);
}

static bool stop_acting(struct db *db, void *context, struct err *err)
{
    bool again;
    const struct hold hold = {.scope = HOLD_ACTING, .since_us = 1, .who = "anna", .why = "a test"};
    (void)context;
    return hold_set(db, &hold, &again, err);
}

TEST(when_people_stop_all_acting_sharing_is_given_back)
{
    struct world world;
    make_world(&world, quarantine_rules);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    world_write(&world, stop_acting, NULL);
    world_run_all(&world);
    check_given_back(&world);
    struct look look = look_at(&world);
    assert_string_equal(look.item.outcome, "stopped");
    end_world(&world);
}

static bool ask_undo(struct db *db, void *context, struct err *err)
{
    struct restriction last = ((const struct look *)context)->last;
    last.state = RESTRICTION_UNDOING;
    last.asked_by = "anna";
    last.asked_why = "needed";
    return restriction_save(db, &last, RESTRICTION_DONE, err) && world_add_visit(db, NULL, err);
}

TEST(what_a_person_has_undone_meanwhile_stays_open_until_it_goes)
{
    struct world world;
    make_world(&world, quarantine_rules);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    struct look look = look_at(&world);
    world_write(&world, ask_undo, &look);
    run_turns(&world);
    look = look_at(&world);
    assert_int_equal(mode_of(world.file), open_mode);
    assert_int_equal(entry_of(&look)->state, ENTRY_SEALING);
    assert_int_equal(look.last.state, RESTRICTION_UNDONE);
    assert_string_equal(look.last.asked_by, "anna");
    let_go();
    world_run_all(&world);
    check_taken_and_released(&world);
    end_world(&world);
}

TEST(a_file_that_is_deleted_while_it_waits_leaves_nothing_open)
{
    struct world world;
    make_world(&world, quarantine_rules);
    run_turns(&world);
    check_waits(&world, ENTRY_SEALING);
    assert_int_equal(unlink(world.file), 0);
    let_go();
    world_ask(&world);
    world_run_all(&world);
    struct look look = look_at(&world);
    assert_int_equal(entry_of(&look)->state, ENTRY_CANCELLED);
    assert_int_equal(look.last.state, RESTRICTION_DONE);
    assert_non_null(look.last.result); /* could not be given back */
    end_world(&world);
}

/* A rule's own unshare ------------------------------------------------------------------------- */

TEST(what_the_same_rule_took_away_before_comes_back_with_the_copy)
{
    struct world world;
    make_world(&world, unshare_rules);
    let_go();
    world_run_all(&world);
    struct look look = look_at(&world);
    assert_int_equal(entry_of(&look)->state, ENTRY_REMOVED);
    assert_true(captured_open(entry_of(&look)));
    assert_int_equal(mode_of(world.sealed), open_mode);
    end_world(&world);
}

TEST(what_was_taken_away_in_part_before_a_quarantine_comes_back_with_the_release)
{
    struct world world;
    make_world(&world, else_rules);
    meddle.stays = true;
    run_turns(&world);
    assert_int_equal(mode_of(world.file), closed_mode);
    let_go();
    world_run_all(&world);
    struct look look = look_at(&world);
    assert_int_equal(access(world.file, F_OK), -1);
    assert_true(captured_open(entry_of(&look)));
    world_write(&world, stop_acting, NULL); /* else the rule takes it away once more */
    world_write(&world, ask_release, (void *)(uintptr_t)entry_of(&look));
    world_run_all(&world);
    look = look_at(&world);
    assert_int_equal(mode_of(world.file), open_mode);
    assert_int_equal(look.last.state, RESTRICTION_UNDONE);
    assert_string_equal(look.last.asked_by, "anna");
    end_world(&world);
}

/* Kills ---------------------------------------------------------------------------------------- */

static void run_killed(struct world *world, const char *rules, enum moment moment)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        world_open(world, rules, meddling());
        world_ask(world);
        meddle.die = moment;
        run_turns(world);
        _exit(0); /* it should have been killed */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(a_kill_at_each_step_of_closing_is_gone_on_with)
{
    for (int moment = CAPTURED; moment <= TAKEN; moment++) {
        struct world world;
        struct err err = {0};
        world_make(&world);
        assert_int_equal(chmod(world.files, 0755), 0);
        put_file(&world);
        run_killed(&world, quarantine_rules, (enum moment)moment);
        assert_int_equal(mode_of(world.file), moment == TAKEN ? closed_mode : open_mode);
        world_open(&world, quarantine_rules, meddling());
        assert_true(recover_all(world.visits.store, &world.link, 1, &err));
        run_turns(&world);
        check_waits(&world, ENTRY_SEALING);
        let_go();
        world_run_all(&world);
        check_taken_and_released(&world);
        end_world(&world);
    }
}

TEST(a_kill_between_an_unshare_and_the_seal_keeps_what_was_shared)
{
    static const enum moment moments[] = {PLANNED, TAKEN, CAPTURED, BEGUN};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct world world;
        world_make(&world);
        assert_int_equal(chmod(world.files, 0755), 0);
        put_file(&world);
        let_go();
        run_killed(&world, unshare_rules, moments[i]);
        world_open(&world, unshare_rules, meddling());
        world_recover(&world);
        struct look look = look_at(&world);
        assert_int_equal(entry_of(&look)->state, ENTRY_REMOVED);
        assert_true(captured_open(entry_of(&look)));
        assert_int_equal(mode_of(world.sealed), open_mode);
        assert_int_equal(count(&look, "unshared"), 1);
        end_world(&world);
    }
}

TEST(a_kill_while_sharing_is_given_back_is_gone_on_with)
{
    for (int moment = GIVING_BACK; moment <= GIVEN_BACK; moment++) {
        struct world world;
        make_world(&world, quarantine_rules);
        run_turns(&world);
        check_waits(&world, ENTRY_SEALING);
        world_close(&world);
        assert_int_equal(ftruncate(held, 3), 0);
        let_go();
        run_killed(&world, quarantine_rules, (enum moment)moment);
        assert_int_equal(mode_of(world.file), moment == GIVEN_BACK ? open_mode : closed_mode);
        world_open(&world, quarantine_rules, meddling());
        world_recover(&world);
        check_given_back(&world);
        end_world(&world);
    }
}

/* Left behind ---------------------------------------------------------------------------------- */

static void copy_file(const struct world *world, const char *name)
{
    char path[200];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/%s", world->vault, name);
    assert_true(io_write_file(path, "sealed", 6, 0600, &err));
}

static bool is_in_vault(const struct world *world, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", world->vault, name);
    return access(path, F_OK) == 0;
}

TEST(copies_of_ended_entries_go_an_open_one_s_stays_and_an_unknown_one_is_moved_aside)
{
    struct world world;
    make_world(&world, quarantine_rules);
    run_turns(&world);
    assert_int_equal(ftruncate(held, 3), 0);
    world_ask(&world);
    world_run_all(&world);
    check_given_back(&world); /* entry 1 has ended */
    assert_int_equal(write(held, content, sizeof content), sizeof content);
    let_go();
    world_ask(&world);
    world_run_all(&world); /* entry 2 is in quarantine */
    copy_file(&world, "1.age");
    copy_file(&world, "4711.age");
    leftover_sweep(&world.visits, &world.link, 1);
    assert_false(is_in_vault(&world, "1.age"));
    assert_true(is_in_vault(&world, "2.age"));
    assert_false(is_in_vault(&world, "4711.age"));
    assert_int_equal(world_copies(&world), 2); /* the unknown one under another name */
    leftover_sweep(&world.visits, &world.link, 1);
    assert_int_equal(world_copies(&world), 2);
    end_world(&world);
}

/* Entry 1 as a kill leaves it: cancelled, its copy beside the file. */
static bool cut_copy(struct db *db, void *context, struct err *err)
{
    bool found;
    struct entry entry;
    struct world *world = context;
    struct connect_stat stat;
    if (!world->link.connector->stat(world->link.connection, "a.txt.age", &world->arena, &stat,
                                     err) ||
        !entry_get(db, 1, &world->arena, &entry, &found, err))
        return false;
    entry.made = entry.copy_version = stat.version;
    return entry_save(db, &entry, err);
}

TEST(a_copy_beside_that_was_left_goes_unless_it_is_another_file_by_now)
{
    for (int other = 0; other < 2; other++) {
        struct world world;
        struct err err = {0};
        make_world(&world, encrypt_rules);
        run_turns(&world);
        assert_int_equal(ftruncate(held, 3), 0);
        let_go();
        world_ask(&world);
        world_run_all(&world);
        assert_true(io_write_file(world.sealed, "sealed", 6, 0600, &err));
        world_write(&world, cut_copy, &world);
        if (other)
            assert_true(io_write_file(world.sealed, "another", 7, 0600, &err));
        leftover_sweep(&world.visits, &world.link, 1);
        assert_int_equal(access(world.sealed, F_OK), other ? 0 : -1);
        struct look look = look_at(&world);
        assert_null(look.entries[0].made);
        end_world(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_each_step_of_closing_is_gone_on_with),
        cmocka_unit_test(a_kill_between_an_unshare_and_the_seal_keeps_what_was_shared),
        cmocka_unit_test(a_kill_while_sharing_is_given_back_is_gone_on_with),
        cmocka_unit_test(a_file_that_is_written_is_closed_then_taken_and_given_back_open),
        cmocka_unit_test(
            a_file_that_is_to_be_encrypted_is_closed_too_and_its_copy_is_as_open_as_it_was),
        cmocka_unit_test(whatever_makes_it_wait_it_is_closed),
        cmocka_unit_test(a_removal_that_is_refused_waits_sealed_and_is_not_tried_for_ever),
        cmocka_unit_test(what_no_rule_asks_for_any_more_is_given_back),
        cmocka_unit_test(
            a_changed_file_that_is_still_to_go_stays_closed_and_what_was_shared_is_kept),
        cmocka_unit_test(when_people_stop_all_acting_sharing_is_given_back),
        cmocka_unit_test(what_a_person_has_undone_meanwhile_stays_open_until_it_goes),
        cmocka_unit_test(a_file_that_is_deleted_while_it_waits_leaves_nothing_open),
        cmocka_unit_test(
            copies_of_ended_entries_go_an_open_one_s_stays_and_an_unknown_one_is_moved_aside),
        cmocka_unit_test(a_copy_beside_that_was_left_goes_unless_it_is_another_file_by_now),
        cmocka_unit_test(what_the_same_rule_took_away_before_comes_back_with_the_copy),
        cmocka_unit_test(
            what_was_taken_away_in_part_before_a_quarantine_comes_back_with_the_release),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
