#include <string.h>
#include <strings.h>

#include "charset.h"
#include "formats/handlers.h"
#include "formats/marked.h"

/* How sure the beginning makes us: an HTML root outbids XML's declaration (XHTML). */
enum { BID_ROOT = 70, BID_FRAGMENT = 50 };

/* Elements that a document without html or a fragment begins with. */
static const char *const fragments[] = {
    "article", "body",   "br",      "center", "div",   "font",  "form",  "h1",
    "h2",      "h3",     "head",    "img",    "link",  "meta",  "ol",    "p",
    "pre",     "script", "section", "span",   "style", "table", "title", "ul",
};

static size_t skip_space(const char *text, size_t at, size_t length)
{
    while (at < length && (unsigned char)text[at] <= ' ')
        at++;
    return at;
}

/* Pass over white space, comments, and an XML declaration. */
static size_t skip_prolog(const char *text, size_t length)
{
    size_t at = 0;
    for (;;) {
        at = skip_space(text, at, length);
        size_t rest = length - at;
        const char *mark = rest >= 4 && memcmp(text + at, "<!--", 4) == 0    ? "-->"
                           : rest >= 5 && memcmp(text + at, "<?xml", 5) == 0 ? "?>"
                                                                             : NULL;
        const char *end = mark ? memmem(text + at, rest, mark, strlen(mark)) : NULL;
        if (!end)
            return at;
        at = (size_t)(end - text) + strlen(mark);
    }
}

/* Whether a tag or declaration of that name begins here. */
static bool is_tag(const char *text, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    return length > name_length && strncasecmp(text, name, name_length) == 0 &&
           ((unsigned char)text[name_length] <= ' ' || text[name_length] == '>' ||
            text[name_length] == '/');
}

static unsigned bid_html(const struct format_input *input, enum format_id *id)
{
    struct charset_sample sample;
    if (charset_first(input->bytes, input->length) != '<')
        return 0;
    charset_look(&sample, input->bytes, input->length);
    size_t at = skip_prolog(sample.text, sample.length);
    size_t rest = sample.length - at;
    *id = FORMAT_HTML;
    if (rest < 3 || sample.text[at] != '<')
        return 0;
    const char *name = sample.text + at + 1;
    if (is_tag(name, rest - 1, "html"))
        return BID_ROOT;
    if (is_tag(name, rest - 1, "!DOCTYPE")) {
        size_t word = skip_space(sample.text, at + strlen("<!DOCTYPE"), sample.length);
        return is_tag(sample.text + word, sample.length - word, "html") ? BID_ROOT : 0;
    }
    for (size_t i = 0; i < sizeof fragments / sizeof *fragments; i++)
        if (is_tag(name, rest - 1, fragments[i]))
            return BID_FRAGMENT;
    return 0;
}

static bool read_html(struct format_reading *reading, const struct format_input *input)
{
    static const struct markup_rules rules = {.html = true, .names = false};
    marked_read(reading, input, &rules);
    return true;
}

const struct format handlers_html = {.name = "html", .bid = bid_html, .read = read_html};
