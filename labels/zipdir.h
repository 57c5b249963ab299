/*
 * zipdir: the central directory of a zip that lies in memory, byte by byte (PKWARE APPNOTE 6.3,
 * 4.3 to 4.5), for who must know where each entry begins and ends in the file.
 * It is strict: what does not add up is ZIPDIR_DAMAGED, so that nothing is rewritten that another
 * reader might see in another way.
 * Owns: the list of entries; names and records point into the caller's bytes.
 */
#ifndef LABELD_LABELS_ZIPDIR_H
#define LABELD_LABELS_ZIPDIR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define ZIPDIR_NONE SIZE_MAX

enum zipdir_result {
    ZIPDIR_OK,
    ZIPDIR_DAMAGED,   /* dir->fault says what */
    ZIPDIR_OVERLAP,   /* entries share bytes */
    ZIPDIR_ENTRIES,   /* more than the limit */
    ZIPDIR_TOO_LARGE, /* zipdir_load: over its limit */
    ZIPDIR_NO_MEMORY
};

/* One entry, as its central record says. Offsets count from the first byte of the file. */
struct zipdir_entry {
    const char *name; /* raw: not ended by a NUL, may hold \ and a leading / */
    const char *record;
    uint64_t size, packed_bytes;
    uint64_t start; /* of the local header */
    uint64_t data;  /* of the compressed bytes */
    uint64_t end;   /* where the next local header begins, or what follows the last entry */
    uint32_t crc;
    uint32_t record_length;
    uint16_t name_length, method, flags;
};

struct zipdir {
    const char *bytes;
    size_t length;
    struct zipdir_entry *entries; /* in the order of the records */
    uint32_t *by_offset;          /* indexes of entries in the order of the file */
    size_t count;
    uint64_t base;      /* bytes in front of the archive: offsets in records count from here */
    uint64_t directory; /* where the records begin */
    const char *comment;
    uint16_t comment_length;
    bool zip64;        /* it has a zip64 end record */
    const char *fault; /* in words, when it is not ZIPDIR_OK; a constant */
};

#define own_zipdir __attribute__((cleanup(zipdir_close)))

/* Read the directory of `bytes`, at most `max_entries` records. Only the headers are touched.
 * Close in any case. */
enum zipdir_result zipdir_open(struct zipdir *dir, const char *bytes, size_t length,
                               uint64_t max_entries);
void zipdir_close(struct zipdir *dir);

/* The first entry of that name: ASCII case ignored, \ counts as /, leading / dropped.
 * ZIPDIR_NONE when there is none. *duplicate (may be NULL): a second one has the same name. */
size_t zipdir_find(const struct zipdir *dir, const char *name, bool *duplicate);

/* Whether any entry is encrypted (general purpose flag bits 0 and 13, APPNOTE 4.4.4). */
bool zipdir_encrypted(const struct zipdir *dir);

/* Inflate one entry into `out` (made empty first), at most out->max bytes; CRC and the local
 * header are verified. ZIPDIR_DAMAGED with dir->fault, ZIPDIR_TOO_LARGE, ZIPDIR_NO_MEMORY. */
enum zipdir_result zipdir_load(struct zipdir *dir, size_t index, struct buf *out);

/* Append an entry's central record with `offset` (from the archive's start) in place of its own;
 * nothing else changes, but that an offset over 32 bits is put into the zip64 extra field.
 * False: memory is out. */
bool zipdir_put_record(const struct zipdir_entry *entry, uint64_t offset, struct buf *out);

/* Little-endian numbers. */
static inline uint16_t zipdir_u16(const char *at)
{
    return (uint16_t)((unsigned char)at[0] | (unsigned char)at[1] << 8);
}

static inline uint32_t zipdir_u32(const char *at)
{
    return (uint32_t)zipdir_u16(at) | (uint32_t)zipdir_u16(at + 2) << 16;
}

static inline uint64_t zipdir_u64(const char *at)
{
    return (uint64_t)zipdir_u32(at) | (uint64_t)zipdir_u32(at + 4) << 32;
}

/* Append `value` as `bytes` bytes, lowest first. */
bool zipdir_put(struct buf *out, uint64_t value, unsigned bytes);

#endif
