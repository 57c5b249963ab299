/*
 * package: a zip container opened for reading (PKWARE APPNOTE 6.3).
 * The entries are found by the central directory; members are read in the order that the caller
 * likes, each with its limits: ratio, sum of expanded bytes, processor time. Every gap is noted
 * in the reading (format_gap), so that a caller only has to go on with the next member.
 * The directory is the label writer's (zipdir), so that both see the same members; compressed
 * bytes are taken from where they lie in the input.
 * Owns: its directory and one buffer that is reused for each member; the input stays the
 * caller's and must outlive the package.
 */
#ifndef LABELD_LABELS_PACKAGE_H
#define LABELD_LABELS_PACKAGE_H
#include "base/buf.h"
#include "format.h"

/* Members declared at most this large are inflated in one go, larger ones in steps. */
#define PACKAGE_WHOLE_BYTES (16u << 20)

/* What package_find says when there is no such member. */
#define PACKAGE_NONE SIZE_MAX

struct package;

enum package_result {
    PACKAGE_OK,
    PACKAGE_STOPPED,  /* the sink wanted no more */
    PACKAGE_GAP,      /* could not be read, or not to its end: noted in the reading */
    PACKAGE_NO_MEMORY /* give up: the caller returns false */
};

struct package_entry {
    const char *name;      /* UTF-8; \ became /, a leading / was dropped */
    uint64_t size;         /* expanded, as declared */
    uint64_t packed_bytes; /* compressed, as declared */
    uint32_t crc;
    uint16_t method;
    bool encrypted;
    bool folder;    /* the name ends in / */
    bool duplicate; /* an earlier entry has the same name (ASCII case ignored) */
};

/* Where the bytes of a member go. False: no more of this member. */
struct package_sink {
    void *context;
    bool (*bytes)(void *context, const char *bytes, size_t length);
};

/* Whether the input begins as a zip archive or ends as one. */
bool package_looks_like(const struct format_input *input);

/* Open; on anything but PACKAGE_OK there is nothing to close and *opened is NULL.
 * Gaps: corrupt "directory", hostile "archive-entries" or "overlap". */
enum package_result package_open(struct format_reading *reading, const struct format_input *input,
                                 struct package **opened);
void package_close(struct package *package);
#define own_package __attribute__((cleanup(package_close_pointer)))
static inline void package_close_pointer(struct package **package)
{
    package_close(*package);
}

/* The entries, in the order of the directory. */
size_t package_count(const struct package *package);
const struct package_entry *package_entry(const struct package *package, size_t index);

/* The first entry of that name, ASCII case ignored; PACKAGE_NONE when there is none. */
size_t package_find(const struct package *package, const char *name);

/* Send all bytes of one entry to the sink, in pieces of at most PACKAGE_WHOLE_BYTES.
 * Gaps: encrypted "zip-entry"; partial "zip-method" or "parse-cpu-ms"; corrupt "crc", "inflate",
 * "size" or "header"; hostile "expand-ratio" or "expanded-bytes". */
enum package_result package_read(struct package *package, size_t index,
                                 const struct package_sink *sink);

/* The first bytes of an entry, at most `length` (a few hundred), without the rest; fewer when its
 * compressed beginning does not tell more. Nothing is verified. */
enum package_result package_peek(struct package *package, size_t index, char *bytes, size_t length,
                                 size_t *got);

/* The whole of one entry into `out` (whose maximum is the caller's limit: over it the gap is
 * partial, with `limit` as reason). */
enum package_result package_load(struct package *package, size_t index, struct buf *out,
                                 const char *limit);

#endif
