#include "base/json.h"
#include "check.h"
#include "jobs/deliver.h"
#include "jobs/notice.h"

TEST(a_receiver_is_tried_often_at_first_and_hourly_in_the_end)
{
    static const struct {
        int tries;
        int64_t asked_us, wait_us;
    } cases[] = {
        {1, 0, 1000000},         {2, 0, 2000000},
        {6, 0, 30000000},        {7, 0, 300000000},
        {8, 0, 900000000},       {9, 0, 3600000000},
        {1000, 0, 3600000000},   {1, 90000000, 90000000},
        {9, 90000000, 90000000}, {9, 7200000000, 3600000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CASE(i, deliver_wait_us(cases[i].tries, cases[i].asked_us, 1u << 31) ==
                          cases[i].wait_us);
}

TEST(an_answer_tells_whether_the_message_or_the_receiver_is_at_fault)
{
    static const struct {
        int status;
        enum deliver_verdict verdict;
    } cases[] = {
        {200, DELIVER_TAKEN},       {202, DELIVER_TAKEN},       {204, DELIVER_TAKEN},
        {301, DELIVER_UNAVAILABLE}, {307, DELIVER_UNAVAILABLE}, {400, DELIVER_REFUSED},
        {401, DELIVER_UNAVAILABLE}, {404, DELIVER_UNAVAILABLE}, {408, DELIVER_UNAVAILABLE},
        {410, DELIVER_UNWANTED},    {413, DELIVER_REFUSED},     {422, DELIVER_REFUSED},
        {429, DELIVER_UNAVAILABLE}, {500, DELIVER_UNAVAILABLE}, {503, DELIVER_UNAVAILABLE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CASE(i, deliver_verdict(cases[i].status) == cases[i].verdict);
}

static const struct report_finding findings[] = {
    {.type = "credit-card", .confidence = REPORT_HIGH, .count = 5, .unique_count = 4}};
static const struct report report = {.status = REPORT_OK,
                                     .format = FORMAT_DOCX,
                                     .findings = (struct report_finding *)(uintptr_t)findings,
                                     .findings_count = 1};
static const struct notice_rule alerts[] = {{"Cards", "Numbers were found.", ALERT_HIGH},
                                            {"Path", NULL, -1}};
static const struct notice_action actions[] = {{"label", "Secret", "labelled", NULL}};

static const char head[] = "\"timestamp\":\"1970-01-01T00:00:01Z\",\"data\":{\"item\":\"17\","
                           "\"connection\":\"team\",\"path\":\"/a \xef\xbf\xbd.docx\",";
static const char middle[] =
    "\"exposure\":\"public\",\"status\":\"ok\",\"reason\":null,\"format\":\"docx\","
    "\"findings\":[{\"type\":\"credit-card\",\"confidence\":\"high\",\"count\":5,\"unique\":4}],";

TEST(a_body_says_what_happened_and_never_what_matched)
{
    static const struct {
        struct notice notice;
        const char *type, *owner, *rest;
    } cases[] = {
        {{.owner = "anna",
          .label = "Secret",
          .outcome = "labelled",
          .revision = "ab",
          .rules = alerts,
          .rule_count = 2,
          .actions = actions,
          .action_count = 1},
         "labeld.alert",
         "\"anna\"",
         "\"label\":\"Secret\",\"level\":\"high\",\"rules\":[{\"rule\":\"Cards\",\"message\":"
         "\"Numbers were found.\",\"alert\":\"high\"},{\"rule\":\"Path\",\"message\":null,"
         "\"alert\":null}],\"outcome\":\"labelled\",\"code\":null,\"message\":null,\"actions\":"
         "[{\"do\":\"label\",\"with\":\"Secret\",\"outcome\":\"labelled\",\"code\":null}],"
         "\"revision\":\"ab\"}}"},
        {{.outcome = "waiting",
          .code = "busy",
          .message = "open in Word",
          .revision = "cd",
          .rules = alerts + 1,
          .rule_count = 1},
         "labeld.action",
         "null",
         "\"label\":null,\"level\":null,\"rules\":[{\"rule\":\"Path\",\"message\":null,"
         "\"alert\":null}],\"outcome\":\"waiting\",\"code\":\"busy\",\"message\":"
         "\"open in Word\",\"actions\":[],\"revision\":\"cd\"}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct notice notice = cases[i].notice;
        own_buf struct buf body = buf_new(1 << 16), wanted = buf_new(1 << 16), small = buf_new(64);
        notice.item = 17;
        notice.connection = "team";
        notice.path = "/a \xff.docx";
        notice.exposure = "public";
        notice.report = &report;
        notice.at_us = 1000000;
        CHECK_CASE(i, notice_write(&notice, &body));
        buf_printf(&wanted, "{\"type\":\"%s\",%s\"owner\":%s,%s%s", cases[i].type, head,
                   cases[i].owner, middle, cases[i].rest);
        assert_string_equal(buf_text(&body), buf_text(&wanted));
        CHECK_CASE(i, !notice_write(&notice, &small));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receiver_is_tried_often_at_first_and_hourly_in_the_end),
        cmocka_unit_test(an_answer_tells_whether_the_message_or_the_receiver_is_at_fault),
        cmocka_unit_test(a_body_says_what_happened_and_never_what_matched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
