#include "check.h"

#include "base/mem.h"
#include "label.h"

#define A  "11111111-2222-4333-8444-555555555555"
#define B  "22222222-3333-4444-8555-666666666666"
#define C  "33333333-4444-4555-8666-777777777777"
#define SA "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
#define SB "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"

static const struct key_case {
    const char *key, *id, *attribute; /* id NULL: no label metadata */
} key_cases[] = {
    {"MSIP_Label_" A "_Enabled", A, "Enabled"},
    {"msip_label_" A "_enabled", A, "enabled"},
    {"MSIP_Label_{" A "}_SiteId", A, "SiteId"},
    {"MSIP_Label_AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE_Name", SA, "Name"},
    {"MSIP_Label_" A "_Extended_MSFT_Method", A, "Extended_MSFT_Method"},
    {"MSIP_Labels", NULL, NULL},
    {"MSIP_Label_", NULL, NULL},
    {"MSIP_Label_foo_Enabled", NULL, NULL},
    {"MSIP_Label_" A, NULL, NULL},
    {"MSIP_Label_" A "_", NULL, NULL},
    {"MSIP_Label_{" A "_Enabled", NULL, NULL},
    {"MSIP_Label_{" A "_}Enabled", NULL, NULL},
    {"xMSIP_Label_" A "_Enabled", NULL, NULL},
    {"", NULL, NULL},
};

TEST(keys_of_labels_are_told_from_others)
{
    for (size_t i = 0; i < sizeof key_cases / sizeof *key_cases; i++) {
        const struct key_case *row = &key_cases[i];
        char id[GUID_LENGTH + 1];
        const char *attribute = NULL;
        bool is = label_key(row->key, strlen(row->key), id, &attribute);
        CHECK_CASE(i, is == (row->id != NULL));
        if (is) {
            CHECK_CASE(i, strcmp(id, row->id) == 0);
            CHECK_CASE(i, strcmp(attribute, row->attribute) == 0);
        }
    }
}

TEST(only_true_and_1_are_true)
{
    static const char *const yes[] = {"true", "True", "TRUE", "1"};
    static const char *const no[] = {"", "0", "false", "yes", "11", "tru", "true ", "trues"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        CHECK_CASE(i, label_is_true(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHECK_CASE(i, !label_is_true(no[i], strlen(no[i])));
}

/* A file's stores: properties "id attribute value", elements "site id enabled removed". */
struct element_row {
    const char *site, *id;
    bool enabled, removed;
};
struct property_row {
    const char *id, *attribute, *value;
};

/* What is expected: lines "site id method date name flags" of the labels in force. */
static const struct force_case {
    const char *what;
    struct element_row elements[4];
    struct property_row properties[16];
    const char *without; /* a tenant whose elements do not count */
    const char *expected;
} force_cases[] = {
    {.what = "nothing", .expected = ""},
    {.what = "one label",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {A, "Method", "Privileged"},
                    {A, "SetDate", "2025-01-02T03:04:05Z"},
                    {A, "Name", "Secret \\ Red (no protection)"}},
     .expected = SA " " A " Privileged 2025-01-02T03:04:05Z Secret \\ Red (no protection)\n"},
    {.what = "not enabled", .properties = {{A, "SiteId", SA}, {A, "Name", "x"}}, .expected = ""},
    {.what = "disabled, and Removed as in PDFs",
     .properties = {{A, "Enabled", "false"},
                    {A, "SiteId", SA},
                    {B, "Enabled", "true"},
                    {B, "SiteId", SB},
                    {B, "Removed", "true"}},
     .expected = ""},
    {.what = "an unknown tenant", .properties = {{A, "Enabled", "1"}}, .expected = "? " A "   \n"},
    {.what = "a site that is no GUID is unknown",
     .properties = {{A, "Enabled", "1"}, {A, "SiteId", "contoso"}},
     .expected = "? " A "   \n"},
    {.what = "two tenants, in the order of the file",
     .properties = {{B, "Enabled", "True"},
                    {A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {B, "SiteId", "{BBBBBBBB-CCCC-4DDD-8EEE-FFFFFFFFFFFF}"}},
     .expected = SB " " B "   \n" SA " " A "   \n"},
    {.what = "a parent and its child",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {A, "SetDate", "2026-01-01"},
                    {B, "Enabled", "true"},
                    {B, "SiteId", SA},
                    {B, "Parent", A}},
     .expected = SA " " B "   \n"},
    {.what = "a disabled child drops no parent",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {B, "Enabled", "false"},
                    {B, "SiteId", SA},
                    {B, "Parent", A}},
     .expected = SA " " A "   \n"},
    {.what = "a child of another tenant drops no parent",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {B, "Enabled", "true"},
                    {B, "SiteId", SB},
                    {B, "Parent", A}},
     .expected = SA " " A "   \n" SB " " B "   \n"},
    {.what = "each the other's parent",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {A, "Parent", B},
                    {B, "Enabled", "true"},
                    {B, "SiteId", SA},
                    {B, "Parent", A}},
     .expected = SA " " A "    ambiguous\n"},
    {.what = "the newest wins",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {A, "SetDate", "2025-06-01T12:00:00Z"},
                    {B, "Enabled", "true"},
                    {B, "SiteId", SA},
                    {B, "SetDate", "2025-06-01T06:00:00.8427028-07:00"}},
     .expected = SA " " B "  2025-06-01T13:00:00Z  ambiguous\n"},
    {.what = "a tie: the first in the file",
     .properties =
         {{B, "Enabled", "true"}, {B, "SiteId", SA}, {A, "Enabled", "true"}, {A, "SiteId", SA}},
     .expected = SA " " B "    ambiguous\n"},
    {.what = "the first of two equal names counts",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {A, "Method", "Standard"},
                    {A, "method", "Privileged"}},
     .expected = SA " " A " Standard  \n"},
    {.what = "the method of old clients",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {A, "Extended_MSFT_Method", "Manual"},
                    {B, "Enabled", "true"},
                    {B, "SiteId", SB},
                    {B, "Extended_MSFT_Method", "Automatic"}},
     .expected = SA " " A " Privileged  \n" SB " " B " Standard  \n"},
    {.what = "an odd method is told as it stands",
     .properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}, {A, "Method", "Non-Privileged"}},
     .expected = SA " " A " Non-Privileged  \n"},
    {.what = "an element decides",
     .elements = {{SA, B, true, false}},
     .properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}},
     .expected = SA " " B " Standard  \n"},
    {.what = "an element that says removed decides",
     .elements = {{SA, SA, false, true}},
     .properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}},
     .expected = ""},
    {.what = "an element of another tenant does not",
     .elements = {{SB, B, false, false}},
     .properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}},
     .expected = SA " " A "   \n"},
    {.what = "properties lend name and date to an element of the same id",
     .elements = {{SA, A, true, false}},
     .properties = {{A, "SiteId", SA},
                    {A, "Name", "Internal"},
                    {A, "SetDate", "2025-01-02T03:04:05-0800"}},
     .expected = SA " " A " Standard 2025-01-02T11:04:05Z Internal\n"},
    {.what = "not to one of another id",
     .elements = {{SA, B, true, false}},
     .properties = {{A, "SiteId", SA}, {A, "Name", "Internal"}},
     .expected = SA " " B " Standard  \n"},
    {.what = "the first of two elements of a tenant counts",
     .elements = {{SA, B, true, false}, {SB, C, true, false}, {SA, A, true, false}},
     .expected = SA " " B " Standard   ambiguous\n" SB " " C " Standard  \n"},
    {.what = "a tenant that is known not to use elements",
     .elements = {{SA, B, true, false}, {SB, C, true, false}},
     .properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}},
     .without = SA,
     .expected = SB " " C " Standard  \n" SA " " A "   \n"},
    {.what = "unknown attributes and unreadable dates do no harm",
     .properties = {{A, "Enabled", "true"},
                    {A, "SiteId", SA},
                    {A, "Tag", "10, 3, 0, 1"},
                    {A, "Owner", "someone"},
                    {A, "SetDate", "yesterday"}},
     .expected = SA " " A "   \n"},
};

static void fill(struct label_set *set, const struct force_case *row)
{
    for (size_t i = 0; i < 4 && row->elements[i].id; i++) {
        struct label label = {.name = "",
                              .action_id = "",
                              .method = "Standard",
                              .set_date_us = INT64_MIN,
                              .enabled = row->elements[i].enabled,
                              .removed = row->elements[i].removed};
        memcpy(label.id, row->elements[i].id, sizeof label.id);
        memcpy(label.site_id, row->elements[i].site, sizeof label.site_id);
        assert_true(label_set_element(set, &label));
    }
    for (size_t i = 0; i < 16 && row->properties[i].id; i++) {
        const struct property_row *p = &row->properties[i];
        assert_true(label_set_property(set, p->id, p->attribute, strlen(p->attribute), p->value,
                                       strlen(p->value)));
    }
    assert_true(label_set_finish(set));
}

TEST(the_labels_in_force_follow_from_both_stores)
{
    for (size_t i = 0; i < sizeof force_cases / sizeof *force_cases; i++) {
        const struct force_case *row = &force_cases[i];
        own_arena struct arena arena = arena_new(1u << 20);
        own_label_set struct label_set set = label_set_new(&arena);
        own_buf struct buf told = buf_new(65536);
        struct report_label *labels;
        uint32_t count;
        fill(&set, row);
        assert_true(label_list_in_force(&set, row->without, &labels, &count));
        for (uint32_t k = 0; k < count; k++)
            buf_printf(&told, "%s %s %s %s %s%s\n", *labels[k].site_id ? labels[k].site_id : "?",
                       labels[k].id, labels[k].method, labels[k].set_date, labels[k].name,
                       labels[k].ambiguous ? " ambiguous" : "");
        if (strcmp(buf_text(&told), row->expected) != 0)
            fail_msg("%s:\n%sexpected:\n%s", row->what, buf_text(&told), row->expected);
    }
}

static struct label_edit edit_of(const char *method, enum label_info info)
{
    return (struct label_edit){
        .op = LABEL_SET,
        .id = A,
        .site_id = SA,
        .name = "Internal",
        .method = method,
        .set_date = "2026-01-02T03:04:05Z",
        .action_id = "0f0e0d0c-0b0a-4908-8706-050403020100",
        .info = info,
    };
}

static const struct plan_case {
    const char *what;
    struct force_case file;
    const char *method;
    enum label_info info;
    enum label_done done;
    enum label_store store;
} plan_cases[] = {
    {.what = "no label", .method = "Standard", .done = LABEL_WRITTEN, .store = LABEL_IN_PROPERTIES},
    {.what = "no label, the tenant uses elements",
     .method = "Standard",
     .info = LABEL_INFO_ON,
     .done = LABEL_WRITTEN,
     .store = LABEL_IN_ELEMENT},
    {.what = "the same label",
     .file.properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}, {A, "Method", "Standard"}},
     .method = "Standard",
     .done = LABEL_UNCHANGED},
    {.what = "the same label, chosen by a person before",
     .file.properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}, {A, "Method", "Privileged"}},
     .method = "Standard",
     .done = LABEL_UNCHANGED},
    {.what = "the same label, chosen by a person now",
     .file.properties = {{A, "Enabled", "true"}, {A, "SiteId", SA}, {A, "Method", "Standard"}},
     .method = "Privileged",
     .done = LABEL_WRITTEN,
     .store = LABEL_IN_PROPERTIES},
    {.what = "the same label without a tenant is not ours yet",
     .file.properties = {{A, "Enabled", "true"}, {A, "Method", "Standard"}},
     .method = "Standard",
     .done = LABEL_WRITTEN,
     .store = LABEL_IN_PROPERTIES},
    {.what = "another label",
     .file.properties = {{B, "Enabled", "true"}, {B, "SiteId", SA}, {B, "Method", "Privileged"}},
     .method = "Standard",
     .done = LABEL_WRITTEN,
     .store = LABEL_IN_PROPERTIES},
    {.what = "our element says removed",
     .file.elements = {{SA, SA, false, true}},
     .method = "Standard",
     .done = LABEL_WRITTEN,
     .store = LABEL_IN_ELEMENT},
    {.what = "another tenant's element",
     .file.elements = {{SB, B, true, false}},
     .method = "Standard",
     .done = LABEL_WRITTEN,
     .store = LABEL_IN_PROPERTIES},
    {.what = "our element, but the tenant does not use elements",
     .file.elements = {{SA, A, true, false}},
     .method = "Standard",
     .info = LABEL_INFO_OFF,
     .done = LABEL_WRITTEN,
     .store = LABEL_IN_PROPERTIES},
};

TEST(a_plan_says_what_is_written_and_where)
{
    for (size_t i = 0; i < sizeof plan_cases / sizeof *plan_cases; i++) {
        const struct plan_case *row = &plan_cases[i];
        const struct label_edit edit = edit_of(row->method, row->info);
        own_arena struct arena arena = arena_new(1u << 20);
        own_label_set struct label_set set = label_set_new(&arena);
        fill(&set, &row->file);
        const struct label_plan plan = label_plan_for(&set, &edit);
        if (plan.done != row->done || (plan.done == LABEL_WRITTEN && plan.store != row->store))
            fail_msg("%s: done %d, store %d", row->what, (int)plan.done, (int)plan.store);
    }
}

TEST(a_person_choosing_the_same_label_keeps_its_name_and_marking)
{
    const struct force_case file = {.properties = {{A, "Enabled", "true"},
                                                   {A, "SiteId", SA},
                                                   {A, "Name", "Intern"},
                                                   {A, "ContentBits", "2"}}};
    const struct label_edit edit = edit_of("Privileged", LABEL_INFO_AUTO);
    own_arena struct arena arena = arena_new(1u << 20);
    own_label_set struct label_set set = label_set_new(&arena);
    fill(&set, &file);
    const struct label_plan plan = label_plan_for(&set, &edit);
    assert_string_equal(plan.written.name, "Intern");
    assert_int_equal(plan.written.content_bits, 2);
    assert_string_equal(plan.written.method, "Privileged");
}

TEST(edits_that_cannot_be_carried_out_are_told)
{
    char name[800];
    const char *code;
    struct label_edit edit = edit_of("Standard", LABEL_INFO_AUTO);
    assert_null(label_edit_fault(&edit, &code));
    memset(name, 'x', sizeof name);
    name[255] = '\0';
    edit.name = name;
    assert_null(label_edit_fault(&edit, &code));
    name[255] = 'x';
    name[256] = '\0';
    assert_non_null(label_edit_fault(&edit, &code));
    assert_string_equal(code, "too-long");
    name[0] = '\0';
    for (int i = 0; i < 128; i++) /* two UTF-16 units each */
        strncat(name, "\xF0\x9F\x94\x92", sizeof name - strlen(name) - 1);
    assert_non_null(label_edit_fault(&edit, &code));
    assert_string_equal(code, "too-long");
    edit.name = "line\nbreak";
    assert_non_null(label_edit_fault(&edit, &code));
    assert_string_equal(code, "bad-edit");
    edit = edit_of("Automatic", LABEL_INFO_AUTO);
    assert_non_null(label_edit_fault(&edit, &code));
    edit = edit_of("Standard", LABEL_INFO_AUTO);
    edit.id = "Internal";
    assert_non_null(label_edit_fault(&edit, &code));
    edit = (struct label_edit){.op = LABEL_REMOVE, .id = "", .site_id = "", .name = ""};
    assert_null(label_edit_fault(&edit, &code));
}

TEST(many_labels_of_one_tenant_take_no_quadratic_time)
{
    own_arena struct arena arena = arena_new(256u << 20);
    own_label_set struct label_set set = label_set_new(&arena);
    struct report_label *labels;
    uint32_t count;
    for (unsigned i = 0; i < 50000; i++) {
        char id[GUID_LENGTH + 1], parent[GUID_LENGTH + 1];
        snprintf(id, sizeof id, "%08x-2222-4333-8444-555555555555", i);
        snprintf(parent, sizeof parent, "%08x-2222-4333-8444-555555555555", i + 1);
        assert_true(label_set_property(&set, id, "Enabled", 7, "true", 4));
        assert_true(label_set_property(&set, id, "SiteId", 6, SA, GUID_LENGTH));
        assert_true(label_set_property(&set, id, "Parent", 6, parent, GUID_LENGTH));
    }
    assert_true(label_set_finish(&set));
    assert_true(label_list_in_force(&set, NULL, &labels, &count));
    assert_int_equal(count, 1);
    assert_string_equal(labels[0].id, "00000000-2222-4333-8444-555555555555");
    assert_false(labels[0].ambiguous);
}

TEST(memory_that_runs_out_is_said)
{
    for (size_t nth = 1; nth < 100; nth++) {
        own_arena struct arena arena = arena_new(1u << 20);
        own_label_set struct label_set set = label_set_new(&arena);
        struct report_label *labels;
        uint32_t count;
        mem_fail_nth(nth, 0);
        bool ok = label_set_property(&set, A, "Enabled", 7, "true", 4) &&
                  label_set_property(&set, A, "Name", 4, "x", 1) && label_set_finish(&set) &&
                  label_list_in_force(&set, NULL, &labels, &count);
        bool failed = mem_calls() >= nth;
        mem_fail_nth(0, 0);
        assert_true(ok != failed);
        if (ok)
            return;
    }
    fail_msg("it never went through");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_labels_are_told_from_others),
        cmocka_unit_test(only_true_and_1_are_true),
        cmocka_unit_test(the_labels_in_force_follow_from_both_stores),
        cmocka_unit_test(a_plan_says_what_is_written_and_where),
        cmocka_unit_test(a_person_choosing_the_same_label_keeps_its_name_and_marking),
        cmocka_unit_test(edits_that_cannot_be_carried_out_are_told),
        cmocka_unit_test(many_labels_of_one_tenant_take_no_quadratic_time),
        cmocka_unit_test(memory_that_runs_out_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
