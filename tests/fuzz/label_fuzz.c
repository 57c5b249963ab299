#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "ooxml_label.h"
#include "unit/zip_builder.h"

static const char *const ids[] = {"11111111-2222-4333-8444-555555555555",
                                  "22222222-3333-4444-8555-666666666666"};
static const char *const sites[] = {"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
                                    "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"};

/* The first byte chooses the edit, the rest is the package. */
static struct label_edit edit_of(uint8_t choice, struct label_known *ours)
{
    ours->id = ids[1];
    return (struct label_edit){
        .op = choice & 1 ? LABEL_REMOVE : LABEL_SET,
        .id = ids[choice >> 1 & 1],
        .site_id = (choice & 5) == 5 ? "" : sites[choice >> 2 & 1],
        .name = "A & \"B\" <C>",
        .method = choice & 8 ? "Privileged" : "Standard",
        .set_date = "2026-01-02T03:04:05Z",
        .action_id = "0f0e0d0c-0b0a-4908-8706-050403020100",
        .info = (enum label_info)((choice >> 4 & 3) % LABEL_INFO_COUNT),
        .allow_signed = choice & 64,
        .ours = ours,
        .ours_count = 1,
    };
}

static bool same_labels(const struct label_result *result, const struct report *report)
{
    if (result->labels_count != report->labels_count)
        return false;
    for (uint32_t i = 0; i < result->labels_count; i++)
        if (strcmp(result->labels[i].id, report->labels[i].id) != 0 ||
            strcmp(result->labels[i].site_id, report->labels[i].site_id) != 0)
            return false;
    return true;
}

/* What was written must verify, read as was said, and be left alone by the same edit. */
static void check_written(const struct format_input *before, int out, const struct label_edit *edit,
                          const struct limits *limits, const struct label_result *said)
{
    off_t length = lseek(out, 0, SEEK_END);
    if (length <= 0)
        abort();
    void *bytes = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, out, 0);
    if (bytes == MAP_FAILED)
        abort();
    own_arena struct arena arena = arena_new(64u << 20);
    const struct format_input after = {.bytes = bytes, .length = (size_t)length};
    struct label_result verified = {0}, again = {0};
    if (!ooxml_label_verify(before, &after, edit, limits, &arena, &verified, NULL) ||
        verified.done != LABEL_VERIFIED)
        abort();
    struct report report = {.reason = ""};
    struct format_reading reading = {.limits = limits, .arena = &arena, .report = &report};
    if (!ooxml_label_read(&reading, &after) || report.labels_unread ||
        (edit->info != LABEL_INFO_OFF && !same_labels(said, &report)))
        abort();
    if (!ooxml_label_relabel(&after, edit, limits, -1, &arena, &again, NULL) ||
        again.done != LABEL_UNCHANGED)
        abort();
    munmap(bytes, (size_t)length);
}

static void edit_package(const char *bytes, size_t length, const struct label_edit *edit)
{
    struct limits limits = limits_default();
    limits.label_part_bytes = 64 * 1024;
    const struct format_input input = {.bytes = bytes, .length = length};
    own_arena struct arena arena = arena_new(64u << 20);
    own_fd int out = io_memfd("fuzz", NULL);
    struct label_result result = {0};
    if (!ooxml_label_relabel(&input, edit, &limits, out, &arena, &result, NULL))
        return;
    if (result.done == LABEL_WRITTEN || result.done == LABEL_REMOVED)
        check_written(&input, out, edit, &limits, &result);
    else if (lseek(out, 0, SEEK_END) != 0)
        abort();
}

/* An input that is no archive is the parts of one, each ended by a NUL and stored, so that a
 * fuzzer's changes reach the XML; an empty or absent one is the usual one, or none. */
static void edit_parts(const char *bytes, size_t length, const struct label_edit *edit)
{
    static const struct {
        const char *name, *usual;
    } parts[] = {
        {"docProps/custom.xml", NULL},
        {"docMetadata/LabelInfo.xml", NULL},
        {"_rels/.rels",
         "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
         "<Relationship Id=\"a\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/"
         "relationships/custom-properties\" Target=\"docProps/custom.xml\"/><Relationship "
         "Id=\"b\" Type=\"http://schemas.microsoft.com/office/2020/02/relationships/"
         "classificationlabels\" Target=\"docMetadata/LabelInfo.xml\"/></Relationships>"},
        {"[Content_Types].xml",
         "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"},
    };
    own_zip struct zip_builder zip = zip_builder_new();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *end = memchr(bytes, 0, length);
        size_t part = end ? (size_t)(end - bytes) : length;
        struct zip_member member = {
            .name = parts[i].name, .bytes = bytes, .length = part, .stored = true};
        bytes += part + (end != NULL);
        length -= part + (end != NULL);
        if (part == 0 && parts[i].usual) {
            member.bytes = parts[i].usual;
            member.length = strlen(parts[i].usual);
        }
        if (member.length > 0)
            zip_builder_add(&zip, &member);
    }
    zip_builder_end(&zip);
    edit_package(zip.out.bytes, zip.out.length, edit);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > 1u << 20)
        return 0;
    struct label_known ours;
    const struct label_edit edit = edit_of(bytes[0], &ours);
    const char *rest = (const char *)bytes + 1;
    if (memmem(rest, length - 1, "PK\5\6", 4))
        edit_package(rest, length - 1, &edit);
    else
        edit_parts(rest, length - 1, &edit);
    return 0;
}
