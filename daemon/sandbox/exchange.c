#include "sandbox/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/wire.h"

/* After the deadline the host has so long to say that it killed the child. */
static const int64_t margin_us = 10 * 1000000;

static const size_t block_bytes = 64 * 1024;

/* The reading ends of the two pipes, and what came through the second. */
struct ears {
    int answer, done;
    char word[256];
    size_t word_length;
};

/* Both pipes; the far ends into `rights`. */
static bool make_pipes(struct ears *ears, struct hostlink_rights *rights, struct err *err)
{
    int ends[2];
    for (size_t i = 0; i < 2; i++) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            return err_errno(err, "a pipe to the parse host");
        *(i == 0 ? &ears->answer : &ears->done) = ends[0];
        rights->fds[rights->count++] = ends[1];
    }
    return true;
}

static bool send_request(int link, const struct exchange *exchange, struct ears *ears,
                         struct err *err)
{
    struct hostlink_rights rights = {.count = 0};
    bool ok = make_pipes(ears, &rights, err);
    size_t ours = rights.count;
    for (size_t i = 0; i < exchange->file_count; i++)
        rights.fds[rights.count++] = exchange->files[i];
    ok = ok &&
         hostlink_send(link, exchange->request->bytes, exchange->request->length, &rights, err);
    rights.count = ours; /* the files stay the caller's */
    hostlink_drop(&rights);
    return ok;
}

static void hang_up(int *fd)
{
    close(*fd);
    *fd = -1;
}

/* Some of the answer. Over the bound nothing more is read, and the child's writing fails. */
static void hear_answer(struct exchange *exchange, struct ears *ears)
{
    struct buf *answer = &exchange->answer;
    size_t room = answer->max - answer->length;
    size_t want = room < block_bytes ? room : block_bytes;
    if (want == 0 || !buf_reserve(answer, want)) {
        exchange->oversized = true;
        hang_up(&ears->answer);
        return;
    }
    ssize_t got = read(ears->answer, answer->bytes + answer->length, want);
    if (got > 0)
        answer->length += (size_t)got;
    else if (got == 0 || errno != EINTR)
        hang_up(&ears->answer);
}

static void hear_done(struct ears *ears)
{
    size_t room = sizeof ears->word - ears->word_length;
    ssize_t got = room ? read(ears->done, ears->word + ears->word_length, room) : 0;
    if (got > 0)
        ears->word_length += (size_t)got;
    else if (got == 0 || errno != EINTR)
        hang_up(&ears->done);
}

/* Listen to both until both are closed. False: the time is up. */
static bool listen_to_both(struct exchange *exchange, struct ears *ears)
{
    int64_t until = clock_steady_us() + (int64_t)exchange->wall_ms * 1000 + margin_us;
    while (ears->answer >= 0 || ears->done >= 0) {
        struct pollfd both[] = {{.fd = ears->answer, .events = POLLIN},
                                {.fd = ears->done, .events = POLLIN}};
        int64_t left = until - clock_steady_us();
        if (left <= 0)
            return false;
        int ready = poll(both, 2, left / 1000 < 60000 ? (int)(left / 1000) + 1 : 60000);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready <= 0)
            continue;
        if (both[0].revents)
            hear_answer(exchange, ears);
        if (both[1].revents)
            hear_done(ears);
    }
    return true;
}

enum exchange_end exchange_run(int link, struct exchange *exchange, struct err *err)
{
    struct ears ears = {.answer = -1, .done = -1};
    struct err sending = {0};
    if (!exchange->answer.max)
        exchange->answer = buf_new(WIRE_MAX_BYTES + sizeof(uint32_t) + 1);
    buf_reset(&exchange->answer);
    exchange->oversized = false;
    enum exchange_end end = EXCHANGE_GONE;
    own_arena struct arena arena = arena_new(4096);
    if (!send_request(link, exchange, &ears, &sending)) {
        if (sending.kind != ERR_GONE)
            end = EXCHANGE_FAILED;
        if (err && end == EXCHANGE_FAILED)
            *err = sending;
    } else if (!listen_to_both(exchange, &ears)) {
        end = EXCHANGE_STUCK;
    } else if (wire_read(&wire_parse_done, ears.word, ears.word_length, &exchange->done, &arena,
                         NULL)) {
        end = EXCHANGE_DONE;
    }
    own_close_fd(&ears.answer);
    own_close_fd(&ears.done);
    return end;
}
