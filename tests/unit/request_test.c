#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "connect/request.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
        memcpy(&storage, &in4, sizeof in4);
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(&storage, &in6, sizeof in6);
    return storage;
}

TEST(private_addresses_are_known_in_all_their_forms)
{
    static const struct {
        const char *address;
        bool is_private, is_loopback;
    } cases[] = {
        {"8.8.8.8", false, false},
        {"1.1.1.1", false, false},
        {"9.255.255.255", false, false},
        {"10.0.0.0", true, false},
        {"10.255.255.255", true, false},
        {"11.0.0.0", false, false},
        {"0.0.0.0", true, false},
        {"100.63.255.255", false, false},
        {"100.64.0.1", true, false},
        {"100.128.0.0", false, false},
        {"127.0.0.1", true, true},
        {"127.255.0.9", true, true},
        {"128.0.0.1", false, false},
        {"169.254.169.254", true, false},
        {"172.15.255.255", false, false},
        {"172.16.0.0", true, false},
        {"172.31.255.255", true, false},
        {"172.32.0.0", false, false},
        {"192.168.1.1", true, false},
        {"192.169.0.0", false, false},
        {"198.17.255.255", false, false},
        {"198.19.255.255", true, false},
        {"223.255.255.255", false, false},
        {"224.0.0.1", true, false},
        {"255.255.255.255", true, false},
        {"::", true, false},
        {"::1", true, true},
        {"2606:4700::1111", false, false},
        {"::ffff:8.8.8.8", false, false},
        {"::ffff:10.0.0.1", true, false},
        {"::ffff:127.0.0.1", true, true},
        {"::10.0.0.1", true, false},
        {"64:ff9b::a00:1", true, false},
        {"64:ff9b::808:808", false, false},
        {"2002:0a00:0001::", true, false},
        {"2002:0808:0808::", false, false},
        {"fc00::1", true, false},
        {"fdff::1", true, false},
        {"fe80::1", true, false},
        {"febf::1", true, false},
        {"fec0::1", true, false},
        {"ff02::1", true, false},
        {"2001:db8::1", true, false},
        {"2a00::1", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage storage = address_of(cases[i].address);
        CHECK_CASE(i, storage.ss_family != 0);
        CHECK_CASE(i, request_is_private((struct sockaddr *)&storage) == cases[i].is_private);
        CHECK_CASE(i, request_is_loopback((struct sockaddr *)&storage) == cases[i].is_loopback);
    }
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    assert_true(request_is_private((struct sockaddr *)&local));
}

TEST(a_status_has_its_kind)
{
    static const struct {
        int status;
        enum err_kind kind;
    } cases[] = {
        {200, ERR_NONE},        {204, ERR_NONE},    {304, ERR_NONE},  {302, ERR_UNSUPPORTED},
        {400, ERR_UNSUPPORTED}, {401, ERR_REFUSED}, {404, ERR_GONE},  {409, ERR_CONFLICT},
        {412, ERR_CONFLICT},    {423, ERR_BUSY},    {429, ERR_BUSY},  {500, ERR_IO},
        {501, ERR_UNSUPPORTED}, {503, ERR_BUSY},    {507, ERR_LIMIT}, {599, ERR_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CASE(i, request_kind(cases[i].status) == cases[i].kind);
}

TEST(waiting_is_bounded_and_heeds_what_was_asked)
{
    static const struct {
        int tries;
        int64_t asked_us;
        uint32_t random;
        int64_t wait_us;
    } cases[] = {
        {1, 0, 0, 0},
        {1, 0, 1u << 31, 1000000},
        {2, 0, 1u << 31, 2000000},
        {5, 0, 1u << 31, 16000000},
        {6, 0, 1u << 31, 30000000},
        {60, 0, 1u << 31, 30000000},
        {1, 1, 0, 1000000},
        {1, 7000000, 0, 7000000},
        {9, 86400LL * 1000000, 0, 3600LL * 1000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CASE(i, request_wait_us(cases[i].tries, cases[i].asked_us, cases[i].random) ==
                          cases[i].wait_us);
    assert_true(request_wait_us(6, 0, UINT32_MAX) < 60000000);
}

TEST(an_origin_is_scheme_host_and_port_alone)
{
    static const struct {
        const char *url, *origin;
    } cases[] = {
        {"https://example.com/a/secret?key=1", "https://example.com:443"},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"https://[2a00::1]:9/x", "https://[2a00::1]:9"},
        {"ftp://example.com/", NULL},
        {"file:///etc/passwd", NULL},
        {"https://me:word@example.com/", NULL},
        {"https://me@example.com/", NULL},
        {"example.com", NULL},
        {"https://", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char origin[300] = "";
        bool ok = request_origin(cases[i].url, origin, sizeof origin);
        CHECK_CASE(i, ok == (cases[i].origin != NULL));
        CHECK_CASE(i, !ok || strcmp(origin, cases[i].origin) == 0);
    }
}

/* A server that answers each connection with the next of these texts, then closes it. */
struct server {
    int listener;
    uint16_t port;
    const char *const *answers;
    size_t count;
    pthread_t thread;
};

static void *serve(void *context)
{
    const struct server *server = context;
    for (size_t i = 0; i < server->count; i++) {
        char question[4096];
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 || read(fd, question, sizeof question) < 0 ||
            write(fd, server->answers[i], strlen(server->answers[i])) < 0)
            return NULL;
        close(fd);
    }
    return NULL;
}

static void server_start(struct server *server, const char *const *answers, size_t count)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    *server = (struct server){.answers = answers, .count = count};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&here, &length), 0);
    server->port = ntohs(here.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_end(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

struct asked {
    bool ok;
    struct request_answer answer;
    struct err err;
    char etag[32];
};

static struct asked ask(const struct server *server, bool allow_private, bool follow, bool cut)
{
    char url[96];
    struct asked asked = {.ok = false};
    const struct request_options options = {.allow_private = allow_private};
    struct request_client *client = request_open(&options, &asked.err);
    const struct request_header headers[] = {{"X-Token", "s3cret", true}};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hidden?key=s3cret", server->port);
    const struct request_question question = {.method = "GET",
                                              .url = url,
                                              .headers = headers,
                                              .header_count = 1,
                                              .most_us = 20000000,
                                              .answer_most = 8,
                                              .answer_cut = cut,
                                              .follow = follow};
    assert_non_null(client);
    asked.ok = request_send(client, &question, &asked.answer, &asked.err);
    const char *etag = asked.ok ? request_header(client, "etag") : NULL;
    snprintf(asked.etag, sizeof asked.etag, "%s", etag ? etag : "");
    request_close(client);
    assert_null(strstr(asked.err.text, "s3cret"));
    assert_null(strstr(asked.err.text, "hidden"));
    return asked;
}

TEST(an_answer_has_its_status_body_headers_and_retry_after)
{
    static const char *const answers[] = {
        "HTTP/1.1 503 Later\r\nRetry-After: 9\r\nETag: \"v1\"\r\nContent-Length: 5\r\n\r\nhello"};
    struct server server;
    server_start(&server, answers, 1);
    struct asked asked = ask(&server, true, false, false);
    server_end(&server);
    assert_true(asked.ok);
    assert_int_equal(asked.answer.status, 503);
    assert_string_equal(buf_text(&asked.answer.body), "hello");
    assert_string_equal(asked.etag, "\"v1\"");
    assert_int_equal(asked.answer.retry_after_us, 9000000);
    buf_fini(&asked.answer.body);
}

TEST(an_answer_that_is_too_large_is_refused_or_cut)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\n\r\n0123456789",
                                          "HTTP/1.1 200 OK\r\n\r\n0123456789"};
    struct server server;
    server_start(&server, answers, 2);
    struct asked whole = ask(&server, true, false, false), cut = ask(&server, true, false, true);
    server_end(&server);
    assert_true(!whole.ok && whole.err.kind == ERR_LIMIT);
    assert_true(cut.ok && cut.answer.status == 200);
    assert_string_equal(buf_text(&cut.answer.body), "01234567");
    buf_fini(&whole.answer.body);
    buf_fini(&cut.answer.body);
}

TEST(redirects_stay_in_their_place_and_end)
{
    static const char *const away[] = {
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};
    static const char *const here[] = {
        "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
    static const char round[] = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
    static const char *const rounds[] = {round, round, round, round};
    static const struct {
        const char *const *answers;
        size_t count;
        bool follow;
        int status;
    } cases[] = {
        {away, 1, true, 302}, {here, 1, false, 302}, {here, 2, true, 200}, {rounds, 4, true, 302}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server server;
        server_start(&server, cases[i].answers, cases[i].count);
        struct asked asked = ask(&server, true, cases[i].follow, false);
        server_end(&server);
        CHECK_CASE(i, asked.ok && asked.answer.status == cases[i].status);
        buf_fini(&asked.answer.body);
    }
}

TEST(a_private_address_is_refused_and_silence_is_an_error)
{
    struct server server;
    server_start(&server, NULL, 0);
    struct asked refused = ask(&server, false, false, false);
    server_end(&server);
    assert_true(!refused.ok && refused.err.kind == ERR_REFUSED);
    buf_fini(&refused.answer.body);
    static const char *const nothing[] = {""};
    server_start(&server, nothing, 1);
    struct asked silent = ask(&server, true, false, false);
    server_end(&server);
    assert_true(!silent.ok && silent.err.kind == ERR_IO);
    buf_fini(&silent.answer.body);
}

TEST(a_header_cannot_end_its_line)
{
    struct err err = {0};
    const struct request_options options = {.allow_private = true};
    struct request_client *client = request_open(&options, &err);
    const struct request_header headers[] = {{"X-Name", "a\r\nHost: b", false}};
    struct request_answer answer;
    const struct request_question question = {.method = "GET",
                                              .url = "http://127.0.0.1:1/",
                                              .headers = headers,
                                              .header_count = 1,
                                              .answer_most = 8};
    assert_non_null(client);
    assert_false(request_send(client, &question, &answer, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    buf_fini(&answer.body);
    request_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_addresses_are_known_in_all_their_forms),
        cmocka_unit_test(a_status_has_its_kind),
        cmocka_unit_test(waiting_is_bounded_and_heeds_what_was_asked),
        cmocka_unit_test(an_origin_is_scheme_host_and_port_alone),
        cmocka_unit_test(an_answer_has_its_status_body_headers_and_retry_after),
        cmocka_unit_test(an_answer_that_is_too_large_is_refused_or_cut),
        cmocka_unit_test(redirects_stay_in_their_place_and_end),
        cmocka_unit_test(a_private_address_is_refused_and_silence_is_an_error),
        cmocka_unit_test(a_header_cannot_end_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
