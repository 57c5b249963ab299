/* label_edits: Office packages built and what an edit of one must have left as it was. */
#ifndef LABELD_TESTS_LABEL_EDITS_H
#define LABELD_TESTS_LABEL_EDITS_H
#include "check.h"
#include "label_package.h"
#include "zipdir.h"

#define OTHER_TENANT                                                                               \
    PROPERTY("20", "MSIP_Label_" LABEL_B "_Enabled", "true")                                       \
    PROPERTY("21", "MSIP_Label_" LABEL_B "_SiteId", SITE_B)                                        \
    PROPERTY("22", "MSIP_Label_" LABEL_B "_Name", "Geheim")
#define PLAIN                                                                                      \
    "<!-- <property> in a comment -->\n  "                                                         \
    "<property fmtid='{D5CDD505-2E9C-101B-9397-08002B2CF9AE}' pid='11' name='a &gt; b' "           \
    "linkTarget='x>y'><vt:lpwstr>1 &lt; 2</vt:lpwstr></property>\n"
#define TYPES_SPACE "http://schemas.openxmlformats.org/package/2006/content-types"
#define RELS_SPACE  "http://schemas.openxmlformats.org/package/2006/relationships"
#define CUSTOM_REL                                                                                 \
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
#define CUSTOM_TYPE "application/vnd.openxmlformats-officedocument.custom-properties+xml"
#define THEIRS      LABEL_ELEMENT(LABEL_B, "1", "Privileged", SITE_B, "0")
#define REMOVED                                                                                    \
    "<clbl:label id=\"{" SITE_A "}\" enabled=\"0\" method=\"\" siteId=\"{" SITE_A                  \
    "}\" removed=\"1\" />"

static inline struct zip_builder label_edits_build(const struct label_package *package)
{
    struct zip_builder zip = zip_builder_new();
    label_package_add(&zip, package);
    zip_builder_end(&zip);
    return zip;
}

/* Every entry of `before` but the four is in `after` with the same bytes and record. */
static inline void label_edits_untouched(const struct buf *before,
                                         const struct label_change *change)
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

static inline void label_edits_set(const struct buf *before, const struct label_change *change)
{
    assert_true(change->ok);
    assert_int_equal(change->result.done, LABEL_WRITTEN);
    assert_string_equal(change->verified.code, "");
    assert_int_equal(change->verified.done, LABEL_VERIFIED);
    label_edits_untouched(before, change);
}

#endif
