#include "store/difference.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { rows_at_once = 1024 };

static bool append(struct difference *difference, const void *bytes, size_t length, struct err *err)
{
    if (!io_write(difference->fd, bytes, length))
        return err_errno(err, "writing a simulation's difference");
    difference->end += length;
    return true;
}

bool difference_part(struct difference *difference, unsigned part,
                     const struct difference_row *rows, size_t count, struct err *err)
{
    difference->parts[part].offset = difference->end;
    difference->parts[part].rows = count;
    return append(difference, rows, count * sizeof *rows, err);
}

bool difference_end(struct difference *difference, struct err *err)
{
    return append(difference, difference->parts, sizeof difference->parts, err);
}

static bool read_at(int fd, uint64_t offset, void *bytes, size_t length, struct err *err)
{
    ssize_t got = pread(fd, bytes, length, (off_t)offset);
    if (got == (ssize_t)length)
        return true;
    return got < 0 ? err_errno(err, "reading a simulation's difference")
                   : err_set(err, ERR_CORRUPT, "a simulation's difference is cut short");
}

struct reading {
    int fd;
    int64_t after;
    bool (*row)(void *context, const struct difference_row *row);
    void *context;
    bool ended;
};

static bool read_part(struct reading *reading, uint64_t offset, uint64_t rows, struct err *err)
{
    struct difference_row some[rows_at_once];
    for (uint64_t at = 0; at < rows && !reading->ended; at += rows_at_once) {
        size_t count = (size_t)(rows - at < rows_at_once ? rows - at : rows_at_once);
        if (!read_at(reading->fd, offset + at * sizeof *some, some, count * sizeof *some, err))
            return false;
        if (some[count - 1].item <= reading->after)
            continue;
        for (size_t i = 0; i < count && !reading->ended; i++)
            reading->ended =
                some[i].item > reading->after && !reading->row(reading->context, &some[i]);
    }
    return true;
}

bool difference_read(int fd, int64_t after,
                     bool (*row)(void *context, const struct difference_row *row), void *context,
                     struct err *err)
{
    struct stat st;
    struct difference difference;
    struct reading reading = {fd, after, row, context, false};
    if (fstat(fd, &st) < 0)
        return err_errno(err, "looking at a simulation's difference");
    if (st.st_size < (off_t)sizeof difference.parts)
        return err_set(err, ERR_CORRUPT, "a simulation's difference is cut short");
    if (!read_at(fd, (uint64_t)st.st_size - sizeof difference.parts, difference.parts,
                 sizeof difference.parts, err))
        return false;
    bool ok = true;
    for (unsigned i = 0; ok && i < DIFFERENCE_PARTS && !reading.ended; i++)
        ok = read_part(&reading, difference.parts[i].offset, difference.parts[i].rows, err);
    return ok;
}
