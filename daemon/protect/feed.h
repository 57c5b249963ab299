/*
 * feed: the bytes of an age file, or of what becomes one, in order: from a descriptor or from
 * memory, with ASCII armour taken off when it is there.
 * Owns: its buffer; a descriptor stays the caller's.
 */
#ifndef LABELD_PROTECT_FEED_H
#define LABELD_PROTECT_FEED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "protect/armor.h"

struct feed {
    int fd;              /* -1: from memory */
    int64_t offset;      /* next place of `fd`; -1: read it in order, for pipes */
    const uint8_t *rest; /* of memory */
    size_t rest_length;
    uint8_t *raw; /* read ahead: raw[raw_start..raw_end) */
    size_t raw_start, raw_end;
    bool raw_ended;
    bool armored;
    struct armor_reader armor;
    uint8_t line[ARMOR_LINE_BYTES]; /* decoded: line[line_start..line_end) */
    size_t line_start, line_end;
    uint64_t taken; /* bytes given out so far, without armour */
};

#define own_feed __attribute__((cleanup(feed_fini)))

/* From a descriptor: from its present place in order (`offset` -1), or from `offset` by pread. */
bool feed_from_fd(struct feed *feed, int fd, int64_t offset, struct err *err);

/* From memory that outlives the feed. */
bool feed_from_memory(struct feed *feed, const void *bytes, size_t length, struct err *err);

/* Look at the beginning: white space and "-----BEGIN", or "-----BEGIN": the armour is taken off
 * from now on. Call before anything was read, for age files only. */
bool feed_detect_armor(struct feed *feed, struct err *err);

/* Up to `want` bytes; fewer only at the end. -1 with err. */
ssize_t feed_read(struct feed *feed, void *bytes, size_t want, struct err *err);

/* Whether nothing more comes; with armour also that it ends as it must. */
bool feed_ended(struct feed *feed, bool *ended, struct err *err);

/* Wipe and free the buffer. */
void feed_fini(struct feed *feed);

#endif
