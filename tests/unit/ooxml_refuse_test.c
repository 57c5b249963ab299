/* What must not be edited, containers of all kinds, and what goes wrong on the way. */
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "label_edits.h"
#include "ooxml_label.h"

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
        own_zip struct zip_builder zip = label_edits_build(&refuse_cases[i].package);
        print_message("  %s\n", refuse_cases[i].what);
        check_refused(&zip, &edit, NULL, refuse_cases[i].code);
    }
}

TEST(a_signed_document_may_be_changed_when_that_is_allowed)
{
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){.signature = true});
    struct label_edit edit = label_package_edit();
    edit.allow_signed = true;
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
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
    own_zip struct zip_builder zip =
        label_edits_build(&(struct label_package){.custom = big.bytes});
    check_refused(&zip, &edit, NULL, "bomb");
    own_zip struct zip_builder small = label_edits_build(&(struct label_package){0});
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
    label_edits_set(&zip.out, &change);
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
        label_edits_set(&zip.out, &change);
        if (form & 1)
            assert_memory_equal(change.bytes, "#!/bin/sh\n", 10);
        own_label_change struct label_change again;
        label_change_make(&again, change.bytes, change.length, &edit, NULL);
        assert_int_equal(again.result.done, LABEL_UNCHANGED);
    }
}

TEST(the_comment_of_the_archive_stays)
{
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){0});
    zip.out.bytes[zip.out.length - 2] = 5;
    buf_puts(&zip.out, "hello");
    const struct label_edit edit = label_package_edit();
    own_label_change struct label_change change;
    label_change_make(&change, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &change);
    assert_memory_equal(change.bytes + change.length - 7, "\5\0hello", 7);
}

TEST(the_kernel_copies_from_a_file_what_is_written_from_memory)
{
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){0});
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
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){0});
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
    own_zip struct zip_builder zip = label_edits_build(&(struct label_package){
        .custom = PROPERTIES(OTHER_TENANT), .info = LABEL_LIST(THEIRS REMOVED)});
    const struct label_edit edit = label_package_edit();
    const struct limits limits = limits_default();
    own_label_change struct label_change good;
    label_change_make(&good, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &good);
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
        label_edits_build(&(struct label_package){.custom = PROPERTIES(OTHER_TENANT PLAIN)});
    const struct label_edit edit = label_package_edit();
    const struct limits limits = limits_default();
    own_label_change struct label_change good;
    label_change_make(&good, zip.out.bytes, zip.out.length, &edit, NULL);
    label_edits_set(&zip.out, &good);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
