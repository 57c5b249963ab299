#include "check.h"

#include "policy/facts.h"

#define OURS   "3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10"
#define THEIRS "aaaaaaaa-52d1-4d0e-9a53-0c7e5d9f4a10"
#define LABEL  "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11"

TEST(every_step_has_a_word_and_back)
{
    for (unsigned i = 0; i < FACTS_EXPOSURE_COUNT; i++) {
        enum facts_exposure back;
        assert_true(facts_exposure_find(facts_exposure_word((enum facts_exposure)i), &back));
        assert_int_equal(back, i);
    }
    enum facts_exposure none;
    assert_false(facts_exposure_find("open", &none));
    assert_null(facts_exposure_word(FACTS_EXPOSURE_COUNT));
}

TEST(every_label_change_has_a_word_and_back)
{
    for (unsigned i = 0; i <= FACTS_RAISED; i++) {
        enum facts_label_change back;
        const char *word = facts_label_change_word((enum facts_label_change)i);
        assert_true(facts_label_change_find(word, &back));
        assert_int_equal(back, i);
    }
}

static struct facts facts_of(enum report_status status, bool unread, struct report_label *labels,
                             uint32_t count)
{
    const struct report report = {
        .status = status,
        .format = FORMAT_DOCX,
        .mime = "x/y",
        .labels = labels,
        .labels_count = count,
        .labels_unread = unread,
    };
    struct facts facts;
    facts_from_report(&facts, &report, 7, OURS);
    return facts;
}

TEST(only_our_tenants_label_is_in_force)
{
    struct report_label labels[] = {
        {.id = "x", .site_id = THEIRS, .enabled = true, .method = "Standard"},
        {.id = LABEL, .site_id = OURS, .enabled = true, .method = "Privileged"},
    };
    struct facts facts = facts_of(REPORT_OK, false, labels, 2);
    assert_int_equal(facts.label_kind, FACTS_LABEL_OURS);
    assert_string_equal(facts.label_id, LABEL);
    assert_int_equal(facts.set_by, FACTS_MANUAL);
    assert_true(facts.foreign_label);
    facts = facts_of(REPORT_OK, false, labels, 1);
    assert_int_equal(facts.label_kind, FACTS_LABEL_NONE);
    assert_true(facts.foreign_label);
}

TEST(a_label_of_no_known_tenant_is_not_ours)
{
    struct report_label label = {.id = LABEL, .site_id = "", .enabled = true, .method = ""};
    assert_int_equal(facts_of(REPORT_OK, false, &label, 1).label_kind, FACTS_LABEL_NONE);
}

TEST(what_could_not_be_read_is_not_none)
{
    assert_int_equal(facts_of(REPORT_OK, false, NULL, 0).label_kind, FACTS_LABEL_NONE);
    assert_int_equal(facts_of(REPORT_PARTIAL, false, NULL, 0).label_kind, FACTS_LABEL_NONE);
    assert_int_equal(facts_of(REPORT_UNSUPPORTED, false, NULL, 0).label_kind, FACTS_LABEL_NONE);
    assert_int_equal(facts_of(REPORT_OK, true, NULL, 0).label_kind, FACTS_LABEL_UNREAD);
    assert_int_equal(facts_of(REPORT_ENCRYPTED, false, NULL, 0).label_kind, FACTS_LABEL_UNREAD);
    assert_int_equal(facts_of(REPORT_CRASHED, false, NULL, 0).label_kind, FACTS_LABEL_UNREAD);
    assert_false(facts_of(REPORT_CORRUPT, false, NULL, 0).properties_known);
    assert_true(facts_of(REPORT_PARTIAL, false, NULL, 0).properties_known);
}

TEST(a_report_tells_nothing_about_sharing)
{
    struct facts facts = facts_of(REPORT_OK, false, NULL, 0);
    assert_int_equal(facts.exposure, FACTS_EXPOSURE_UNKNOWN);
    assert_false(facts.sharing_known);
    assert_null(facts.connection);
    assert_null(facts.owner);
    assert_false(facts.shared.known);
    assert_int_equal(facts.size, 7);
    assert_int_equal(facts.format, FORMAT_DOCX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_has_a_word_and_back),
        cmocka_unit_test(every_label_change_has_a_word_and_back),
        cmocka_unit_test(only_our_tenants_label_is_in_force),
        cmocka_unit_test(a_label_of_no_known_tenant_is_not_ours),
        cmocka_unit_test(what_could_not_be_read_is_not_none),
        cmocka_unit_test(a_report_tells_nothing_about_sharing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
