#include "protect/feed.h"

#include <sodium.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"

enum {
    AHEAD_BYTES = 4096,          /* read ahead to see whether more comes, and for headers */
    AHEAD_ARMORED_BYTES = 65536, /* where every byte passes through the buffer */
    WHITE_SPACE_MAX = 65536,     /* around armour; more is not a file but a trick */
};

static bool begin(struct feed *feed, struct err *err)
{
    feed->raw = mem_alloc(AHEAD_ARMORED_BYTES);
    return feed->raw || err_set(err, ERR_MEMORY, "out of memory");
}

bool feed_from_fd(struct feed *feed, int fd, int64_t offset, struct err *err)
{
    *feed = (struct feed){.fd = fd, .offset = offset};
    return begin(feed, err);
}

bool feed_from_memory(struct feed *feed, const void *bytes, size_t length, struct err *err)
{
    *feed = (struct feed){.fd = -1, .rest = bytes, .rest_length = length};
    return begin(feed, err);
}

void feed_fini(struct feed *feed)
{
    if (feed->raw)
        sodium_memzero(feed->raw, AHEAD_ARMORED_BYTES);
    mem_free(feed->raw);
    sodium_memzero(feed, sizeof *feed);
    feed->fd = -1;
}

/* Straight from the file: up to `want` bytes, fewer only at its end; -1 with err. */
static ssize_t read_source(struct feed *feed, uint8_t *bytes, size_t want, struct err *err)
{
    ssize_t got;
    if (feed->fd < 0) {
        got = (ssize_t)(want < feed->rest_length ? want : feed->rest_length);
        if (got)
            memcpy(bytes, feed->rest, (size_t)got);
        feed->rest += got;
        feed->rest_length -= (size_t)got;
    } else if (feed->offset < 0) {
        got = io_read(feed->fd, bytes, want);
    } else {
        got = io_read_at(feed->fd, bytes, want, (uint64_t)feed->offset);
        feed->offset += got > 0 ? got : 0;
    }
    if (got < 0)
        err_errno(err, "reading");
    else if ((size_t)got < want)
        feed->raw_ended = true;
    return got;
}

/* Have something in the buffer unless the file has ended. */
static bool look_ahead(struct feed *feed, struct err *err)
{
    if (feed->raw_start < feed->raw_end || feed->raw_ended)
        return true;
    ssize_t got =
        read_source(feed, feed->raw, feed->armored ? AHEAD_ARMORED_BYTES : AHEAD_BYTES, err);
    feed->raw_start = 0;
    feed->raw_end = got > 0 ? (size_t)got : 0;
    return got >= 0;
}

/* The next raw byte, kept; -1 at the end, -2 with err. */
static int peek_byte(struct feed *feed, struct err *err)
{
    if (!look_ahead(feed, err))
        return -2;
    return feed->raw_start < feed->raw_end ? feed->raw[feed->raw_start] : -1;
}

static bool skip_white_space(struct feed *feed, struct err *err)
{
    for (size_t skipped = 0; skipped <= WHITE_SPACE_MAX; skipped++) {
        int byte = peek_byte(feed, err);
        if (byte == -2)
            return false;
        if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            return true;
        feed->raw_start++;
    }
    return err_set(err, ERR_CORRUPT, "more than %d bytes of white space around the armour",
                   WHITE_SPACE_MAX);
}

bool feed_detect_armor(struct feed *feed, struct err *err)
{
    static const char sign[] = "-----BEGIN";
    if (!look_ahead(feed, err))
        return false;
    const char *white = " \t\r\n";
    size_t at = feed->raw_start;
    while (at < feed->raw_end && memchr(white, feed->raw[at], 4))
        at++;
    feed->armored =
        feed->raw_end - at >= sizeof sign - 1 && memcmp(feed->raw + at, sign, sizeof sign - 1) == 0;
    return !feed->armored || skip_white_space(feed, err);
}

/* One line of armour without its end. */
static bool next_line(struct feed *feed, char line[ARMOR_LINE_MAX], size_t *length, struct err *err)
{
    *length = 0;
    for (;;) {
        int byte = peek_byte(feed, err);
        if (byte == -2)
            return false;
        if (byte == -1 && *length == 0)
            return err_set(err, ERR_CORRUPT, "the armour ends early; part of the file is missing");
        if (byte == -1 || byte == '\n')
            break;
        if (*length == ARMOR_LINE_MAX)
            return err_set(err, ERR_CORRUPT, "the armour has a line that is too long");
        line[(*length)++] = (char)byte;
        feed->raw_start++;
    }
    feed->raw_start += feed->raw_start < feed->raw_end;
    if (*length && line[*length - 1] == '\r')
        --*length;
    return true;
}

/* Decode until bytes are there or the armour has ended with nothing behind it. */
static bool decode_more(struct feed *feed, struct err *err)
{
    while (feed->line_start == feed->line_end && feed->armor.state != ARMOR_AFTER) {
        char line[ARMOR_LINE_MAX];
        size_t length;
        feed->line_start = 0;
        feed->line_end = 0;
        if (!next_line(feed, line, &length, err) ||
            !armor_read_line(&feed->armor, line, length, feed->line, &feed->line_end, err))
            return false;
        if (feed->armor.state != ARMOR_AFTER)
            continue;
        if (!skip_white_space(feed, err))
            return false;
        int byte = peek_byte(feed, err);
        if (byte != -1)
            return byte == -2 ? false : err_set(err, ERR_CORRUPT, "something follows the armour");
    }
    return true;
}

static ssize_t read_armored(struct feed *feed, uint8_t *bytes, size_t want, struct err *err)
{
    size_t done = 0;
    while (done < want) {
        if (!decode_more(feed, err))
            return -1;
        size_t there = feed->line_end - feed->line_start;
        if (there == 0)
            break;
        size_t take = there < want - done ? there : want - done;
        memcpy(bytes + done, feed->line + feed->line_start, take);
        feed->line_start += take;
        done += take;
    }
    return (ssize_t)done;
}

static ssize_t read_plain(struct feed *feed, uint8_t *bytes, size_t want, struct err *err)
{
    size_t held = feed->raw_end - feed->raw_start;
    size_t done = held < want ? held : want;
    memcpy(bytes, feed->raw + feed->raw_start, done);
    feed->raw_start += done;
    if (done == want || feed->raw_ended)
        return (ssize_t)done;
    ssize_t got = read_source(feed, bytes + done, want - done, err);
    return got < 0 ? -1 : (ssize_t)done + got;
}

ssize_t feed_read(struct feed *feed, void *bytes, size_t want, struct err *err)
{
    ssize_t got =
        feed->armored ? read_armored(feed, bytes, want, err) : read_plain(feed, bytes, want, err);
    feed->taken += got > 0 ? (uint64_t)got : 0;
    return got;
}

bool feed_ended(struct feed *feed, bool *ended, struct err *err)
{
    if (!feed->armored) {
        int byte = peek_byte(feed, err);
        *ended = byte == -1;
        return byte != -2;
    }
    if (!decode_more(feed, err))
        return false;
    *ended = feed->line_start == feed->line_end;
    return true;
}
