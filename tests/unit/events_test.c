#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "check.h"
#include "http/events.h"
#include "store/news.h"
#include "store/store.h"

static char folder[64];

struct world {
    struct store *store;
    struct events *events;
};

static void open_world(struct world *world, uint64_t most)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/labeld-events-XXXXXX");
    assert_non_null(mkdtemp(folder));
    world->store = store_open(folder, &err);
    if (!world->store)
        fail_msg("%s", err.text);
    world->events = events_open(world->store, most, &err);
    assert_non_null(world->events);
}

static void close_world(struct world *world)
{
    static const char *const files[] = {"labeld.db", "labeld.db-wal", "labeld.db-shm"};
    events_close(world->events);
    store_close(world->store);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* A unit that changes items `from` to `to`, or a task, or ends a token. */
struct writing {
    int64_t from, to;
    int64_t task_owner, token;
    bool fail;
};

static bool write_news(struct db *db, void *context, struct err *err)
{
    const struct writing *writing = context;
    for (int64_t id = writing->from; id < writing->to; id++)
        news_item(db, id, "v");
    if (writing->task_owner)
        news_task(db, 7, writing->task_owner);
    if (writing->token)
        news_numbered(db, NEWS_TOKEN, writing->token, -1);
    return !writing->fail || err_set(err, ERR_BROKEN, "as the test wants it");
}

static bool write_unit(struct world *world, struct writing writing)
{
    return store_write(world->store, STORE_COMMITTED, (struct store_unit){write_news, &writing},
                       NULL);
}

/* All that is there to be read, of a listener that has something. */
static void read_some(struct events_listener *listener, struct buf *text)
{
    char room[64 * 1024];
    ssize_t length = events_read(listener, 0, room, sizeof room);
    assert_true(length > 0);
    assert_true(buf_append(text, room, (size_t)length));
}

static size_t count_of(const struct buf *text, const char *word)
{
    size_t count = 0;
    for (const char *at = buf_text(text); (at = strstr(at, word)); at++)
        count++;
    return count;
}

TEST(what_is_committed_is_told_in_order_and_nothing_else)
{
    struct world world;
    own_buf struct buf text = buf_new(1 << 20);
    open_world(&world, 2);
    struct events_listener *listener = events_listen(world.events, 0, NULL);
    assert_true(write_unit(&world, (struct writing){.from = 1, .to = 3}));
    assert_false(write_unit(&world, (struct writing){.from = 10, .to = 20, .fail = true}));
    store_fail_commit(world.store);
    assert_false(write_unit(&world, (struct writing){.from = 20, .to = 30}));
    assert_true(write_unit(&world, (struct writing){.from = 3, .to = 4}));
    read_some(listener, &text);
    assert_int_equal(strncmp(buf_text(&text), "retry: ", 7), 0);
    const char *one = strstr(buf_text(&text), "{\"id\":\"1\",\"version\":\"v\"}\n\n");
    const char *two = strstr(buf_text(&text), "{\"id\":\"2\",\"version\":\"v\"}\n\n");
    const char *three = strstr(buf_text(&text), "{\"id\":\"3\",\"version\":\"v\"}\n\n");
    assert_true(one && two && three && one < two && two < three);
    assert_int_equal(count_of(&text, "event: item\n"), 3);
    events_leave(listener);
    close_world(&world);
}

TEST(an_event_is_whole_in_however_small_pieces)
{
    struct world world;
    own_buf struct buf whole = buf_new(1 << 20), pieces = buf_new(1 << 20);
    open_world(&world, 2);
    struct events_listener *a = events_listen(world.events, 0, NULL);
    struct events_listener *b = events_listen(world.events, 0, NULL);
    assert_true(write_unit(&world, (struct writing){.from = 1, .to = 5}));
    read_some(a, &whole);
    while (pieces.length < whole.length) {
        char room[3];
        size_t left = whole.length - pieces.length;
        ssize_t length = events_read(b, 0, room, left < 3 ? left : 3);
        assert_true(length > 0 && buf_append(&pieces, room, (size_t)length));
    }
    assert_string_equal(buf_text(&pieces), buf_text(&whole));
    events_leave(a);
    events_leave(b);
    close_world(&world);
}

TEST(a_slow_listener_is_cut_off_and_its_number_is_too_old)
{
    struct world world;
    char number[32];
    own_buf struct buf text = buf_new(1 << 20);
    open_world(&world, 2);
    struct events_listener *slow = events_listen(world.events, 0, NULL);
    read_some(slow, &text);
    snprintf(number, sizeof number, "%lld", strtoll(strstr(buf_text(&text), "id: ") + 4, NULL, 10));
    assert_true(write_unit(&world, (struct writing){.from = 1, .to = 10001}));
    struct events_listener *back = events_listen(world.events, 0, number);
    buf_reset(&text);
    read_some(back, &text);
    assert_int_equal(count_of(&text, "event: reset"), 0); /* 10,000 are kept */
    events_leave(back);
    assert_true(write_unit(&world, (struct writing){.from = 1, .to = 2}));
    char room[1024];
    assert_true(events_read(slow, 0, room, sizeof room) < 0);
    events_leave(slow);
    back = events_listen(world.events, 0, number);
    buf_reset(&text);
    read_some(back, &text);
    assert_int_equal(count_of(&text, "event: reset"), 1);
    events_leave(back);
    close_world(&world);
}

TEST(more_than_a_transaction_may_tell_of_makes_all_start_anew)
{
    struct world world;
    char room[1024];
    open_world(&world, 1);
    struct events_listener *listener = events_listen(world.events, 0, NULL);
    assert_true(write_unit(&world, (struct writing){.from = 1, .to = 10002}));
    assert_true(events_read(listener, 0, room, sizeof room) < 0);
    events_leave(listener);
    close_world(&world);
}

TEST(a_task_is_told_to_its_owner_and_a_gone_token_hears_no_more)
{
    struct world world;
    own_buf struct buf a = buf_new(1 << 20), b = buf_new(1 << 20);
    char room[1024];
    open_world(&world, 2);
    struct events_listener *owner = events_listen(world.events, 4, NULL);
    struct events_listener *other = events_listen(world.events, 5, NULL);
    assert_true(write_unit(&world, (struct writing){.task_owner = 4}));
    read_some(owner, &a);
    read_some(other, &b);
    assert_int_equal(count_of(&a, "event: task"), 1);
    assert_int_equal(count_of(&b, "event: task"), 0);
    assert_null(events_listen(world.events, 6, NULL)); /* there are two */
    assert_true(write_unit(&world, (struct writing){.token = 5, .from = 1, .to = 2}));
    assert_true(events_read(other, 0, room, sizeof room) < 0);
    assert_true(events_read(owner, 0, room, sizeof room) > 0);
    events_leave(other);
    other = events_listen(world.events, 6, NULL);
    assert_non_null(other);
    events_leave(other);
    events_leave(owner);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_committed_is_told_in_order_and_nothing_else),
        cmocka_unit_test(an_event_is_whole_in_however_small_pieces),
        cmocka_unit_test(a_slow_listener_is_cut_off_and_its_number_is_too_old),
        cmocka_unit_test(more_than_a_transaction_may_tell_of_makes_all_start_anew),
        cmocka_unit_test(a_task_is_told_to_its_owner_and_a_gone_token_hears_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
