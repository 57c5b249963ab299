#include "emit.h"

#include <string.h>

void emit_init(struct emit *emit, const struct format_sink *sink)
{
    emit->sink = sink;
    emit->sent = 0;
    emit->length = 0;
    emit->pending = 0;
    emit->last = '\n';
    emit->stopped = false;
}

static bool deliver(struct emit *emit, const char *text, size_t length)
{
    emit->sent += length;
    if (length > 0 && emit->sink->text && !emit->sink->text(emit->sink->context, text, length))
        emit->stopped = true;
    return !emit->stopped;
}

bool emit_flush(struct emit *emit)
{
    size_t length = emit->length;
    emit->length = 0;
    return !emit->stopped && deliver(emit, emit->bytes, length);
}

bool emit_part(struct emit *emit, const char *path, bool table)
{
    if (!emit_flush(emit))
        return false;
    emit->pending = 0;
    emit->last = '\n';
    if (emit->sink->part && !emit->sink->part(emit->sink->context, path, table))
        emit->stopped = true;
    return !emit->stopped;
}

static bool append(struct emit *emit, const char *text, size_t length)
{
    emit->last = text[length - 1];
    if (length > sizeof emit->bytes - emit->length && !emit_flush(emit))
        return false;
    if (length > sizeof emit->bytes)
        return deliver(emit, text, length);
    memcpy(emit->bytes + emit->length, text, length);
    emit->length += length;
    return true;
}

bool emit_text(struct emit *emit, const char *text, size_t length)
{
    if (emit->stopped)
        return false;
    if (length == 0)
        return true;
    if (emit->pending) {
        char separator = emit->pending;
        emit->pending = 0;
        if ((emit->last != '\n' || separator == '\t') && !append(emit, &separator, 1))
            return false;
    }
    return append(emit, text, length);
}

/* Where the next byte below a space is; eight at a time (a borrow can only come from a lower byte,
 * which then is a hit itself). */
static size_t find_control(const char *text, size_t at, size_t length)
{
    const uint64_t spaces = 0x2020202020202020u, tops = 0x8080808080808080u;
    for (uint64_t eight; at + sizeof eight <= length; at += sizeof eight) {
        memcpy(&eight, text + at, sizeof eight);
        if ((eight - spaces) & ~eight & tops)
            break;
    }
    while (at < length && (unsigned char)text[at] >= ' ')
        at++;
    return at;
}

bool emit_cell(struct emit *emit, const char *text, size_t length)
{
    for (size_t from = 0;;) {
        size_t at = find_control(text, from, length);
        if (!emit_text(emit, text + from, at - from))
            return false;
        if (at >= length)
            return true;
        emit_separate(emit, ' ');
        from = at + 1;
    }
}

static int strength(char separator)
{
    return separator == '\n' ? 3 : separator == '\t' ? 2 : separator == ' ';
}

void emit_separate(struct emit *emit, char separator)
{
    if (strength(separator) > strength(emit->pending))
        emit->pending = separator;
}

bool emit_sign(struct emit *emit, char sign)
{
    if (emit->stopped)
        return false;
    bool new_line = emit->pending == '\n' && emit->last != '\n';
    emit->pending = 0;
    if (new_line && !append(emit, "\n", 1))
        return false;
    return append(emit, &sign, 1);
}
