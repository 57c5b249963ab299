#include "protect/sink.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"

static bool put(struct sink *sink, const void *bytes, size_t length, struct err *err)
{
    if (sink->hashed && !digest_add(&sink->digest, bytes, length, err))
        return false;
    if (sink->memory) {
        if (length > sink->room - sink->written)
            return err_set(err, ERR_LIMIT, "over %zu bytes", sink->room);
        memcpy(sink->memory + sink->written, bytes, length);
    } else if (sink->fd >= 0 && !io_write(sink->fd, bytes, length)) {
        return err_errno(err, "writing");
    }
    sink->written += length;
    return true;
}

bool sink_to_fd(struct sink *sink, int fd, bool armored, bool hashed, struct err *err)
{
    *sink = (struct sink){.fd = fd, .armored = armored, .hashed = hashed};
    return (!hashed || digest_begin(&sink->digest, err)) &&
           (!armored || put(sink, ARMOR_BEGIN "\n", sizeof ARMOR_BEGIN, err));
}

bool sink_to_memory(struct sink *sink, void *memory, size_t room, struct err *err)
{
    (void)err;
    *sink = (struct sink){.fd = -1, .memory = memory, .room = room};
    return true;
}

static bool put_line(struct sink *sink, struct buf *text)
{
    char line[ARMOR_LINE_MAX];
    armor_write_line(sink->line, sink->line_length, line);
    sink->line_length = 0;
    return buf_puts(text, line);
}

static bool put_armored(struct sink *sink, const uint8_t *bytes, size_t length, struct err *err)
{
    own_buf struct buf text = buf_new(length / ARMOR_LINE_BYTES * ARMOR_LINE_MAX + 1024);
    while (length) {
        size_t room = ARMOR_LINE_BYTES - sink->line_length;
        size_t take = length < room ? length : room;
        memcpy(sink->line + sink->line_length, bytes, take);
        sink->line_length += take;
        bytes += take;
        length -= take;
        if (sink->line_length == ARMOR_LINE_BYTES && !put_line(sink, &text))
            return err_set(err, ERR_MEMORY, "out of memory");
    }
    return put(sink, buf_text(&text), text.length, err);
}

bool sink_write(struct sink *sink, const void *bytes, size_t length, struct err *err)
{
    return sink->armored ? put_armored(sink, bytes, length, err) : put(sink, bytes, length, err);
}

static bool end_armor(struct sink *sink, struct err *err)
{
    char line[ARMOR_LINE_MAX] = "";
    if (sink->line_length)
        armor_write_line(sink->line, sink->line_length, line);
    return put(sink, line, strlen(line), err) && put(sink, ARMOR_END "\n", sizeof ARMOR_END, err);
}

bool sink_end(struct sink *sink, uint8_t sha256[DIGEST_BYTES], struct err *err)
{
    if (sink->armored && !end_armor(sink, err))
        return false;
    return !sha256 || !sink->hashed || digest_end(&sink->digest, sha256, err);
}

void sink_fini(struct sink *sink)
{
    digest_fini(&sink->digest);
    sodium_memzero(sink->line, sizeof sink->line);
}
