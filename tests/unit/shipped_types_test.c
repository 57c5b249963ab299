#include "check.h"

#include "base/own.h"
#include "classifier.h"

/* The types as they are shipped: each example of each file is run. */

struct shipped {
    struct classifier *classifier;
    struct arena arena;
    struct type_list list;
};

static int load(void **state)
{
    static struct shipped shipped;
    own_buf struct buf problems = buf_new(1 << 20);
    struct err err = {0};
    const struct classifier_options options = {.builtin_dir = SOURCE_DIR "/classifiers/types",
                                               .run_examples = true};
    shipped.classifier = classifier_open(&options, &problems, &err);
    if (!shipped.classifier) {
        print_error("%s\n", buf_text(&problems));
        return -1;
    }
    shipped.arena = arena_new(16 << 20);
    *state = &shipped;
    return classifier_list(shipped.classifier, &shipped.arena, &shipped.list, &err) ? 0 : -1;
}

static int unload(void **state)
{
    struct shipped *shipped = *state;
    arena_fini(&shipped->arena);
    classifier_close(shipped->classifier);
    return 0;
}

static const struct type_bundle *bundle(const struct type_list *list, const char *name)
{
    for (size_t i = 0; i < list->bundles_count; i++) {
        if (strcmp(list->bundles[i].name, name) == 0)
            return &list->bundles[i];
    }
    return NULL;
}

static bool holds(const struct type_bundle *bundle, const char *type)
{
    for (size_t i = 0; bundle && i < bundle->members_count; i++) {
        if (strcmp(bundle->members[i].text, type) == 0)
            return true;
    }
    return false;
}

TEST(every_example_of_every_type_is_found_as_it_says)
{
    const struct shipped *shipped = *state; /* load has run them all */
    assert_true(shipped->list.types_count >= 200);
    for (size_t i = 0; i < shipped->list.types_count; i++)
        CHECK_CASE(i, shipped->list.types[i].examples >= 2);
}

TEST(bundles_hold_what_rules_expect_of_them)
{
    static const struct {
        const char *bundle, *type;
        bool held;
    } cases[] = {
        {"PCI", "credit-card", true},
        {"PCI", "card-track-data", true},
        {"PCI", "card-cvv", true},
        {"GDPR personal data", "es-dni", true},
        {"GDPR personal data", "iban", true},
        {"GDPR personal data", "uk-nhs", true},
        {"GDPR personal data", "de-reisepass", true},
        {"GDPR personal data", "email", false},
        {"GDPR personal data", "phone-e164", false},
        {"GDPR personal data", "us-ssn", false},
        {"Secrets", "private-key-pem", true},
        {"Secrets", "generic-secret", true},
        {"Secrets", "btc-wif", true},
        {"HIPAA", "us-mbi", true},
        {"HIPAA", "medical-record-number", true},
        {"HIPAA", "de-kvnr", false},
        {"Financial", "credit-card", true},
        {"Financial", "us-aba-routing", true},
        {"Crypto", "eth-address", true},
    };
    const struct shipped *shipped = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_CASE(i,
                   holds(bundle(&shipped->list, cases[i].bundle), cases[i].type) == cases[i].held);
}

/* Built here, so that no scanner of repositories takes them for leaks. */
TEST(a_named_secret_wins_over_a_generic_one_at_its_place)
{
    static const struct {
        const char *head, *tail, *type;
        enum report_confidence confidence;
    } cases[] = {
        {"GITHUB_TOKEN=ghp_", "Vo6DytKd3SBcee5isGWwX1xCagcZz5068GaQ", "github-pat-classic",
         REPORT_MEDIUM}, /* a wrong checksum */
        {"password: ghp_", "Vo6DytKd3SBcee5isGWwX1xCagcZz5068GaP", "github-pat-classic",
         REPORT_HIGH},
        {"db_password=", "9fK2-xTq7Lw0", "generic-secret", REPORT_MEDIUM},
        {"https:", "//anna.berg:t7Kq-29vLz@db.int.test/main", "basic-auth-url", REPORT_HIGH},
    };
    const struct shipped *shipped = *state;
    const struct limits limits = limits_default();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        own_arena struct arena arena = arena_new(1 << 20);
        struct report report = {0};
        struct classify *classify = classify_open(shipped->classifier, &limits);
        assert_true(classify_text(classify, cases[i].head, strlen(cases[i].head)));
        assert_true(classify_text(classify, cases[i].tail, strlen(cases[i].tail)));
        assert_true(classify_finish(classify, &arena, &report));
        classify_close(classify);
        CHECK_CASE(i, report.findings_count == 1);
        CHECK_CASE(i, strcmp(report.findings[0].type, cases[i].type) == 0);
        CHECK_CASE(i, report.findings[0].confidence == cases[i].confidence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_of_every_type_is_found_as_it_says),
        cmocka_unit_test(bundles_hold_what_rules_expect_of_them),
        cmocka_unit_test(a_named_secret_wins_over_a_generic_one_at_its_place),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
