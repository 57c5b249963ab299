#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "label_edits.h"
#include "ooxml_label.h"

static const char our_properties[] = PROPERTY("2", "MSIP_Label_" LABEL_A "_Enabled", "true")
    PROPERTY("3", "MSIP_Label_" LABEL_A "_SetDate", "2025-01-02T03:04:05Z")
        PROPERTY("4", "MSIP_Label_" LABEL_A "_Method", "Standard")
            PROPERTY("5", "MSIP_Label_" LABEL_A "_Name", "Internal")
                PROPERTY("6", "MSIP_Label_" LABEL_A "_SiteId", SITE_A)
                    PROPERTY("7", "MSIP_Label_" LABEL_A "_ActionId", ACTION_A)
                        PROPERTY("8", "MSIP_Label_" LABEL_A "_ContentBits", "0");

TEST(a_label_is_set_on_a_fresh_package)
{
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){0});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
    assert_int_equal(change.result.labels_count, 1);
    assert_string_equal(change.result.labels[0].id, LABEL_A);
    assert_string_equal(change.result.labels[0].store, "custom-properties");
    const char *custom =
        label_package_member(&change.arena, change.bytes, change.length, "docProps/custom.xml");
    char expected[4096];
    snprintf(expected, sizeof expected, PROPERTIES("%s"), our_properties);
    assert_string_equal(custom, expected);
}

/* A part of the new file. */
static const char *part_of(struct label_change *change, const char *name)
{
    const char *part = label_package_member(&change->arena, change->bytes, change->length, name);
    assert_non_null(part);
    return part;
}

/* What follows the seven properties of LABEL_A, numbered from `pid`. */
static const char *ours_from(struct arena *arena, unsigned pid, const char *p, const char *v)
{
    static const char *const rows[][2] = {
        {"Enabled", "true"},    {"SetDate", "2025-01-02T03:04:05Z"},
        {"Method", "Standard"}, {"Name", "Internal"},
        {"SiteId", SITE_A},     {"ActionId", ACTION_A},
        {"ContentBits", "0"},
    };
    struct buf out = buf_new(65536);
    for (size_t i = 0; i < 7; i++)
        buf_printf(&out,
                   "<%sproperty fmtid=\"{D5CDD505-2E9C-101B-9397-08002B2CF9AE}\" pid=\"%u\" "
                   "name=\"MSIP_Label_" LABEL_A "_%s\"><%slpwstr>%s</%slpwstr></%sproperty>",
                   p, pid + (unsigned)i, rows[i][0], v, rows[i][1], v, p);
    char *text = arena_strdup(arena, buf_text(&out));
    buf_fini(&out);
    return text;
}

/* Set on custom properties: what stands before our seven, and the first number. */
static const struct custom_case {
    const char *what, *before, *after; /* %s in `after`: ours */
    unsigned pid;
    const char *prefix, *value_prefix;
} custom_cases[] = {
    {"others stay, ours are appended", PROPERTIES(PLAIN), PROPERTIES(PLAIN "%s"), 12, "", "vt:"},
    {"another tenant's label stays", PROPERTIES(OTHER_TENANT PLAIN),
     PROPERTIES(OTHER_TENANT PLAIN "%s"), 23, "", "vt:"},
    {"our old label goes, whatever attributes it has",
     PROPERTIES(PROPERTY("30", "MSIP_Label_" LABEL_B "_Enabled", "true")
                    PROPERTY("2", "MSIP_Label_" LABEL_B "_SiteId", SITE_A)
                        PLAIN PROPERTY("3", "MSIP_Label_" LABEL_B "_Owner", "someone")
                            PROPERTY("4", "msip_label_" LABEL_B "_owner", "again")
                                PROPERTY("5", "MSIP_Label_foo_Enabled", "true")),
     PROPERTIES(PLAIN PROPERTY("5", "MSIP_Label_foo_Enabled", "true") "%s"), 12, "", "vt:"},
    {"the plain property goes with the label that it names",
     PROPERTIES(PROPERTY("2", "MSIP_Label_" LABEL_B "_Enabled", "true")
                    PROPERTY("3", "MSIP_Label_" LABEL_B "_SiteId", SITE_A)
                        PROPERTY("4", "MSIP_Label_" LABEL_B "_Name", "Public")
                            PROPERTY("5", "Sensitivity", "Public") PLAIN),
     PROPERTIES(PLAIN "%s"), 12, "", "vt:"},
    {"a plain property that says something else stays",
     PROPERTIES(PROPERTY("5", "Sensitivity", "Public")),
     PROPERTIES(PROPERTY("5", "Sensitivity", "Public") "%s"), 6, "", "vt:"},
    {"an empty root is opened",
     "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties\""
     " xmlns:v=\"http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes\" />\r\n",
     "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties\""
     " xmlns:v=\"http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes\">"
     "%s</Properties>\r\n",
     2, "", "v:"},
    {"prefixes as the part declares, a byte order mark, Strict",
     "\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?><o:Properties "
     "xmlns:o='http://purl.oclc.org/ooxml/officeDocument/customProperties' "
     "xmlns='http://purl.oclc.org/ooxml/officeDocument/docPropsVTypes'></o:Properties>",
     "\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?><o:Properties "
     "xmlns:o='http://purl.oclc.org/ooxml/officeDocument/customProperties' "
     "xmlns='http://purl.oclc.org/ooxml/officeDocument/docPropsVTypes'>%s</o:Properties>",
     2, "o:", ""},
};

TEST(custom_properties_are_edited_as_text)
{
    for (size_t i = 0; i < sizeof custom_cases / sizeof *custom_cases; i++) {
        const struct custom_case *row = &custom_cases[i];
        own_zip struct zip_builder zip =
            label_edits_build(&(struct label_package){.custom = row->before});
        const struct label_edit edit = label_package_edit();
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->what);
        label_edits_set(&zip.out, &change);
        const char *ours = ours_from(&change.arena, row->pid, row->prefix, row->value_prefix);
        const char *hole = strstr(row->after, "%s");
        const char *expected = arena_printf(&change.arena, "%.*s%s%s", (int)(hole - row->after),
                                            row->after, ours, hole + 2);
        assert_string_equal(part_of(&change, "docProps/custom.xml"), expected);
    }
}

TEST(a_part_that_declares_no_value_namespace_gets_it_at_each_value)
{
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){
        .custom = "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/"
                  "custom-properties\"/>"});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
    assert_non_null(strstr(part_of(&change, "docProps/custom.xml"),
                           "<vt:lpwstr xmlns:vt=\"http://schemas.openxmlformats.org/"
                           "officeDocument/2006/docPropsVTypes\">true</vt:lpwstr>"));
}

#define EXTENSION "<clbl:extLst><x:ext xmlns:x='u'/></clbl:extLst>"
#define OURS      LABEL_ELEMENT(LABEL_A, "1", "Standard", SITE_A, "0")

static const struct info_case {
    const char *what, *before, *after;
    enum label_info info;
} info_cases[] = {
    {"our element is replaced where it is",
     LABEL_LIST(LABEL_ELEMENT(LABEL_B, "1", "Privileged", SITE_A, "0") THEIRS EXTENSION),
     LABEL_LIST(OURS THEIRS EXTENSION), LABEL_INFO_AUTO},
    {"one that says removed too", LABEL_LIST(THEIRS REMOVED), LABEL_LIST(THEIRS OURS),
     LABEL_INFO_AUTO},
    {"a second one of ours goes",
     LABEL_LIST(REMOVED THEIRS LABEL_ELEMENT(LABEL_B, "1", "", SITE_A, "0")),
     LABEL_LIST(OURS THEIRS), LABEL_INFO_AUTO},
    {"a new one stands before the extensions", LABEL_LIST(THEIRS EXTENSION),
     LABEL_LIST(THEIRS OURS EXTENSION), LABEL_INFO_ON},
    {"or at the end", LABEL_LIST(THEIRS), LABEL_LIST(THEIRS OURS), LABEL_INFO_ON},
    {"other prefixes, braces and cases are read",
     "<labelList xmlns=\"http://schemas.microsoft.com/office/2020/mipLabelMetadata\"><label "
     "siteId='AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE' enabled='True' id='" LABEL_B "'/></labelList>",
     "<labelList xmlns=\"http://schemas.microsoft.com/office/2020/mipLabelMetadata\"><label "
     "id=\"{" LABEL_A "}\" enabled=\"1\" method=\"Standard\" siteId=\"{" SITE_A
     "}\" contentBits=\"0\" removed=\"0\" /></labelList>",
     LABEL_INFO_AUTO},
};

TEST(a_label_part_is_edited_as_text_and_our_properties_go)
{
    for (size_t i = 0; i < sizeof info_cases / sizeof *info_cases; i++) {
        const struct info_case *row = &info_cases[i];
        own_zip struct zip_builder zip = label_edits_build(&(struct label_package){
            .info = row->before,
            .custom = PROPERTIES(PROPERTY("2", "MSIP_Label_" LABEL_B "_Enabled", "true") PROPERTY(
                "3", "MSIP_Label_" LABEL_B "_SiteId", SITE_A) PLAIN)});
        struct label_edit edit = label_package_edit();
        edit.info = row->info;
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->what);
        label_edits_set(&zip.out, &change);
        assert_string_equal(part_of(&change, "docMetadata/LabelInfo.xml"), row->after);
        assert_string_equal(part_of(&change, "docProps/custom.xml"), PROPERTIES(PLAIN));
    }
}

TEST(a_label_part_is_made_for_a_tenant_that_uses_it)
{
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){0});
    struct label_edit edit = label_package_edit();
    edit.info = LABEL_INFO_ON;
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
    assert_string_equal(part_of(&change, "docMetadata/LabelInfo.xml"), LABEL_LIST(OURS));
    assert_non_null(strstr(part_of(&change, "[Content_Types].xml"),
                           "<Override PartName=\"/docMetadata/LabelInfo.xml\" ContentType=\""
                           "application/vnd.ms-office.classificationlabels+xml\"/></Types>"));
    assert_non_null(strstr(part_of(&change, "_rels/.rels"),
                           "<Relationship Id=\"rIdLbl1\" Type=\"http://schemas.microsoft.com/"
                           "office/2020/02/relationships/classificationlabels\" "
                           "Target=\"docMetadata/LabelInfo.xml\"/></Relationships>"));
    assert_string_equal(change.result.labels[0].store, "label-info");
}

TEST(a_tenant_known_not_to_use_elements_gets_properties)
{
    own_zip struct zip_builder zip =
        label_edits_build(&(struct label_package){.info = LABEL_LIST(REMOVED THEIRS)});
    struct label_edit edit = label_package_edit();
    edit.info = LABEL_INFO_OFF;
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
    assert_string_equal(part_of(&change, "docMetadata/LabelInfo.xml"), LABEL_LIST(THEIRS));
    assert_int_equal(change.result.labels_count, 2);
}

TEST(a_strict_package_gets_strict_parts)
{
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){.strict = true});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
    assert_non_null(strstr(part_of(&change, "docProps/custom.xml"),
                           "xmlns=\"http://purl.oclc.org/ooxml/officeDocument/customProperties\" "
                           "xmlns:vt=\"http://purl.oclc.org/ooxml/officeDocument/"
                           "docPropsVTypes\">"));
    assert_non_null(strstr(part_of(&change, "_rels/.rels"),
                           "Type=\"http://purl.oclc.org/ooxml/officeDocument/relationships/"
                           "customProperties\" Target=\"docProps/custom.xml\"/>"));
}

/* Content types and relationships ------------------------------------------------------------ */

static const struct opc_case {
    const char *what, *types, *types_after, *rels, *rels_after;
} opc_cases[] = {
    {"prefixed roots", "<ct:Types xmlns:ct=\"" TYPES_SPACE "\"></ct:Types >",
     "<ct:Types xmlns:ct=\"" TYPES_SPACE "\"><ct:Override PartName=\"/docProps/custom.xml\" "
     "ContentType=\"" CUSTOM_TYPE "\"/></ct:Types >",
     "\xEF\xBB\xBF<r:Relationships xmlns:r='" RELS_SPACE "'/>",
     "\xEF\xBB\xBF<r:Relationships xmlns:r='" RELS_SPACE "'><r:Relationship Id=\"rIdLbl1\" "
     "Type=\"" CUSTOM_REL "\" Target=\"docProps/custom.xml\"/></r:Relationships>"},
    {"an Override of a wrong type is corrected, used Ids are passed over",
     "<Types xmlns=\"" TYPES_SPACE "\"><Override ContentType = 'text/plain' "
     "PartName=\"/DocProps/Custom.xml\"/></Types>",
     "<Types xmlns=\"" TYPES_SPACE "\"><Override ContentType = '" CUSTOM_TYPE "' "
     "PartName=\"/DocProps/Custom.xml\"/></Types>",
     "<Relationships xmlns='" RELS_SPACE "'><Relationship Id='rIdLbl1' Type='x' Target='y'/>"
     "<Relationship Id='rIdLbl2' Type='" CUSTOM_REL "' Target='z' TargetMode='External'/>"
     "</Relationships>",
     "<Relationships xmlns='" RELS_SPACE "'><Relationship Id='rIdLbl1' Type='x' Target='y'/>"
     "<Relationship Id='rIdLbl2' Type='" CUSTOM_REL "' Target='z' TargetMode='External'/>"
     "<Relationship Id=\"rIdLbl3\" Type=\"" CUSTOM_REL
     "\" Target=\"docProps/custom.xml\"/></Relationships>"},
};

TEST(content_types_and_relationships_are_edited_as_text)
{
    for (size_t i = 0; i < sizeof opc_cases / sizeof *opc_cases; i++) {
        const struct opc_case *row = &opc_cases[i];
        own_zip struct zip_builder zip =
            label_edits_build(&(struct label_package){.types = row->types, .rels = row->rels});
        const struct label_edit edit = label_package_edit();
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->what);
        label_edits_set(&zip.out, &change);
        assert_string_equal(part_of(&change, "[Content_Types].xml"), row->types_after);
        assert_string_equal(part_of(&change, "_rels/.rels"), row->rels_after);
    }
}

/* Where a relationship leads: the part is found, or made. */
static const struct target_case {
    const char *target, *part;
} target_cases[] = {
    {"docProps/custom.xml", "docProps/custom.xml"},
    {"/docProps/custom.xml", "docProps/custom.xml"},
    {"./docProps/../docProps/custom.xml", "docProps/custom.xml"},
    {"../../docprops/CUSTOM.xml", "docProps/custom.xml"},
    {"docProps%2Fcustom.xml", "docProps/custom.xml"},
    {"docProps\\custom.xml", "docProps/custom.xml"},
    {"else/where.xml", "else/where.xml"},
};

TEST(the_part_is_found_by_its_relationship)
{
    for (size_t i = 0; i < sizeof target_cases / sizeof *target_cases; i++) {
        const struct target_case *row = &target_cases[i];
        char rels[1024];
        snprintf(rels, sizeof rels,
                 "<Relationships xmlns='" RELS_SPACE "'><Relationship Id='a' Type='" CUSTOM_REL
                 "' Target='%s'/></Relationships>",
                 row->target);
        own_zip struct zip_builder zip =
            label_edits_build(&(struct label_package){.rels = rels, .custom = PROPERTIES("")});
        const struct label_edit edit = label_package_edit();
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->target);
        label_edits_set(&zip.out, &change);
        assert_non_null(strstr(part_of(&change, row->part), LABEL_A));
        assert_string_equal(part_of(&change, "_rels/.rels"), rels);
    }
}

TEST(an_orphan_of_the_usual_name_is_left_alone)
{
    own_zip struct zip_builder zip = label_edits_build(
        &(struct label_package){.rels = "<Relationships xmlns='" RELS_SPACE "'></Relationships>",
                                .custom = PROPERTIES(OTHER_TENANT)});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
    assert_int_equal(change.result.labels_count, 1);
    assert_string_equal(part_of(&change, "docProps/custom.xml"), PROPERTIES(OTHER_TENANT));
    assert_non_null(strstr(part_of(&change, "docProps/custom1.xml"), LABEL_A));
}

/* Again and away ----------------------------------------------------------------------------- */

TEST(setting_a_label_twice_changes_nothing_and_removing_it_leaves_the_rest)
{
    own_zip struct zip_builder zip =
        label_edits_build(&(struct label_package){.custom = PROPERTIES(OTHER_TENANT PLAIN)});
    struct label_edit edit = label_package_edit();
    own_label_change struct label_change first, second, third, fourth;
    label_change_make(&first, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &first);
    edit.action_id = LABEL_B;
    edit.set_date = "2026-01-02T03:04:05Z";
    label_change_make(&second, first.bytes, first.length, &edit, NULL);
    assert_int_equal(second.result.done, LABEL_UNCHANGED);
    assert_int_equal(second.result.labels_count, 2);
    assert_null(second.bytes);
    edit.method = "Privileged";
    label_change_make(&third, first.bytes, first.length, &edit, NULL);
    assert_int_equal(third.result.done, LABEL_WRITTEN);
    assert_int_equal(third.verified.done, LABEL_VERIFIED);
    assert_string_equal(third.result.labels[1].method, "Privileged");
    assert_string_equal(third.result.labels[1].set_date, "2026-01-02T03:04:05Z");
    const struct label_edit removal = {.op = LABEL_REMOVE, .id = "", .site_id = SITE_A};
    label_change_make(&fourth, third.bytes, third.length, &removal, NULL);
    assert_int_equal(fourth.result.done, LABEL_REMOVED);
    assert_int_equal(fourth.verified.done, LABEL_VERIFIED);
    assert_int_equal(fourth.result.labels_count, 1);
    assert_string_equal(part_of(&fourth, "docProps/custom.xml"), PROPERTIES(OTHER_TENANT PLAIN));
}

static const struct remove_case {
    const char *what, *custom, *info, *site;
    const char *custom_after, *info_after; /* NULL: unchanged */
} remove_cases[] = {
    {"ours only", PROPERTIES(OTHER_TENANT), LABEL_LIST(OURS THEIRS), SITE_A,
     PROPERTIES(OTHER_TENANT), LABEL_LIST(THEIRS)},
    {"everyone's", PROPERTIES(OTHER_TENANT PLAIN), LABEL_LIST(OURS THEIRS EXTENSION), "",
     PROPERTIES(PLAIN), LABEL_LIST(EXTENSION)},
    {"an element that says removed stays", PROPERTIES(PLAIN), LABEL_LIST(REMOVED THEIRS), SITE_A,
     NULL, NULL},
    {"nothing is there", PROPERTIES(""), LABEL_LIST(""), "", NULL, NULL},
    {"a label of no tenant with an id of ours",
     PROPERTIES(PROPERTY("2", "MSIP_Label_" LABEL_B "_Enabled", "true")
                    PROPERTY("3", "MSIP_Label_" LABEL_A "_Enabled", "true")),
     LABEL_LIST(""), SITE_A, PROPERTIES(PROPERTY("3", "MSIP_Label_" LABEL_A "_Enabled", "true")),
     LABEL_LIST("")},
};

TEST(labels_are_removed_and_nothing_else)
{
    struct label_known ours[] = {{LABEL_B}};
    for (size_t i = 0; i < sizeof remove_cases / sizeof *remove_cases; i++) {
        const struct remove_case *row = &remove_cases[i];
        own_zip struct zip_builder zip =
            label_edits_build(&(struct label_package){.custom = row->custom, .info = row->info});
        const struct label_edit edit = {
            .op = LABEL_REMOVE, .id = "", .site_id = row->site, .ours = ours, .ours_count = 1};
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->what);
        assert_true(change.ok);
        if (!row->custom_after) {
            assert_int_equal(change.result.done, LABEL_UNCHANGED);
            assert_null(change.bytes);
            continue;
        }
        assert_int_equal(change.result.done, LABEL_REMOVED);
        assert_int_equal(change.verified.done, LABEL_VERIFIED);
        label_edits_untouched(&zip.out, &change);
        assert_string_equal(part_of(&change, "docProps/custom.xml"), row->custom_after);
        assert_string_equal(part_of(&change, "docMetadata/LabelInfo.xml"), row->info_after);
    }
}

/* Reading ------------------------------------------------------------------------------------ */

static const struct read_case {
    const char *what;
    struct label_package package;
    bool unread;
    enum report_status status;
    const char *ids; /* of the labels in force, each with a space */
} read_cases[] = {
    {"none", {0}, false, REPORT_OK, ""},
    {"properties", {.custom = PROPERTIES(OTHER_TENANT)}, false, REPORT_OK, LABEL_B " "},
    {"both stores",
     {.custom = PROPERTIES(OTHER_TENANT), .info = LABEL_LIST(OURS)},
     false,
     REPORT_OK,
     LABEL_A " " LABEL_B " "},
    {"removed", {.info = LABEL_LIST(REMOVED)}, false, REPORT_OK, ""},
    {"an empty list",
     {.info = "<clbl:labelList xmlns:clbl=\"http://schemas.microsoft.com/office/"
              "2020/mipLabelMetadata\" />"},
     false,
     REPORT_OK,
     ""},
    {"another root", {.info = "<labelList><label/></labelList>"}, false, REPORT_OK, ""},
    {"broken", {.info = "<x"}, true, REPORT_CORRUPT, ""},
    {"a document type", {.custom = "<!DOCTYPE x><x/>"}, true, REPORT_HOSTILE, ""},
};

TEST(labels_are_read_into_a_report)
{
    const struct limits limits = limits_default();
    for (size_t i = 0; i < sizeof read_cases / sizeof *read_cases; i++) {
        const struct read_case *row = &read_cases[i];
        own_zip struct zip_builder zip = label_edits_build(&row->package);
        own_arena struct arena arena = arena_new(1u << 20);
        own_buf struct buf ids = buf_new(4096);
        struct report report = {.reason = ""};
        struct format_reading reading = {.limits = &limits, .arena = &arena, .report = &report};
        const struct format_input input = {.bytes = zip.out.bytes, .length = zip.out.length};
        assert_true(ooxml_label_read(&reading, &input));
        print_message("  %s\n", row->what);
        for (uint32_t k = 0; k < report.labels_count; k++)
            buf_printf(&ids, "%s ", report.labels[k].id);
        assert_string_equal(buf_text(&ids), row->ids);
        assert_int_equal(report.labels_unread, row->unread);
        assert_int_equal(report.status, row->status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_set_on_a_fresh_package),
        cmocka_unit_test(custom_properties_are_edited_as_text),
        cmocka_unit_test(a_part_that_declares_no_value_namespace_gets_it_at_each_value),
        cmocka_unit_test(a_label_part_is_edited_as_text_and_our_properties_go),
        cmocka_unit_test(a_label_part_is_made_for_a_tenant_that_uses_it),
        cmocka_unit_test(a_tenant_known_not_to_use_elements_gets_properties),
        cmocka_unit_test(a_strict_package_gets_strict_parts),
        cmocka_unit_test(content_types_and_relationships_are_edited_as_text),
        cmocka_unit_test(the_part_is_found_by_its_relationship),
        cmocka_unit_test(an_orphan_of_the_usual_name_is_left_alone),
        cmocka_unit_test(setting_a_label_twice_changes_nothing_and_removing_it_leaves_the_rest),
        cmocka_unit_test(labels_are_removed_and_nothing_else),
        cmocka_unit_test(labels_are_read_into_a_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
