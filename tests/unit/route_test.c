#include <microhttpd.h>

#include "check.h"
#include "http/request.h"

static const struct route *find(struct arena *arena, const char *method, const char *path,
                                const char *parts[static ROUTE_PARTS], bool *known)
{
    parts[0] = parts[1] = NULL;
    return route_find(method, path, arena, parts, known);
}

TEST(a_path_finds_its_row_and_its_parts)
{
    own_arena struct arena arena = arena_new(1 << 16);
    static const struct {
        const char *method, *path, *operation, *part;
        bool known;
    } cases[] = {
        {"GET", "/healthz", "getHealth", NULL, true},
        {"HEAD", "/healthz", "getHealth", NULL, true},
        {"GET", "/healthz/", NULL, NULL, false},
        {"GET", "/api/v1/items", "listItems", NULL, true},
        {"GET", "/api/v1/items/", NULL, NULL, false},
        {"GET", "/api/v1/items/17", "getItem", "17", true},
        {"GET", "/api/v1/items/17/", NULL, NULL, false},
        {"GET", "/api/v1/items/17/x", NULL, NULL, false},
        {"POST", "/api/v1/items", NULL, NULL, true},
        {"get", "/api/v1/items", NULL, NULL, true},
        {"GET", "", NULL, NULL, false},
        {"GET", "/api/v1/ite", NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool known;
        const char *parts[ROUTE_PARTS];
        const struct route *route = find(&arena, cases[i].method, cases[i].path, parts, &known);
        CHECK_CASE(i, known == cases[i].known);
        CHECK_CASE(i, (route != NULL) == (cases[i].operation != NULL));
        CHECK_CASE(i, !route || strcmp(route->operation, cases[i].operation) == 0);
        CHECK_CASE(i, !cases[i].part || (parts[0] && strcmp(parts[0], cases[i].part) == 0));
    }
}

TEST(allow_names_the_methods_of_a_path)
{
    own_buf struct buf allow = buf_new(256);
    route_allow("/api/v1/items/17", &allow);
    assert_string_equal(buf_text(&allow), "GET, HEAD");
}

TEST(rows_are_complete_and_each_is_there_once)
{
    size_t count;
    const struct route *routes = route_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct route *one = &routes[i];
        CHECK_CASE(i, one->path[0] == '/' && one->operation[0] && one->sentence[0]);
        CHECK_CASE(i, one->answers[0] == '2' && one->handler);
        CHECK_CASE(i, (one->body[0] != '\0') == (one->cap > 0));
        CHECK_CASE(i, strcmp(one->method, "GET") != 0 || !one->body[0]);
        /* what is behind /api/ needs a token */
        CHECK_CASE(i, one->needs != ROLE_NEEDS_NOBODY || strncmp(one->path, "/api/", 5) != 0);
        for (size_t k = 0; k < i; k++) {
            CHECK_CASE(i, strcmp(one->operation, routes[k].operation) != 0);
            CHECK_CASE(i, strcmp(one->path, routes[k].path) != 0 ||
                              strcmp(one->method, routes[k].method) != 0);
        }
    }
}

TEST(names_in_a_list_are_found_whole)
{
    static const char list[] = "name! role  reason";
    assert_true(route_has(list, "name") && route_has(list, "role") && route_has(list, "reason"));
    assert_false(route_has(list, "nam") || route_has(list, "names") || route_has(list, "name!") ||
                 route_has(list, "") || route_has("", "name"));
}

TEST(a_role_is_its_lesser_ones_too)
{
    static const struct {
        enum role role;
        enum role_needs needs;
        bool may;
    } cases[] = {
        {ROLE_NOBODY, ROLE_NEEDS_NOBODY, true},     {ROLE_NOBODY, ROLE_NEEDS_VIEWER, false},
        {ROLE_VIEWER, ROLE_NEEDS_VIEWER, true},     {ROLE_VIEWER, ROLE_NEEDS_EITHER, false},
        {ROLE_COMPLIANCE, ROLE_NEEDS_VIEWER, true}, {ROLE_COMPLIANCE, ROLE_NEEDS_REVIEWER, false},
        {ROLE_COMPLIANCE, ROLE_NEEDS_EITHER, true}, {ROLE_REVIEWER, ROLE_NEEDS_COMPLIANCE, false},
        {ROLE_REVIEWER, ROLE_NEEDS_EITHER, true},   {ROLE_REVIEWER, ROLE_NEEDS_ADMIN, false},
        {ROLE_ADMIN, ROLE_NEEDS_ADMIN, true},       {ROLE_ADMIN, ROLE_NEEDS_COMPLIANCE, true},
        {ROLE_COUNT, ROLE_NEEDS_VIEWER, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CASE(i, role_may(cases[i].role, cases[i].needs) == cases[i].may);
    enum role role;
    assert_false(role_find("nobody", &role) || role_find("Admin", &role) || role_find("", &role));
    assert_true(role_find("reviewer", &role) && role == ROLE_REVIEWER);
}

/* A request as the listener makes it. */
static void make(struct request *request, struct arena *arena, const char *body, json_t **json)
{
    static struct route route = {.query = "limit cursor", .body = "name! reason"};
    *request = (struct request){.route = &route, .arena = arena};
    *json = body ? json_parse(body, strlen(body), NULL) : NULL;
    request->body = *json;
}

TEST(names_that_a_route_does_not_have_are_refused)
{
    own_arena struct arena arena = arena_new(1 << 16);
    static const struct {
        const char *query, *body;
        bool good;
    } cases[] = {
        {"limit", "{\"name\":\"x\"}", true},
        {"limit", "{\"name\":\"x\",\"reason\":\"y\"}", true},
        {"limits", "{\"name\":\"x\"}", false},
        {"", "{\"name\":\"x\"}", false},
        {"limit", "{\"reason\":\"y\"}", false},
        {"limit", "{\"name\":\"x\",\"other\":1}", false},
        {"limit", "{}", false},
        {"limit", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct request request;
        struct answer answer = {0};
        own_json json_t *json = NULL;
        make(&request, &arena, cases[i].body, &json);
        request.query[request.query_count++] = (struct request_pair){cases[i].query, ""};
        CHECK_CASE(i, request_check(&request, &answer) == cases[i].good);
        CHECK_CASE(i, answer.status == (cases[i].good ? 0 : 400));
    }
}

TEST(a_change_needs_the_version_that_was_seen)
{
    own_arena struct arena arena = arena_new(1 << 16);
    static const struct {
        const char *match;
        unsigned status;
    } cases[] = {
        {"\"7\"", 0},     {"7", 0},
        {NULL, 428},      {"\"6\"", 412},
        {"8", 412},       {"", 400},
        {"\"\"", 400},    {"*", 0},
        {"W/\"7\"", 400}, {"\"7", 400},
        {"0", 400},       {"-7", 400},
        {"7 ", 400},      {"99999999999999999999", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct request request;
        struct answer answer = {0};
        request = (struct request){.match = cases[i].match, .arena = &arena};
        CHECK_CASE(i, request_match(&request, 7, &answer) == (cases[i].status == 0));
        CHECK_CASE(i, answer.status == cases[i].status);
    }
}

TEST(a_number_is_digits_and_fits)
{
    int64_t number = 0;
    assert_true(request_number("1", &number) && number == 1);
    assert_true(request_number("9223372036854775807", &number) && number == INT64_MAX);
    static const char *const wrong[] = {"", "0", "-1", "1x", " 1", "+1", "9223372036854775808"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_CASE(i, !request_number(wrong[i], &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_finds_its_row_and_its_parts),
        cmocka_unit_test(allow_names_the_methods_of_a_path),
        cmocka_unit_test(rows_are_complete_and_each_is_there_once),
        cmocka_unit_test(names_in_a_list_are_found_whole),
        cmocka_unit_test(a_role_is_its_lesser_ones_too),
        cmocka_unit_test(names_that_a_route_does_not_have_are_refused),
        cmocka_unit_test(a_change_needs_the_version_that_was_seen),
        cmocka_unit_test(a_number_is_digits_and_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
