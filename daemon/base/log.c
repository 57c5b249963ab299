#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

enum kind { NUMBER, TEXT };

static const struct {
    const char *name;
    enum kind kind;
} rows[LOG_FIELD_COUNT] = {
#define LOG_FIELD(name, kind, personal, meaning) [LOG_##name] = {#name, kind},
#include "base/log.def"
#undef LOG_FIELD
};

static const char *const levels[] = {"error", "warn", "info", "debug"};

/* Written once by log_open before threads exist, constant afterwards. */
static struct {
    int fd;
    enum log_level most;
    bool json;
} sink = {STDERR_FILENO, LOG_LEVEL_INFO, false};

void log_open(int fd, enum log_level most, bool json)
{
    sink.fd = fd;
    sink.most = most;
    sink.json = json;
}

/* Quote as a JSON string: control characters cannot forge a second line. */
static void put_quoted(struct buf *line, const char *text)
{
    buf_putc(line, '"');
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(line, "\\u%04x", c);
        else
            buf_putc(line, (char)c);
    }
    buf_putc(line, '"');
}

static bool plain(const char *text)
{
    if (!*text)
        return false;
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == '"' || *at == '\\' || *at == '=' || *at == 0x7f)
            return false;
    return true;
}

static void put_field(struct buf *line, const struct log_field *field)
{
    bool number = rows[field->id].kind == NUMBER;
    if (!number && !field->text)
        return;
    buf_printf(line, sink.json ? ",\"%s\":" : " %s=", rows[field->id].name);
    if (number)
        buf_printf(line, "%" PRId64, field->number);
    else if (!sink.json && plain(field->text))
        buf_puts(line, field->text);
    else
        put_quoted(line, field->text);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (level > sink.most)
        return;
    char when[21];
    clock_format(clock_now_us(), when);
    own_buf struct buf line = buf_new(16384);
    buf_printf(&line,
               sink.json ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %s event=%s",
               when, levels[level], event);
    for (; fields->id != LOG_FIELD_END; fields++)
        put_field(&line, fields);
    buf_puts(&line, sink.json ? "}\n" : "\n");
    if (line.length)
        (void)!write(sink.fd, line.bytes, line.length);
}
