#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct buf buf_new(size_t max)
{
    return (struct buf){.max = max};
}

void buf_fini(struct buf *buf)
{
    mem_free(buf->bytes);
    *buf = (struct buf){.max = buf->max};
}

void buf_reset(struct buf *buf)
{
    buf->length = 0;
    buf->failed = false;
    if (buf->bytes)
        buf->bytes[0] = '\0';
}

bool buf_reserve(struct buf *buf, size_t extra)
{
    if (buf->failed || extra > buf->max || buf->length > buf->max - extra) {
        buf->failed = true;
        return false;
    }
    size_t want = buf->length + extra + 1;
    if (want <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : 256;
    while (capacity < want)
        capacity *= 2;
    char *bytes = mem_realloc(buf->bytes, capacity, 1);
    if (!bytes) {
        buf->failed = true;
        return false;
    }
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

bool buf_append(struct buf *buf, const void *bytes, size_t length)
{
    if (!buf_reserve(buf, length))
        return false;
    if (length)
        memcpy(buf->bytes + buf->length, bytes, length);
    buf->length += length;
    buf->bytes[buf->length] = '\0';
    return true;
}

bool buf_puts(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

bool buf_putc(struct buf *buf, char byte)
{
    return buf_append(buf, &byte, 1);
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    bool ok = length >= 0 && buf_reserve(buf, (size_t)length);
    if (ok) {
        vsnprintf(buf->bytes + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
    return ok;
}

const char *buf_text(const struct buf *buf)
{
    return buf->bytes ? buf->bytes : "";
}

char *buf_take(struct buf *buf)
{
    char *bytes = buf->bytes;
    *buf = (struct buf){.max = buf->max};
    return bytes;
}
