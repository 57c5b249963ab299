#include <string.h>

#include "base/utf8.h"
#include "charset.h"
#include "emit.h"
#include "formats/handlers.h"

/* How sure the beginning makes us. */
enum { BID_JSON = 50 };

/* What a byte is outside strings. */
enum class { CLASS_TEXT, CLASS_SPACE, CLASS_BREAK, CLASS_COLON, CLASS_QUOTE };

static const unsigned char classes[256] = {
    [' '] = CLASS_SPACE, ['\t'] = CLASS_SPACE, ['\r'] = CLASS_SPACE, ['\n'] = CLASS_SPACE,
    ['{'] = CLASS_BREAK, ['}'] = CLASS_BREAK,  ['['] = CLASS_BREAK,  [']'] = CLASS_BREAK,
    [','] = CLASS_BREAK, [':'] = CLASS_COLON,  ['"'] = CLASS_QUOTE,
};

static enum class class_of(char c) { return (enum class)classes[(unsigned char)c]; }

/* The length of a number or literal at `text`, as far as the sample goes; 0 when it is none. */
static size_t scalar_length(const char *text, size_t length)
{
    static const char *const literals[] = {"true", "false", "null", "NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        size_t most = strlen(literals[i]) < length ? strlen(literals[i]) : length;
        if (memcmp(text, literals[i], most) == 0)
            return most;
    }
    size_t at = 0;
    while (at < length && strchr("0123456789+-.eE", text[at]) && text[at])
        at++;
    return at > 0 && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) ? at : 0;
}

/* The length of a string with its quotes, or all of the sample when it is cut; 0 when a line
 * ends in it. */
static size_t string_length(const char *text, size_t length)
{
    for (size_t at = 1; at < length; at++) {
        if (text[at] == '"')
            return at + 1;
        if (text[at] == '\n')
            return 0;
        at += text[at] == '\\';
    }
    return length;
}

/* Whether the sample is made of JSON's tokens alone, and begins as an object or array does. */
static bool is_json(const struct charset_sample *sample)
{
    const char *text = sample->text;
    size_t tokens = 0, length = sample->length;
    char first = 0, second = 0;
    for (size_t at = 0; at < length;) {
        enum class class = class_of(text[at]);
        size_t width = class == CLASS_QUOTE  ? string_length(text + at, length - at)
                       : class == CLASS_TEXT ? scalar_length(text + at, length - at)
                                             : 1;
        if (width == 0)
            return false;
        if (class != CLASS_SPACE) {
            tokens++;
            first = tokens == 1 ? text[at] : first;
            second = tokens == 2 ? text[at] : second;
        }
        at += width;
    }
    if (first == '{')
        return second == '"' || second == '}';
    return first == '[' && second != 0 && second != ',' && second != ':' && second != '}';
}

static bool has_key(const char *bytes, size_t length, const char *key)
{
    return memmem(bytes, length, key, strlen(key)) != NULL;
}

/* A notebook names its format's version at the beginning or, usually, at the very end. */
static bool is_notebook(const struct format_input *input, const struct charset_sample *sample)
{
    size_t look = input->length < 1024 ? input->length : 1024;
    return has_key(sample->text, sample->length, "\"cells\"") &&
           (has_key(sample->text, sample->length, "\"nbformat\"") ||
            has_key(input->bytes + input->length - look, look, "\"nbformat\""));
}

static unsigned bid_json(const struct format_input *input, enum format_id *id)
{
    struct charset_sample sample;
    char first = charset_first(input->bytes, input->length);
    if (first != '{' && first != '[')
        return 0;
    charset_look(&sample, input->bytes, input->length);
    if (sample.controls > 0 || !is_json(&sample))
        return 0;
    *id = is_notebook(input, &sample) ? FORMAT_IPYNB : FORMAT_JSON;
    return BID_JSON;
}

/* Where we are. Nesting is not kept: it does not matter for the text. */
struct decoder {
    struct emit *emit;
    bool in_string;
    bool escaped;    /* behind a backslash */
    unsigned digits; /* of \u that are still to come */
    uint32_t unit;   /* what came of them */
    uint32_t high;   /* first half of a surrogate pair, or 0 */
};

static void send_character(struct decoder *decoder, uint32_t character)
{
    char text[4];
    if (character == '\n' || character == '\r') {
        emit_separate(decoder->emit, '\n');
        return;
    }
    if (character < ' ')
        character = ' ';
    size_t width = utf8_encode(character, text);
    emit_text(decoder->emit, text, width);
}

/* A first half whose second does not come stands for nothing readable. */
static void drop_high(struct decoder *decoder)
{
    if (decoder->high)
        send_character(decoder, 0xfffd);
    decoder->high = 0;
}

/* A UTF-16 unit written as \u and four hexadecimal digits (RFC 8259 7). */
static void take_unit(struct decoder *decoder)
{
    uint32_t unit = decoder->unit;
    if (unit >= 0xdc00 && unit <= 0xdfff && decoder->high) {
        send_character(decoder, 0x10000 + ((decoder->high - 0xd800) << 10) + (unit - 0xdc00));
        decoder->high = 0;
        return;
    }
    drop_high(decoder);
    if (unit >= 0xd800 && unit <= 0xdbff)
        decoder->high = unit;
    else
        send_character(decoder, unit >= 0xdc00 && unit <= 0xdfff ? 0xfffd : unit);
}

/* One byte of an escape. False: it does not belong to it. */
static bool take_escape(struct decoder *decoder, char c)
{
    static const char letters[] = "bfnrt", meant[] = " \n\n\n\t";
    if (decoder->digits > 0) {
        uint32_t digit =
            c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
        if (digit > 15 || (digit > 9 && ((c | 0x20) < 'a' || (c | 0x20) > 'f'))) {
            decoder->digits = 0;
            return false;
        }
        decoder->unit = decoder->unit << 4 | digit;
        if (--decoder->digits == 0)
            take_unit(decoder);
        return true;
    }
    decoder->escaped = false;
    if (c == 'u') {
        decoder->digits = 4;
        decoder->unit = 0;
        return true;
    }
    drop_high(decoder);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (!letter && (unsigned char)c >= 0x80)
        return false;
    send_character(decoder, (unsigned char)(letter ? meant[letter - letters] : c));
    return true;
}

/* Some of a string; how much of it was taken. */
static size_t in_string(struct decoder *decoder, const char *text, size_t length)
{
    if (decoder->escaped || decoder->digits > 0)
        return take_escape(decoder, *text) ? 1 : 0;
    size_t at = 0;
    while (at < length && text[at] != '"' && text[at] != '\\' && (unsigned char)text[at] >= ' ')
        at++;
    if (at == 0 && *text == '\\') {
        decoder->escaped = true;
        return 1;
    }
    drop_high(decoder);
    if (at > 0) {
        emit_text(decoder->emit, text, at);
        return at;
    }
    if (*text == '"')
        decoder->in_string = false;
    else
        send_character(decoder, (unsigned char)*text);
    return 1;
}

/* Some of what is between strings. */
static size_t outside(struct decoder *decoder, const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && class_of(text[at]) == CLASS_TEXT)
        at++;
    if (at > 0) {
        emit_text(decoder->emit, text, at);
        return at;
    }
    switch (class_of(*text)) {
    case CLASS_QUOTE: decoder->in_string = true; break;
    case CLASS_COLON:
        emit_text(decoder->emit, ":", 1);
        emit_separate(decoder->emit, ' ');
        break;
    case CLASS_SPACE: emit_separate(decoder->emit, ' '); break;
    default: emit_separate(decoder->emit, '\n'); break;
    }
    return 1;
}

static bool read_json(struct format_reading *reading, const struct format_input *input)
{
    struct charset_reader reader;
    struct emit emit;
    struct decoder decoder = {.emit = &emit};
    const char *text;
    size_t length;
    emit_init(&emit, &reading->sink);
    if (!emit_part(&emit, "", false))
        return true;
    charset_open(&reader, input->bytes, input->length);
    while (!emit.stopped && format_within_time(reading) && charset_next(&reader, &text, &length))
        while (length > 0 && !emit.stopped) {
            size_t taken = decoder.in_string ? in_string(&decoder, text, length)
                                             : outside(&decoder, text, length);
            text += taken;
            length -= taken;
        }
    emit_flush(&emit);
    if (reader.skipped)
        format_gap(reading, REPORT_PARTIAL, "charset");
    return true;
}

const struct format handlers_json = {.name = "json", .bid = bid_json, .read = read_json};
