/*
 * splice: a zip with a few entries replaced or added and everything else as it was, byte for
 * byte: local headers, names, extra fields, data, descriptors, padding, bytes in front, comment
 * (PKWARE APPNOTE 6.3). The cost is one sequential copy; nothing is inflated.
 * Owns: nothing.
 */
#ifndef LABELD_LABELS_SPLICE_H
#define LABELD_LABELS_SPLICE_H
#include "base/err.h"
#include "zipdir.h"

/* One part that is new or has a new content. */
struct splice_part {
    size_t entry;     /* which it replaces, at the same place; ZIPDIR_NONE: added at the end */
    const char *name; /* of an added one, ASCII */
    const char *bytes;
    size_t length;
};

/* Where the new file goes, in order. */
struct splice_sink {
    void *context;
    /* `length` bytes of the old file from `offset`. */
    bool (*copy)(void *context, uint64_t offset, uint64_t length, struct err *err);
    bool (*put)(void *context, const void *bytes, size_t length, struct err *err);
};

/* Send the new file to the sink. The same input makes the same bytes. Memory: 8 bytes an entry
 * and some 100 KiB. False: memory is out, or what the sink said. */
bool splice_zip(const struct zipdir *dir, const struct splice_part *parts, size_t count,
                const struct splice_sink *sink, struct err *err);

/* The sink that writes to a descriptor from its present place. `in` is a descriptor of the old
 * file, which lets the kernel copy, or 0 for none; `bytes` is the old file. */
struct splice_writer {
    const char *bytes;
    int in, out;
};
struct splice_sink splice_to_file(struct splice_writer *writer);

/* The sink that compares with a file in memory; `at` ends as the length of what was expected.
 * A difference is ERR_HOSTILE. */
struct splice_comparer {
    const char *before, *after;
    uint64_t after_length, at;
};
struct splice_sink splice_to_compare(struct splice_comparer *comparer);

#endif
