/*
 * buf: a growing run of bytes with a hard maximum.
 * Owns: its bytes. A failed append (no memory, over the maximum) marks the buffer as failed and
 * leaves its content as it was, so that many appends can be checked once.
 */
#ifndef LABELD_BASE_BUF_H
#define LABELD_BASE_BUF_H
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *bytes; /* always followed by a NUL once something was appended */
    size_t length;
    size_t capacity;
    size_t max; /* most bytes it may hold */
    bool failed;
};

#define own_buf __attribute__((cleanup(buf_fini)))

/* An empty buffer that may grow to `max` bytes. */
struct buf buf_new(size_t max);

/* Free the bytes. The buffer may be used again. */
void buf_fini(struct buf *buf);

/* Forget the content, keep the memory; clears `failed`. */
void buf_reset(struct buf *buf);

/* Make sure that `extra` more bytes fit. False: failed. */
bool buf_reserve(struct buf *buf, size_t extra);

/* Append bytes, a string, one byte, formatted text. False: failed. */
bool buf_append(struct buf *buf, const void *bytes, size_t length);
bool buf_puts(struct buf *buf, const char *text);
bool buf_putc(struct buf *buf, char byte);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append bytes as base64 (RFC 4648, section 4: the standard alphabet, padded), and the bytes of
 * such a text. Only the one form that the first gives is taken: whole groups of four, padding at
 * the end, unused bits zero. False: failed, or not that. */
bool buf_base64(struct buf *buf, const void *bytes, size_t length);
bool buf_base64_read(struct buf *buf, const char *text);

/* The content as a string; "" when nothing was appended. Valid until the next append. */
const char *buf_text(const struct buf *buf);

/* Take the bytes out: the caller frees them with mem_free. NULL when empty. */
char *buf_take(struct buf *buf);

#endif
