#include "ctl/source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sandbox/copy.h"

/* Up to here a file is copied into memory and sealed; larger ones are read where they lie. */
static const uint64_t copied_bytes = 8u << 20;

static bool copy_in(struct source *source, int in, uint64_t most, struct err *err)
{
    struct copy_facts facts;
    source->fd = copy_sealed(in, most, &facts, err);
    source->size = facts.size;
    source->too_large = source->fd < 0 && err->kind == ERR_LIMIT;
    memcpy(source->sha256, facts.sha256, sizeof source->sha256);
    return source->fd >= 0 || source->too_large;
}

static bool hash_in_place(struct source *source, int fd, uint64_t most, struct err *err)
{
    struct copy_facts facts;
    if (!copy_hashed(fd, -1, most, &facts, err))
        return false;
    source->size = facts.size;
    memcpy(source->sha256, facts.sha256, sizeof source->sha256);
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
    source->too_large = source->size > limits->fetch_bytes;
    if (!source->too_large && source->size <= copied_bytes)
        return copy_in(source, fd, limits->fetch_bytes, err);
    if (!source->too_large && !hash_in_place(source, fd, limits->fetch_bytes, err))
        return false;
    source->fd = own_take_fd(&fd);
    return true;
}

bool source_open(struct source *source, const char *path, const struct limits *limits,
                 struct err *err)
{
    *source = (struct source){.fd = -1};
    bool ok = strcmp(path, "-") == 0 ? copy_in(source, STDIN_FILENO, limits->fetch_bytes, err)
                                     : open_file(source, path, limits, err);
    return ok;
}

void source_close(struct source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}
