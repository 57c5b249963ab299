#include "package.h"

#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

#include "base/own.h"
#include "base/utf8.h"
#include "zipdir.h"

enum {
    step_bytes = 256 * 1024,
    peek_bytes = 512,
    end_bytes = 22, /* end of central directory record without its comment */
    comment_max = 65535,
    local_bytes = 30,
    method_stored = 0,
    method_deflate = 8,
    flags_encrypted = 1 << 0 | 1 << 13,
};

struct package {
    struct format_reading *reading;
    struct zipdir directory;
    struct libdeflate_decompressor *inflater;
    struct arena arena; /* names, entries, slots */
    struct package_entry *entries;
    size_t count;
    uint32_t *slots; /* open addressing by folded name: index + 1 */
    size_t slot_mask;
    char *whole; /* reused buffer for expanded bytes */
    size_t whole_capacity;
};

/* One member while it is read. */
struct member {
    struct package *package;
    const struct package_entry *entry;
    const struct package_sink *sink;
    const char *packed; /* its compressed bytes, where they lie in the input */
    uint64_t sent;
    uint32_t crc;
};

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_name(const char *a, const char *b)
{
    for (; *a && folded(*a) == folded(*b); a++, b++)
        ;
    return *a == *b;
}

/* FNV-1a over the folded name, with its high half mixed in. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)folded(*name)) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

/* The slot where that name is or would be. */
static uint32_t *slot_of(const struct package *package, const char *name)
{
    size_t at = (size_t)name_hash(name) & package->slot_mask;
    while (package->slots[at] && !same_name(package->entries[package->slots[at] - 1].name, name))
        at = (at + 1) & package->slot_mask;
    return &package->slots[at];
}

/* A name as it is used here. Bytes that are no UTF-8 (older archives have code pages) are shown
 * as question marks: names are for people, what is inside is not found by them. */
static const char *clean_name(struct arena *arena, const char *raw, size_t length)
{
    while (length > 0 && (*raw == '/' || *raw == '\\')) {
        raw++;
        length--;
    }
    char *name = arena_strndup(arena, raw, length);
    bool valid = utf8_valid(raw, length);
    for (size_t i = 0; name && i < length; i++)
        if (name[i] == '\\')
            name[i] = '/';
        else if (name[i] == '\0' || (!valid && (name[i] & 0x80)))
            name[i] = '?';
    return name;
}

static bool fill_entry(struct package *package, size_t index)
{
    struct package_entry *entry = &package->entries[index];
    const struct zipdir_entry *record = &package->directory.entries[index];
    entry->name = clean_name(&package->arena, record->name, record->name_length);
    if (!entry->name)
        return false;
    size_t length = strlen(entry->name);
    entry->folder = length > 0 && entry->name[length - 1] == '/';
    entry->size = record->size;
    entry->packed_bytes = record->packed_bytes;
    entry->crc = record->crc;
    entry->method = record->method;
    entry->encrypted = (record->flags & flags_encrypted) != 0;
    uint32_t *slot = slot_of(package, entry->name);
    entry->duplicate = *slot != 0;
    if (!*slot)
        *slot = (uint32_t)(index + 1);
    return true;
}

static bool fill_directory(struct package *package)
{
    size_t slots = 16;
    while (slots < package->count * 2)
        slots *= 2;
    package->slot_mask = slots - 1;
    package->entries = arena_alloc(&package->arena, package->count, sizeof *package->entries);
    package->slots = arena_alloc(&package->arena, slots, sizeof *package->slots);
    if (!package->entries || !package->slots)
        return false;
    for (size_t i = 0; i < package->count; i++)
        if (!fill_entry(package, i))
            return false;
    return true;
}

bool package_looks_like(const struct format_input *input)
{
    if (input->length >= 4 && memcmp(input->bytes, "PK\3\4", 4) == 0)
        return true;
    if (input->length < end_bytes)
        return false;
    const char *first = input->bytes, *at = input->bytes + input->length - end_bytes + 1;
    if (input->length > end_bytes + comment_max)
        first = input->bytes + input->length - end_bytes - comment_max;
    while ((at = memrchr(first, 'P', (size_t)(at - first)))) {
        size_t comment = (size_t)(input->bytes + input->length - at) - end_bytes;
        if (memcmp(at, "PK\5\6", 4) == 0 && zipdir_u16(at + 20) == comment)
            return true;
    }
    return false;
}

/* What a directory that could not be read means. */
static enum package_result note_directory(struct format_reading *reading, enum zipdir_result result)
{
    switch (result) {
    case ZIPDIR_OK: return PACKAGE_OK;
    case ZIPDIR_NO_MEMORY: return PACKAGE_NO_MEMORY;
    case ZIPDIR_OVERLAP: format_gap(reading, REPORT_HOSTILE, "overlap"); break;
    case ZIPDIR_ENTRIES: format_gap(reading, REPORT_HOSTILE, "archive-entries"); break;
    default: format_gap(reading, REPORT_CORRUPT, "directory"); break;
    }
    return PACKAGE_GAP;
}

enum package_result package_open(struct format_reading *reading, const struct format_input *input,
                                 struct package **opened)
{
    *opened = NULL;
    own_package struct package *package = mem_zalloc(1, sizeof *package);
    if (!package)
        return PACKAGE_NO_MEMORY;
    package->reading = reading;
    enum package_result result =
        note_directory(reading, zipdir_open(&package->directory, input->bytes, input->length,
                                            reading->limits->archive_entries));
    if (result != PACKAGE_OK)
        return result;
    package->count = package->directory.count;
    package->arena = arena_new(SIZE_MAX); /* the directory's own size bounds it */
    if (!fill_directory(package))
        return PACKAGE_NO_MEMORY;
    *opened = own_take(&package);
    return PACKAGE_OK;
}

void package_close(struct package *package)
{
    if (!package)
        return;
    zipdir_close(&package->directory);
    libdeflate_free_decompressor(package->inflater);
    arena_fini(&package->arena);
    mem_free(package->whole);
    mem_free(package);
}

size_t package_count(const struct package *package)
{
    return package->count;
}

const struct package_entry *package_entry(const struct package *package, size_t index)
{
    return &package->entries[index];
}

size_t package_find(const struct package *package, const char *name)
{
    while (*name == '/')
        name++;
    uint32_t slot = *slot_of(package, name);
    return slot ? slot - 1 : PACKAGE_NONE;
}

static enum package_result gap(struct package *package, enum report_status status,
                               const char *reason)
{
    format_gap(package->reading, status, reason);
    return PACKAGE_GAP;
}

static bool ratio_exceeded(const struct limits *limits, uint64_t size, uint64_t packed)
{
    return size > limits->ratio_floor_bytes && size / limits->expand_ratio > packed;
}

/* Count `bytes` more and see whether a bomb is going off. */
static enum package_result count_bytes(struct member *member, uint64_t bytes)
{
    struct format_reading *reading = member->package->reading;
    reading->expanded_bytes += bytes;
    member->sent += bytes;
    if (reading->expanded_bytes > reading->limits->expanded_bytes)
        return gap(member->package, REPORT_HOSTILE, "expanded-bytes");
    if (ratio_exceeded(reading->limits, member->sent, member->entry->packed_bytes))
        return gap(member->package, REPORT_HOSTILE, "expand-ratio");
    if (member->sent > member->entry->size)
        return gap(member->package, REPORT_CORRUPT, "size");
    return PACKAGE_OK;
}

static enum package_result send(struct member *member, const char *bytes, size_t length)
{
    enum package_result counted = count_bytes(member, length);
    if (counted != PACKAGE_OK)
        return counted;
    if (length > 0 && !member->sink->bytes(member->sink->context, bytes, length))
        return PACKAGE_STOPPED;
    return PACKAGE_OK;
}

/* The next bytes of a large member. */
static enum package_result send_step(struct member *member, const char *bytes, size_t length)
{
    member->crc = libdeflate_crc32(member->crc, bytes, length);
    return send(member, bytes, length);
}

/* All of a small member; nothing of it counts when it is damaged. */
static enum package_result send_whole(struct member *member, const char *bytes, size_t length)
{
    if (libdeflate_crc32(0, bytes, length) != member->entry->crc)
        return gap(member->package, REPORT_CORRUPT, "crc");
    return send(member, bytes, length);
}

/* All steps were sent: is it what the directory promised? */
static enum package_result settle(struct member *member)
{
    if (member->sent != member->entry->size)
        return gap(member->package, REPORT_CORRUPT, "size");
    if (member->crc != member->entry->crc)
        return gap(member->package, REPORT_CORRUPT, "crc");
    return PACKAGE_OK;
}

/* Room for `bytes` in the reused buffer; the old content is not kept. */
static bool reserve(struct package *package, size_t bytes)
{
    if (package->whole && package->whole_capacity >= bytes)
        return true;
    size_t capacity = bytes < step_bytes ? step_bytes : bytes;
    mem_free(package->whole);
    package->whole_capacity = 0;
    package->whole = mem_alloc(capacity);
    if (package->whole)
        package->whole_capacity = capacity;
    return package->whole != NULL;
}

/* A small deflated member, in one go. */
static enum package_result inflate_whole(struct member *member)
{
    struct package *package = member->package;
    size_t size = (size_t)member->entry->size;
    if (!package->inflater)
        package->inflater = libdeflate_alloc_decompressor();
    if (!package->inflater || !reserve(package, size))
        return PACKAGE_NO_MEMORY;
    enum libdeflate_result result = libdeflate_deflate_decompress(
        package->inflater, member->packed, (size_t)member->entry->packed_bytes, package->whole,
        size, NULL);
    if (result == LIBDEFLATE_SUCCESS)
        return send_whole(member, package->whole, size);
    return gap(package, REPORT_CORRUPT, result == LIBDEFLATE_BAD_DATA ? "inflate" : "size");
}

static void *zlib_alloc(void *context, unsigned count, unsigned bytes)
{
    (void)context;
    return mem_zalloc(count, bytes);
}

static void zlib_free(void *context, void *block)
{
    (void)context;
    mem_free(block);
}

/* A large deflated member, in steps. */
static enum package_result inflate_steps(struct member *member, z_stream *stream)
{
    struct package *package = member->package;
    uint64_t left = member->entry->packed_bytes;
    stream->next_in = (unsigned char *)member->packed;
    for (int state = Z_OK; state != Z_STREAM_END;) {
        if (!format_within_time(package->reading))
            return PACKAGE_GAP;
        if (stream->avail_in == 0) {
            stream->avail_in = left < INT32_MAX ? (unsigned)left : INT32_MAX;
            left -= stream->avail_in;
        }
        stream->next_out = (unsigned char *)package->whole;
        stream->avail_out = step_bytes;
        state = inflate(stream, Z_NO_FLUSH);
        if (state == Z_MEM_ERROR)
            return PACKAGE_NO_MEMORY;
        if (state != Z_OK && state != Z_STREAM_END)
            return gap(package, REPORT_CORRUPT, "inflate");
        enum package_result result =
            send_step(member, package->whole, step_bytes - stream->avail_out);
        if (result != PACKAGE_OK)
            return result;
    }
    return settle(member);
}

static enum package_result inflate_large(struct member *member)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (!reserve(member->package, step_bytes) || inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return PACKAGE_NO_MEMORY;
    enum package_result result = inflate_steps(member, &stream);
    inflateEnd(&stream);
    return result;
}

/* A stored member lies there as it is. */
static enum package_result send_stored(struct member *member)
{
    const struct package_entry *entry = member->entry;
    if (entry->size != entry->packed_bytes)
        return gap(member->package, REPORT_CORRUPT, "size");
    if (entry->size <= PACKAGE_WHOLE_BYTES)
        return send_whole(member, member->packed, (size_t)entry->size);
    for (uint64_t at = 0; at < entry->size; at += step_bytes) {
        uint64_t left = entry->size - at;
        if (!format_within_time(member->package->reading))
            return PACKAGE_GAP;
        enum package_result result =
            send_step(member, member->packed + at, left < step_bytes ? (size_t)left : step_bytes);
        if (result != PACKAGE_OK)
            return result;
    }
    return settle(member);
}

/* The local header must say the same, or another program would read something else. */
static bool headers_agree(const struct package *package, const struct zipdir_entry *record)
{
    const char *local = package->directory.bytes + record->start;
    return zipdir_u16(local + 8) == record->method &&
           zipdir_u16(local + 26) == record->name_length &&
           memcmp(local + local_bytes, record->name, record->name_length) == 0;
}

/* Whether it may be read at all, judged by its headers. */
static enum package_result admit(struct package *package, size_t index, struct member *member)
{
    const struct limits *limits = package->reading->limits;
    const struct package_entry *entry = &package->entries[index];
    const struct zipdir_entry *record = &package->directory.entries[index];
    *member = (struct member){
        .package = package,
        .entry = entry,
        .packed = package->directory.bytes + record->data,
    };
    if (entry->encrypted)
        return gap(package, REPORT_ENCRYPTED, "zip-entry");
    if (entry->method != method_stored && entry->method != method_deflate)
        return gap(package, REPORT_PARTIAL, "zip-method");
    if (!headers_agree(package, record))
        return gap(package, REPORT_CORRUPT, "header");
    if (ratio_exceeded(limits, entry->size, entry->packed_bytes))
        return gap(package, REPORT_HOSTILE, "expand-ratio");
    if (entry->size > limits->expanded_bytes)
        return gap(package, REPORT_HOSTILE, "expanded-bytes");
    return format_within_time(package->reading) ? PACKAGE_OK : PACKAGE_GAP;
}

enum package_result package_read(struct package *package, size_t index,
                                 const struct package_sink *sink)
{
    struct member member;
    enum package_result result = admit(package, index, &member);
    if (result != PACKAGE_OK)
        return result;
    member.sink = sink;
    if (member.entry->method == method_stored)
        return send_stored(&member);
    bool small = member.entry->size <= PACKAGE_WHOLE_BYTES &&
                 member.entry->packed_bytes <= 2ull * PACKAGE_WHOLE_BYTES;
    return small ? inflate_whole(&member) : inflate_large(&member);
}

static bool append_bytes(void *context, const char *bytes, size_t length)
{
    return buf_append(context, bytes, length);
}

enum package_result package_load(struct package *package, size_t index, struct buf *out,
                                 const char *limit)
{
    buf_reset(out);
    if (package->entries[index].size > out->max)
        return gap(package, REPORT_PARTIAL, limit);
    const struct package_sink sink = {.context = out, .bytes = append_bytes};
    enum package_result result = package_read(package, index, &sink);
    if (package->whole_capacity > step_bytes) { /* it was copied: room for what is done with it */
        mem_free(package->whole);
        package->whole = NULL;
        package->whole_capacity = 0;
    }
    return result == PACKAGE_STOPPED ? PACKAGE_NO_MEMORY : result;
}

enum package_result package_peek(struct package *package, size_t index, char *bytes, size_t length,
                                 size_t *got)
{
    struct member member;
    enum package_result result = admit(package, index, &member);
    *got = 0;
    if (result != PACKAGE_OK)
        return result;
    uint64_t packed = member.entry->packed_bytes;
    if (member.entry->method == method_stored) {
        *got = packed < length ? (size_t)packed : length;
        memcpy(bytes, member.packed, *got);
        return PACKAGE_OK;
    }
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return PACKAGE_NO_MEMORY;
    stream.next_in = (unsigned char *)member.packed;
    stream.avail_in = packed < peek_bytes ? (unsigned)packed : peek_bytes;
    stream.next_out = (unsigned char *)bytes;
    stream.avail_out = (unsigned)length;
    inflate(&stream, Z_SYNC_FLUSH);
    *got = length - stream.avail_out;
    inflateEnd(&stream);
    return PACKAGE_OK;
}
