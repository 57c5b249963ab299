#include "package.h"

#include <libdeflate.h>
#include <string.h>
#include <zip.h>
#include <zlib.h>

#include "base/own.h"

enum {
    step_bytes = 256 * 1024,
    raw_step_bytes = 64 * 1024,
    end_bytes = 22,          /* end of central directory record without its comment */
    names_bytes = 48u << 20, /* all names of one archive */
    method_stored = 0,
    method_deflate = 8,
};

struct package {
    struct format_reading *reading;
    zip_t *zip;
    struct libdeflate_decompressor *inflater;
    struct arena arena; /* names, entries, slots */
    struct package_entry *entries;
    size_t count;
    uint32_t *slots; /* open addressing by folded name: index + 1 */
    size_t slot_mask;
    char *packed, *whole; /* reused buffers */
    size_t packed_capacity, whole_capacity;
};

/* One member while it is read. */
struct member {
    struct package *package;
    const struct package_entry *entry;
    const struct package_sink *sink;
    zip_file_t *file;
    uint64_t sent;
    uint32_t crc;
};

static uint32_t le16(const char *at)
{
    return (uint32_t)(unsigned char)at[0] | (uint32_t)(unsigned char)at[1] << 8;
}

static uint32_t le32(const char *at)
{
    return le16(at) | le16(at + 2) << 16;
}

/* The end record whose comment reaches exactly to the end of the input. */
static const char *find_end(const struct format_input *input)
{
    if (input->length < end_bytes)
        return NULL;
    size_t back = input->length - end_bytes;
    size_t most = back < 65535 ? back : 65535;
    for (size_t comment = 0; comment <= most; comment++) {
        const char *at = input->bytes + back - comment;
        if (at[0] == 'P' && memcmp(at, "PK\5\6", 4) == 0 && le16(at + 20) == comment)
            return at;
    }
    return NULL;
}

/* Offsets count from the first local header; bytes may stand in front of it (self-extracting
 * archives). How many; 0 also when zip64 records make the short fields meaningless. */
static size_t bytes_in_front(const struct format_input *input)
{
    const char *end = find_end(input);
    if (!end)
        return 0;
    uint64_t size = le32(end + 12), offset = le32(end + 16);
    uint64_t place = (uint64_t)(end - input->bytes);
    if (size == UINT32_MAX || offset == UINT32_MAX || size + offset > place)
        return 0;
    return (size_t)(place - size - offset);
}

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

static const char *clean_name(struct arena *arena, const char *raw)
{
    while (*raw == '/' || *raw == '\\')
        raw++;
    char *name = arena_strdup(arena, raw);
    for (char *c = name; c && *c; c++)
        if (*c == '\\')
            *c = '/';
    return name;
}

static bool fill_entry(struct package *package, size_t index)
{
    struct package_entry *entry = &package->entries[index];
    zip_stat_t stat;
    zip_stat_init(&stat);
    const char *raw = "";
    if (zip_stat_index(package->zip, index, 0, &stat) == 0 && stat.name)
        raw = stat.name;
    entry->name = clean_name(&package->arena, raw);
    if (!entry->name)
        return false;
    size_t length = strlen(entry->name);
    entry->folder = length > 0 && entry->name[length - 1] == '/';
    entry->size = stat.size;
    entry->packed_bytes = stat.comp_size;
    entry->crc = stat.crc;
    entry->method = stat.comp_method;
    entry->encrypted = stat.encryption_method != ZIP_EM_NONE;
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

/* The archive in libzip; NULL with the gap noted when there is none. */
static zip_t *open_archive(struct format_reading *reading, const struct format_input *input)
{
    zip_error_t error;
    zip_error_init(&error);
    size_t front = bytes_in_front(input);
    zip_source_t *source =
        zip_source_buffer_create(input->bytes + front, input->length - front, 0, &error);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!zip) {
        zip_source_free(source);
        format_gap(reading, REPORT_CORRUPT, "directory");
    }
    zip_error_fini(&error);
    return zip;
}

bool package_looks_like(const struct format_input *input)
{
    const char *end = find_end(input);
    if (!end)
        return false;
    uint64_t size = le32(end + 12), offset = le32(end + 16);
    uint64_t place = (uint64_t)(end - input->bytes);
    if (size == UINT32_MAX || offset == UINT32_MAX)
        return place >= 20 && memcmp(end - 20, "PK\6\7", 4) == 0;
    if (size + offset > place)
        return false;
    return size == 0 || memcmp(end - size, "PK\1\2", 4) == 0;
}

enum package_result package_open(struct format_reading *reading, const struct format_input *input,
                                 struct package **opened)
{
    *opened = NULL;
    own_package struct package *package = mem_zalloc(1, sizeof *package);
    if (!package)
        return PACKAGE_NO_MEMORY;
    package->reading = reading;
    package->arena = arena_new(names_bytes + 64 * reading->limits->archive_entries);
    package->zip = open_archive(reading, input);
    if (!package->zip)
        return PACKAGE_GAP;
    zip_int64_t count = zip_get_num_entries(package->zip, 0);
    if (count < 0 || (uint64_t)count > reading->limits->archive_entries) {
        format_gap(reading, REPORT_HOSTILE, "archive-entries");
        return PACKAGE_GAP;
    }
    package->count = (size_t)count;
    if (!fill_directory(package))
        return PACKAGE_NO_MEMORY;
    *opened = own_take(&package);
    return PACKAGE_OK;
}

void package_close(struct package *package)
{
    if (!package)
        return;
    if (package->zip)
        zip_discard(package->zip);
    libdeflate_free_decompressor(package->inflater);
    arena_fini(&package->arena);
    mem_free(package->packed);
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
    member->crc = libdeflate_crc32(member->crc, bytes, length);
    if (length > 0 && !member->sink->bytes(member->sink->context, bytes, length))
        return PACKAGE_STOPPED;
    return PACKAGE_OK;
}

/* All bytes were sent: is it what the directory promised? */
static enum package_result settle(struct member *member)
{
    if (member->sent != member->entry->size)
        return gap(member->package, REPORT_CORRUPT, "size");
    if (member->crc != member->entry->crc)
        return gap(member->package, REPORT_CORRUPT, "crc");
    return PACKAGE_OK;
}

/* At least `bytes` in a reused buffer; the old content is not kept. */
static bool reserve(char **buffer, size_t *capacity, size_t bytes)
{
    if (*capacity >= bytes && *buffer)
        return true;
    mem_free(*buffer);
    *capacity = 0;
    *buffer = mem_alloc(bytes < 65536 ? 65536 : bytes);
    if (*buffer)
        *capacity = bytes < 65536 ? 65536 : bytes;
    return *buffer != NULL;
}

/* The compressed bytes as they are. */
static bool read_raw(struct member *member, char *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        zip_int64_t got = zip_fread(member->file, bytes + done, length - done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* A small member: compressed bytes in one buffer, expanded ones in another. The CRC is known
 * before anything is sent. */
static enum package_result read_whole(struct member *member)
{
    struct package *package = member->package;
    const struct package_entry *entry = member->entry;
    size_t packed = (size_t)entry->packed_bytes, size = (size_t)entry->size;
    if (!reserve(&package->packed, &package->packed_capacity, packed))
        return PACKAGE_NO_MEMORY;
    if (!read_raw(member, package->packed, packed))
        return gap(package, REPORT_CORRUPT, "header");
    if (entry->method == method_stored)
        return packed == size ? send(member, package->packed, size)
                              : gap(package, REPORT_CORRUPT, "size");
    if (!package->inflater)
        package->inflater = libdeflate_alloc_decompressor();
    if (!package->inflater || !reserve(&package->whole, &package->whole_capacity, size))
        return PACKAGE_NO_MEMORY;
    enum libdeflate_result result = libdeflate_deflate_decompress(
        package->inflater, package->packed, packed, package->whole, size, NULL);
    if (result == LIBDEFLATE_SUCCESS)
        return send(member, package->whole, size);
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

/* Fill the input of the stream when it has run dry. */
static bool feed(struct member *member, z_stream *stream, uint64_t *left)
{
    if (stream->avail_in > 0 || *left == 0)
        return true;
    size_t step = *left < raw_step_bytes ? (size_t)*left : raw_step_bytes;
    if (!read_raw(member, member->package->packed, step))
        return false;
    *left -= step;
    stream->next_in = (unsigned char *)member->package->packed;
    stream->avail_in = (unsigned)step;
    return true;
}

static enum package_result inflate_steps(struct member *member, z_stream *stream)
{
    struct package *package = member->package;
    uint64_t left = member->entry->packed_bytes;
    for (int state = Z_OK; state != Z_STREAM_END;) {
        if (!format_within_time(package->reading))
            return PACKAGE_GAP;
        if (!feed(member, stream, &left))
            return gap(package, REPORT_CORRUPT, "header");
        stream->next_out = (unsigned char *)package->whole;
        stream->avail_out = step_bytes;
        state = inflate(stream, Z_NO_FLUSH);
        if (state == Z_MEM_ERROR)
            return PACKAGE_NO_MEMORY;
        size_t made = step_bytes - stream->avail_out;
        enum package_result result = send(member, package->whole, made);
        if (result != PACKAGE_OK)
            return result;
        if ((state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) ||
            (made == 0 && left == 0 && stream->avail_in == 0 && state != Z_STREAM_END))
            return gap(package, REPORT_CORRUPT, "inflate");
    }
    return PACKAGE_OK;
}

static enum package_result copy_steps(struct member *member)
{
    struct package *package = member->package;
    for (uint64_t left = member->entry->packed_bytes; left > 0;) {
        if (!format_within_time(package->reading))
            return PACKAGE_GAP;
        size_t step = left < step_bytes ? (size_t)left : step_bytes;
        if (!read_raw(member, package->whole, step))
            return gap(package, REPORT_CORRUPT, "header");
        enum package_result result = send(member, package->whole, step);
        if (result != PACKAGE_OK)
            return result;
        left -= step;
    }
    return PACKAGE_OK;
}

/* A large member, in steps. */
static enum package_result read_steps(struct member *member)
{
    struct package *package = member->package;
    if (!reserve(&package->packed, &package->packed_capacity, raw_step_bytes) ||
        !reserve(&package->whole, &package->whole_capacity, step_bytes))
        return PACKAGE_NO_MEMORY;
    if (member->entry->method == method_stored)
        return copy_steps(member);
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return PACKAGE_NO_MEMORY;
    enum package_result result = inflate_steps(member, &stream);
    inflateEnd(&stream);
    return result;
}

/* Whether it may be read at all, judged by the directory alone. */
static enum package_result admit(struct package *package, const struct package_entry *entry)
{
    const struct limits *limits = package->reading->limits;
    if (entry->encrypted)
        return gap(package, REPORT_ENCRYPTED, "zip-entry");
    if (entry->method != method_stored && entry->method != method_deflate)
        return gap(package, REPORT_PARTIAL, "zip-method");
    if (ratio_exceeded(limits, entry->size, entry->packed_bytes))
        return gap(package, REPORT_HOSTILE, "expand-ratio");
    if (entry->size > limits->expanded_bytes)
        return gap(package, REPORT_HOSTILE, "expanded-bytes");
    return format_within_time(package->reading) ? PACKAGE_OK : PACKAGE_GAP;
}

enum package_result package_read(struct package *package, size_t index,
                                 const struct package_sink *sink)
{
    const struct package_entry *entry = &package->entries[index];
    enum package_result result = admit(package, entry);
    if (result != PACKAGE_OK)
        return result;
    struct member member = {.package = package, .entry = entry, .sink = sink};
    member.file = zip_fopen_index(package->zip, index, ZIP_FL_COMPRESSED);
    if (!member.file)
        return gap(package, REPORT_CORRUPT, "header");
    bool small = entry->size <= PACKAGE_WHOLE_BYTES && entry->packed_bytes <= PACKAGE_WHOLE_BYTES;
    result = small ? read_whole(&member) : read_steps(&member);
    zip_fclose(member.file);
    return result == PACKAGE_OK ? settle(&member) : result;
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
    return result == PACKAGE_STOPPED ? PACKAGE_NO_MEMORY : result;
}

enum package_result package_peek(struct package *package, size_t index, char *bytes, size_t length,
                                 size_t *got)
{
    const struct package_entry *entry = &package->entries[index];
    enum package_result result = admit(package, entry);
    *got = 0;
    if (result != PACKAGE_OK)
        return result;
    struct member member = {.package = package, .entry = entry};
    member.file = zip_fopen_index(package->zip, index, ZIP_FL_COMPRESSED);
    if (!member.file)
        return gap(package, REPORT_CORRUPT, "header");
    char packed[512];
    uint64_t most = entry->packed_bytes < sizeof packed ? entry->packed_bytes : sizeof packed;
    zip_int64_t there = zip_fread(member.file, packed, most);
    zip_fclose(member.file);
    if (there <= 0)
        return most ? gap(package, REPORT_CORRUPT, "header") : PACKAGE_OK;
    if (entry->method == method_stored) {
        *got = (size_t)there < length ? (size_t)there : length;
        memcpy(bytes, packed, *got);
        return PACKAGE_OK;
    }
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return PACKAGE_NO_MEMORY;
    stream.next_in = (unsigned char *)packed;
    stream.avail_in = (unsigned)there;
    stream.next_out = (unsigned char *)bytes;
    stream.avail_out = (unsigned)length;
    inflate(&stream, Z_SYNC_FLUSH);
    *got = length - stream.avail_out;
    inflateEnd(&stream);
    return PACKAGE_OK;
}
