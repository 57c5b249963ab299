#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/item.h"
#include "store/queue.h"
#include "store/store.h"

static char folder[64];

static struct store *open_new(void)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/labeld-store-XXXXXX");
    assert_non_null(mkdtemp(folder));
    struct store *store = store_open(folder, &err);
    if (!store)
        fail_msg("%s", err.text);
    return store;
}

static void close_and_remove(struct store *store)
{
    static const char *const files[] = {"labeld.db", "labeld.db-wal", "labeld.db-shm"};
    store_close(store);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

static bool add_record(struct db *db, void *context, struct err *err)
{
    const struct audit_record record = {.event = context, .actor = "labeld", .at_us = 1000000};
    return audit_add(db, &record, err);
}

static bool run(struct store *store, bool (*unit)(struct db *, void *, struct err *),
                const void *context)
{
    struct err err = {0};
    return store_write(store, STORE_COMMITTED,
                       (struct store_unit){unit, (void *)(uintptr_t)context}, &err);
}

static bool tamper(struct db *db, void *context, struct err *err)
{
    return db_execute(db, context, err);
}

static bool verified(struct store *store)
{
    struct err err = {0};
    struct audit_head head;
    struct db *db = store_reader(store, &err);
    bool ok = audit_verify(db, NULL, &head, &err);
    store_reader_done(store, db);
    return ok;
}

TEST(a_chain_shows_every_change_of_a_record)
{
    static const char *const changes[] = {
        "UPDATE audit SET body = replace(body, 'two', 'six') WHERE seq = 2",
        "UPDATE audit SET hash = upper(hash) WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 1",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct store *store = open_new();
        assert_true(run(store, add_record, "one") && run(store, add_record, "two") &&
                    run(store, add_record, "three"));
        CHECK_CASE(i, verified(store));
        CHECK_CASE(i, run(store, tamper, changes[i]));
        CHECK_CASE(i, !verified(store));
        close_and_remove(store);
    }
}

static bool add_and_fail(struct db *db, void *context, struct err *err)
{
    return add_record(db, context, err) && err_set(err, ERR_BROKEN, "on purpose");
}

TEST(a_unit_that_fails_leaves_nothing_and_harms_no_other)
{
    struct store *store = open_new();
    assert_true(run(store, add_record, "kept"));
    assert_false(run(store, add_and_fail, "lost"));
    assert_true(run(store, add_record, "kept too"));
    struct err err = {0};
    struct audit_head head;
    struct db *db = store_reader(store, &err);
    assert_true(audit_verify(db, NULL, &head, &err));
    assert_int_equal(head.seq, 2);
    store_reader_done(store, db);
    close_and_remove(store);
}

static void *write_many(void *context)
{
    for (int i = 0; i < 50; i++)
        assert_true(run(context, add_record, "many"));
    return NULL;
}

TEST(units_of_many_threads_share_commits_and_none_is_lost)
{
    struct store *store = open_new();
    pthread_t threads[8];
    struct store_numbers numbers;
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, write_many, store);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    store_numbers(store, &numbers);
    assert_int_equal(numbers.units, 400);
    assert_true(numbers.commits < 400);
    assert_true(verified(store));
    close_and_remove(store);
}

static bool add_job(struct db *db, void *context, struct err *err)
{
    return queue_add(db, context, err);
}

TEST(changes_of_one_item_share_one_open_job)
{
    struct store *store = open_new();
    struct queue_job first = {.connection = "team", .key = "a", .lane = QUEUE_BACKFILL};
    struct queue_job second = {.connection = "team", .key = "a", .lane = QUEUE_LIVE};
    assert_true(run(store, add_job, &first) && run(store, add_job, &second));
    assert_int_equal(first.id, second.id);
    struct err err = {0};
    struct queue_numbers numbers;
    struct db *db = store_reader(store, &err);
    assert_true(queue_numbers(db, &numbers, &err));
    assert_int_equal(numbers.queued[QUEUE_LIVE], 1);
    assert_int_equal(numbers.queued[QUEUE_BACKFILL], 0);
    store_reader_done(store, db);
    close_and_remove(store);
}

static bool save(struct db *db, void *context, struct err *err)
{
    return item_save(db, context, err);
}

/* What the numbers are by counting, beside what was kept. */
static void check_numbers(struct store *store, size_t step)
{
    struct err err = {0};
    struct catalogue_numbers numbers;
    int64_t stopped = -1;
    struct db *db = store_reader(store, &err);
    assert_true(catalogue_numbers(db, &numbers, &err) && item_stopped_count(db, &stopped, &err));
    struct db_query *query =
        db_query_text(db, "SELECT count(*), count(label_id), coalesce(sum(findings > 0), 0), "
                          "coalesce(sum(outcome = 'stopped' AND revision IS NOT NULL), 0), "
                          "coalesce(sum(status = 1), 0) FROM item WHERE deleted IS NULL");
    assert_int_equal(db_step(query, &err), DB_ROW);
    CHECK_CASE(step, numbers.items == db_column_number(query, 0));
    CHECK_CASE(step, numbers.labelled == db_column_number(query, 1));
    CHECK_CASE(step, numbers.with_findings == db_column_number(query, 2));
    CHECK_CASE(step, stopped == db_column_number(query, 3));
    CHECK_CASE(step, numbers.by_status[1] == db_column_number(query, 4));
    db_drop(query);
    store_reader_done(store, db);
}

static bool save_item(struct db *db, void *context, struct err *err)
{
    return item_save(db, context, err);
}

TEST(the_numbers_of_items_follow_every_change_without_counting)
{
    struct store *store = open_new();
    struct item item[2];
    item_init(&item[0], "team", "a");
    item_init(&item[1], "team", "b");
    for (size_t step = 0; step < 64; step++) {
        struct item *one = &item[step % 2];
        one->status = (enum report_status)(step / 3 % 3);
        one->exposure = (int)(step / 5 % 4);
        one->label_id = step % 7 < 3 ? NULL : step % 7 < 5 ? "x" : "y";
        one->finding_count = (int64_t)(step % 5);
        one->outcome = step % 4 == 1 ? "stopped" : "none";
        one->revision = step % 3 ? "r" : NULL;
        one->deleted_us = step % 9 == 8 ? 1000 : ITEM_NO_TIME;
        assert_true(run(store, save_item, one));
        check_numbers(store, step);
    }
    static const char *const changes[] = {
        "UPDATE item SET outcome = 'stopped', revision = 'r', deleted = NULL",
        "UPDATE item SET revision = NULL",
        "UPDATE item SET revision = 'r', connection = 'other'",
        "UPDATE item SET deleted = 5 WHERE key = 'a'",
        "DELETE FROM item",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        assert_true(run(store, tamper, changes[i]));
        check_numbers(store, 100 + i);
    }
    close_and_remove(store);
}

TEST(a_list_of_items_goes_on_where_the_page_before_ended)
{
    struct store *store = open_new();
    struct item items[5];
    static const char *const paths[] = {"/a", "/b", "/c", "/d", "/e"};
    for (size_t i = 0; i < 5; i++) {
        item_init(&items[i], "team", paths[i] + 1);
        items[i].path = paths[i];
        assert_true(run(store, save, &items[i]));
    }
    struct err err = {0};
    own_arena struct arena arena = arena_new(1u << 20);
    const struct catalogue_filter filter = {0};
    struct catalogue_ask ask = {.filter = &filter, .sort = CATALOGUE_BY_PATH, .limit = 2};
    struct db *db = store_reader(store, &err);
    size_t seen = 0;
    do {
        struct catalogue_page page;
        if (!catalogue_list(db, &ask, &arena, &page, &err))
            fail_msg("%s", err.text);
        for (size_t i = 0; i < page.count; i++)
            assert_string_equal(page.items[i].path, paths[seen++]);
        ask.cursor = page.next;
    } while (ask.cursor);
    assert_int_equal(seen, 5);
    ask.cursor = "0.1";
    struct catalogue_page page;
    assert_false(catalogue_list(db, &ask, &arena, &page, &err));
    store_reader_done(store, db);
    close_and_remove(store);
}

static void note_lost(void *context)
{
    *(bool *)context = true;
}

TEST(a_commit_that_fails_is_told_when_units_were_told_as_run)
{
    struct err err = {0};
    bool lost = false;
    struct store *store = open_new();
    const struct store_unit unit = {add_record, (void *)(uintptr_t) "one"};
    store_on_lost(store, note_lost, &lost);
    store_fail_commit(store);
    assert_false(store_write(store, STORE_COMMITTED, unit, &err)); /* its caller knows */
    assert_false(lost);
    store_fail_commit(store);
    assert_true(store_write(store, STORE_RAN, unit, &err));
    store_write(store, STORE_COMMITTED, unit, &err); /* with it, or after its commit has failed */
    assert_true(lost);
    assert_true(store_write(store, STORE_COMMITTED, unit, &err));
    assert_true(verified(store));
    close_and_remove(store);
}

/* What SQLite does by itself when the disk is full in the middle of a statement. */
static bool take_back_all(struct db *db, void *context, struct err *err)
{
    (void)context;
    assert_true(db_execute(db, "ROLLBACK", NULL));
    return err_set(err, ERR_IO, "the disk is full");
}

static int64_t records_in(struct store *store)
{
    struct err err = {0};
    struct audit_head head;
    struct db *db = store_reader(store, &err);
    assert_true(audit_head(db, &head, &err));
    store_reader_done(store, db);
    return head.seq;
}

TEST(a_transaction_that_is_taken_back_keeps_nothing_and_says_so)
{
    struct err err = {0};
    bool lost = false;
    struct store *store = open_new();
    const struct store_unit unit = {add_record, (void *)(uintptr_t) "one"};
    const struct store_unit full = {take_back_all, NULL};
    store_on_lost(store, note_lost, &lost);
    /* the rider may be committed before the fault comes: then nothing was lost */
    int64_t kept = 0;
    for (int i = 0; i < 50 && !lost; i++) {
        kept = records_in(store);
        assert_true(store_write(store, STORE_RAN, unit, &err));
        assert_false(store_write(store, STORE_COMMITTED, full, &err));
        assert_string_equal(err.text, "the disk is full");
        assert_true(store_write(store, STORE_COMMITTED, unit, &err));
    }
    assert_true(lost);
    assert_int_equal(records_in(store), kept + 1);
    assert_true(verified(store));
    close_and_remove(store);
}

/* What each claim asks is found by state: a walk over a million queued jobs would be felt. */
TEST(no_question_of_a_claim_goes_through_the_whole_queue)
{
    static const struct {
        const char *name, *text;
    } statements[] = {
#define SQL(name, text) {#name, text},
#include "store/sql.def"
#undef SQL
    };
    static const char *const asked[] = {"JOB_BUSY",  "JOB_BACKFILLS", "JOB_CONNECTION",
                                        "JOB_READY", "JOB_DUE",       "JOB_DUE_OF"};
    struct err err = {0};
    size_t checked = 0;
    struct store *store = open_new();
    struct db *db = store_reader(store, &err);
    assert_non_null(db);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        for (size_t k = 0; k < sizeof asked / sizeof *asked; k++) {
            char text[2048];
            if (strcmp(statements[i].name, asked[k]) != 0)
                continue;
            snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", statements[i].text);
            struct db_query *plan = db_query_text(db, text);
            assert_int_equal(db_step(plan, &err), DB_ROW);
            if (!strstr(db_column_text(plan, 3), "(state=?"))
                fail_msg("%s: %s", asked[k], db_column_text(plan, 3));
            db_drop(plan);
            checked++;
        }
    assert_int_equal(checked, sizeof asked / sizeof *asked);
    store_reader_done(store, db);
    close_and_remove(store);
}

/* Calls ---------------------------------------------------------------------------------------- */

struct call {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int answers, failures;
};

static void on_answer(void *context, bool ok, const struct err *err)
{
    struct call *call = context;
    (void)err;
    pthread_mutex_lock(&call->lock);
    call->answers++;
    call->failures += !ok;
    pthread_cond_signal(&call->changed);
    pthread_mutex_unlock(&call->lock);
}

static void await_answers(struct call *call, int count)
{
    pthread_mutex_lock(&call->lock);
    while (call->answers < count)
        pthread_cond_wait(&call->changed, &call->lock);
    pthread_mutex_unlock(&call->lock);
}

static bool add_plain(struct db *db, void *context, struct err *err)
{
    (void)context;
    return add_record(db, (void *)(uintptr_t) "call", err);
}

TEST(a_call_is_answered_after_its_commit_and_hears_of_a_failed_one)
{
    struct err err = {0};
    struct call call = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    struct store *store = open_new();
    const size_t rows[] = {1, 1000, 51, 50, 1000};
    for (size_t i = 0; i < 5; i++) {
        const struct store_call one = {{add_plain, &call}, rows[i], on_answer};
        assert_true(store_submit(store, &one, &err));
    }
    await_answers(&call, 5);
    assert_int_equal(call.failures, 0);
    const struct store_call one = {{add_plain, &call}, 1, on_answer};
    store_fail_commit(store);
    assert_true(store_submit(store, &one, &err));
    await_answers(&call, 6);
    assert_int_equal(call.failures, 1);
    store_fail_nth(store, 1);
    assert_true(store_submit(store, &one, &err));
    await_answers(&call, 7);
    assert_int_equal(call.failures, 2);
    struct audit_head head;
    struct db *db = store_reader(store, &err);
    assert_true(audit_verify(db, NULL, &head, &err));
    assert_int_equal(head.seq, 5);
    store_reader_done(store, db);
    close_and_remove(store);
}

/* A unit whose last statement (the release) fails is taken back whole. */
TEST(whichever_statement_of_a_unit_fails_nothing_of_it_is_kept)
{
    for (uint64_t nth = 1;; nth++) {
        struct err err = {0};
        struct store *store = open_new();
        store_fail_nth(store, nth);
        bool ok = run(store, add_record, "one");
        store_fail_nth(store, 0);
        struct audit_head head;
        struct db *db = store_reader(store, &err);
        assert_true(audit_head(db, &head, &err));
        CHECK_CASE(nth, head.seq == (ok ? 1 : 0));
        store_reader_done(store, db);
        assert_true(run(store, add_record, "two"));
        close_and_remove(store);
        if (ok)
            break;
        assert_true(nth < 20);
    }
}

/* Upgrades ------------------------------------------------------------------------------------- */

extern const char store_schema[];

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A database as version 1 left it: its section of the schema, and a record. */
static void make_version_1(void)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/labeld-store-XXXXXX");
    assert_non_null(mkdtemp(folder));
    const char *end = strstr(store_schema, "-- version 2");
    assert_non_null(end);
    char *section = strndup(store_schema, (size_t)(end - store_schema));
    struct db *db = db_open(in_folder("labeld.db"), true, &err);
    assert_true(db_execute(db, section, &err));
    assert_true(db_execute(db, "BEGIN", &err));
    assert_true(add_record(db, (void *)(uintptr_t) "one", &err));
    assert_true(db_execute(db,
                           "INSERT INTO connection VALUES ('team', '', 1, 0, 5, 5, 0, 0, NULL);"
                           "COMMIT; PRAGMA user_version = 1",
                           &err));
    db_close(db);
    free(section);
}

static int64_t number_of(struct db *db, const char *text)
{
    struct err err = {0};
    struct db_query *query = db_query_text(db, text);
    int64_t number = db_step(query, &err) == DB_ROW ? db_column_number(query, 0) : -1;
    db_drop(query);
    return number;
}

static int64_t number_in(const char *name, const char *text)
{
    struct err err = {0};
    struct db *db = db_open(in_folder(name), true, &err);
    int64_t number = db ? number_of(db, text) : -2;
    db_close(db);
    return number;
}

static void remove_all(void)
{
    static const char *const files[] = {"labeld.db", "labeld.db.version-1",
                                        "labeld.db.version-1.new"};
    for (size_t i = 0; i < 3; i++)
        unlink(in_folder(files[i]));
    assert_int_equal(rmdir(folder), 0);
}

TEST(an_older_database_is_copied_and_then_brought_forward)
{
    make_version_1();
    struct err err = {0};
    FILE *cut = fopen(in_folder("labeld.db.version-1.new"), "w"); /* of a kill */
    fputs("half a copy", cut);
    fclose(cut);
    struct store *store = store_open(folder, &err);
    if (!store)
        fail_msg("%s", err.text);
    assert_true(verified(store));
    assert_true(run(store, add_record, "two"));
    struct db *db = store_reader(store, &err);
    int64_t present, latest;
    assert_true(store_versions(db, &present, &latest, &err));
    assert_true(present == latest && latest >= 2);
    assert_int_equal(number_of(db, "SELECT seen FROM connection WHERE name = 'team'"), 5);
    assert_int_equal(number_of(db, "SELECT COUNT(*) FROM entry"), 0);
    store_reader_done(store, db);
    store_close(store);
    assert_int_equal(number_in("labeld.db.version-1", "PRAGMA user_version"), 1);
    assert_int_equal(number_in("labeld.db.version-1", "SELECT COUNT(*) FROM audit"), 1);
    assert_int_equal(number_in("labeld.db", "SELECT COUNT(*) FROM audit"), 2);
    assert_int_not_equal(access(in_folder("labeld.db.version-1.new"), F_OK), 0);
    remove_all();
}

TEST(an_upgrade_that_fails_leaves_the_older_database)
{
    make_version_1();
    struct err err = {0};
    assert_int_equal(number_in("labeld.db", "CREATE TABLE task (id INTEGER)"), -1); /* in its way */
    assert_null(store_open(folder, &err));
    assert_non_null(strstr(err.text, "schema version 2"));
    assert_int_equal(number_in("labeld.db", "PRAGMA user_version"), 1);
    assert_int_equal(number_in("labeld.db", "SELECT COUNT(*) FROM sqlite_schema "
                                            "WHERE name = 'entry'"),
                     0);
    assert_int_equal(number_in("labeld.db", "DROP TABLE task"), -1);
    struct store *store = store_open(folder, &err);
    assert_non_null(store);
    store_close(store);
    remove_all();
}

TEST(a_newer_database_is_left_alone)
{
    make_version_1();
    struct err err = {0};
    assert_int_equal(number_in("labeld.db", "PRAGMA user_version = 999"), -1);
    assert_null(store_open(folder, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_int_equal(number_in("labeld.db", "PRAGMA user_version"), 999);
    remove_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_shows_every_change_of_a_record),
        cmocka_unit_test(a_unit_that_fails_leaves_nothing_and_harms_no_other),
        cmocka_unit_test(units_of_many_threads_share_commits_and_none_is_lost),
        cmocka_unit_test(changes_of_one_item_share_one_open_job),
        cmocka_unit_test(a_commit_that_fails_is_told_when_units_were_told_as_run),
        cmocka_unit_test(a_transaction_that_is_taken_back_keeps_nothing_and_says_so),
        cmocka_unit_test(no_question_of_a_claim_goes_through_the_whole_queue),
        cmocka_unit_test(a_call_is_answered_after_its_commit_and_hears_of_a_failed_one),
        cmocka_unit_test(whichever_statement_of_a_unit_fails_nothing_of_it_is_kept),
        cmocka_unit_test(the_numbers_of_items_follow_every_change_without_counting),
        cmocka_unit_test(a_list_of_items_goes_on_where_the_page_before_ended),
        cmocka_unit_test(an_older_database_is_copied_and_then_brought_forward),
        cmocka_unit_test(an_upgrade_that_fails_leaves_the_older_database),
        cmocka_unit_test(a_newer_database_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
