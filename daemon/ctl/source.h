/*
 * source: a file that a command looks at: opened, bounded, hashed once, and kept from changing
 * under the reader where that is possible.
 */
#ifndef LABELD_CTL_SOURCE_H
#define LABELD_CTL_SOURCE_H
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct source {
    int fd; /* read-only; a sealed copy in memory for small files; -1 when closed */
    uint64_t size;
    uint8_t sha256[32];
    bool too_large; /* over limits.fetch_bytes: not read, no digest */
};

/* Open a regular file (a symbolic link given as argument is followed); "-" reads standard input. */
bool source_open(struct source *source, const char *path, const struct limits *limits,
                 struct err *err);
void source_close(struct source *source);

#endif
