#include "ctl/source.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/own.h"

/* Up to here a file is copied into memory and sealed; larger ones are read where they lie. */
static const uint64_t copied_bytes = 8u << 20;
static const size_t block_bytes = 256 * 1024;

/* Read `in` to its end, hash it, and copy it to `out` unless that is -1. */
static bool pump(int in, int out, uint64_t most, struct source *source, struct err *err)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    own_free char *block = mem_alloc(block_bytes);
    bool ok = digest && block && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    if (!ok)
        err_set(err, ERR_MEMORY, "out of memory");
    source->size = 0;
    for (ssize_t got = 1; ok && got > 0;) {
        got = io_read(in, block, block_bytes);
        if (got < 0)
            ok = err_errno(err, "reading");
        else if (source->size + (uint64_t)got > most) {
            source->too_large = true;
            got = 0;
        } else if (got > 0) {
            source->size += (uint64_t)got;
            EVP_DigestUpdate(digest, block, (size_t)got);
            if (out >= 0 && !io_write(out, block, (size_t)got))
                ok = err_errno(err, "copying into memory");
        }
    }
    if (ok)
        EVP_DigestFinal_ex(digest, source->sha256, NULL);
    EVP_MD_CTX_free(digest);
    return ok;
}

static bool copy_sealed(struct source *source, int in, uint64_t most, struct err *err)
{
    own_fd int copy = io_memfd("labelctl", err);
    if (copy < 0 || !pump(in, copy, most, source, err) || !io_seal(copy, err))
        return false;
    source->fd = own_take_fd(&copy);
    return true;
}

static bool open_file(struct source *source, const char *path, const struct limits *limits,
                      struct err *err)
{
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, "opening");
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_USAGE, "not a regular file");
    source->size = (uint64_t)st.st_size;
    if (source->size > limits->fetch_bytes) {
        source->too_large = true;
        source->fd = own_take_fd(&fd);
        return true;
    }
    if (source->size <= copied_bytes)
        return copy_sealed(source, fd, copied_bytes * 2, err);
    if (!pump(fd, -1, limits->fetch_bytes, source, err))
        return false;
    source->fd = own_take_fd(&fd);
    return true;
}

bool source_open(struct source *source, const char *path, const struct limits *limits,
                 struct err *err)
{
    *source = (struct source){.fd = -1};
    bool ok = strcmp(path, "-") == 0 ? copy_sealed(source, STDIN_FILENO, limits->fetch_bytes, err)
                                     : open_file(source, path, limits, err);
    return ok || err_add(err, "%s", path);
}

void source_close(struct source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}
