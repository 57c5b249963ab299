#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "check.h"
#include "connect/ring.h"
#include "http/doors.h"
#include "http/hooks.h"
#include "http/rate.h"
#include "http/seen.h"
#include "http/server.h"
#include "scratch.h"
#include "store/queue.h"

static const char SECRET[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char OLD_SECRET[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
static const char TOKEN[] = "0123456789abcdef0123456789abcdef";

/* seen ---------------------------------------------------------------------------------------- */

TEST(an_id_is_known_for_its_time_and_only_in_its_scope)
{
    struct seen *seen = seen_open(100, 600000000);
    uint64_t print = seen_print(seen, 1, "msg_1");
    assert_true(print != seen_print(seen, 2, "msg_1") && print != seen_print(seen, 1, "msg_2"));
    assert_false(seen_has(seen, print, 5000000));
    seen_add(seen, print, 5000000);
    assert_true(seen_has(seen, print, 5000001));
    assert_true(seen_has(seen, print, 605000000));
    assert_false(seen_has(seen, print, 606000000));
    assert_false(seen_has(seen, print, 607000000));
    seen_add(seen, print, 607000000);
    assert_true(seen_has(seen, print, 607000000));
    seen_close(seen);
}

/* Against a plain list, with prints that collide in the table's low bits. */
TEST(the_oldest_are_forgotten_first_whatever_collides)
{
    enum { most = 37, rounds = 5000 };
    struct seen *seen = seen_open(most, INT64_MAX / 4);
    static uint64_t prints[rounds];
    unsigned seed = 7;
    for (int i = 0; i < rounds; i++) {
        prints[i] = (uint64_t)(i + 1) << 20 | (uint64_t)(rand_r(&seed) % 5);
        seen_add(seen, prints[i], i);
        int oldest = i - most + 1;
        for (int k = i - most - 5 > 0 ? i - most - 5 : 0; k <= i; k++)
            CHECK_CASE(i, seen_has(seen, prints[k], i) == (k >= oldest));
    }
    seen_close(seen);
}

TEST(two_tables_do_not_share_their_fingerprints)
{
    struct seen *one = seen_open(1, 1), *two = seen_open(1, 1);
    assert_true(seen_print(one, 0, "msg") != seen_print(two, 0, "msg"));
    seen_close(one);
    seen_close(two);
}

/* rate ---------------------------------------------------------------------------------------- */

TEST(a_second_s_worth_comes_at_once_then_evenly)
{
    struct rate *rate = rate_open(2, 10);
    const int64_t start = 1000000000;
    for (int i = 0; i < 10; i++)
        CHECK_CASE(i, rate_take(rate, 0, start));
    assert_false(rate_take(rate, 0, start));
    assert_true(rate_take(rate, 1, start)); /* another's */
    assert_false(rate_take(rate, 0, start + 99999));
    assert_true(rate_take(rate, 0, start + 100000));
    assert_false(rate_take(rate, 0, start + 100001));
    for (int i = 0; i < 10; i++)
        CHECK_CASE(i, rate_take(rate, 0, start + 60000000));
    assert_false(rate_take(rate, 0, start + 60000000));
    rate_close(rate);
}

/* The whole listener -------------------------------------------------------------------------- */

struct world {
    struct scratch scratch;
    char texts[4][128];
    const char *secrets[2];
    struct config_connection connections[3];
    struct config config;
    struct store *store;
    struct hooks *hooks;
    struct server *server;
    int number; /* of the last webhook */
};

static void make_config(struct world *world)
{
    static const char *const names[] = {"new.whsec", "old.whsec", "token"};
    const char *const contents[] = {SECRET, OLD_SECRET, TOKEN};
    world->scratch = scratch_open();
    for (size_t i = 0; i < 3; i++) {
        scratch_write(&world->scratch, names[i], contents[i]);
        snprintf(world->texts[i], sizeof world->texts[i], "%s/%s", world->scratch.path, names[i]);
    }
    world->secrets[0] = world->texts[0];
    world->secrets[1] = world->texts[1];
    world->connections[0] = (struct config_connection){
        .name = "team", .kind = "directory", .hook_secrets = {world->secrets, 2}};
    world->connections[1] = (struct config_connection){
        .name = "tok", .kind = "directory", .hook_token = world->texts[2]};
    world->connections[2] = (struct config_connection){.name = "quiet", .kind = "directory"};
    world->config = (struct config){.admin = {"127.0.0.1", 0},
                                    .webhooks = {"127.0.0.1", 0},
                                    .limits = limits_default(),
                                    .connections = world->connections,
                                    .connection_count = 3};
}

static void start(struct world *world)
{
    struct err err = {0};
    world->store = store_open(world->scratch.path, &err);
    world->hooks = world->store ? hooks_open(&world->config, world->store, &err) : NULL;
    const struct server_options options = {
        .config = &world->config, .store = world->store, .hooks = world->hooks, .admin_token = "x"};
    world->server = world->hooks ? server_open(&options, &err) : NULL;
    if (!world->server)
        fail_msg("%s", err.text);
}

static void stop(struct world *world)
{
    server_close(world->server);
    hooks_close(world->hooks);
    store_close(world->store);
    scratch_close(&world->scratch);
}

static int dial(const struct world *world)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(server_webhooks_port(world->server)),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {60, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Send raw bytes; the answer's status, its text in `answer`. 0 = cut. `end`: say that no more
 * comes, else the request asks for the connection's end (libmicrohttpd does not answer a suspended
 * connection whose client has shut down its side). */
static int exchange(const struct world *world, const char *bytes, size_t length, bool end,
                    char answer[static 2048])
{
    own_fd int fd = dial(world);
    size_t got = 0;
    if (send(fd, bytes, length, MSG_NOSIGNAL) < 0)
        return 0;
    if (end)
        shutdown(fd, SHUT_WR);
    for (ssize_t more; got < 2047 && (more = recv(fd, answer + got, 2047 - got, 0)) > 0;)
        got += (size_t)more;
    answer[got] = '\0';
    return got > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

/* A webhook as a sender makes it. */
static int ring_as(struct world *world, const char *secret, const char *id, const char *path,
                   const char *body, char answer[static 2048])
{
    struct err err = {0};
    struct ring_key key;
    char signature[RING_SIGNATURE_BYTES], timestamp[24];
    size_t length = strlen(body);
    own_free char *request = mem_alloc(length + 1024);
    assert_true(ring_key_read(secret, &key, &err));
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)(clock_now_us() / 1000000));
    const struct ring_message message = {id, timestamp, body, length};
    assert_true(ring_sign(&key, &message, signature));
    int head =
        snprintf(request, 1024,
                 "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n"
                 "webhook-id: %s\r\n"
                 "webhook-timestamp: %s\r\nwebhook-signature: %s\r\n\r\n",
                 path, length, id, timestamp, signature);
    memcpy(request + head, body, length);
    return exchange(world, request, (size_t)head + length, false, answer);
}

static int ring(struct world *world, const char *body)
{
    char answer[2048], id[32];
    snprintf(id, sizeof id, "msg_%d", world->number++);
    return ring_as(world, SECRET, id, "/hooks/team", body, answer);
}

static int64_t queued(struct world *world)
{
    struct err err = {0};
    struct queue_numbers numbers;
    struct db *db = store_reader(world->store, &err);
    assert_true(db && queue_numbers(db, &numbers, &err));
    store_reader_done(world->store, db);
    return numbers.queued[QUEUE_LIVE];
}

static uint64_t ended(struct world *world, enum hooks_end end)
{
    struct hooks_numbers numbers;
    hooks_numbers(world->hooks, &numbers);
    return numbers.ends[end];
}

TEST(a_webhook_is_a_job_and_a_known_id_none)
{
    struct world world = {0};
    char answer[2048];
    make_config(&world);
    start(&world);
    assert_int_equal(ring_as(&world, SECRET, "one", "/hooks/team", "{\"path\":\"a\"}", answer),
                     202);
    assert_int_equal(queued(&world), 1);
    assert_int_equal(ring_as(&world, SECRET, "one", "/hooks/team", "{\"path\":\"b\"}", answer),
                     202);
    assert_int_equal(queued(&world), 1);
    assert_int_equal(ended(&world, HOOKS_REPEATED), 1);
    assert_int_equal(ring_as(&world, OLD_SECRET, "two", "/hooks/team", "{\"path\":\"b\"}", answer),
                     202);
    assert_int_equal(queued(&world), 2);
    assert_int_equal(ring(&world, "{\"paths\":[\"a\",\"b\",\"c\",\"a\"]}"), 202);
    assert_int_equal(queued(&world), 3);
    stop(&world);
}

TEST(every_refusal_has_its_code_and_makes_no_job)
{
    static const char signature_that_fits_nothing[] =
        "webhook-id: x\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,x\r\n";
    const struct {
        const char *head, *more; /* request line; headers */
        const char *body;
        int status;
        enum hooks_end end;
    } cases[] = {
        {"GET /hooks/team", "", NULL, 405, HOOKS_METHOD},
        {"PUT /hooks/team", "", "{}", 405, HOOKS_METHOD},
        {"DELETE /hooks/nobody", "", NULL, 405, HOOKS_METHOD},
        {"POST /", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /api/v1/status", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/nobody", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/quiet", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/team/", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/team/x", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/tok", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/tok/", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/tok/0123456789abcdef0123456789abcdee", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/tok/0123456789abcdef0123456789abcdef/", "", "{}", 404, HOOKS_NO_DOOR},
        {"POST /hooks/tok/0123456789abcdef0123456789abcdef", "", "{}", 400, HOOKS_BODY},
        {"POST /hooks/team", "", "{\"path\":\"a\"}", 401, HOOKS_UNSIGNED},
        {"POST /hooks/team", signature_that_fits_nothing, "{\"path\":\"a\"}", 401, HOOKS_UNTIMELY},
        {"POST /hooks/team", "webhook-id: a\r\nwebhook-id: b\r\n", "{}", 401, HOOKS_UNSIGNED},
        {"POST /hooks/team", "webhook-id: a\r\nwebhook-timestamp: 1\r\n", "{}", 401,
         HOOKS_UNSIGNED},
    };
    struct world world = {0};
    char request[2048], answer[2048];
    make_config(&world);
    start(&world);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t before = ended(&world, cases[i].end);
        int length =
            cases[i].body
                ? snprintf(request, sizeof request,
                           "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s",
                           cases[i].head, cases[i].more, strlen(cases[i].body), cases[i].body)
                : snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\n\r\n",
                           cases[i].head);
        int status = exchange(&world, request, (size_t)length, true, answer);
        if (status != cases[i].status || ended(&world, cases[i].end) != before + 1)
            fail_msg("case %zu: %s", i, answer);
        CHECK_CASE(i, strstr(answer, "application/problem+json"));
        CHECK_CASE(i, (strstr(answer, "Allow: POST") != NULL) == (status == 405));
    }
    assert_int_equal(queued(&world), 0);
    stop(&world);
}

TEST(an_unknown_connection_and_a_wrong_secret_look_the_same)
{
    struct world world = {0};
    char answers[3][2048];
    static const char *const paths[] = {"/hooks/nobody", "/hooks/tok/wrong", "/hooks/quiet"};
    make_config(&world);
    start(&world);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ring_as(&world, SECRET, "x", paths[i], "{\"path\":\"a\"}", answers[i]),
                         404);
        char *date = strstr(answers[i], "Date:");
        memset(date, 'x', strcspn(date, "\r"));
        assert_string_equal(answers[i], answers[0]);
    }
    stop(&world);
}

TEST(strange_requests_are_answered_or_cut_and_harm_nothing)
{
    static const char *const requests[] = {
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: "
        "2\r\n\r\n{}xxx",
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "ffffffffffffffff\r\n{}",
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
        "2\r\n"
        "\r\n2\r\n{}\r\n0\r\n\r\n",
        "POST /hooks/te%00am HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "POST /hooks/..%2f..%2fteam HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "POST /hooks/team?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "POST /hooks/team HTTP/0.9\r\n\r\n",
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nwebhook-id: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "POST /hooks/team HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}",
        "\r\n\r\n\r\n",
        "\xff\xfe\xfd\x01\x02\r\n\r\n",
        "GET",
    };
    struct world world = {0};
    char answer[2048];
    make_config(&world);
    start(&world);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int status = exchange(&world, requests[i], strlen(requests[i]), true, answer);
        CHECK_CASE(i, status == 0 || (status >= 400 && status < 600));
    }
    own_free char *large = mem_zalloc(1, 40000);
    memset(large, 'a', 39999);
    memcpy(large, "POST /hooks/team HTTP/1.1\r\nwebhook-signature: ", 46);
    int status = exchange(&world, large, 39999, true, answer);
    assert_true(status == 0 || status >= 400);
    assert_int_equal(queued(&world), 0);
    assert_int_equal(ring(&world, "{\"path\":\"a\"}"), 202);
    stop(&world);
}

/* A body of `count` paths, freed by the caller. */
static char *body_of(size_t count, size_t length)
{
    struct buf body = buf_new(64u << 20);
    buf_puts(&body, "{\"paths\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(&body, "%s\"f/%0*zu\"", i ? "," : "", (int)length, i);
    buf_puts(&body, "]}");
    return buf_take(&body);
}

TEST(bodies_and_paths_have_a_most)
{
    struct world world = {0};
    make_config(&world);
    world.config.limits.webhook_body_bytes = 65536;
    world.config.limits.webhook_paths = 2500;
    start(&world);
    own_free char *most = body_of(2500, 5), *more = body_of(2501, 5), *large = body_of(600, 110);
    assert_int_equal(ring(&world, most), 202);
    assert_int_equal(queued(&world), 2500);
    assert_int_equal(ring(&world, more), 413);
    assert_int_equal(ended(&world, HOOKS_TOO_MANY), 1);
    assert_int_equal(ring(&world, large), 413);
    assert_int_equal(ended(&world, HOOKS_TOO_LARGE), 1);
    assert_int_equal(queued(&world), 2500);
    stop(&world);
}

/* Half a body holds its room until its connection is closed. */
TEST(bodies_that_wait_have_a_most_and_leave_room_for_small_ones)
{
    struct world world = {0};
    char head[256], answer[2048];
    make_config(&world);
    world.config.limits.webhook_flight_bytes = 65536;
    start(&world);
    own_free char *half = mem_zalloc(1, 45000);
    int length = snprintf(head, sizeof head,
                          "POST /hooks/team HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
    int fd = dial(&world);
    assert_true(send(fd, head, (size_t)length, 0) > 0 && send(fd, half, 45000, 0) == 45000);
    struct hooks_numbers numbers = {0};
    for (int i = 0; i < 6000 && numbers.flight_bytes < 45000; i++) {
        clock_sleep_us(10000);
        hooks_numbers(world.hooks, &numbers);
    }
    own_free char *large = body_of(500, 30);
    assert_int_equal(ring(&world, large), 503);
    assert_int_equal(ended(&world, HOOKS_FULL), 1);
    assert_int_equal(ring_as(&world, SECRET, "full", "/hooks/team", large, answer), 503);
    assert_non_null(strstr(answer, "Retry-After: 1"));
    assert_int_equal(ring(&world, "{\"path\":\"small\"}"), 202);
    close(fd);
    for (int i = 0; i < 6000 && numbers.flight_bytes > 0; i++) {
        clock_sleep_us(10000);
        hooks_numbers(world.hooks, &numbers);
    }
    assert_int_equal(ring(&world, large), 202);
    stop(&world);
}

TEST(too_many_a_second_are_429_for_an_address_and_for_a_connection)
{
    for (int by_address = 0; by_address < 2; by_address++) {
        struct world world = {0};
        char answer[2048];
        int status = 202;
        make_config(&world);
        *(by_address ? &world.config.limits.webhook_address_rate
                     : &world.config.limits.webhook_rate) = 1;
        start(&world);
        for (int i = 0; i < 50 && status == 202; i++)
            status = ring_as(&world, SECRET, i % 2 ? "a" : "b", "/hooks/team", "{\"path\":\"a\"}",
                             answer);
        assert_int_equal(status, 429);
        assert_non_null(strstr(answer, "Retry-After: 1"));
        assert_true(ended(&world, HOOKS_RATE) > 0);
        stop(&world);
    }
}

TEST(a_forgotten_id_rings_again)
{
    struct world world = {0};
    char answer[2048];
    make_config(&world);
    world.config.limits.webhook_ids = 2;
    start(&world);
    static const char *const ids[] = {"a", "b", "c", "a", "c"};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(ring_as(&world, SECRET, ids[i], "/hooks/team", "{\"path\":\"a\"}", answer),
                         202);
    assert_int_equal(ended(&world, HOOKS_ACCEPTED), 4);
    assert_int_equal(ended(&world, HOOKS_REPEATED), 1);
    stop(&world);
}

TEST(a_commit_that_fails_is_503_and_the_same_id_may_come_again)
{
    struct world world = {0};
    char answer[2048];
    make_config(&world);
    start(&world);
    store_fail_commit(world.store);
    assert_int_equal(ring_as(&world, SECRET, "x", "/hooks/team", "{\"path\":\"a\"}", answer), 503);
    assert_non_null(strstr(answer, "Retry-After: 5"));
    assert_int_equal(queued(&world), 0);
    assert_int_equal(ring_as(&world, SECRET, "x", "/hooks/team", "{\"path\":\"a\"}", answer), 202);
    assert_int_equal(queued(&world), 1);
    assert_int_equal(ended(&world, HOOKS_STORE), 1);
    stop(&world);
}

/* Each statement in turn, until one webhook passes without meeting the failure. */
TEST(whichever_statement_fails_a_webhook_is_refused_whole_and_comes_again)
{
    uint64_t failures = 0;
    for (uint64_t nth = 1; nth < 10000; nth++) {
        struct world world = {0};
        char answer[2048];
        make_config(&world);
        start(&world);
        store_fail_nth(world.store, nth);
        static const char body[] = "{\"paths\":[\"a\",\"b\",\"c\"]}";
        int status = ring_as(&world, SECRET, "x", "/hooks/team", body, answer);
        bool met = status == 503;
        if (met) {
            failures++;
            CHECK_CASE(nth, queued(&world) == 0);
            CHECK_CASE(nth, ring_as(&world, SECRET, "x", "/hooks/team", body, answer) == 202);
        }
        CHECK_CASE(nth, queued(&world) == 3);
        stop(&world);
        if (!met)
            break;
    }
    assert_true(failures >= 8); /* begin, three look-ups and inserts, end */
}

/* A later slice fails: the sender hears 503 and sends again; what is queued is harmless. */
TEST(a_large_body_whose_later_slice_fails_is_not_accepted)
{
    struct world world = {0};
    char answer[2048];
    make_config(&world);
    start(&world);
    own_free char *body = body_of(2500, 5);
    store_fail_nth(world.store, 3000);
    assert_int_equal(ring_as(&world, SECRET, "x", "/hooks/team", body, answer), 503);
    assert_int_equal(queued(&world), 1000);
    assert_int_equal(ring_as(&world, SECRET, "x", "/hooks/team", body, answer), 202);
    assert_int_equal(queued(&world), 2500);
    stop(&world);
}

/* Stopping ends suspended connections first; none is left without a word. */
TEST(a_stop_answers_what_it_has_taken)
{
    struct world world = {0};
    make_config(&world);
    start(&world);
    own_free char *body = body_of(5000, 5);
    int fds[8];
    char head[1024], signature[RING_SIGNATURE_BYTES], timestamp[24], answer[64];
    struct ring_key key;
    assert_true(ring_key_read(SECRET, &key, NULL));
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)(clock_now_us() / 1000000));
    const struct ring_message message = {"x", timestamp, body, strlen(body)};
    assert_true(ring_sign(&key, &message, signature));
    for (size_t i = 0; i < 8; i++) {
        fds[i] = dial(&world);
        int length = snprintf(head, sizeof head,
                              "POST /hooks/team HTTP/1.1\r\nHost: x\r\nwebhook-id: x\r\n"
                              "webhook-timestamp: %s\r\nwebhook-signature: %s\r\n"
                              "Content-Length: %zu\r\n\r\n",
                              timestamp, signature, strlen(body));
        assert_true(send(fds[i], head, (size_t)length, 0) > 0 &&
                    send(fds[i], body, strlen(body), 0) > 0);
    }
    clock_sleep_us(20000); /* some are suspended, whichever */
    stop(&world);
    for (size_t i = 0; i < 8; i++) {
        ssize_t got = recv(fds[i], answer, 12, MSG_WAITALL);
        CHECK_CASE(i, got <= 0 || memcmp(answer, "HTTP/1.1 202", 12) == 0 ||
                          memcmp(answer, "HTTP/1.1 503", 12) == 0);
        close(fds[i]);
    }
}

/* doors --------------------------------------------------------------------------------------- */

TEST(a_secret_that_cannot_be_used_is_said_at_start)
{
    static const struct {
        const char *secret, *token, *says;
    } cases[] = {
        {"whsec_short", NULL, "new.whsec"}, {"", NULL, "whsec_"},
        {NULL, "short", "at least 16"},     {NULL, "with/slash/0123456789abcdef", "slash"},
        {NULL, "", "at least 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world = {0};
        struct err err = {0};
        make_config(&world);
        if (cases[i].secret)
            scratch_write(&world.scratch, "new.whsec", cases[i].secret);
        if (cases[i].token)
            scratch_write(&world.scratch, "token", cases[i].token);
        struct doors *doors = doors_open(&world.config, &err);
        CHECK_CASE(i, !doors && err.kind == ERR_CONFIG && strstr(err.text, cases[i].says));
        scratch_close(&world.scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_known_for_its_time_and_only_in_its_scope),
        cmocka_unit_test(the_oldest_are_forgotten_first_whatever_collides),
        cmocka_unit_test(two_tables_do_not_share_their_fingerprints),
        cmocka_unit_test(a_second_s_worth_comes_at_once_then_evenly),
        cmocka_unit_test(a_webhook_is_a_job_and_a_known_id_none),
        cmocka_unit_test(every_refusal_has_its_code_and_makes_no_job),
        cmocka_unit_test(an_unknown_connection_and_a_wrong_secret_look_the_same),
        cmocka_unit_test(strange_requests_are_answered_or_cut_and_harm_nothing),
        cmocka_unit_test(bodies_and_paths_have_a_most),
        cmocka_unit_test(bodies_that_wait_have_a_most_and_leave_room_for_small_ones),
        cmocka_unit_test(too_many_a_second_are_429_for_an_address_and_for_a_connection),
        cmocka_unit_test(a_forgotten_id_rings_again),
        cmocka_unit_test(a_commit_that_fails_is_503_and_the_same_id_may_come_again),
        cmocka_unit_test(whichever_statement_fails_a_webhook_is_refused_whole_and_comes_again),
        cmocka_unit_test(a_large_body_whose_later_slice_fails_is_not_accepted),
        cmocka_unit_test(a_stop_answers_what_it_has_taken),
        cmocka_unit_test(a_secret_that_cannot_be_used_is_said_at_start),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
