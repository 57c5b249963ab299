/*
 * io: reading and writing whole things through descriptors.
 * Owns: nothing; descriptors belong to the caller unless it says otherwise.
 */
#ifndef LABELD_BASE_IO_H
#define LABELD_BASE_IO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Read until `length` bytes are there or the file ends; restarts after signals.
 * The bytes read, or -1 with errno. */
ssize_t io_read(int fd, void *bytes, size_t length);
ssize_t io_read_at(int fd, void *bytes, size_t length, uint64_t offset);

/* Write all of it. False with errno set. */
bool io_write(int fd, const void *bytes, size_t length);
bool io_write_at(int fd, const void *bytes, size_t length, uint64_t offset);

/* Copy `length` bytes from `in` at `offset` to the present place of `out`, by copy_file_range
 * where the file systems allow it. A source that ends early is ERR_CORRUPT. */
bool io_copy(int in, uint64_t offset, uint64_t length, int out, struct err *err);

/* An anonymous file in memory that can be sealed. -1 with err. */
int io_memfd(const char *name, struct err *err);

/* Forbid any further change to a memfd. */
bool io_seal(int fd, struct err *err);

/* A whole file, at most `max` bytes, with a NUL added; the caller frees it with mem_free.
 * A file over the limit is ERR_LIMIT. */
char *io_read_file(const char *path, size_t max, size_t *length, struct err *err);

/* Write a file durably: temporary name, fsync, rename, fsync of the folder. */
bool io_write_file(const char *path, const void *bytes, size_t length, mode_t mode,
                   struct err *err);

#endif
