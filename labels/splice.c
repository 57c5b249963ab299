#include "splice.h"

#include <errno.h>
#include <libdeflate.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/io.h"
#include "base/own.h"

enum {
    pending_bytes = 64 * 1024,
    part_most_bytes = 1u << 30,
    level = 6,
    memory_level = 8,
    flag_utf8 = 1 << 11,
    record_most_bytes = 46 + 3 * 65536,
};

/* DOS time and date of 1980-01-01 00:00:00, as Office writes. */
static const uint32_t dos_time = 0x00210000;

/* A part as it will lie in the file. */
struct packed {
    struct buf local;  /* header, name and data */
    struct buf record; /* central record without a meaningful offset */
    uint64_t offset;   /* from the archive's start, once it has been written */
};

struct splice {
    const struct zipdir *dir;
    const struct splice_part *parts;
    size_t count;
    const struct splice_sink *sink;
    struct err *err;
    struct packed *packed; /* of each part */
    uint64_t *offsets;     /* of each entry: new, from the archive's start */
    struct buf pending;    /* to be put */
    uint64_t written;      /* what has left, with what is pending */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "writing a package: out of memory");
}

/* Making entries ----------------------------------------------------------------------------- */

static void *zlib_alloc(void *context, unsigned count, unsigned bytes)
{
    (void)context;
    return mem_realloc(NULL, count, bytes); /* zlib needs no zeroes: they would cost more pages */
}

static void zlib_free(void *context, void *block)
{
    (void)context;
    mem_free(block);
}

/* Deflated into `out`, which has room for less than the part itself. *smaller: it fitted.
 * False: memory is out. */
static bool deflate_part(z_stream *stream, const struct splice_part *part, struct buf *out,
                         bool *smaller)
{
    *smaller = false;
    if (part->length == 0)
        return true;
    if (!buf_reserve(out, part->length) || deflateReset(stream) != Z_OK)
        return false;
    stream->next_in = (Bytef *)part->bytes;
    stream->avail_in = (uInt)part->length;
    stream->next_out = (Bytef *)out->bytes;
    stream->avail_out = (uInt)part->length - 1;
    *smaller = deflate(stream, Z_FINISH) == Z_STREAM_END;
    out->length = *smaller ? stream->total_out : 0;
    return true;
}

/* The fields that both headers have, from "version needed" to the length of the name. */
static void put_fields(struct buf *out, const struct splice_part *part, bool deflated,
                       size_t packed, uint16_t flags, size_t name_length)
{
    zipdir_put(out, 20, 2);
    zipdir_put(out, flags, 2);
    zipdir_put(out, deflated ? 8 : 0, 2);
    zipdir_put(out, dos_time, 4);
    zipdir_put(out, libdeflate_crc32(0, part->bytes, part->length), 4);
    zipdir_put(out, packed, 4);
    zipdir_put(out, part->length, 4);
    zipdir_put(out, name_length, 2);
}

static bool pack(const struct zipdir *dir, z_stream *stream, const struct splice_part *part,
                 struct packed *out)
{
    const struct zipdir_entry *old = part->entry == ZIPDIR_NONE ? NULL : &dir->entries[part->entry];
    const char *name = old ? old->name : part->name;
    size_t name_length = old ? old->name_length : strlen(part->name);
    uint16_t flags = old ? (uint16_t)(old->flags & flag_utf8) : 0;
    own_buf struct buf deflated = buf_new(part_most_bytes);
    bool smaller;
    out->local = buf_new((size_t)part_most_bytes + record_most_bytes);
    out->record = buf_new(record_most_bytes);
    if (!deflate_part(stream, part, &deflated, &smaller))
        return false;
    const char *data = smaller ? deflated.bytes : part->bytes;
    size_t packed = smaller ? deflated.length : part->length;
    zipdir_put(&out->local, 0x04034b50, 4);
    put_fields(&out->local, part, smaller, packed, flags, name_length);
    zipdir_put(&out->local, 0, 2);
    buf_append(&out->local, name, name_length);
    buf_append(&out->local, data, packed);
    zipdir_put(&out->record, 0x02014b50, 4);
    zipdir_put(&out->record, 45, 2);
    put_fields(&out->record, part, smaller, packed, flags, name_length);
    zipdir_put(&out->record, 0, 8); /* lengths of extra and comment, disk, internal attributes */
    zipdir_put(&out->record, 0, 8); /* external attributes, offset */
    buf_append(&out->record, name, name_length);
    return !out->local.failed && !out->record.failed;
}

/* Writing ------------------------------------------------------------------------------------ */

static bool flush(struct splice *splice)
{
    struct buf *pending = &splice->pending;
    if (pending->failed)
        return no_memory(splice->err);
    if (pending->length > 0 &&
        !splice->sink->put(splice->sink->context, pending->bytes, pending->length, splice->err))
        return false;
    splice->written += pending->length;
    buf_reset(pending);
    return true;
}

/* So that the pending bytes do not grow with the package. */
static bool flush_much(struct splice *splice)
{
    return splice->pending.length < pending_bytes || flush(splice);
}

static uint64_t place(const struct splice *splice)
{
    return splice->written + splice->pending.length;
}

static bool copy(struct splice *splice, uint64_t from, uint64_t to)
{
    if (from == to)
        return true;
    if (!flush(splice) || !splice->sink->copy(splice->sink->context, from, to - from, splice->err))
        return false;
    splice->written += to - from;
    return true;
}

/* Which part replaces an entry; splice->count = none. */
static size_t replacement(const struct splice *splice, size_t entry)
{
    size_t i = 0;
    while (i < splice->count && splice->parts[i].entry != entry)
        i++;
    return i;
}

static bool put_part(struct splice *splice, size_t part)
{
    struct packed *packed = &splice->packed[part];
    packed->offset = place(splice) - splice->dir->base;
    buf_append(&splice->pending, packed->local.bytes, packed->local.length);
    return flush_much(splice);
}

/* Bytes in front and all entries in the order of the file; neighbours are copied together. */
static bool put_entries(struct splice *splice)
{
    const struct zipdir *dir = splice->dir;
    uint64_t run = 0; /* where the bytes begin that are still to be copied */
    for (size_t i = 0; i < dir->count; i++) {
        size_t index = dir->by_offset[i];
        const struct zipdir_entry *entry = &dir->entries[index];
        size_t part = replacement(splice, index);
        splice->offsets[index] = place(splice) + (entry->start - run) - dir->base;
        if (part == splice->count)
            continue;
        if (!copy(splice, run, entry->start) || !put_part(splice, part))
            return false;
        run = entry->end;
    }
    if (!copy(splice, run, dir->directory))
        return false;
    for (size_t part = 0; part < splice->count; part++)
        if (splice->parts[part].entry == ZIPDIR_NONE && !put_part(splice, part))
            return false;
    return true;
}

static bool put_packed_record(struct splice *splice, const struct packed *packed)
{
    const char *record = packed->record.bytes;
    const struct zipdir_entry entry = {
        .record = record,
        .name = record + 46,
        .name_length = zipdir_u16(record + 28),
        .record_length = (uint32_t)packed->record.length,
    };
    return zipdir_put_record(&entry, packed->offset, &splice->pending) && flush_much(splice);
}

/* The central directory; *count gets how many records it has. */
static bool put_directory(struct splice *splice, uint64_t *count)
{
    const struct zipdir *dir = splice->dir;
    *count = dir->count;
    for (size_t i = 0; i < dir->count; i++) {
        size_t part = replacement(splice, i);
        bool ok = part < splice->count
                      ? put_packed_record(splice, &splice->packed[part])
                      : zipdir_put_record(&dir->entries[i], splice->offsets[i], &splice->pending) &&
                            flush_much(splice);
        if (!ok)
            return splice->pending.failed ? no_memory(splice->err) : false;
    }
    for (size_t part = 0; part < splice->count; part++) {
        if (splice->parts[part].entry != ZIPDIR_NONE)
            continue;
        ++*count;
        if (!put_packed_record(splice, &splice->packed[part]))
            return splice->pending.failed ? no_memory(splice->err) : false;
    }
    return true;
}

static void put_end64(struct buf *out, uint64_t count, uint64_t size, uint64_t offset)
{
    zipdir_put(out, 0x06064b50, 4);
    zipdir_put(out, 44, 8);
    zipdir_put(out, 45, 2);
    zipdir_put(out, 45, 2);
    zipdir_put(out, 0, 8); /* disks */
    zipdir_put(out, count, 8);
    zipdir_put(out, count, 8);
    zipdir_put(out, size, 8);
    zipdir_put(out, offset, 8);
    zipdir_put(out, 0x07064b50, 4);
    zipdir_put(out, 0, 4);
    zipdir_put(out, offset + size, 8);
    zipdir_put(out, 1, 4);
}

static bool put_end(struct splice *splice, uint64_t count, uint64_t start)
{
    struct buf *out = &splice->pending;
    uint64_t offset = start - splice->dir->base, size = place(splice) - start;
    bool wide = splice->dir->zip64 || count > 0xFFFE || size >= UINT32_MAX || offset >= UINT32_MAX;
    if (wide)
        put_end64(out, count, size, offset);
    uint64_t short_count = count > 0xFFFE ? 0xFFFF : count;
    zipdir_put(out, 0x06054b50, 4);
    zipdir_put(out, 0, 4);
    zipdir_put(out, short_count, 2);
    zipdir_put(out, short_count, 2);
    zipdir_put(out, size >= UINT32_MAX ? UINT32_MAX : size, 4);
    zipdir_put(out, offset >= UINT32_MAX ? UINT32_MAX : offset, 4);
    zipdir_put(out, splice->dir->comment_length, 2);
    buf_append(out, splice->dir->comment, splice->dir->comment_length);
    return flush(splice);
}

/* All parts through one compressor: its tables are most of the cost of a small part. */
static bool pack_all(struct splice *splice)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (deflateInit2(&stream, level, Z_DEFLATED, -MAX_WBITS, memory_level, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return false;
    bool ok = true;
    for (size_t i = 0; i < splice->count && ok; i++)
        ok = pack(splice->dir, &stream, &splice->parts[i], &splice->packed[i]);
    deflateEnd(&stream);
    return ok;
}

static bool write_all(struct splice *splice)
{
    uint64_t count = 0;
    if (!pack_all(splice))
        return no_memory(splice->err);
    if (!put_entries(splice))
        return false;
    uint64_t start = place(splice);
    return put_directory(splice, &count) && put_end(splice, count, start);
}

bool splice_zip(const struct zipdir *dir, const struct splice_part *parts, size_t count,
                const struct splice_sink *sink, struct err *err)
{
    own_free struct packed *packed = mem_zalloc(count + 1, sizeof *packed);
    own_free uint64_t *offsets = mem_zalloc(dir->count + 1, sizeof *offsets);
    if (!packed || !offsets)
        return no_memory(err);
    struct splice splice = {
        .dir = dir,
        .parts = parts,
        .count = count,
        .sink = sink,
        .err = err,
        .packed = packed,
        .offsets = offsets,
        .pending = buf_new((size_t)part_most_bytes + 2 * (size_t)record_most_bytes),
    };
    bool ok = write_all(&splice);
    buf_fini(&splice.pending);
    for (size_t i = 0; i < count; i++) {
        buf_fini(&packed[i].local);
        buf_fini(&packed[i].record);
    }
    return ok;
}

/* Sinks -------------------------------------------------------------------------------------- */

static bool put_to_file(void *context, const void *bytes, size_t length, struct err *err)
{
    const struct splice_writer *writer = context;
    return io_write(writer->out, bytes, length) || err_errno(err, "writing the labelled file");
}

static bool copy_to_file(void *context, uint64_t offset, uint64_t length, struct err *err)
{
    struct splice_writer *writer = context;
    off_t at = (off_t)offset;
    uint64_t left = length;
    while (writer->in > 0 && left > 0) {
        ssize_t put = copy_file_range(writer->in, &at, writer->out, NULL, (size_t)left, 0);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) /* another file system, a memfd, a filter: the plain way tells which */
            writer->in = 0;
        else
            left -= (uint64_t)put;
    }
    return put_to_file(context, writer->bytes + at, (size_t)left, err);
}

struct splice_sink splice_to_file(struct splice_writer *writer)
{
    return (struct splice_sink){.context = writer, .copy = copy_to_file, .put = put_to_file};
}

static bool compare_bytes(void *context, const void *bytes, size_t length, struct err *err)
{
    struct splice_comparer *comparer = context;
    if (length > comparer->after_length - comparer->at)
        return err_set(err, ERR_HOSTILE, "the new file ends too early");
    if (memcmp(bytes, comparer->after + comparer->at, length) != 0)
        return err_set(err, ERR_HOSTILE, "the new file differs behind byte %llu",
                       (unsigned long long)comparer->at);
    comparer->at += length;
    return true;
}

static bool compare_old(void *context, uint64_t offset, uint64_t length, struct err *err)
{
    const struct splice_comparer *comparer = context;
    return compare_bytes(context, comparer->before + offset, (size_t)length, err);
}

struct splice_sink splice_to_compare(struct splice_comparer *comparer)
{
    return (struct splice_sink){.context = comparer, .copy = compare_old, .put = compare_bytes};
}
