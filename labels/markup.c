#include "markup.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "reference.h"

/* How an HTML element separates what is before and after it. Others do not: they may stand
 * inside a word. Sorted by name. */
struct element {
    const char *name;
    char separator;
};

static const struct element elements[] = {
    {"address", '\n'},  {"article", '\n'},    {"aside", '\n'},    {"blockquote", '\n'},
    {"body", '\n'},     {"br", '\n'},         {"button", '\n'},   {"caption", '\n'},
    {"center", '\n'},   {"dd", '\n'},         {"details", '\n'},  {"dialog", '\n'},
    {"dir", '\n'},      {"div", '\n'},        {"dl", '\n'},       {"dt", '\n'},
    {"fieldset", '\n'}, {"figcaption", '\n'}, {"figure", '\n'},   {"footer", '\n'},
    {"form", '\n'},     {"frame", '\n'},      {"frameset", '\n'}, {"h1", '\n'},
    {"h2", '\n'},       {"h3", '\n'},         {"h4", '\n'},       {"h5", '\n'},
    {"h6", '\n'},       {"head", '\n'},       {"header", '\n'},   {"hr", '\n'},
    {"html", '\n'},     {"iframe", '\n'},     {"legend", '\n'},   {"li", '\n'},
    {"link", '\n'},     {"listing", '\n'},    {"main", '\n'},     {"menu", '\n'},
    {"meta", '\n'},     {"nav", '\n'},        {"noscript", '\n'}, {"object", '\n'},
    {"ol", '\n'},       {"optgroup", '\n'},   {"option", '\n'},   {"p", '\n'},
    {"pre", '\n'},      {"script", '\n'},     {"section", '\n'},  {"select", '\n'},
    {"style", '\n'},    {"summary", '\n'},    {"table", '\n'},    {"tbody", '\n'},
    {"td", '\t'},       {"template", '\n'},   {"textarea", '\n'}, {"tfoot", '\n'},
    {"th", '\t'},       {"thead", '\n'},      {"title", '\n'},    {"tr", '\n'},
    {"ul", '\n'},
};

static int by_name(const void *name, const void *element)
{
    return strcmp(name, ((const struct element *)element)->name);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Whether a byte may begin a name. */
static bool begins_name(const struct markup *markup, char c)
{
    return is_letter(c) ||
           (!markup->rules.html && (c == '_' || c == ':' || (unsigned char)c >= 0x80));
}

/* How much of a gathered name are whole characters: its room may have ended inside one. */
static size_t whole(const char *name, size_t length)
{
    size_t last = length;
    while (last > 0 && length - last < 3 && ((unsigned char)name[last - 1] & 0xc0) == 0x80)
        last--;
    uint32_t character;
    if (last > 0 && utf8_decode(name + last - 1, length - last + 1, &character) == 0)
        return last - 1;
    return length;
}

static void gather(char *name, size_t size, size_t *length, char c)
{
    if (*length + 1 < size)
        name[(*length)++] = c;
    name[*length] = '\0';
}

/* Send what was held; a value that is not over goes on directly behind it. */
static void send_held(struct markup *markup)
{
    if (markup->held_length == 0)
        return;
    emit_separate(markup->emit, '\n');
    emit_text(markup->emit, markup->held, markup->held_length);
    markup->held_length = 0;
}

/* Text of a value, comment or instruction. */
static void hold(struct markup *markup, const char *text, size_t length)
{
    if (!markup->streaming && length > sizeof markup->held - markup->held_length) {
        if (markup->held_length == 0)
            emit_separate(markup->emit, '\n');
        send_held(markup);
        markup->streaming = true;
    }
    if (markup->streaming) {
        emit_text(markup->emit, text, length);
        return;
    }
    memcpy(markup->held + markup->held_length, text, length);
    markup->held_length += length;
}

/* A value, comment or instruction is over. */
static void hold_end(struct markup *markup)
{
    if (markup->streaming)
        emit_separate(markup->emit, '\n');
    else if (markup->held_length > 0 && markup->held[markup->held_length - 1] != '\n')
        hold(markup, "\n", 1);
    markup->streaming = false;
}

/* The text breaks here: what was held comes out. A break between cells keeps it back. */
static void break_text(struct markup *markup, char separator)
{
    if (separator == '\n' && markup->held_length > 0) {
        while (markup->held_length > 0 && markup->held[markup->held_length - 1] == '\n')
            markup->held_length--;
        send_held(markup);
    }
    emit_separate(markup->emit, separator);
}

/* Whether a name is none: an address in angle brackets, or a number. It is text then. */
static bool is_odd(const char *name, size_t length)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        digits += name[i] >= '0' && name[i] <= '9';
        if (name[i] == '@' || digits >= 6)
            return true;
    }
    return false;
}

/* Text of an element; the first behind a start tag in data gets the element's name. */
static void send_text(struct markup *markup, const char *text, size_t length)
{
    if (markup->fresh && markup->rules.names && !markup->inlined && markup->name_length > 0) {
        emit_text(markup->emit, markup->name, markup->name_length);
        emit_text(markup->emit, ": ", 2);
    }
    markup->fresh = false;
    markup->after_text = true;
    emit_text(markup->emit, text, length);
}

/* Spaces and line ends: one separator. */
static size_t pass_space(struct markup *markup, const char *text, size_t length)
{
    bool line = false;
    size_t at = 0;
    for (; at < length && is_space(text[at]); at++)
        line |= text[at] == '\n' || text[at] == '\r';
    bool counts = line && (!markup->rules.html || markup->preserve);
    emit_separate(markup->emit, counts ? '\n' : ' ');
    return at;
}

/* Bytes at which a run of text may end. */
static const bool ends_run[256] = {
    [' '] = true,  ['\t'] = true, ['\n'] = true, ['\v'] = true,
    ['\f'] = true, ['\r'] = true, ['<'] = true,  ['&'] = true,
};

/* Eight bytes at once: whether there may be one that ends a run, or two spaces side by side, in
 * the nine bytes from `text` on. The usual test for a zero byte in a word, never wrong when it
 * says no. */
static bool may_end(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t here, next;
    memcpy(&here, text, sizeof here);
    memcpy(&next, text + 1, sizeof next);
    uint64_t open = here ^ ones * '<', ampersand = here ^ ones * '&';
    uint64_t spaces = (here ^ ones * ' ') | (next ^ ones * ' ');
    uint64_t found = ((open - ones) & ~open) | ((ampersand - ones) & ~ampersand) |
                     ((spaces - ones) & ~spaces) | ((here - ones * ' ') & ~here);
    return (found & highs) != 0;
}

static size_t in_text(struct markup *markup, const char *text, size_t length)
{
    size_t at = 0;
    if (is_space(*text))
        return pass_space(markup, text, length);
    while (length - at > sizeof(uint64_t) && !may_end(text + at))
        at += sizeof(uint64_t);
    /* One space between two words is part of the run. */
    while (at < length && (!ends_run[(unsigned char)text[at]] ||
                           (text[at] == ' ' && at + 1 < length && text[at + 1] != ' ')))
        at++;
    if (at > 0 && text[at - 1] == ' ')
        at--;
    if (at > 0) {
        send_text(markup, text, at);
        return at;
    }
    markup->back = MARKUP_TEXT;
    markup->state = *text == '<' ? MARKUP_OPEN : MARKUP_REFERENCE;
    markup->key_length = 0;
    return 1;
}

/* Text that belongs where a reference stands. */
static void send_where(struct markup *markup, const char *text, size_t length)
{
    if (markup->back == MARKUP_VALUE)
        hold(markup, text, length);
    else
        send_text(markup, text, length);
}

/* The name of a reference is gathered in `key`: the attribute's own has been used by then. */
static size_t in_reference(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    bool part = is_letter(*text) || (*text >= '0' && *text <= '9') ||
                (*text == '#' && markup->key_length == 0);
    if (part && markup->key_length < 32) {
        gather(markup->key, sizeof markup->key, &markup->key_length, *text);
        return 1;
    }
    char decoded[4];
    size_t written;
    bool ended = *text == ';';
    bool known =
        (ended || (markup->rules.html && *text != '=' && !part)) &&
        reference_decode(markup->key, markup->key_length, markup->rules.html, decoded, &written);
    markup->state = markup->back;
    if (known) {
        if (written > 0)
            send_where(markup, decoded, written);
        return ended ? 1 : 0;
    }
    send_where(markup, "&", 1);
    if (markup->key_length > 0)
        send_where(markup, markup->key, markup->key_length);
    return 0;
}

static size_t in_open(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    if (begins_name(markup, *text)) {
        markup->inlined = markup->after_text;
        markup->name_length = 0;
        markup->end_tag = markup->empty_tag = false;
        markup->state = MARKUP_TAG_NAME;
        return 0;
    }
    markup->matched = 0;
    markup->key_length = 0;
    markup->dropped = false;
    if (*text == '/')
        markup->state = MARKUP_END_OPEN;
    else if (*text == '!')
        markup->state = MARKUP_DECLARATION;
    else if (*text == '?')
        markup->state = MARKUP_TARGET;
    else {
        markup->state = MARKUP_TEXT;
        send_text(markup, "<", 1);
        return 0;
    }
    return 1;
}

static size_t in_end_open(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    if (begins_name(markup, *text)) {
        markup->inlined = markup->after_text;
        markup->name_length = 0;
        markup->end_tag = true;
        markup->empty_tag = false;
        markup->state = MARKUP_TAG_NAME;
    } else {
        markup->state = MARKUP_TEXT;
        send_text(markup, "</", 2);
    }
    return 0;
}

static size_t in_tag_name(struct markup *markup, const char *text, size_t length)
{
    for (size_t at = 0; at < length; at++) {
        char c = text[at];
        if (is_space(c) || c == '/' || c == '>' || c == '<') {
            markup->state = MARKUP_IN_TAG;
            return at;
        }
        if (markup->rules.html && c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (c == ':' && !markup->rules.html)
            markup->name_length = 0; /* the local name is what follows the prefix */
        else
            gather(markup->name, sizeof markup->name, &markup->name_length, c);
    }
    return length;
}

/* An HTML tag is over: separate, and see whether raw or preserved text follows. */
static void end_html_tag(struct markup *markup)
{
    const struct element *element = bsearch(
        markup->name, elements, sizeof elements / sizeof *elements, sizeof *elements, by_name);
    if (element && !(element->separator == '\t' && markup->end_tag)) /* a cell begins once */
        break_text(markup, element->separator);
    if (strcmp(markup->name, "pre") == 0 || strcmp(markup->name, "textarea") == 0)
        markup->preserve = !markup->end_tag;
    if (markup->end_tag ||
        (strcmp(markup->name, "script") != 0 && strcmp(markup->name, "style") != 0))
        return;
    memcpy(markup->raw_name, markup->name, strlen(markup->name) + 1);
    markup->matched = 0;
    markup->state = MARKUP_RAW;
}

/* An XML tag is over. Two tags without text between them separate; a tag directly behind text
 * is one inside a sentence. */
static void end_xml_tag(struct markup *markup)
{
    if (!markup->inlined)
        break_text(markup, '\n');
    if (markup->end_tag) {
        if (markup->depth > 0)
            markup->depth--;
    } else if (!markup->empty_tag && ++markup->depth > markup->deepest) {
        markup->deepest = markup->depth;
    }
}

static void end_tag(struct markup *markup)
{
    markup->name_length = whole(markup->name, markup->name_length);
    markup->name[markup->name_length] = '\0';
    if (is_odd(markup->name, markup->name_length)) {
        hold(markup, markup->name, markup->name_length);
        hold_end(markup);
    }
    markup->state = MARKUP_TEXT;
    if (markup->rules.html)
        end_html_tag(markup);
    else
        end_xml_tag(markup);
    markup->after_text = false;
    markup->fresh = !markup->end_tag && !markup->empty_tag;
}

static size_t in_tag(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    if (*text == '>') {
        end_tag(markup);
        return 1;
    }
    if (*text == '<') { /* the tag was never closed */
        end_tag(markup);
        return 0;
    }
    if (*text == '/' || is_space(*text)) {
        markup->empty_tag = *text == '/';
        return 1;
    }
    markup->empty_tag = false;
    markup->key_length = 0;
    markup->state = MARKUP_KEY;
    return 0;
}

static size_t in_key(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    char c = *text;
    if (is_space(c) || c == '/' || c == '>' || (c == '=' && markup->key_length > 0)) {
        markup->state = MARKUP_AFTER_KEY;
        return 0;
    }
    if (c == ':' && !markup->rules.html) {
        markup->key_length = 0;
        return 1;
    }
    if (markup->key_length + 1 == sizeof markup->key) { /* hardly a name: nothing is lost */
        size_t kept = whole(markup->key, markup->key_length);
        hold(markup, markup->key, kept);
        markup->key_length -= kept;
        memmove(markup->key, markup->key + kept, markup->key_length);
    }
    gather(markup->key, sizeof markup->key, &markup->key_length, c);
    return 1;
}

static size_t in_after_key(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    if (is_space(*text))
        return 1;
    if (*text == '=') {
        markup->state = MARKUP_BEFORE_VALUE;
        return 1;
    }
    hold(markup, markup->key, markup->key_length); /* a name without a value may be text */
    hold_end(markup);
    markup->state = MARKUP_IN_TAG;
    return 0;
}

static size_t in_before_value(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    if (is_space(*text))
        return 1;
    if (*text == '>') {
        hold(markup, markup->key, markup->key_length);
        hold_end(markup);
        markup->state = MARKUP_IN_TAG;
        return 0;
    }
    bool quoted = *text == '"' || *text == '\'';
    markup->quote = quoted ? *text : 0;
    markup->state = MARKUP_VALUE;
    if (markup->rules.names || is_odd(markup->key, markup->key_length)) {
        hold(markup, markup->key, markup->key_length);
        hold(markup, ": ", 2);
    }
    return quoted ? 1 : 0;
}

static size_t in_value(struct markup *markup, const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && text[at] != '&' &&
           (markup->quote ? text[at] != markup->quote : !is_space(text[at]) && text[at] != '>'))
        at++;
    if (at > 0) {
        hold(markup, text, at);
        return at;
    }
    if (*text == '&') {
        markup->back = MARKUP_VALUE;
        markup->key_length = 0;
        markup->state = MARKUP_REFERENCE;
        return 1;
    }
    hold_end(markup);
    markup->state = MARKUP_IN_TAG;
    return markup->quote ? 1 : 0;
}

/* Behind "<!": a comment, CDATA or a document type. What is gathered is in `key`. */
static size_t in_declaration(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    static const struct {
        const char *begins;
        enum markup_state state;
    } kinds[] = {{"--", MARKUP_COMMENT}, {"[CDATA[", MARKUP_CDATA}};
    gather(markup->key, sizeof markup->key, &markup->key_length, *text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(kinds[i].begins, markup->key, markup->key_length) != 0)
            continue;
        if (kinds[i].begins[markup->key_length] == '\0')
            markup->state = kinds[i].state;
        return 1;
    }
    markup->key_length--; /* this byte comes again */
    markup->dropped = markup->key_length == 0 && (*text | 0x20) == 'd';
    hold(markup, markup->key, markup->key_length);
    markup->quote = 0;
    markup->subset = false;
    markup->state = MARKUP_DOCTYPE;
    return 0;
}

/* Where a declaration ends and what of it is quoted or inside the internal subset, which is
 * shown as it stands. True at its end. */
static bool step_doctype(struct markup *markup, char c)
{
    if (markup->subset) { /* ends with ] and > */
        bool closing = markup->matched > 0;
        markup->matched = c == ']' || (closing && is_space(c));
        return closing && c == '>';
    }
    if (markup->quote) {
        markup->quote = c == markup->quote ? 0 : markup->quote;
        return false;
    }
    if (markup->dropped && !markup->rules.html) {
        markup->subset = c == '[';
        markup->quote = c == '"' || c == '\'' ? c : 0;
    }
    return c == '>';
}

static size_t in_doctype(struct markup *markup, const char *text, size_t length)
{
    size_t width = 1; /* the rest of a character goes with its first byte */
    while (width < length && ((unsigned char)text[width] & 0xc0) == 0x80)
        width++;
    bool before = !markup->dropped || markup->subset || markup->quote;
    bool over = step_doctype(markup, *text);
    bool after = !markup->dropped || markup->subset || markup->quote;
    if (over || (before && !after))
        hold_end(markup);
    else if (before)
        hold(markup, text, width);
    if (over)
        markup->state = MARKUP_TEXT;
    return width;
}

/* Everything up to `count` times `sign` and then > goes to `send`. True at the end. */
static bool until(struct markup *markup, char sign, size_t count, const char *text, size_t length,
                  size_t *taken, void (*send)(struct markup *, const char *, size_t))
{
    size_t at = 0;
    while (at < length && text[at] != sign && markup->matched == 0)
        at++;
    *taken = at;
    if (at > 0) {
        send(markup, text, at);
        return false;
    }
    *taken = 1;
    if (*text == sign) {
        markup->matched++;
        return false;
    }
    bool over = *text == '>' && markup->matched >= count;
    for (size_t spare = over ? markup->matched - count : markup->matched; spare > 0; spare--)
        send(markup, &sign, 1);
    markup->matched = 0;
    *taken = over ? 1 : 0;
    return over;
}

static size_t in_comment(struct markup *markup, const char *text, size_t length)
{
    size_t taken;
    if (until(markup, '-', 2, text, length, &taken, hold)) {
        hold_end(markup);
        markup->state = MARKUP_TEXT;
    }
    return taken;
}

static size_t in_cdata(struct markup *markup, const char *text, size_t length)
{
    size_t taken;
    if (until(markup, ']', 2, text, length, &taken, send_text))
        markup->state = MARKUP_TEXT;
    return taken;
}

/* The target, gathered in `key`. The XML declaration says nothing that is text. */
static size_t in_target(struct markup *markup, const char *text, size_t length)
{
    (void)length;
    bool part = *text > ' ' && *text < 0x7f && *text != '?' && *text != '>';
    if (part && markup->key_length < 32) {
        gather(markup->key, sizeof markup->key, &markup->key_length, *text);
        return 1;
    }
    markup->dropped = markup->key_length == 3 && memcmp(markup->key, "xml", 3) == 0;
    if (!markup->dropped)
        hold(markup, markup->key, markup->key_length);
    markup->matched = 0;
    markup->state = MARKUP_INSTRUCTION;
    return 0;
}

static size_t in_instruction(struct markup *markup, const char *text, size_t length)
{
    size_t taken;
    if (markup->dropped) {
        const char *end = memchr(text, '>', length);
        if (end)
            markup->state = MARKUP_TEXT;
        return end ? (size_t)(end + 1 - text) : length;
    }
    if (until(markup, '?', 1, text, length, &taken, hold)) {
        hold_end(markup);
        markup->state = MARKUP_TEXT;
    }
    return taken;
}

/* The raw text's own bytes up to "</", its name, and a byte that ends a name. */
static size_t in_raw(struct markup *markup, const char *text, size_t length)
{
    size_t name_length = strlen(markup->raw_name), matched = markup->matched;
    if (matched == 0) {
        const char *next = memchr(text, '<', length);
        size_t run = next ? (size_t)(next - text) : length;
        if (run > 0)
            send_text(markup, text, run);
        markup->matched = next != NULL;
        return next ? run + 1 : run;
    }
    char c = *text;
    bool fits = matched == 1                ? c == '/'
                : matched < name_length + 2 ? (c | 0x20) == markup->raw_name[matched - 2]
                                            : is_space(c) || c == '/' || c == '>';
    if (fits && matched < name_length + 2) {
        markup->matched++;
        return 1;
    }
    markup->matched = 0;
    if (fits) {
        memcpy(markup->name, markup->raw_name, name_length + 1);
        markup->name_length = name_length;
        markup->end_tag = true;
        markup->empty_tag = false;
        markup->inlined = false;
        markup->state = MARKUP_IN_TAG;
        return 0;
    }
    send_text(markup, "</", matched < 2 ? matched : 2);
    if (matched > 2)
        send_text(markup, markup->raw_name, matched - 2);
    return 0;
}

/* What each state does with the next bytes: at least one, and valid UTF-8 from a character on.
 * Returns how many it took; none only when it changed the state. */
static size_t (*const steps[MARKUP_STATE_COUNT])(struct markup *, const char *, size_t) = {
    [MARKUP_TEXT] = in_text,
    [MARKUP_REFERENCE] = in_reference,
    [MARKUP_OPEN] = in_open,
    [MARKUP_END_OPEN] = in_end_open,
    [MARKUP_TAG_NAME] = in_tag_name,
    [MARKUP_IN_TAG] = in_tag,
    [MARKUP_KEY] = in_key,
    [MARKUP_AFTER_KEY] = in_after_key,
    [MARKUP_BEFORE_VALUE] = in_before_value,
    [MARKUP_VALUE] = in_value,
    [MARKUP_DECLARATION] = in_declaration,
    [MARKUP_DOCTYPE] = in_doctype,
    [MARKUP_COMMENT] = in_comment,
    [MARKUP_CDATA] = in_cdata,
    [MARKUP_TARGET] = in_target,
    [MARKUP_INSTRUCTION] = in_instruction,
    [MARKUP_RAW] = in_raw,
};

void markup_init(struct markup *markup, const struct markup_rules *rules, struct emit *emit)
{
    memset(markup, 0, offsetof(struct markup, held));
    markup->emit = emit;
    markup->rules = *rules;
}

bool markup_push(struct markup *markup, const char *text, size_t length)
{
    while (length > 0 && !markup->emit->stopped) {
        size_t taken = steps[markup->state](markup, text, length);
        text += taken;
        length -= taken;
    }
    return !markup->emit->stopped;
}

/* A document that ends inside a construct: what was gathered of it is text. */
bool markup_finish(struct markup *markup)
{
    static const struct {
        enum markup_state state;
        const char *ending;
    } endings[] = {
        {MARKUP_REFERENCE, ";"},    {MARKUP_TAG_NAME, ">"}, {MARKUP_KEY, ">"},
        {MARKUP_AFTER_KEY, ">"},    {MARKUP_OPEN, " "},     {MARKUP_END_OPEN, " "},
        {MARKUP_TARGET, ">"},       {MARKUP_COMMENT, " "},  {MARKUP_CDATA, " "},
        {MARKUP_INSTRUCTION, " "},  {MARKUP_RAW, " "},      {MARKUP_DECLARATION, ">"},
        {MARKUP_BEFORE_VALUE, ">"},
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (markup->state == endings[i].state) {
            markup_push(markup, endings[i].ending, 1);
            break;
        }
    hold_end(markup);
    break_text(markup, '\n');
    return emit_flush(markup->emit);
}
