/*
 * zip_builder: zip archives made byte by byte for tests, honest ones and lying ones.
 * Owns: the archive in the making.
 */
#ifndef LABELD_TESTS_ZIP_BUILDER_H
#define LABELD_TESTS_ZIP_BUILDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* One member. Zero fields: an honest member, deflated. */
struct zip_member {
    const char *name;
    const void *bytes;
    size_t length;
    bool stored;
    bool encrypted;  /* only the flag; the bytes stay */
    bool descriptor; /* sizes and CRC behind the data */
    bool zip64;      /* sizes in extra fields */
    bool wrong_crc;
    uint16_t method;    /* claim this method instead */
    uint64_t says_size; /* claim this size instead */
    const void *packed; /* compressed bytes made by the test; then `length` is the size claimed */
    size_t packed_length;
    const char *shares; /* no data of its own: points at the local header of that member */
};

struct zip_builder {
    struct buf out, directory;
    size_t front; /* bytes in front of the archive that offsets do not count */
    size_t count;
    bool zip64_end;
};

struct zip_builder zip_builder_new(void);
void zip_builder_fini(struct zip_builder *zip);
#define own_zip __attribute__((cleanup(zip_builder_fini)))

/* Bytes before the first member; offsets count from behind them. */
void zip_builder_front(struct zip_builder *zip, const char *bytes, size_t length);

void zip_builder_add(struct zip_builder *zip, const struct zip_member *member);

/* A text as an honest, deflated member. */
void zip_builder_text(struct zip_builder *zip, const char *name, const char *text);

/* Write the directory; the archive is in zip->out from then on. */
void zip_builder_end(struct zip_builder *zip);

#endif
