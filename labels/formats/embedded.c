#include "formats/embedded.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

enum { head_bytes = 64, path_bytes = 1024 };

/* How a member begins, and what that means. */
enum meaning { MEANING_NOTHING, MEANING_FILE, MEANING_OLE };

static const struct {
    const char *bytes;
    size_t length;
    enum meaning meaning;
} signatures[] = {
    {"PK\3\4", 4, MEANING_FILE},
    {"PK\5\6", 4, MEANING_FILE},
    {"%PDF", 4, MEANING_FILE},
    {"<", 1, MEANING_FILE},
    {"\xEF\xBB\xBF<", 4, MEANING_FILE},
    {"{\\rtf", 5, MEANING_FILE},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8, MEANING_OLE},
};

/* Content types of what is imported as it is (ECMA-376 part 1, 11.3.1). */
static const char *const imported[] = {
    "text/",
    "application/rtf",
    "application/xhtml+xml",
    "message/",
};

/* Why a file inside was not read to its end. */
static const char *const reasons[REPORT_STATUS_COUNT] = {
    [REPORT_ENCRYPTED] = "embedded-encrypted",
    [REPORT_CORRUPT] = "embedded-corrupt",
    [REPORT_UNSUPPORTED] = "embedded-unsupported",
};

/* The sink of the outer file, with the member's name before each part. */
struct inner {
    const struct format_sink *sink;
    const char *member;
    struct emit *outer;
};

static bool inner_part(void *context, const char *path, bool table)
{
    struct inner *inner = context;
    char whole[path_bytes + 1];
    int length = snprintf(whole, sizeof whole, "%s%s%s", inner->member, *path ? "!/" : "", path);
    if (length > path_bytes)
        whole[utf8_cut(whole, path_bytes, path_bytes - 4)] = '\0';
    if (inner->sink->part && !inner->sink->part(inner->sink->context, whole, table))
        inner->outer->stopped = true;
    return !inner->outer->stopped;
}

static bool inner_text(void *context, const char *text, size_t length)
{
    struct inner *inner = context;
    if (inner->outer->stopped)
        return false;
    if (inner->sink->text && !inner->sink->text(inner->sink->context, text, length))
        inner->outer->stopped = true;
    return !inner->outer->stopped;
}

static enum meaning meaning_of(const char *head, size_t length, const char *type)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (length >= signatures[i].length &&
            memcmp(head, signatures[i].bytes, signatures[i].length) == 0)
            return signatures[i].meaning;
    for (size_t i = 0; i < sizeof imported / sizeof *imported; i++)
        if (strncasecmp(type, imported[i], strlen(imported[i])) == 0)
            return MEANING_FILE;
    return MEANING_NOTHING;
}

/* What was missed inside is missed outside too; hostile stays hostile. */
static void pass_on(struct format_reading *reading, const struct report *report)
{
    if (report->status == REPORT_OK)
        return;
    if (report->status == REPORT_HOSTILE || report->status == REPORT_PARTIAL)
        format_gap(reading, report->status, report->reason);
    else
        format_gap(reading, REPORT_PARTIAL,
                   reasons[report->status] ? reasons[report->status] : "embedded-unsupported");
}

static bool read_file(struct format_reading *reading, const struct buf *bytes, const char *member,
                      struct emit *outer)
{
    struct inner inner = {.sink = &reading->sink, .member = member, .outer = outer};
    struct report report = {.reason = ""};
    struct format_reading within = *reading;
    within.sink = (struct format_sink){.context = &inner, .part = inner_part, .text = inner_text};
    within.report = &report;
    within.depth++;
    const struct format_input input = {.bytes = buf_text(bytes), .length = bytes->length};
    bool ok = format_read_inner(&within, &input);
    reading->expanded_bytes = within.expanded_bytes;
    pass_on(reading, &report);
    return ok;
}

/* Each level may hold a quarter of what the one outside might, so that all fit together. */
static size_t room_for(const struct format_reading *reading)
{
    uint32_t depth = reading->depth < 16 ? reading->depth : 16;
    uint64_t room = reading->limits->parse_memory_bytes >> (2 * (depth + 1));
    return room < 1u << 20 ? 1u << 20 : (size_t)room;
}

enum package_result embedded_read(struct format_reading *reading, struct package *package,
                                  size_t index, const char *type, struct emit *outer)
{
    char head[head_bytes];
    size_t length;
    enum package_result result = package_peek(package, index, head, sizeof head, &length);
    if (result != PACKAGE_OK)
        return result;
    enum meaning meaning = meaning_of(head, length, type);
    if (meaning == MEANING_OLE && strcasecmp(type, "application/vnd.ms-office.vbaProject") != 0)
        format_gap(reading, REPORT_PARTIAL, "embedded-ole");
    if (meaning != MEANING_FILE)
        return PACKAGE_OK;
    if (reading->depth + 1 >= reading->limits->archive_depth) {
        format_gap(reading, REPORT_HOSTILE, "archive-depth");
        return PACKAGE_GAP;
    }
    if (!emit_flush(outer))
        return PACKAGE_STOPPED;
    own_buf struct buf bytes = buf_new(room_for(reading));
    result = package_load(package, index, &bytes, "embedded-size");
    if (result != PACKAGE_OK)
        return result;
    if (!read_file(reading, &bytes, package_entry(package, index)->name, outer))
        return PACKAGE_NO_MEMORY;
    return outer->stopped ? PACKAGE_STOPPED : PACKAGE_OK;
}
