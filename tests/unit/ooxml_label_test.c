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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_set_on_a_fresh_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
