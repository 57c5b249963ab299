#include "zip_builder.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

enum { most_bytes = 64u << 20, local_bytes = 30, record_bytes = 46 };

static void put(struct buf *buf, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(buf, (char)(i < 8 ? value >> (8 * i) : 0));
}

struct zip_builder zip_builder_new(void)
{
    return (struct zip_builder){.out = buf_new(most_bytes), .directory = buf_new(most_bytes)};
}

void zip_builder_fini(struct zip_builder *zip)
{
    buf_fini(&zip->out);
    buf_fini(&zip->directory);
}

void zip_builder_front(struct zip_builder *zip, const char *bytes, size_t length)
{
    buf_append(&zip->out, bytes, length);
    zip->front = length;
}

/* What is written about a member, in both headers. */
struct claims {
    uint32_t crc;
    uint64_t size, packed;
    uint16_t flags, method;
};

static void put_claims(struct buf *buf, const struct claims *claims, bool zip64, bool later)
{
    put(buf, zip64 ? 45 : 20, 2);
    put(buf, claims->flags, 2);
    put(buf, claims->method, 2);
    put(buf, 0x00210000, 4);
    put(buf, later ? 0 : claims->crc, 4);
    put(buf, zip64 ? UINT32_MAX : later ? 0 : claims->packed, 4);
    put(buf, zip64 ? UINT32_MAX : later ? 0 : claims->size, 4);
}

static void put_zip64(struct buf *buf, const struct claims *claims)
{
    put(buf, 1, 2);
    put(buf, 16, 2);
    put(buf, claims->size, 8);
    put(buf, claims->packed, 8);
}

static void put_descriptor(struct buf *buf, const struct claims *claims, bool zip64)
{
    put(buf, 0x08074b50, 4);
    put(buf, claims->crc, 4);
    put(buf, claims->packed, zip64 ? 8 : 4);
    put(buf, claims->size, zip64 ? 8 : 4);
}

static void put_local(struct buf *out, const struct zip_member *member, const struct claims *claims,
                      const void *packed)
{
    put(out, 0x04034b50, 4);
    put_claims(out, claims, member->zip64, member->descriptor);
    put(out, strlen(member->name), 2);
    put(out, member->zip64 ? 20 : 0, 2);
    buf_puts(out, member->name);
    if (member->zip64)
        put_zip64(out, claims);
    buf_append(out, packed, (size_t)claims->packed);
    if (member->descriptor)
        put_descriptor(out, claims, member->zip64);
}

static void put_record(struct buf *directory, const struct zip_member *member,
                       const struct claims *claims, size_t offset)
{
    put(directory, 0x02014b50, 4);
    put(directory, 45, 2);
    put_claims(directory, claims, member->zip64, false);
    put(directory, strlen(member->name), 2);
    put(directory, member->zip64 ? 20 : 0, 2);
    put(directory, 0, 2 + 2 + 2 + 4); /* comment, disk, attributes */
    put(directory, offset, 4);
    buf_puts(directory, member->name);
    if (member->zip64)
        put_zip64(directory, claims);
}

/* The offset in the record of a member that is there already. */
static size_t offset_of(const struct zip_builder *zip, const char *name)
{
    const unsigned char *at = (const unsigned char *)zip->directory.bytes;
    for (size_t i = 0; i < zip->count; i++) {
        size_t length = at[28] | (size_t)at[29] << 8, extra = at[30] | (size_t)at[31] << 8;
        if (length == strlen(name) && memcmp(at + record_bytes, name, length) == 0)
            return at[42] | (size_t)at[43] << 8 | (size_t)at[44] << 16 | (size_t)at[45] << 24;
        at += record_bytes + length + extra;
    }
    abort();
}

static size_t deflate_bytes(const void *bytes, size_t length, char *out, size_t most)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size_t made = libdeflate_deflate_compress(compressor, bytes, length, out, most);
    libdeflate_free_compressor(compressor);
    return made;
}

void zip_builder_add(struct zip_builder *zip, const struct zip_member *member)
{
    struct claims claims = {.size = member->length, .method = member->stored ? 0 : 8};
    size_t most = member->length + 1024;
    char *packed = malloc(most);
    const void *data = member->bytes;
    claims.packed = member->length;
    if (member->packed) {
        data = member->packed;
        claims.packed = member->packed_length;
    } else if (!member->stored) {
        claims.packed = deflate_bytes(member->bytes, member->length, packed, most);
        data = packed;
    }
    if (member->bytes)
        claims.crc = libdeflate_crc32(0, member->bytes, member->length);
    claims.crc ^= member->wrong_crc;
    claims.flags = (uint16_t)((member->encrypted ? 1 : 0) | (member->descriptor ? 8 : 0));
    if (member->method)
        claims.method = member->method;
    if (member->says_size)
        claims.size = member->says_size;
    size_t offset = zip->out.length - zip->front;
    if (member->shares)
        offset = offset_of(zip, member->shares);
    else
        put_local(&zip->out, member, &claims, data);
    put_record(&zip->directory, member, &claims, offset);
    zip->count++;
    free(packed);
}

void zip_builder_text(struct zip_builder *zip, const char *name, const char *text)
{
    const struct zip_member member = {.name = name, .bytes = text, .length = strlen(text)};
    zip_builder_add(zip, &member);
}

static void put_zip64_end(struct zip_builder *zip, size_t start)
{
    size_t end = zip->out.length - zip->front;
    put(&zip->out, 0x06064b50, 4);
    put(&zip->out, 44, 8);
    put(&zip->out, 45, 2);
    put(&zip->out, 45, 2);
    put(&zip->out, 0, 8); /* disks */
    put(&zip->out, zip->count, 8);
    put(&zip->out, zip->count, 8);
    put(&zip->out, zip->directory.length, 8);
    put(&zip->out, start, 8);
    put(&zip->out, 0x07064b50, 4);
    put(&zip->out, 0, 4);
    put(&zip->out, end, 8);
    put(&zip->out, 1, 4);
}

void zip_builder_end(struct zip_builder *zip)
{
    size_t start = zip->out.length - zip->front;
    buf_append(&zip->out, zip->directory.bytes, zip->directory.length);
    if (zip->zip64_end)
        put_zip64_end(zip, start);
    put(&zip->out, 0x06054b50, 4);
    put(&zip->out, 0, 4);
    put(&zip->out, zip->zip64_end ? 0xFFFF : zip->count, 2);
    put(&zip->out, zip->zip64_end ? 0xFFFF : zip->count, 2);
    put(&zip->out, zip->zip64_end ? UINT32_MAX : zip->directory.length, 4);
    put(&zip->out, zip->zip64_end ? UINT32_MAX : start, 4);
    put(&zip->out, 0, 2);
}
