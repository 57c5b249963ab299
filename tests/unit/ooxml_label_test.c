#include "check.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "label_package.h"
#include "ooxml_label.h"
#include "zipdir.h"

static const char our_properties[] = PROPERTY("2", "MSIP_Label_" LABEL_A "_Enabled", "true")
    PROPERTY("3", "MSIP_Label_" LABEL_A "_SetDate", "2025-01-02T03:04:05Z")
        PROPERTY("4", "MSIP_Label_" LABEL_A "_Method", "Standard")
            PROPERTY("5", "MSIP_Label_" LABEL_A "_Name", "Internal")
                PROPERTY("6", "MSIP_Label_" LABEL_A "_SiteId", SITE_A)
                    PROPERTY("7", "MSIP_Label_" LABEL_A "_ActionId", ACTION_A)
                        PROPERTY("8", "MSIP_Label_" LABEL_A "_ContentBits", "0");

static struct zip_builder build(const struct label_package *package)
{
    struct zip_builder zip = zip_builder_new();
    label_package_add(&zip, package);
    zip_builder_end(&zip);
    return zip;
}

/* Every entry of `before` but the four is in `after` with the same bytes and record. */
static void check_untouched(const struct buf *before, const struct label_change *change)
{
    static const char *const edited[] = {"[Content_Types].xml", "_rels/.rels",
                                         "docProps/custom.xml", "docMetadata/LabelInfo.xml"};
    own_zipdir struct zipdir old, new;
    assert_int_equal(zipdir_open(&old, before->bytes, before->length, 1000), ZIPDIR_OK);
    assert_int_equal(zipdir_open(&new, change->bytes, change->length, 1000), ZIPDIR_OK);
    assert_true(new.count >= old.count);
    for (size_t i = 0; i < old.count; i++) {
        const struct zipdir_entry *a = &old.entries[i], *b = &new.entries[i];
        bool skip = false;
        for (size_t k = 0; k < 4; k++)
            skip |= zipdir_find(&old, edited[k], NULL) == i;
        assert_int_equal(a->name_length, b->name_length);
        assert_memory_equal(a->name, b->name, a->name_length);
        if (skip)
            continue;
        assert_int_equal(a->end - a->start, b->end - b->start);
        assert_memory_equal(old.bytes + a->start, new.bytes + b->start, a->end - a->start);
        assert_int_equal(a->record_length, b->record_length);
        assert_memory_equal(a->record, b->record, 42);
    }
}

static void check_set(const struct buf *before, const struct label_change *change)
{
    assert_true(change->ok);
    assert_int_equal(change->result.done, LABEL_WRITTEN);
    assert_string_equal(change->verified.code, "");
    assert_int_equal(change->verified.done, LABEL_VERIFIED);
    check_untouched(before, change);
}

TEST(a_label_is_set_on_a_fresh_package)
{
    own_zip struct zip_builder zip = build(&(struct label_package){0});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
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

#define OTHER_TENANT                                                                               \
    PROPERTY("20", "MSIP_Label_" LABEL_B "_Enabled", "true")                                       \
    PROPERTY("21", "MSIP_Label_" LABEL_B "_SiteId", SITE_B)                                        \
    PROPERTY("22", "MSIP_Label_" LABEL_B "_Name", "Geheim")
#define PLAIN                                                                                      \
    "<!-- <property> in a comment -->\n  "                                                         \
    "<property fmtid='{D5CDD505-2E9C-101B-9397-08002B2CF9AE}' pid='11' name='a &gt; b' "           \
    "linkTarget='x>y'><vt:lpwstr>1 &lt; 2</vt:lpwstr></property>\n"

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
        own_zip struct zip_builder zip = build(&(struct label_package){.custom = row->before});
        const struct label_edit edit = label_package_edit();
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->what);
        check_set(&zip.out, &change);
        const char *ours = ours_from(&change.arena, row->pid, row->prefix, row->value_prefix);
        const char *hole = strstr(row->after, "%s");
        const char *expected = arena_printf(&change.arena, "%.*s%s%s", (int)(hole - row->after),
                                            row->after, ours, hole + 2);
        assert_string_equal(part_of(&change, "docProps/custom.xml"), expected);
    }
}

TEST(a_part_that_declares_no_value_namespace_gets_it_at_each_value)
{
    own_zip struct zip_builder zip = build(&(struct label_package){
        .custom = "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/"
                  "custom-properties\"/>"});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
    assert_non_null(strstr(part_of(&change, "docProps/custom.xml"),
                           "<vt:lpwstr xmlns:vt=\"http://schemas.openxmlformats.org/"
                           "officeDocument/2006/docPropsVTypes\">true</vt:lpwstr>"));
}

#define EXTENSION "<clbl:extLst><x:ext xmlns:x='u'/></clbl:extLst>"
#define OURS      LABEL_ELEMENT(LABEL_A, "1", "Standard", SITE_A, "0")
#define THEIRS    LABEL_ELEMENT(LABEL_B, "1", "Privileged", SITE_B, "0")
#define REMOVED                                                                                    \
    "<clbl:label id=\"{" SITE_A "}\" enabled=\"0\" method=\"\" siteId=\"{" SITE_A                  \
    "}\" removed=\"1\" />"

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
        own_zip struct zip_builder zip = build(&(struct label_package){
            .info = row->before,
            .custom = PROPERTIES(PROPERTY("2", "MSIP_Label_" LABEL_B "_Enabled", "true") PROPERTY(
                "3", "MSIP_Label_" LABEL_B "_SiteId", SITE_A) PLAIN)});
        struct label_edit edit = label_package_edit();
        edit.info = row->info;
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->what);
        check_set(&zip.out, &change);
        assert_string_equal(part_of(&change, "docMetadata/LabelInfo.xml"), row->after);
        assert_string_equal(part_of(&change, "docProps/custom.xml"), PROPERTIES(PLAIN));
    }
}

TEST(a_label_part_is_made_for_a_tenant_that_uses_it)
{
    own_zip struct zip_builder zip = build(&(struct label_package){0});
    struct label_edit edit = label_package_edit();
    edit.info = LABEL_INFO_ON;
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
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
        build(&(struct label_package){.info = LABEL_LIST(REMOVED THEIRS)});
    struct label_edit edit = label_package_edit();
    edit.info = LABEL_INFO_OFF;
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
    assert_string_equal(part_of(&change, "docMetadata/LabelInfo.xml"), LABEL_LIST(THEIRS));
    assert_int_equal(change.result.labels_count, 2);
}

TEST(a_strict_package_gets_strict_parts)
{
    own_zip struct zip_builder zip = build(&(struct label_package){.strict = true});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
    assert_non_null(strstr(part_of(&change, "docProps/custom.xml"),
                           "xmlns=\"http://purl.oclc.org/ooxml/officeDocument/customProperties\" "
                           "xmlns:vt=\"http://purl.oclc.org/ooxml/officeDocument/"
                           "docPropsVTypes\">"));
    assert_non_null(strstr(part_of(&change, "_rels/.rels"),
                           "Type=\"http://purl.oclc.org/ooxml/officeDocument/relationships/"
                           "customProperties\" Target=\"docProps/custom.xml\"/>"));
}

/* Content types and relationships ------------------------------------------------------------ */

#define TYPES_SPACE "http://schemas.openxmlformats.org/package/2006/content-types"
#define RELS_SPACE  "http://schemas.openxmlformats.org/package/2006/relationships"
#define CUSTOM_REL                                                                                 \
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
#define CUSTOM_TYPE "application/vnd.openxmlformats-officedocument.custom-properties+xml"

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
            build(&(struct label_package){.types = row->types, .rels = row->rels});
        const struct label_edit edit = label_package_edit();
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->what);
        check_set(&zip.out, &change);
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
            build(&(struct label_package){.rels = rels, .custom = PROPERTIES("")});
        const struct label_edit edit = label_package_edit();
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  %s\n", row->target);
        check_set(&zip.out, &change);
        assert_non_null(strstr(part_of(&change, row->part), LABEL_A));
        assert_string_equal(part_of(&change, "_rels/.rels"), rels);
    }
}

TEST(an_orphan_of_the_usual_name_is_left_alone)
{
    own_zip struct zip_builder zip = build(
        &(struct label_package){.rels = "<Relationships xmlns='" RELS_SPACE "'></Relationships>",
                                .custom = PROPERTIES(OTHER_TENANT)});
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
    assert_int_equal(change.result.labels_count, 1);
    assert_string_equal(part_of(&change, "docProps/custom.xml"), PROPERTIES(OTHER_TENANT));
    assert_non_null(strstr(part_of(&change, "docProps/custom1.xml"), LABEL_A));
}

/* Again and away ----------------------------------------------------------------------------- */

TEST(setting_a_label_twice_changes_nothing_and_removing_it_leaves_the_rest)
{
    own_zip struct zip_builder zip =
        build(&(struct label_package){.custom = PROPERTIES(OTHER_TENANT PLAIN)});
    struct label_edit edit = label_package_edit();
    own_label_change struct label_change first, second, third, fourth;
    label_change_make(&first, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &first);
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
            build(&(struct label_package){.custom = row->custom, .info = row->info});
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
        check_untouched(&zip.out, &change);
        assert_string_equal(part_of(&change, "docProps/custom.xml"), row->custom_after);
        assert_string_equal(part_of(&change, "docMetadata/LabelInfo.xml"), row->info_after);
    }
}

/* Refusals ----------------------------------------------------------------------------------- */

static char *utf16(struct buf *out, const char *text)
{
    buf_append(out, "\xFF\xFE", 2);
    for (; *text; text++) {
        buf_putc(out, *text);
        buf_putc(out, '\0');
    }
    return out->bytes;
}

static void check_refused(const struct zip_builder *zip, const struct label_edit *edit,
                          const struct limits *limits, const char *code)
{
    own_label_change struct label_change change;
    label_change_make(&change, zip->out.bytes, zip->out.length, edit, limits);
    assert_true(change.ok);
    assert_int_equal(change.result.done, LABEL_REFUSED);
    assert_string_equal(change.result.code, code);
    assert_true(strlen(change.result.message) > 10);
    assert_null(change.bytes);
}

static const struct refuse_case {
    const char *what;
    struct label_package package;
    const char *code;
} refuse_cases[] = {
    {"a signature", {.signature = true}, "signed"},
    {"a document type", {.custom = "<!DOCTYPE x><x/>"}, "xml-dtd"},
    {"one in the relationships", {.rels = "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}, "xml-dtd"},
    {"broken XML", {.custom = "<Properties"}, "damaged"},
    {"an empty part", {.custom = ""}, "damaged"},
    {"another root", {.custom = "<Properties xmlns='urn:x'/>"}, "damaged"},
    {"another root of the types", {.types = "<Types xmlns='urn:x'/>"}, "damaged"},
    {"another root of the relationships", {.rels = "<Relationships xmlns='urn:x'/>"}, "damaged"},
    {"Latin-1",
     {.custom = "<?xml version='1.0' encoding='iso-8859-1'?><Properties xmlns='"
                "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties'/>"},
     "damaged"},
    {"no number left", {.custom = PROPERTIES(PROPERTY("2147483645", "x", "y"))}, "damaged"},
    {"another tenant's label of the same id",
     {.custom = PROPERTIES(PROPERTY("2", "MSIP_Label_" LABEL_A "_SiteId", SITE_B)
                               PROPERTY("3", "MSIP_Label_" LABEL_A "_Enabled", "true"))},
     "damaged"},
    {"two relationships to one part",
     {.rels = "<Relationships xmlns='" RELS_SPACE "'><Relationship Id='a' Type='" CUSTOM_REL
              "' Target='_rels/.rels'/></Relationships>"},
     "damaged"},
};

TEST(what_must_not_be_edited_is_refused_with_its_reason)
{
    const struct label_edit edit = label_package_edit();
    for (size_t i = 0; i < sizeof refuse_cases / sizeof *refuse_cases; i++) {
        own_zip struct zip_builder zip = build(&refuse_cases[i].package);
        print_message("  %s\n", refuse_cases[i].what);
        check_refused(&zip, &edit, NULL, refuse_cases[i].code);
    }
}

TEST(a_signed_document_may_be_changed_when_that_is_allowed)
{
    own_zip struct zip_builder zip = build(&(struct label_package){.signature = true});
    struct label_edit edit = label_package_edit();
    edit.allow_signed = true;
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
}

TEST(a_part_in_utf_16_is_read_but_not_edited)
{
    own_arena struct arena arena = arena_new(1u << 20);
    own_buf struct buf wide = buf_new(65536);
    own_zip struct zip_builder zip = zip_builder_new();
    struct label_edit edit = label_package_edit();
    utf16(&wide, "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/"
                 "custom-properties\" xmlns:vt=\"http://schemas.openxmlformats.org/officeDocument/"
                 "2006/docPropsVTypes\">" PROPERTY("2", "MSIP_Label_" LABEL_A "_Enabled", "true")
                     PROPERTY("3", "MSIP_Label_" LABEL_A "_SiteId", SITE_A) "</Properties>");
    const struct zip_member custom = {
        .name = "docProps/custom.xml", .bytes = wide.bytes, .length = wide.length};
    label_package_add(
        &zip, &(struct label_package){.rels = "<Relationships xmlns='" RELS_SPACE
                                              "'><Relationship Id='a' Type='" CUSTOM_REL
                                              "' Target='docProps/custom.xml'/></Relationships>"});
    zip_builder_add(&zip, &custom);
    zip_builder_end(&zip);
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    assert_int_equal(change.result.done, LABEL_UNCHANGED);
    edit.id = LABEL_B;
    check_refused(&zip, &edit, NULL, "damaged");
}

TEST(limits_are_kept_before_and_while_a_part_is_read)
{
    const struct label_edit edit = label_package_edit();
    struct limits limits = limits_default();
    own_buf struct buf big = buf_new(4u << 20);
    buf_puts(&big, "<x>");
    while (big.length < limits.label_part_bytes)
        buf_puts(&big, "                                                                ");
    buf_puts(&big, "</x>");
    own_zip struct zip_builder zip = build(&(struct label_package){.custom = big.bytes});
    check_refused(&zip, &edit, NULL, "bomb");
    own_zip struct zip_builder small = build(&(struct label_package){0});
    limits.archive_entries = 3;
    check_refused(&small, &edit, &limits, "bomb");
    own_zip struct zip_builder lying = zip_builder_new();
    const struct zip_member member = {
        .name = "_rels/.rels", .bytes = big.bytes, .length = big.length, .says_size = 100};
    zip_builder_text(&lying, "[Content_Types].xml", "<x/>");
    zip_builder_add(&lying, &member);
    zip_builder_end(&lying);
    check_refused(&lying, &edit, NULL, "damaged");
}

TEST(a_container_that_lies_is_refused)
{
    static const struct {
        const char *what;
        struct zip_member member;
        const char *code;
    } cases[] = {
        {"encrypted", {.name = "x", .encrypted = true, .bytes = "y", .length = 1}, "encrypted"},
        {"overlap", {.name = "x", .shares = "word/document.xml"}, "damaged"},
        {"two parts of one name",
         {.name = "DOCPROPS\\custom.XML", .bytes = "<x/>", .length = 4},
         "damaged"},
    };
    const struct label_edit edit = label_package_edit();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        own_zip struct zip_builder zip = zip_builder_new();
        label_package_add(&zip, &(struct label_package){.custom = PROPERTIES("")});
        zip_builder_add(&zip, &cases[i].member);
        zip_builder_end(&zip);
        print_message("  %s\n", cases[i].what);
        check_refused(&zip, &edit, NULL, cases[i].code);
    }
}

TEST(a_wrong_checksum_is_refused_in_a_part_that_is_read_and_kept_in_others)
{
    const struct label_edit edit = label_package_edit();
    const struct zip_member other = {.name = "x", .bytes = "y", .length = 1, .wrong_crc = true};
    own_zip struct zip_builder zip = zip_builder_new();
    label_package_add(&zip, &(struct label_package){0});
    zip_builder_add(&zip, &other);
    zip_builder_end(&zip);
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
    const struct zip_member rels = {
        .name = "_rels/.rels", .bytes = "<x/>", .length = 4, .wrong_crc = true};
    own_zip struct zip_builder bad = zip_builder_new();
    zip_builder_text(&bad, "[Content_Types].xml", "<x/>");
    zip_builder_add(&bad, &rels);
    zip_builder_end(&bad);
    check_refused(&bad, &edit, NULL, "damaged");
}

TEST(what_is_no_package_is_refused)
{
    const struct label_edit edit = label_package_edit();
    own_zip struct zip_builder zip = zip_builder_new();
    zip_builder_text(&zip, "readme.txt", "hello");
    zip_builder_end(&zip);
    check_refused(&zip, &edit, NULL, "not-opc");
    own_zip struct zip_builder none = zip_builder_new();
    buf_puts(&none.out, "no zip at all, but some bytes");
    check_refused(&none, &edit, NULL, "damaged");
}

/* Containers of all kinds -------------------------------------------------------------------- */

TEST(every_form_of_entry_stays_as_it_was)
{
    static const char text[] = "some text that is in there, some text that is in there";
    static const struct zip_member members[] = {
        {.name = "a/descriptor.bin", .bytes = text, .length = sizeof text, .descriptor = true},
        {.name = "a/zip64.bin", .bytes = text, .length = sizeof text, .zip64 = true},
        {.name = "a/both.bin",
         .bytes = text,
         .length = sizeof text,
         .zip64 = true,
         .descriptor = true},
        {.name = "a\\back.bin", .bytes = text, .length = sizeof text, .stored = true},
        {.name = "a/odd.bin", .bytes = text, .length = sizeof text, .method = 14},
        {.name = "a/", .stored = true, .bytes = "", .length = 0},
        {.name = "x/Twice", .bytes = text, .length = sizeof text},
        {.name = "X/twice", .bytes = text, .length = sizeof text},
    };
    const struct label_edit edit = label_package_edit();
    for (unsigned form = 0; form < 4; form++) {
        own_zip struct zip_builder zip = zip_builder_new();
        if (form & 1)
            zip_builder_front(&zip, "#!/bin/sh\nexit\n", 15);
        zip.zip64_end = form & 2;
        zip_builder_add(&zip, &members[0]);
        label_package_add(&zip, &(struct label_package){.custom = PROPERTIES(OTHER_TENANT)});
        for (size_t i = 1; i < sizeof members / sizeof *members; i++)
            zip_builder_add(&zip, &members[i]);
        zip_builder_end(&zip);
        own_label_change struct label_change change;
        label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
        print_message("  form %u\n", form);
        check_set(&zip.out, &change);
        if (form & 1)
            assert_memory_equal(change.bytes, "#!/bin/sh\n", 10);
        own_label_change struct label_change again;
        label_change_make(&again, change.bytes, change.length, &edit, NULL);
        assert_int_equal(again.result.done, LABEL_UNCHANGED);
    }
}

TEST(the_comment_of_the_archive_stays)
{
    own_zip struct zip_builder zip = build(&(struct label_package){0});
    zip.out.bytes[zip.out.length - 2] = 5;
    buf_puts(&zip.out, "hello");
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &change);
    assert_memory_equal(change.bytes + change.length - 7, "\5\0hello", 7);
}

TEST(the_kernel_copies_from_a_file_what_is_written_from_memory)
{
    own_zip struct zip_builder zip = build(&(struct label_package){0});
    const struct label_edit edit = label_package_edit();
    const struct limits limits = limits_default();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    FILE *in = tmpfile(), *out = tmpfile();
    assert_non_null(in);
    assert_non_null(out);
    fwrite(zip.out.bytes, 1, zip.out.length, in);
    fflush(in);
    own_arena struct arena arena = arena_new(1u << 20);
    struct label_result result = {0};
    const struct format_input input = {
        .bytes = zip.out.bytes, .length = zip.out.length, .fd = fileno(in)};
    assert_true(ooxml_label_relabel(&input, &edit, &limits, fileno(out), &arena, &result, NULL));
    char *made = arena_alloc(&arena, change.length + 1, 1);
    assert_int_equal(pread(fileno(out), made, change.length + 1, 0), change.length);
    assert_memory_equal(made, change.bytes, change.length);
    fclose(in);
    fclose(out);
}

/* Things that go wrong ----------------------------------------------------------------------- */

TEST(an_output_that_fails_is_an_error)
{
    own_zip struct zip_builder zip = build(&(struct label_package){0});
    const struct label_edit edit = label_package_edit();
    const struct limits limits = limits_default();
    const struct format_input input = {.bytes = zip.out.bytes, .length = zip.out.length};
    own_arena struct arena arena = arena_new(1u << 20);
    struct label_result result = {0};
    struct err err = {0};
    own_fd int full = open("/dev/full", O_WRONLY);
    assert_false(ooxml_label_relabel(&input, &edit, &limits, full, &arena, &result, &err));
    assert_int_equal(err.kind, ERR_IO);
    assert_non_null(strstr(err.text, "writing the labelled file"));
}

TEST(every_allocation_that_fails_is_said_and_nothing_leaks)
{
    own_zip struct zip_builder zip = build(&(struct label_package){
        .custom = PROPERTIES(OTHER_TENANT), .info = LABEL_LIST(THEIRS REMOVED)});
    const struct label_edit edit = label_package_edit();
    const struct limits limits = limits_default();
    own_label_change struct label_change good;
    label_change_make(&good, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &good);
    const struct format_input input = {.bytes = zip.out.bytes, .length = zip.out.length};
    const struct format_input after = {.bytes = good.bytes, .length = good.length};
    own_fd int null = open("/dev/null", O_WRONLY);
    for (int verifies = 0; verifies < 2; verifies++) {
        bool through = false;
        for (size_t nth = 1; nth < 2000 && !through; nth++) {
            own_arena struct arena arena = arena_new(16u << 20);
            struct label_result result = {0};
            struct err err = {0};
            mem_fail_nth(nth, 0);
            bool ok =
                verifies ? ooxml_label_verify(&input, &after, &edit, &limits, &arena, &result, &err)
                         : ooxml_label_relabel(&input, &edit, &limits, null, &arena, &result, &err);
            through = mem_calls() < nth;
            mem_fail_nth(0, 0);
            if (ok)
                CHECK_CASE(nth, result.done == (verifies ? LABEL_VERIFIED : LABEL_WRITTEN));
            else
                CHECK_CASE(nth, err.kind == ERR_MEMORY && !through);
        }
        assert_true(through);
    }
}

TEST(a_new_file_that_is_not_as_planned_is_told)
{
    own_zip struct zip_builder zip =
        build(&(struct label_package){.custom = PROPERTIES(OTHER_TENANT PLAIN)});
    const struct label_edit edit = label_package_edit();
    const struct limits limits = limits_default();
    own_label_change struct label_change good;
    label_change_make(&good, zip.out.bytes, zip.out.length, &edit, NULL);
    check_set(&zip.out, &good);
    const struct format_input before = {.bytes = zip.out.bytes, .length = zip.out.length};
    struct format_input after = {.bytes = good.bytes, .length = good.length};
    for (size_t i = 0; i <= good.length; i++) {
        own_arena struct arena arena = arena_new(16u << 20);
        struct label_result result = {0};
        if (i < good.length)
            good.bytes[i] ^= 0x20;
        else
            after.length--;
        assert_true(ooxml_label_verify(&before, &after, &edit, &limits, &arena, &result, NULL));
        CHECK_CASE(i, result.done == LABEL_DIFFERS && *result.message);
        if (i < good.length)
            good.bytes[i] ^= 0x20;
    }
    own_arena struct arena arena = arena_new(16u << 20);
    struct label_result result = {0};
    assert_true(ooxml_label_verify(&before, &before, &edit, &limits, &arena, &result, NULL));
    assert_int_equal(result.done, LABEL_DIFFERS);
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
        own_zip struct zip_builder zip = build(&row->package);
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
        cmocka_unit_test(what_must_not_be_edited_is_refused_with_its_reason),
        cmocka_unit_test(a_signed_document_may_be_changed_when_that_is_allowed),
        cmocka_unit_test(a_part_in_utf_16_is_read_but_not_edited),
        cmocka_unit_test(limits_are_kept_before_and_while_a_part_is_read),
        cmocka_unit_test(a_container_that_lies_is_refused),
        cmocka_unit_test(a_wrong_checksum_is_refused_in_a_part_that_is_read_and_kept_in_others),
        cmocka_unit_test(what_is_no_package_is_refused),
        cmocka_unit_test(every_form_of_entry_stays_as_it_was),
        cmocka_unit_test(the_comment_of_the_archive_stays),
        cmocka_unit_test(the_kernel_copies_from_a_file_what_is_written_from_memory),
        cmocka_unit_test(an_output_that_fails_is_an_error),
        cmocka_unit_test(every_allocation_that_fails_is_said_and_nothing_leaks),
        cmocka_unit_test(a_new_file_that_is_not_as_planned_is_told),
        cmocka_unit_test(labels_are_read_into_a_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
