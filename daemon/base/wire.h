/*
 * wire: the messages of wire.def as bytes, and back.
 * A message is valid only if every number is within its bound, every text is UTF-8 without NUL
 * and not too long, every count fits, and nothing is left over. What comes from the other side
 * is hostile until it has passed wire_read.
 * Form: little endian; numbers as wide as their field, flags one byte, texts and lists with a
 * 32-bit count in front, in the order of wire.def.
 */
#ifndef LABELD_BASE_WIRE_H
#define LABELD_BASE_WIRE_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/report.h"

/* One kind of message. There is one for each MESSAGE of wire.def: wire_report, ... */
struct wire_message;

#define MESSAGE(name, sentence) extern const struct wire_message wire_##name;
#include "base/wire.def"

/* Largest encoded message that either side sends or takes, in bytes. */
#define WIRE_MAX_BYTES (8u << 20)

/* Append the message `thing` (a struct of that kind; NULL texts count as empty) to `out`.
 * A field over its bound is our own fault: ERR_BROKEN, and nothing valid was appended. */
bool wire_write(const struct wire_message *kind, const void *thing, struct buf *out,
                struct err *err);

/* Read exactly `length` bytes into the zeroed struct `thing`; texts and lists go into `arena`.
 * Anything out of bounds is ERR_HOSTILE and names the field. */
bool wire_read(const struct wire_message *kind, const void *bytes, size_t length, void *thing,
               struct arena *arena, struct err *err);

/* The same through a descriptor, with a 32-bit length in front: a stream of messages.
 * wire_receive returns ERR_GONE when the other side has closed before the first byte. */
bool wire_send(int fd, const struct wire_message *kind, const void *thing, struct err *err);
bool wire_receive(int fd, const struct wire_message *kind, void *thing, struct arena *arena,
                  struct err *err);

/* Tests: the number of fields of a kind, each LIST and EMBED counting as one. */
size_t wire_field_count(const struct wire_message *kind);

#endif
