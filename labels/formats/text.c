#include <string.h>
#include <strings.h>

#include "charset.h"
#include "formats/handlers.h"

/* How sure the beginning makes us. Handlers of a structure bid more. */
enum { BID_EMPTY = 100, BID_NAMED = 55, BID_WIDE = 25, BID_UTF8 = 20, BID_BYTES = 5 };

/* Formats that are written as text. Those with their own encodings are told as unsupported, and
 * what can be seen of them without decoding is read nevertheless. */
static const struct {
    const char *begins;
    enum format_id id;
} named[] = {
    {"{\\rtf", FORMAT_RTF},
    {"BEGIN:VCALENDAR", FORMAT_ICS},
    {"BEGIN:VCARD", FORMAT_VCF},
};

/* Header fields that only mail has, and those that it shares with memos. */
static const char *const mail_only[] = {
    "Message-ID:", "Received:", "MIME-Version:", "Return-Path:", "DKIM-Signature:"};
static const char *const mail_shared[] = {"From:", "To:", "Subject:", "Date:"};

/* Whether one of the sample's first lines, up to an empty one, begins with one of these. */
static bool has_field(const char *text, size_t length, const char *const *fields, size_t count)
{
    const char *end = text + length;
    while (text < end && *text != '\n' && *text != '\r') {
        size_t rest = (size_t)(end - text);
        for (size_t i = 0; i < count; i++)
            if (rest > strlen(fields[i]) && strncasecmp(text, fields[i], strlen(fields[i])) == 0)
                return true;
        const char *next = memchr(text, '\n', rest);
        if (!next)
            return false;
        text = next + 1;
    }
    return false;
}

/* Whether it begins as a header of mail: a field name first, and both kinds of fields. */
static bool is_mail(const char *text, size_t length)
{
    size_t name = 0;
    while (name < length && name < 64 && text[name] > ' ' && text[name] != ':')
        name++;
    return name > 0 && name < length && text[name] == ':' &&
           has_field(text, length, mail_only, sizeof mail_only / sizeof *mail_only) &&
           has_field(text, length, mail_shared, sizeof mail_shared / sizeof *mail_shared);
}

/* RFC 4155: a line "From " in front of each message. */
static bool is_mailbox(const char *text, size_t length)
{
    if (length < 5 || memcmp(text, "From ", 5) != 0)
        return false;
    const char *next = memchr(text, '\n', length);
    return next && is_mail(next + 1, length - (size_t)(next + 1 - text));
}

static enum format_id find_named(const struct charset_sample *sample)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (sample->length >= strlen(named[i].begins) &&
            memcmp(sample->text, named[i].begins, strlen(named[i].begins)) == 0)
            return named[i].id;
    if (is_mailbox(sample->text, sample->length))
        return FORMAT_MBOX;
    return is_mail(sample->text, sample->length) ? FORMAT_EML : FORMAT_TXT;
}

static unsigned bid_text(const struct format_input *input, enum format_id *id)
{
    struct charset_sample sample;
    *id = FORMAT_TXT;
    if (input->length == 0)
        return BID_EMPTY;
    charset_look(&sample, input->bytes, input->length);
    *id = find_named(&sample);
    if (*id != FORMAT_TXT)
        return BID_NAMED;
    if (sample.marked || sample.charset != CHARSET_UTF8)
        return BID_WIDE;
    /* Packed bytes are controls in more than one of nine, and numbers are mostly zero bytes. */
    size_t looked = sample.length + sample.skipped;
    bool zeros = memchr(sample.text, 0, sample.length) != NULL;
    if (sample.controls * (zeros ? 50 : 12) > looked)
        return 0;
    return sample.skipped == 0 && sample.controls == 0 ? BID_UTF8 : BID_BYTES;
}

static bool is_encoded(enum format_id id)
{
    return id == FORMAT_EML || id == FORMAT_MBOX || id == FORMAT_RTF;
}

static bool read_text(struct format_reading *reading, const struct format_input *input)
{
    struct charset_reader reader;
    const char *text;
    size_t length;
    enum format_id id;
    const struct format_sink *sink = &reading->sink;
    bid_text(input, &id);
    if (is_encoded(id))
        format_gap(reading, REPORT_UNSUPPORTED, "format");
    if (!sink->part(sink->context, "", false))
        return true;
    charset_open(&reader, input->bytes, input->length);
    while (format_within_time(reading) && charset_next(&reader, &text, &length))
        if (!sink->text(sink->context, text, length))
            break;
    if (reader.skipped)
        format_gap(reading, REPORT_PARTIAL, "charset");
    return true;
}

const struct format handlers_text = {.name = "text", .bid = bid_text, .read = read_text};
