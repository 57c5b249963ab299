#include "charset.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* How much of the beginning decides. */
static const size_t guess_bytes = 4096;

static const struct {
    const char *bytes;
    size_t length;
    enum charset charset;
} marks[] = {
    /* UTF-32LE first: its mark begins with that of UTF-16LE. */
    {"\xff\xfe\0\0", 4, CHARSET_UTF32LE}, {"\0\0\xfe\xff", 4, CHARSET_UTF32BE},
    {"\xef\xbb\xbf", 3, CHARSET_UTF8},    {"\xff\xfe", 2, CHARSET_UTF16LE},
    {"\xfe\xff", 2, CHARSET_UTF16BE},
};

/* Where the bytes of a unit are. */
static const struct {
    size_t width;
    bool big_endian;
} units[CHARSET_COUNT] = {
    [CHARSET_UTF8] = {1, false},    [CHARSET_UTF16LE] = {2, false}, [CHARSET_UTF16BE] = {2, true},
    [CHARSET_UTF32LE] = {4, false}, [CHARSET_UTF32BE] = {4, true},
};

static uint32_t unit_at(const char *bytes, enum charset charset)
{
    const unsigned char *at = (const unsigned char *)bytes;
    switch (charset) {
    case CHARSET_UTF16LE: return (uint32_t)at[0] | (uint32_t)at[1] << 8;
    case CHARSET_UTF16BE: return (uint32_t)at[1] | (uint32_t)at[0] << 8;
    case CHARSET_UTF32LE:
        return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
               (uint32_t)at[3] << 24;
    case CHARSET_UTF32BE:
        return (uint32_t)at[3] | (uint32_t)at[2] << 8 | (uint32_t)at[1] << 16 |
               (uint32_t)at[0] << 24;
    default: return at[0];
    }
}

/* One character of UTF-16 or UTF-32. The bytes taken, at least 1; *character is a surrogate
 * when there is none. */
static size_t decode_wide(const char *bytes, size_t length, enum charset charset,
                          uint32_t *character)
{
    size_t width = units[charset].width;
    *character = 0xd800;
    if (length < width)
        return length;
    uint32_t unit = unit_at(bytes, charset);
    if (width == 4 || unit < 0xd800 || unit > 0xdfff) {
        *character = unit <= 0x10ffff ? unit : 0xd800;
        return width;
    }
    if (unit > 0xdbff || length < 4)
        return width;
    uint32_t low = unit_at(bytes + 2, charset);
    if (low < 0xdc00 || low > 0xdfff)
        return width;
    *character = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    return 4;
}

/* Control characters that occur in text: white space, backspace, escape, DOS end of file. */
static bool is_odd_control(uint32_t c)
{
    if (c >= 0x20)
        return c == 0x7f || c == 0xfffe || c == 0xffff;
    return !(c >= 0x08 && c <= 0x0d) && c != 0x1a && c != 0x1b;
}

/* Whether the beginning makes sense in that charset: characters without controls, and one in
 * sixteen of them ASCII. Two-byte text without any ASCII has no digits that could be missed. */
static bool makes_sense(const char *bytes, size_t length, enum charset charset)
{
    size_t count = 0, ascii = 0, width = units[charset].width;
    for (size_t at = 0; at + width <= length; count++) {
        uint32_t c;
        size_t rest = length - at;
        at += decode_wide(bytes + at, rest, charset, &c);
        bool cut_pair = rest < 4 && c == 0xd800; /* the sample ends inside a pair */
        if (cut_pair)
            break;
        if ((c >= 0xd800 && c <= 0xdfff) || is_odd_control(c))
            return false;
        ascii += c < 0x80;
    }
    return count > 0 && ascii * 16 >= count;
}

enum charset charset_guess(const char *bytes, size_t length, size_t *mark)
{
    *mark = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (length >= marks[i].length && memcmp(bytes, marks[i].bytes, marks[i].length) == 0) {
            *mark = marks[i].length;
            return marks[i].charset;
        }
    size_t look = length < guess_bytes ? length : guess_bytes;
    if (!memchr(bytes, 0, look))
        return CHARSET_UTF8;
    static const enum charset wide[] = {CHARSET_UTF32LE, CHARSET_UTF32BE, CHARSET_UTF16LE,
                                        CHARSET_UTF16BE};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (makes_sense(bytes, look, wide[i]))
            return wide[i];
    return CHARSET_UTF8;
}

void charset_open(struct charset_reader *reader, const char *bytes, size_t length)
{
    reader->bytes = bytes;
    reader->length = length;
    reader->charset = charset_guess(bytes, length, &reader->at);
    reader->skipped = false;
}

/* Bytes to look at next, so that no character is split where there is one. */
static size_t next_piece(const char *bytes, size_t rest)
{
    if (rest <= CHARSET_BLOCK)
        return rest;
    size_t cut = CHARSET_BLOCK;
    while (CHARSET_BLOCK - cut < 3 && ((unsigned char)bytes[cut] & 0xc0) == 0x80)
        cut--;
    return ((unsigned char)bytes[cut] & 0xc0) == 0x80 ? CHARSET_BLOCK : cut;
}

/* Copy what is valid of UTF-8 into the block. The bytes filled. */
static size_t filter(struct charset_reader *reader, const char *bytes, size_t length)
{
    size_t filled = 0;
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t width = utf8_decode(bytes + at, length - at, &character);
        if (width == 0) {
            reader->skipped = true;
            at++;
            continue;
        }
        memcpy(reader->block + filled, bytes + at, width);
        filled += width;
        at += width;
    }
    return filled;
}

/* Convert UTF-16 or UTF-32 until the block is full. The bytes filled. */
static size_t convert(struct charset_reader *reader)
{
    size_t filled = 0;
    while (reader->at < reader->length && filled + 4 <= CHARSET_BLOCK) {
        uint32_t c;
        reader->at += decode_wide(reader->bytes + reader->at, reader->length - reader->at,
                                  reader->charset, &c);
        if (c < 0x80) {
            reader->block[filled++] = (char)c;
            continue;
        }
        size_t width = utf8_encode(c, reader->block + filled);
        if (width == 0)
            reader->skipped = true;
        filled += width;
    }
    return filled;
}

bool charset_next(struct charset_reader *reader, const char **text, size_t *length)
{
    while (reader->at < reader->length) {
        *text = reader->block;
        if (reader->charset != CHARSET_UTF8) {
            *length = convert(reader);
        } else {
            const char *bytes = reader->bytes + reader->at;
            size_t piece = next_piece(bytes, reader->length - reader->at);
            reader->at += piece;
            *length = piece;
            if (utf8_valid(bytes, piece))
                *text = bytes;
            else
                *length = filter(reader, bytes, piece);
        }
        if (*length > 0)
            return true;
    }
    return false;
}

/* The same as a reader does, but counting. Wide characters become at most 3 bytes a 2-byte unit,
 * so half of the room is looked at. */
static void look_wide(struct charset_sample *sample, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length && sample->length + 4 <= sizeof sample->text;) {
        uint32_t c;
        at += decode_wide(bytes + at, length - at, sample->charset, &c);
        size_t width = utf8_encode(c, sample->text + sample->length);
        sample->length += width;
        sample->skipped += width == 0;
        sample->controls += is_odd_control(c);
        sample->whole = at >= length;
    }
}

static void look_utf8(struct charset_sample *sample, const char *bytes, size_t length)
{
    size_t look = length < sizeof sample->text ? length : sizeof sample->text;
    sample->whole = look == length;
    for (size_t at = 0; at < look;) {
        uint32_t c = (unsigned char)bytes[at];
        if (c >= 0x20 && c < 0x7f) {
            sample->text[sample->length++] = bytes[at++];
            continue;
        }
        size_t width = utf8_decode(bytes + at, look - at, &c);
        if (width == 0 && !sample->whole && look - at < 4)
            break; /* perhaps only cut */
        if (width == 0) {
            sample->skipped++;
            at++;
            continue;
        }
        sample->controls += is_odd_control(c);
        memcpy(sample->text + sample->length, bytes + at, width);
        sample->length += width;
        at += width;
    }
}

void charset_look(struct charset_sample *sample, const char *bytes, size_t length)
{
    size_t mark;
    sample->length = 0;
    sample->skipped = 0;
    sample->controls = 0;
    sample->charset = charset_guess(bytes, length, &mark);
    sample->marked = mark > 0;
    sample->whole = mark >= length;
    if (sample->charset == CHARSET_UTF8)
        look_utf8(sample, bytes + mark, length - mark);
    else
        look_wide(sample, bytes + mark, length - mark);
}

char charset_first(const char *bytes, size_t length)
{
    size_t at;
    enum charset charset = charset_guess(bytes, length, &at);
    size_t look = length - at < guess_bytes ? length : at + guess_bytes;
    while (at < look) {
        uint32_t c = (unsigned char)bytes[at];
        at += charset == CHARSET_UTF8 ? 1 : decode_wide(bytes + at, look - at, charset, &c);
        if (c > ' ')
            return c < 0x7f ? (char)c : 0;
    }
    return 0;
}
