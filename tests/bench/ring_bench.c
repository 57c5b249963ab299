/* A sender of webhooks: offers RATE a second evenly over CONNECTIONS kept-alive connections for
 * SECONDS, and tells how many were accepted and how long their answers took, from the moment each
 * was due (so that a stall counts for all that wait behind it). In real time where it may.
 *   ring_bench PORT PATH SECRET-FILE RATE SECONDS [CONNECTIONS [PATHS-A-BODY [PREFIX]]]
 * RATE 0: each connection sends as soon as it has an answer. Paths are PREFIX followed by a number.
 * Prints: offered accepted refused lost  accepted/s  50 % 99 % 99.9 % max in ms. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "connect/ring.h"

enum { most_connections = 400, answer_bytes = 4096, patience_us = 10000000 };

struct line {
    int fd;
    bool busy;
    int64_t due_us; /* of the webhook that it waits for */
    char answer[answer_bytes];
    size_t got;
};

struct bench {
    int port, rate, seconds, lines, paths;
    const char *path, *prefix;
    struct ring_key key;
    struct line line[most_connections];
    uint32_t *times; /* us */
    size_t offered, accepted, refused, lost, most;
    int epoll;
    long long run;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void dial(struct bench *bench, struct line *line)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)bench->port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int on = 1;
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line->fd < 0 || connect(line->fd, (const struct sockaddr *)&to, sizeof to) < 0)
        die("connecting");
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(line->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = line};
    epoll_ctl(bench->epoll, EPOLL_CTL_ADD, line->fd, &event);
    line->busy = false;
    line->got = 0;
}

static void ring(struct bench *bench, struct line *line, int64_t due_us)
{
    char id[64], timestamp[24], signature[RING_SIGNATURE_BYTES];
    own_buf struct buf body = buf_new(1u << 20), whole = buf_new(2u << 20);
    size_t first = bench->offered++ * (size_t)bench->paths;
    buf_puts(&body, "{\"paths\":[");
    for (int i = 0; i < bench->paths; i++)
        buf_printf(&body, "%s\"%s%zu\"", i ? "," : "", bench->prefix, first + (size_t)i);
    buf_puts(&body, "]}");
    snprintf(id, sizeof id, "bench_%lld_%zu", bench->run, bench->offered);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)(clock_now_us() / 1000000));
    const struct ring_message message = {id, timestamp, body.bytes, body.length};
    if (!ring_sign(&bench->key, &message, signature))
        die("signing");
    buf_printf(&whole,
               "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Length: %zu\r\nwebhook-id: %s\r\n"
               "webhook-timestamp: %s\r\nwebhook-signature: %s\r\n\r\n%s",
               bench->path, body.length, id, timestamp, signature, buf_text(&body));
    line->busy = true;
    line->due_us = due_us;
    if (send(line->fd, whole.bytes, whole.length, MSG_NOSIGNAL) != (ssize_t)whole.length)
        bench->lost++;
}

/* A whole answer: status, headers, and as many bytes as they announce. */
static bool is_whole(const struct line *line)
{
    const char *end = strstr(line->answer, "\r\n\r\n");
    const char *length = strcasestr(line->answer, "Content-Length:");
    return end && length &&
           line->got >= (size_t)(end + 4 - line->answer) + strtoul(length + 15, NULL, 10);
}

static void hear(struct bench *bench, struct line *line)
{
    ssize_t got = recv(line->fd, line->answer + line->got, answer_bytes - 1 - line->got, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN)
            return;
        bench->lost += line->busy;
        close(line->fd);
        dial(bench, line);
        return;
    }
    line->got += (size_t)got;
    line->answer[line->got] = '\0';
    if (!line->busy || !is_whole(line))
        return;
    if (memcmp(line->answer + 9, "202", 3) == 0 && bench->accepted < bench->most)
        bench->times[bench->accepted++] = (uint32_t)(clock_steady_us() - line->due_us);
    else
        bench->refused++;
    line->busy = false;
    line->got = 0;
}

/* Send what is due to lines that are free. The time of the next one that is due. */
static int64_t send_due(struct bench *bench, int64_t start_us, int64_t end_us)
{
    int64_t now = clock_steady_us();
    for (int i = 0; i < bench->lines && now < end_us; i++) {
        struct line *line = &bench->line[(bench->offered + (size_t)i) % (size_t)bench->lines];
        int64_t due =
            bench->rate ? start_us + (int64_t)bench->offered * 1000000 / bench->rate : now;
        if (due > now)
            return due;
        if (!line->busy)
            ring(bench, line, due);
    }
    return now + 1000;
}

static bool any_busy(const struct bench *bench)
{
    for (int i = 0; i < bench->lines; i++)
        if (bench->line[i].busy)
            return true;
    return false;
}

static void run(struct bench *bench)
{
    struct epoll_event events[64];
    int64_t start = clock_steady_us(), end = start + (int64_t)bench->seconds * 1000000;
    for (int64_t now = start; now < end || (any_busy(bench) && now < end + patience_us);
         now = clock_steady_us()) {
        int64_t next = send_due(bench, start, end);
        int64_t wait = next - clock_steady_us();
        struct timespec until = {0, wait < 0 ? 0 : wait > 1000 ? 1000000 : wait * 1000};
        int count = epoll_pwait2(bench->epoll, events, 64, &until, NULL);
        for (int i = 0; i < count; i++)
            hear(bench, events[i].data.ptr);
    }
}

static int by_time(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double part(const struct bench *bench, double share)
{
    size_t at = (size_t)(share * (double)bench->accepted);
    return bench->accepted ? bench->times[at < bench->accepted ? at : bench->accepted - 1] / 1e3
                           : 0;
}

int main(int count, char **words)
{
    static struct bench bench;
    struct err err = {0};
    const struct sched_param lowest = {.sched_priority = 1};
    if (count < 6)
        return fputs(
                   "ring_bench PORT PATH SECRET-FILE RATE SECONDS [CONNECTIONS [PATHS [PREFIX]]]\n",
                   stderr),
               2;
    char *secret = io_read_file(words[3], 4096, NULL, &err);
    bench = (struct bench){.port = (int)strtol(words[1], NULL, 10),
                           .path = words[2],
                           .rate = (int)strtol(words[4], NULL, 10),
                           .seconds = (int)strtol(words[5], NULL, 10),
                           .lines = count > 6 ? (int)strtol(words[6], NULL, 10) : 64,
                           .paths = count > 7 ? (int)strtol(words[7], NULL, 10) : 1,
                           .prefix = count > 8 ? words[8] : "bench/",
                           .epoll = epoll_create1(EPOLL_CLOEXEC),
                           .run = (long long)clock_now_us()};
    bench.most = (size_t)bench.seconds * 100000 + 100000;
    bench.times = mem_zalloc(bench.most, sizeof *bench.times);
    if (!secret || !ring_key_read(secret, &bench.key, &err) || !bench.times || bench.lines < 1 ||
        bench.lines > most_connections)
        return fprintf(stderr, "ring_bench: %s\n", err.text), 2;
    bool realtime = sched_setscheduler(0, SCHED_RR, &lowest) == 0;
    for (int i = 0; i < bench.lines; i++)
        dial(&bench, &bench.line[i]);
    run(&bench);
    qsort(bench.times, bench.accepted, sizeof *bench.times, by_time);
    printf("%s offered %zu accepted %zu refused %zu lost %zu  %.0f/s  50%% %.1f  99%% %.1f  "
           "99.9%% %.1f  max %.1f ms\n",
           realtime ? "rr" : "normal", bench.offered, bench.accepted, bench.refused, bench.lost,
           (double)bench.accepted / bench.seconds, part(&bench, 0.5), part(&bench, 0.99),
           part(&bench, 0.999), part(&bench, 1));
    return 0;
}
