#include <string.h>
#include <strings.h>

#include "charset.h"
#include "formats/handlers.h"
#include "formats/marked.h"

/* How sure the beginning makes us. */
enum { BID_DECLARED = 65, BID_ROOT = 45 };

/* Documents whose root element tells what they are. `type` is looked for in the root's
 * attributes. Element names are shown for plain XML only: there they name the data. */
static const struct {
    const char *root; /* local name */
    const char *type;
    enum format_id id;
} roots[] = {
    {"svg", "", FORMAT_SVG},
    {"document", "application/vnd.oasis.opendocument.text", FORMAT_FODT},
    {"document", "application/vnd.oasis.opendocument.spreadsheet", FORMAT_FODS},
    {"document", "application/vnd.oasis.opendocument.presentation", FORMAT_FODP},
};

struct cursor {
    const char *at, *end;
};

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (unsigned char)*cursor->at <= ' ')
        cursor->at++;
}

static bool follows(const struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(cursor->end - cursor->at) >= length && memcmp(cursor->at, word, length) == 0;
}

/* Pass over everything up to and with `mark`. False when it does not come. */
static bool skip_past(struct cursor *cursor, const char *mark)
{
    const char *found = memmem(cursor->at, (size_t)(cursor->end - cursor->at), mark, strlen(mark));
    if (found)
        cursor->at = found + strlen(mark);
    return found != NULL;
}

/* Pass over the prolog. True when it has a declaration or a document type. */
static bool skip_prolog(struct cursor *cursor)
{
    bool declared = follows(cursor, "<?xml");
    for (;;) {
        skip_space(cursor);
        const char *mark = follows(cursor, "<?")     ? "?>"
                           : follows(cursor, "<!--") ? "-->"
                           : follows(cursor, "<!")   ? ">"
                                                     : NULL;
        if (!mark)
            return declared;
        declared |= follows(cursor, "<!DOCTYPE");
        if (!skip_past(cursor, mark))
            return declared;
    }
}

/* The root's name, to be found between `*name` and the cursor. */
static size_t root_name(struct cursor *cursor, const char **name)
{
    if (!follows(cursor, "<"))
        return 0;
    *name = ++cursor->at;
    char first = cursor->at < cursor->end ? **name : ' ';
    if (!((first | 0x20) >= 'a' && (first | 0x20) <= 'z') && first != '_' &&
        (unsigned char)first < 0x80)
        return 0;
    while (cursor->at < cursor->end && (unsigned char)*cursor->at > ' ' && *cursor->at != '>' &&
           *cursor->at != '/')
        cursor->at++;
    return (size_t)(cursor->at - *name);
}

/* Whether the root is closed: here, or by its end tag near the end of the file. Otherwise angle
 * brackets are only a habit of the writer. */
static bool is_closed(const struct format_input *input, const struct charset_sample *sample,
                      const char *name, size_t length, const struct cursor *behind)
{
    const char *over = memchr(behind->at, '>', (size_t)(behind->end - behind->at));
    if (over && over > sample->text && over[-1] == '/')
        return true;
    if (sample->charset != CHARSET_UTF8)
        return over != NULL;
    size_t look = input->length < 1024 ? input->length : 1024;
    const char *tail = input->bytes + input->length - look;
    for (const char *at; (at = memmem(tail, look, "</", 2)); tail = at + 2) {
        look = (size_t)(input->bytes + input->length - at) - 2;
        if (look >= length && memcmp(at + 2, name, length) == 0)
            return true;
    }
    return false;
}

static enum format_id id_of_root(const char *name, size_t length, const struct cursor *behind)
{
    const char *colon = memchr(name, ':', length);
    const char *local = colon ? colon + 1 : name;
    size_t local_length = length - (size_t)(local - name);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (strlen(roots[i].root) == local_length &&
            memcmp(roots[i].root, local, local_length) == 0 &&
            memmem(behind->at, (size_t)(behind->end - behind->at), roots[i].type,
                   strlen(roots[i].type)))
            return roots[i].id;
    return FORMAT_XML;
}

static unsigned bid_xml(const struct format_input *input, enum format_id *id)
{
    struct charset_sample sample;
    const char *name = NULL;
    if (charset_first(input->bytes, input->length) != '<')
        return 0;
    charset_look(&sample, input->bytes, input->length);
    struct cursor cursor = {sample.text, sample.text + sample.length};
    skip_space(&cursor);
    if (!follows(&cursor, "<") || sample.controls > 0)
        return 0;
    bool declared = skip_prolog(&cursor);
    size_t length = root_name(&cursor, &name);
    *id = length > 0 ? id_of_root(name, length, &cursor) : FORMAT_XML;
    if (declared)
        return BID_DECLARED;
    return length > 0 && is_closed(input, &sample, name, length, &cursor) ? BID_ROOT : 0;
}

static bool read_xml(struct format_reading *reading, const struct format_input *input)
{
    enum format_id id = FORMAT_XML;
    bid_xml(input, &id);
    const struct markup_rules rules = {.html = false, .names = id == FORMAT_XML};
    if (marked_read(reading, input, &rules) > reading->limits->xml_depth)
        format_gap(reading, REPORT_HOSTILE, "xml-depth");
    return true;
}

const struct format handlers_xml = {.name = "xml", .bid = bid_xml, .read = read_xml};
