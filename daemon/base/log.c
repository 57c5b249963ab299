#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/utf8.h"

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

/* Quote as a JSON string: control characters cannot forge a second line, and what is not UTF-8 (a
 * path) becomes U+FFFD, so that every line can be read. */
static void put_quoted(struct buf *line, const char *text)
{
    size_t rest = strlen(text);
    buf_putc(line, '"');
    for (const char *at = text; *at;) {
        uint32_t c = 0xfffd;
        size_t length = utf8_decode(at, rest, &c);
        if (length == 0)
            buf_puts(line, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", (char)c);
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            buf_printf(line, "\\u%04x", (unsigned)c);
        else
            buf_append(line, at, length);
        at += length ? length : 1;
        rest -= length ? length : 1;
    }
    buf_putc(line, '"');
}

static bool plain(const char *text)
{
    if (!*text)
        return false;
    if (!utf8_valid(text, strlen(text)))
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
