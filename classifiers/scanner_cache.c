/* load-time: everything here runs before the lock-down. */
#include "scanner_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/own.h"
#include "sha256.h"

static const size_t most_bytes = 512u << 20;
static const char magic[8] = "labeldhs";

/* What stands in front of the databases. */
struct header {
    char magic[8];
    uint8_t key[32];
    uint8_t digest[32]; /* of all that follows the header */
    uint64_t lengths[scanner_cache_databases];
};

static bool name_of(const char *dir, const uint8_t *key, char path[static 4096])
{
    char hex[33];
    for (size_t i = 0; i < 16; i++)
        snprintf(hex + i * 2, 3, "%02x", key[i]);
    int length = snprintf(path, 4096, "%s/types-%s.db", dir, hex);
    return length > 0 && length < 4096;
}

static bool only_ours(int fd, mode_t kind)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind && st.st_uid == geteuid() &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool dir_is_ours(const char *dir)
{
    own_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && only_ours(fd, S_IFDIR);
}

static char *read_ours(const char *path, size_t *length)
{
    own_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || !only_ours(fd, S_IFREG) || fstat(fd, &st) < 0 || st.st_size < 0 ||
        (size_t)st.st_size > most_bytes)
        return NULL;
    *length = (size_t)st.st_size;
    char *bytes = mem_alloc(*length + 1);
    if (bytes && io_read(fd, bytes, *length) == (ssize_t)*length)
        return bytes;
    mem_free(bytes);
    return NULL;
}

static bool sound(const struct header *header, const uint8_t *key, const char *body, size_t length)
{
    uint8_t digest[32];
    uint64_t sum = 0;
    if (memcmp(header->magic, magic, sizeof magic) != 0 || memcmp(header->key, key, 32) != 0)
        return false;
    for (size_t i = 0; i < scanner_cache_databases; i++) {
        if (header->lengths[i] > most_bytes)
            return false;
        sum += header->lengths[i];
    }
    sha256_of(body, length, digest);
    return sum == length && memcmp(digest, header->digest, 32) == 0;
}

bool scanner_cache_read(const char *dir, const uint8_t key[static 32],
                        hs_database_t *databases[static scanner_cache_databases])
{
    char path[4096];
    size_t length;
    struct header header;
    if (!name_of(dir, key, path) || !dir_is_ours(dir))
        return false;
    own_free char *bytes = read_ours(path, &length);
    if (!bytes || length < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    const char *body = bytes + sizeof header;
    if (!sound(&header, key, body, length - sizeof header))
        return false;
    for (size_t i = 0; i < scanner_cache_databases; i++) {
        if (header.lengths[i] &&
            hs_deserialize_database(body, header.lengths[i], &databases[i]) != HS_SUCCESS)
            return false;
        body += header.lengths[i];
    }
    return true;
}

void scanner_cache_write(const char *dir, const uint8_t key[static 32],
                         hs_database_t *const databases[static scanner_cache_databases])
{
    char path[4096];
    struct header header = {0};
    own_buf struct buf out = buf_new(most_bytes);
    if (!name_of(dir, key, path) || !dir_is_ours(dir))
        return;
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.key, key, 32);
    buf_append(&out, &header, sizeof header);
    for (size_t i = 0; i < scanner_cache_databases; i++) {
        char *bytes = NULL;
        size_t length = 0;
        if (!databases[i])
            continue;
        if (hs_serialize_database(databases[i], &bytes, &length) != HS_SUCCESS)
            return;
        header.lengths[i] = length;
        buf_append(&out, bytes, length);
        free(bytes);
    }
    if (out.failed)
        return;
    sha256_of(out.bytes + sizeof header, out.length - sizeof header, header.digest);
    memcpy(out.bytes, &header, sizeof header);
    (void)io_write_file(path, out.bytes, out.length, 0600, NULL);
}
