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

bool emit_cell(struct emit *emit, const char *text, size_t length)
{
    for (size_t from = 0, at = 0;; at++) {
        bool control = at < length && (unsigned char)text[at] < ' ';
        if (at < length && !control)
            continue;
        if (!emit_text(emit, text + from, at - from))
            return false;
        if (at >= length)
            return true;
        emit_separate(emit, ' ');
        from = at + 1;
    }
}

void emit_separate(struct emit *emit, char separator)
{
    static const char by_strength[] = " \t\n";
    const char *now = emit->pending ? strchr(by_strength, emit->pending) : NULL;
    const char *wanted = strchr(by_strength, separator);
    if (!now || wanted > now)
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
