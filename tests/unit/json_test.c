#include "check.h"

#include "base/json.h"

static const char report_line[] =
    "{\"path\":\"a/b.docx\",\"size\":18211,\"sha256\":\"0102030405060708090a0b0c0d0e0f101112131415"
    "161718191a1b1c1d1e1f20\",\"mime\":\"text/plain\",\"format\":\"txt\",\"status\":\"partial\","
    "\"reason\":\"text-bytes\",\"labels\":[{\"id\":\"0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11\","
    "\"name\":\"General\",\"site_id\":null,\"enabled\":true,\"method\":\"Standard\",\"set_date\":"
    "null,\"source\":\"file\",\"store\":\"custom-properties\"}],\"findings\":[{\"type\":"
    "\"credit-card\",\"confidence\":\"high\",\"count\":5,\"unique\":4,\"variants\":{\"card-visa\":"
    "{\"count\":4,\"unique\":3}},\"where\":[{\"part\":\"\",\"offset\":12,\"length\":19}]}],"
    "\"text_bytes\":90211,\"properties\":{\"title\":\"x\"}}";

static void fill(struct report *report)
{
    static struct report_label label = {.id = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11",
                                        .name = "General",
                                        .site_id = "",
                                        .enabled = true,
                                        .method = "Standard",
                                        .set_date = "",
                                        .action_id = "",
                                        .source = "file",
                                        .store = "custom-properties"};
    static struct report_variant variant = {"card-visa", 4, 3};
    static struct report_place place = {"", 12, 19};
    static struct report_finding finding = {.type = "credit-card",
                                            .confidence = REPORT_HIGH,
                                            .count = 5,
                                            .unique_count = 4,
                                            .variants = &variant,
                                            .variants_count = 1,
                                            .where = &place,
                                            .where_count = 1};
    static struct report_property property = {"title", "x"};
    *report = (struct report){
        .status = REPORT_PARTIAL,
        .reason = "text-bytes",
        .format = FORMAT_TXT,
        .mime = "text/plain",
        .text_bytes = 90211,
        .labels = &label,
        .labels_count = 1,
        .findings = &finding,
        .findings_count = 1,
        .properties = &property,
        .properties_count = 1,
        .needs = "",
    };
}

TEST(a_report_has_its_one_form_and_comes_back)
{
    struct report report, back;
    uint8_t digest[32];
    fill(&report);
    for (uint8_t i = 0; i < 32; i++)
        digest[i] = (uint8_t)(i + 1);
    const struct json_report_facts facts = {"a/b.docx", 18211, digest};
    own_json json_t *json = json_report(&report, &facts);
    own_buf struct buf line = buf_new(1 << 16);
    assert_true(json_write(json, &line));
    assert_string_equal(buf_text(&line), report_line);

    own_arena struct arena arena = arena_new(1 << 16);
    assert_true(json_report_read(json, &back, &arena, NULL));
    own_json json_t *again = json_report(&back, &facts);
    assert_true(json_equal(json, again));
}

TEST(a_path_that_is_not_utf8_is_shown_and_kept)
{
    struct report report;
    fill(&report);
    const struct json_report_facts facts = {"caf\xe9.txt", 1, NULL};
    own_json json_t *json = json_report(&report, &facts);
    assert_string_equal(json_string_value(json_object_get(json, "path")), "caf\xef\xbf\xbd.txt");
    assert_string_equal(json_string_value(json_object_get(json, "path_base64")), "Y2Fm6S50eHQ=");
    assert_true(json_is_null(json_object_get(json, "sha256")));
}

TEST(deep_duplicate_and_broken_json_is_refused)
{
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {deep, 200}, {"{\"a\":1,\"a\":2}", 13},   {"{", 1},
        {"", 0},     {"{\"a\":\"\\u0000\"}", 14}, {"1 2", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *json = json_parse(cases[i].text, cases[i].length, &err);
        CHECK_CASE(i, json == NULL);
        CHECK_CASE(i, err.kind == ERR_CORRUPT);
    }
}

TEST(a_stored_report_without_status_is_corrupt)
{
    static const char *const texts[] = {
        "{}", "[]", "{\"status\":\"fine\",\"format\":\"txt\"}",
        "{\"status\":\"ok\",\"format\":\"nope\"}",
        "{\"status\":\"ok\",\"format\":\"txt\",\"findings\":[{\"type\":\"x\"}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        own_arena struct arena arena = arena_new(1 << 16);
        struct report report;
        own_json json_t *json = json_parse(texts[i], strlen(texts[i]), NULL);
        CHECK_CASE(i, json && !json_report_read(json, &report, &arena, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_has_its_one_form_and_comes_back),
        cmocka_unit_test(a_path_that_is_not_utf8_is_shown_and_kept),
        cmocka_unit_test(deep_duplicate_and_broken_json_is_refused),
        cmocka_unit_test(a_stored_report_without_status_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
