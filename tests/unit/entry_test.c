#include "base/own.h"
#include "check.h"
#include "policy/facts.h"
#include "scratch.h"
#include "store/custody.h"
#include "store/store.h"

static bool add(struct db *db, void *context, struct err *err)
{
    return entry_add(db, context, err);
}

/* Entries 1 to 5: (alert, exposure) and the rule of each. */
static const struct {
    int alert, exposure;
    const char *rules;
} given[] = {
    {-1, FACTS_PUBLIC, "[{\"name\":\"a\",\"digest\":\"1\"}]"},
    {2, FACTS_PRIVATE, "[{\"name\":\"100% sure\",\"digest\":\"1\"}]"},
    {2, FACTS_PUBLIC, "[{\"name\":\"a\",\"digest\":\"1\"},{\"name\":\"b_c\",\"digest\":\"2\"}]"},
    {2, FACTS_PUBLIC, "[{\"name\":\"bxc\",\"digest\":\"2\"}]"},
    {0, FACTS_ORGANISATION, "[{\"name\":\"say \\\"no\\\"\",\"digest\":\"2\"}]"},
};
enum { given_count = sizeof given / sizeof *given };

static struct store *open_filled(const struct scratch *scratch)
{
    struct err err = {0};
    struct store *store = store_open(scratch->path, &err);
    if (!store)
        fail_msg("%s", err.text);
    for (int i = 0; i < given_count; i++) {
        struct entry entry = {.state = ENTRY_REMOVED,
                              .connection = "c",
                              .key = "k",
                              .path = i == 4 ? "/x" : "/folder/y",
                              .item_version = "v",
                              .exposure = given[i].exposure,
                              .shared_with = "[]",
                              .rules = given[i].rules,
                              .revision = "r",
                              .alert_level = given[i].alert,
                              .captured = "{}",
                              .grants = "",
                              .recipients = "[]",
                              .due_us = ENTRY_NO_TIME};
        if (!store_write(store, STORE_COMMITTED, (struct store_unit){add, &entry}, &err))
            fail_msg("%s", err.text);
    }
    return store;
}

static const struct entry_filter all = {
    .kinds = ~0u, .states = ~0u, .exposures = ~0u, .limit = 100};

/* The numbers of what a filter finds, page by page: "3 4 2". */
static const char *found(struct store *store, struct entry_filter filter, char room[static 64])
{
    struct err err = {0};
    size_t count = 1, used = 0;
    struct db *db = store_reader(store, &err);
    room[0] = '\0';
    while (count > 0) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct entry *entries;
        assert_true(entry_list(db, &filter, &arena, &entries, &count, &err));
        for (size_t i = 0; i < count; i++) {
            used += (size_t)snprintf(room + used, 64 - used, "%s%d", used ? " " : "",
                                     (int)entries[i].id);
            filter.after = entry_place(&entries[i], filter.by_rank);
        }
    }
    store_reader_done(store, db);
    return room;
}

TEST(pages_of_entries_go_by_rank_or_from_the_newest)
{
    struct scratch scratch = scratch_open();
    struct store *store = open_filled(&scratch);
    char room[64];
    for (int limit = 1; limit <= 6; limit++) {
        struct entry_filter filter = all;
        filter.limit = limit;
        assert_string_equal(found(store, filter, room), "5 4 3 2 1");
        filter.by_rank = true;
        assert_string_equal(found(store, filter, room), "3 4 2 5 1");
    }
    store_close(store);
    scratch_close(&scratch);
}

TEST(entries_are_found_by_what_they_are)
{
    static const struct {
        struct entry_filter filter;
        const char *found;
    } cases[] = {
        {{.rule = "a"}, "3 1"},
        {{.rule = "b_c"}, "3"},
        {{.rule = "100% sure"}, "2"},
        {{.rule = "1"}, ""},
        {{.rule = "%"}, ""},
        {{.rule = "say \"no\""}, "5"},
        {{.path = "/folder/"}, "4 3 2 1"},
        {{.path = "/folder"}, ""},
        {{.path = "/x"}, "5"},
        {{.path = "/"}, "5 4 3 2 1"},
        {{.connection = "d"}, ""},
        {{.owner = "nobody"}, ""},
        {{.exposures = 1u << FACTS_PUBLIC}, "4 3 1"},
        {{.states = 1u << ENTRY_RELEASED}, ""},
        {{.kinds = 1u << ENTRY_ENCRYPT}, ""},
    };
    struct scratch scratch = scratch_open();
    struct store *store = open_filled(&scratch);
    char room[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry_filter filter = cases[i].filter;
        filter.limit = 2;
        filter.kinds = filter.kinds ? filter.kinds : ~0u;
        filter.states = filter.states ? filter.states : ~0u;
        filter.exposures = filter.exposures ? filter.exposures : ~0u;
        assert_string_equal(found(store, filter, room), cases[i].found);
    }
    store_close(store);
    scratch_close(&scratch);
}

TEST(every_pair_of_state_and_event_is_a_row_or_refused)
{
    static const char rows[ENTRY_STATE_COUNT][CUSTODY_EVENT_COUNT + 1] = {
        /* kept changed planned taken not-made put-back | asked given refused undone | asked undone
         * gone */
        [ENTRY_SEALING] = "yy...........",   [ENTRY_SEALED] = ".yy..........",
        [ENTRY_REMOVING] = "...yyy.......",  [ENTRY_REMOVED] = "......y...y..",
        [ENTRY_RELEASING] = ".......yyy...", [ENTRY_RELEASED] = ".............",
        [ENTRY_DELETING] = "...........yy",  [ENTRY_DELETED] = ".............",
        [ENTRY_CANCELLED] = ".............",
    };
    for (int from = 0; from < ENTRY_STATE_COUNT; from++)
        for (int event = 0; event < CUSTODY_EVENT_COUNT; event++) {
            enum entry_state to;
            bool is = custody_next((enum entry_state)from, (enum custody_event)event, &to);
            assert_int_equal(is, rows[from][event] == 'y');
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_entries_go_by_rank_or_from_the_newest),
        cmocka_unit_test(entries_are_found_by_what_they_are),
        cmocka_unit_test(every_pair_of_state_and_event_is_a_row_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
