#include "zipdir.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    local_bytes = 30,
    record_bytes = 46,
    end_bytes = 22,
    end64_bytes = 56,
    locator_bytes = 20,
    comment_max = 65535,
    offset_field = 42, /* of the offset in a record */
    extra_zip64 = 0x0001,
    method_stored = 0,
    method_deflate = 8,
    flag_encrypted = 1 << 0,
    flag_masked = 1 << 13,
};

static const char local_magic[] = "PK\3\4", record_magic[] = "PK\1\2", end_magic[] = "PK\5\6",
                  end64_magic[] = "PK\6\6", locator_magic[] = "PK\6\7";

/* What the end records say. */
struct ending {
    uint64_t count, size, offset;
    uint64_t place; /* what follows the records: the zip64 end record or the end record */
};

static bool begins(const char *at, const char *magic)
{
    return memcmp(at, magic, 4) == 0;
}

static enum zipdir_result damaged(struct zipdir *dir, const char *fault)
{
    dir->fault = fault;
    return ZIPDIR_DAMAGED;
}

/* The last end record whose comment reaches exactly to the end of the file. */
static const char *find_end(const struct zipdir *dir)
{
    if (dir->length < end_bytes)
        return NULL;
    size_t back = dir->length - end_bytes;
    size_t most = back < comment_max ? back : comment_max;
    for (size_t comment = 0; comment <= most; comment++) {
        const char *at = dir->bytes + back - comment;
        if (*at == 'P' && begins(at, end_magic) && zipdir_u16(at + 20) == comment)
            return at;
    }
    return NULL;
}

/* Whether a zip64 end record stands at `at` and fills the space up to its locator. */
static bool is_end64(const struct zipdir *dir, uint64_t at, uint64_t locator)
{
    if (at > locator || locator - at < end64_bytes || !begins(dir->bytes + at, end64_magic))
        return false;
    return zipdir_u64(dir->bytes + at + 4) == locator - at - 12;
}

static enum zipdir_result read_end64(struct zipdir *dir, uint64_t locator, struct ending *ending)
{
    const char *record = dir->bytes + locator;
    uint64_t place = zipdir_u64(record + 8);
    if (zipdir_u32(record + 4) != 0 || zipdir_u32(record + 16) > 1)
        return damaged(dir, "it is split over several disks");
    if (!is_end64(dir, place, locator)) {
        /* Bytes in front of the archive, which the locator does not count. */
        if (locator < end64_bytes || !is_end64(dir, locator - end64_bytes, locator))
            return damaged(dir, "its zip64 end record is not where the locator says");
        place = locator - end64_bytes;
    }
    const char *at = dir->bytes + place;
    if (zipdir_u32(at + 16) != 0 || zipdir_u32(at + 20) != 0 ||
        zipdir_u64(at + 24) != zipdir_u64(at + 32))
        return damaged(dir, "it is split over several disks");
    dir->zip64 = true;
    *ending = (struct ending){.count = zipdir_u64(at + 32),
                              .size = zipdir_u64(at + 40),
                              .offset = zipdir_u64(at + 48),
                              .place = place};
    return ZIPDIR_OK;
}

static enum zipdir_result read_ending(struct zipdir *dir, struct ending *ending)
{
    const char *end = find_end(dir);
    if (!end)
        return damaged(dir, "it has no end of central directory record");
    dir->comment = end + end_bytes;
    dir->comment_length = zipdir_u16(end + 20);
    uint64_t place = (uint64_t)(end - dir->bytes);
    if (place >= locator_bytes && begins(end - locator_bytes, locator_magic))
        return read_end64(dir, place - locator_bytes, ending);
    if (zipdir_u16(end + 4) != 0 || zipdir_u16(end + 6) != 0 ||
        zipdir_u16(end + 8) != zipdir_u16(end + 10))
        return damaged(dir, "it is split over several disks");
    *ending = (struct ending){.count = zipdir_u16(end + 10),
                              .size = zipdir_u32(end + 12),
                              .offset = zipdir_u32(end + 16),
                              .place = place};
    return ZIPDIR_OK;
}

/* The data of the zip64 extra field, or NULL. */
static const char *find_zip64(const char *extra, size_t length, size_t *found)
{
    while (length >= 4) {
        size_t size = zipdir_u16(extra + 2);
        if (size > length - 4)
            return NULL;
        if (zipdir_u16(extra) == extra_zip64) {
            *found = size;
            return extra + 4;
        }
        extra += 4 + size;
        length -= 4 + size;
    }
    return NULL;
}

/* Fields of 32 bits that are full are continued in the extra field, in this order: size,
 * compressed size, offset, disk (APPNOTE 4.5.3). */
static bool widen(struct zipdir_entry *entry, uint64_t *offset, uint32_t *disk)
{
    uint64_t *const wide[] = {&entry->size, &entry->packed_bytes, offset};
    size_t left = 0;
    const char *at = find_zip64(entry->record + record_bytes + entry->name_length,
                                zipdir_u16(entry->record + 30), &left);
    if (!at)
        return true; /* then they mean what they say */
    for (size_t i = 0; i < 3; i++) {
        if (*wide[i] != UINT32_MAX)
            continue;
        if (left < 8)
            return false;
        *wide[i] = zipdir_u64(at);
        at += 8;
        left -= 8;
    }
    if (*disk == UINT16_MAX) {
        if (left < 4)
            return false;
        *disk = zipdir_u32(at);
    }
    return true;
}

static enum zipdir_result read_record(struct zipdir *dir, struct zipdir_entry *entry,
                                      const char *at, uint64_t left)
{
    if (left < record_bytes || !begins(at, record_magic))
        return damaged(dir, "its central directory is broken");
    uint64_t length =
        (uint64_t)record_bytes + zipdir_u16(at + 28) + zipdir_u16(at + 30) + zipdir_u16(at + 32);
    if (length > left)
        return damaged(dir, "its central directory is cut short");
    uint64_t offset = zipdir_u32(at + offset_field);
    uint32_t disk = zipdir_u16(at + 34);
    *entry = (struct zipdir_entry){
        .name = at + record_bytes,
        .record = at,
        .size = zipdir_u32(at + 24),
        .packed_bytes = zipdir_u32(at + 20),
        .crc = zipdir_u32(at + 16),
        .record_length = (uint32_t)length,
        .name_length = zipdir_u16(at + 28),
        .method = zipdir_u16(at + 10),
        .flags = zipdir_u16(at + 8),
    };
    if (!widen(entry, &offset, &disk))
        return damaged(dir, "a zip64 field is cut short");
    if (disk != 0)
        return damaged(dir, "it is split over several disks");
    if (offset > dir->directory - dir->base)
        return damaged(dir, "an entry lies outside the archive");
    entry->start = dir->base + offset;
    return ZIPDIR_OK;
}

static enum zipdir_result read_records(struct zipdir *dir, const struct ending *ending)
{
    const char *at = dir->bytes + dir->directory;
    uint64_t left = ending->size;
    for (size_t i = 0; i < dir->count; i++) {
        enum zipdir_result result = read_record(dir, &dir->entries[i], at, left);
        if (result != ZIPDIR_OK)
            return result;
        at += dir->entries[i].record_length;
        left -= dir->entries[i].record_length;
        dir->by_offset[i] = (uint32_t)i;
    }
    return left == 0 ? ZIPDIR_OK : damaged(dir, "its central directory holds more than it counts");
}

static int by_start(const void *a, const void *b, void *context)
{
    const struct zipdir_entry *entries = context;
    uint64_t left = entries[*(const uint32_t *)a].start;
    uint64_t right = entries[*(const uint32_t *)b].start;
    return left < right ? -1 : left > right;
}

/* Each entry ends where the next one begins; its header and data must fit in between. */
static enum zipdir_result measure(struct zipdir *dir, struct zipdir_entry *entry, uint64_t end)
{
    uint64_t room = end - entry->start;
    const char *local = dir->bytes + entry->start;
    dir->fault = "two entries overlap";
    if (room < local_bytes)
        return ZIPDIR_OVERLAP;
    if (!begins(local, local_magic))
        return damaged(dir, "an entry has no local header");
    uint64_t header = (uint64_t)local_bytes + zipdir_u16(local + 26) + zipdir_u16(local + 28);
    if (header > room || entry->packed_bytes > room - header)
        return ZIPDIR_OVERLAP;
    entry->data = entry->start + header;
    entry->end = end;
    dir->fault = NULL;
    return ZIPDIR_OK;
}

static enum zipdir_result measure_all(struct zipdir *dir)
{
    if (dir->count > 1)
        qsort_r(dir->by_offset, dir->count, sizeof *dir->by_offset, by_start, dir->entries);
    for (size_t i = 0; i < dir->count; i++) {
        uint64_t end =
            i + 1 < dir->count ? dir->entries[dir->by_offset[i + 1]].start : dir->directory;
        enum zipdir_result result = measure(dir, &dir->entries[dir->by_offset[i]], end);
        if (result != ZIPDIR_OK)
            return result;
    }
    return ZIPDIR_OK;
}

enum zipdir_result zipdir_open(struct zipdir *dir, const char *bytes, size_t length,
                               uint64_t max_entries)
{
    struct ending ending = {0};
    *dir = (struct zipdir){.bytes = bytes, .length = length};
    enum zipdir_result result = read_ending(dir, &ending);
    if (result != ZIPDIR_OK)
        return result;
    if (ending.size > ending.place || ending.offset > ending.place - ending.size)
        return damaged(dir, "its central directory is outside the file");
    dir->fault = "it has too many entries";
    if (ending.count > max_entries || ending.count > UINT32_MAX)
        return ZIPDIR_ENTRIES;
    if (ending.count > ending.size / record_bytes)
        return damaged(dir, "its central directory is too short");
    dir->fault = NULL;
    dir->directory = ending.place - ending.size;
    dir->base = dir->directory - ending.offset;
    dir->count = (size_t)ending.count;
    dir->entries = mem_zalloc(dir->count + 1, sizeof *dir->entries);
    dir->by_offset = mem_zalloc(dir->count + 1, sizeof *dir->by_offset);
    if (!dir->entries || !dir->by_offset)
        return ZIPDIR_NO_MEMORY;
    result = read_records(dir, &ending);
    return result == ZIPDIR_OK ? measure_all(dir) : result;
}

void zipdir_close(struct zipdir *dir)
{
    mem_free(dir->entries);
    mem_free(dir->by_offset);
    dir->entries = NULL;
    dir->by_offset = NULL;
    dir->count = 0;
}

static char folded(char c)
{
    if (c == '\\')
        return '/';
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool has_name(const struct zipdir_entry *entry, const char *name, size_t length)
{
    const char *at = entry->name;
    size_t left = entry->name_length;
    while (left > 0 && folded(*at) == '/') {
        at++;
        left--;
    }
    if (left != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (folded(at[i]) != folded(name[i]))
            return false;
    return true;
}

size_t zipdir_find(const struct zipdir *dir, const char *name, bool *duplicate)
{
    size_t found = ZIPDIR_NONE, length = strlen(name);
    if (duplicate)
        *duplicate = false;
    for (size_t i = 0; i < dir->count; i++) {
        if (!has_name(&dir->entries[i], name, length))
            continue;
        if (found != ZIPDIR_NONE) {
            *duplicate = true;
            return found;
        }
        found = i;
        if (!duplicate)
            return found;
    }
    return found;
}

bool zipdir_encrypted(const struct zipdir *dir)
{
    for (size_t i = 0; i < dir->count; i++)
        if (dir->entries[i].flags & (flag_encrypted | flag_masked))
            return true;
    return false;
}

/* The local header must name the same thing, else another reader might see another part. */
static bool headers_agree(const struct zipdir *dir, const struct zipdir_entry *entry)
{
    const char *local = dir->bytes + entry->start;
    return zipdir_u16(local + 8) == entry->method && zipdir_u16(local + 26) == entry->name_length &&
           memcmp(local + local_bytes, entry->name, entry->name_length) == 0;
}

static enum zipdir_result inflate_entry(struct zipdir *dir, const struct zipdir_entry *entry,
                                        struct buf *out)
{
    const char *packed = dir->bytes + entry->data;
    if (entry->method == method_stored) {
        if (entry->size != entry->packed_bytes)
            return damaged(dir, "a stored part has two sizes");
        return buf_append(out, packed, (size_t)entry->size) ? ZIPDIR_OK : ZIPDIR_NO_MEMORY;
    }
    if (entry->method != method_deflate)
        return damaged(dir, "a part is compressed in a way that packages may not use");
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    if (!inflater)
        return ZIPDIR_NO_MEMORY;
    enum libdeflate_result result = libdeflate_deflate_decompress(
        inflater, packed, (size_t)entry->packed_bytes, out->bytes, (size_t)entry->size, NULL);
    libdeflate_free_decompressor(inflater);
    if (result != LIBDEFLATE_SUCCESS)
        return damaged(dir, "a part does not inflate");
    out->length = (size_t)entry->size;
    out->bytes[out->length] = '\0';
    return ZIPDIR_OK;
}

enum zipdir_result zipdir_load(struct zipdir *dir, size_t index, struct buf *out)
{
    const struct zipdir_entry *entry = &dir->entries[index];
    buf_reset(out);
    if (entry->size > out->max) {
        dir->fault = "a part is too large";
        return ZIPDIR_TOO_LARGE;
    }
    if (!headers_agree(dir, entry))
        return damaged(dir, "a part's two headers do not agree");
    if (!buf_reserve(out, (size_t)entry->size))
        return ZIPDIR_NO_MEMORY;
    enum zipdir_result result = inflate_entry(dir, entry, out);
    if (result != ZIPDIR_OK)
        return result;
    if (libdeflate_crc32(0, out->bytes, out->length) != entry->crc)
        return damaged(dir, "a part's checksum is wrong");
    return ZIPDIR_OK;
}

bool zipdir_put(struct buf *out, uint64_t value, unsigned bytes)
{
    char little[8];
    for (unsigned i = 0; i < bytes; i++)
        little[i] = (char)(unsigned char)(value >> (8 * i));
    return buf_append(out, little, bytes);
}

/* The zip64 field of a record again, with the offset in it. */
static void put_zip64(const struct zipdir_entry *entry, uint64_t offset, struct buf *out)
{
    const char *record = entry->record;
    bool size = zipdir_u32(record + 24) == UINT32_MAX;
    bool packed = zipdir_u32(record + 20) == UINT32_MAX;
    bool disk = zipdir_u16(record + 34) == UINT16_MAX;
    zipdir_put(out, extra_zip64, 2);
    zipdir_put(out, 8u + (size ? 8u : 0) + (packed ? 8u : 0) + (disk ? 4u : 0), 2);
    if (size)
        zipdir_put(out, entry->size, 8);
    if (packed)
        zipdir_put(out, entry->packed_bytes, 8);
    zipdir_put(out, offset, 8);
    if (disk)
        zipdir_put(out, 0, 4);
}

/* Where the wide offset stands in a record's zip64 field; NULL when it has none. */
static const char *wide_offset(const struct zipdir_entry *entry)
{
    const char *record = entry->record;
    size_t size = 0;
    const char *at = find_zip64(entry->name + entry->name_length, zipdir_u16(record + 30), &size);
    size_t before = (zipdir_u32(record + 24) == UINT32_MAX ? 8u : 0) +
                    (zipdir_u32(record + 20) == UINT32_MAX ? 8u : 0);
    if (!at || zipdir_u32(record + offset_field) != UINT32_MAX || size < before + 8)
        return NULL;
    return at + before;
}

/* An offset that has outgrown its field: the old zip64 field is replaced by one with it. */
static bool put_outgrown(const struct zipdir_entry *entry, uint64_t offset, struct buf *out)
{
    const char *extra = entry->name + entry->name_length;
    size_t extra_length = zipdir_u16(entry->record + 30), old = 0;
    const char *field = find_zip64(extra, extra_length, &old);
    size_t start = out->length;
    buf_append(out, entry->record, record_bytes + (size_t)entry->name_length);
    size_t head = field ? (size_t)(field - 4 - extra) : extra_length;
    size_t tail = field ? (size_t)(field - extra) + old : extra_length;
    size_t extra_start = out->length;
    buf_append(out, extra, head);
    put_zip64(entry, offset, out);
    buf_append(out, extra + tail, extra_length - tail);
    size_t made = out->length - extra_start;
    if (made > UINT16_MAX ||
        !buf_append(out, extra + extra_length, zipdir_u16(entry->record + 32)) || out->failed)
        return false;
    char *record = out->bytes + start;
    record[30] = (char)(made & 0xFF);
    record[31] = (char)(made >> 8);
    memset(record + offset_field, 0xFF, 4);
    return true;
}

bool zipdir_put_record(const struct zipdir_entry *entry, uint64_t offset, struct buf *out)
{
    const char *wide = wide_offset(entry);
    if (!wide && offset >= UINT32_MAX)
        return put_outgrown(entry, offset, out);
    size_t at = wide ? (size_t)(wide - entry->record) : offset_field;
    unsigned width = wide ? 8 : 4;
    return buf_append(out, entry->record, at) && zipdir_put(out, offset, width) &&
           buf_append(out, entry->record + at + width, entry->record_length - at - width);
}
