#include "format.h"

#include <string.h>
#include <time.h>

#include "formats/handlers.h"
#include "sniff.h"
#include "xml.h"

/* What can be read. The order decides between equal bids: the more special first. */
static const struct format *const handlers[] = {
    &handlers_ooxml, &handlers_zip, &handlers_html, &handlers_xml,
    &handlers_json,  &handlers_csv, &handlers_text,
};

/* A known signature without a handler outbids plain text, and no handler that knows structure.
 * Zip is the exception: a handler of zip or of what lies in a zip bids anything. */
enum { BID_SIGNATURE = 60, BID_ZIP_SIGNATURE = 1, BID_CERTAIN = 100 };

/* Formats that cannot be read because they are encrypted. */
static const struct {
    enum format_id id;
    const char *reason;
} encrypted[] = {
    {FORMAT_AGE, "age"},
    {FORMAT_PFILE, "pfile"},
    {FORMAT_ENCRYPTED, "encrypted-package"},
};

/* How bad a status is; equal ones keep the first reason. */
static const unsigned severity[REPORT_STATUS_COUNT] = {
    [REPORT_OK] = 0,        [REPORT_PARTIAL] = 1, [REPORT_UNSUPPORTED] = 2, [REPORT_ENCRYPTED] = 2,
    [REPORT_TOO_LARGE] = 2, [REPORT_CORRUPT] = 3, [REPORT_HOSTILE] = 4,     [REPORT_CRASHED] = 5,
};

/* Formats of which the list's MIME type says too little: libmagic's is told. */
static bool is_loose(enum format_id id)
{
    return id == FORMAT_UNKNOWN || id == FORMAT_AUDIO || id == FORMAT_VIDEO || id == FORMAT_PROGRAM;
}

bool format_prepare(struct err *err)
{
    xml_prepare();
    return sniff_prepare(err);
}

/* The contest; `mime` gets libmagic's answer where it was asked and knows better, else "". */
static const struct format *choose(const struct format_input *input, enum format_id *id, char *mime,
                                   size_t mime_bytes)
{
    const struct format *best = NULL;
    unsigned highest = 0;
    *mime = '\0';
    *id = FORMAT_UNKNOWN;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers && highest < BID_CERTAIN; i++) {
        enum format_id mine = FORMAT_UNKNOWN;
        unsigned bid = handlers[i]->bid(input, &mine);
        if (bid > highest) {
            highest = bid;
            best = handlers[i];
            *id = mine;
        }
    }
    enum format_id known = highest < BID_SIGNATURE ? sniff_structure(input) : FORMAT_UNKNOWN;
    if (known != FORMAT_UNKNOWN && (known != FORMAT_ZIP || highest < BID_ZIP_SIGNATURE)) {
        best = NULL;
        *id = known;
    }
    if (best || !is_loose(*id))
        return best;
    enum format_id told = sniff_magic(input, mime, mime_bytes);
    if (*id == FORMAT_UNKNOWN)
        *id = told;
    return *id == FORMAT_TXT ? &handlers_text : NULL;
}

const struct format *format_choose(const struct format_input *input, enum format_id *id)
{
    char mime[128];
    return choose(input, id, mime, sizeof mime);
}

bool format_gap(struct format_reading *reading, enum report_status status, const char *reason)
{
    struct report *report = reading->report;
    if (severity[status] > severity[report->status]) {
        report->status = status;
        report->reason = reason;
    }
    return true;
}

bool format_within_time(struct format_reading *reading)
{
    struct timespec now;
    if (reading->cpu_deadline_us == 0)
        return true;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0 &&
        (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 < reading->cpu_deadline_us)
        return true;
    format_gap(reading, REPORT_PARTIAL, "parse-cpu-ms");
    return false;
}

/* Why a format without a handler is not read. */
static void note_unread(struct format_reading *reading, enum format_id id)
{
    for (size_t i = 0; i < sizeof encrypted / sizeof *encrypted; i++)
        if (encrypted[i].id == id) {
            format_gap(reading, REPORT_ENCRYPTED, encrypted[i].reason);
            return;
        }
    format_gap(reading, REPORT_UNSUPPORTED, "format");
}

bool format_read(struct format_reading *reading, const struct format_input *input)
{
    struct report *report = reading->report;
    char mime[128];
    enum format_id id;
    const struct format *handler = choose(input, &id, mime, sizeof mime);
    report->status = REPORT_OK;
    report->reason = "";
    report->format = id;
    report->mime = formats_row(id)->mime;
    if (*mime && is_loose(id)) {
        report->mime = arena_strdup(reading->arena, mime);
        if (!report->mime)
            return false;
    }
    if (!handler) {
        note_unread(reading, id);
        return true;
    }
    if (handler->labels && !handler->labels(reading, input))
        return false;
    return !reading->sink.text || handler->read(reading, input);
}

bool format_read_inner(struct format_reading *reading, const struct format_input *input)
{
    enum format_id id;
    const struct format *handler = format_choose(input, &id);
    if (!handler)
        note_unread(reading, id);
    return !handler || !reading->sink.text || handler->read(reading, input);
}
