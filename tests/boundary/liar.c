/*
 * A classifier that does what the file tells it to: crash, lie, spy. Linked with the real main.c,
 * host.c, examine.c and lockdown.c it is a labeld-parse whose children have been taken over.
 * The file's first word is the order; what a spy saw comes back as the report's reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/hostlink.h"
#include "base/mem.h"
#include "base/wire.h"
#include "classifier.h"

enum { ANSWER = 3, INPUT = 4 };

struct classifier {
    uint8_t digest[32];
};

struct classify {
    uint64_t bytes;
    char saw[65];
};

/* Orders ------------------------------------------------------------------------------------- */

static void frame(uint32_t length, const void *bytes, size_t given)
{
    if (write(ANSWER, &length, sizeof length) < 0 || write(ANSWER, bytes, given) < 0)
        _exit(HOSTLINK_NO_OUTPUT);
}

static void do_abort(struct classify *classify)
{
    (void)classify;
    abort();
}

static void do_segv(struct classify *classify)
{
    (void)classify;
    signal(SIGSEGV, SIG_DFL); /* not the sanitizer's */
    raise(SIGSEGV);
}

static void do_socket(struct classify *classify)
{
    classify->bytes += (uint64_t)socket(AF_INET, SOCK_STREAM, 0);
}

static void do_open(struct classify *classify)
{
    snprintf(classify->saw, sizeof classify->saw, "%s",
             open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? "" : "opened");
}

static void do_spin(struct classify *classify)
{
    for (;;)
        __asm__ volatile("" : : "r"(classify) : "memory");
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void do_work(struct classify *classify)
{
    (void)classify;
    for (int64_t until = now_ms() + 400; now_ms() < until;)
        continue;
}

static void do_memory(struct classify *classify)
{
    for (size_t i = 0; i < 4096; i++) {
        char *block = mem_alloc(1u << 20);
        if (!block)
            _exit(HOSTLINK_NO_MEMORY);
        memset(block, (int)i, 1u << 20);
        classify->bytes += (uint64_t)block[i];
    }
}

static void do_nothing(struct classify *classify)
{
    (void)classify;
    _exit(HOSTLINK_ANSWERED);
}

static void do_garbage(struct classify *classify)
{
    (void)classify;
    frame(8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    _exit(HOSTLINK_ANSWERED);
}

static void do_short(struct classify *classify)
{
    (void)classify;
    frame(4096, "abc", 3);
    _exit(HOSTLINK_ANSWERED);
}

static void do_twice(struct classify *classify)
{
    (void)classify;
    frame(0, "", 0); /* and then examine.c sends a valid one */
}

/* A valid answer, and bytes behind it. */
static void do_trailing(struct classify *classify)
{
    const struct report report = {.status = REPORT_OK, .format = FORMAT_TXT};
    (void)classify;
    if (wire_send(ANSWER, &wire_report, &report, NULL))
        frame(1, "x", 1);
    _exit(HOSTLINK_ANSWERED);
}

static void do_huge(struct classify *classify)
{
    (void)classify;
    static char block[1u << 20];
    for (size_t i = 0; i < 64; i++)
        if (write(ANSWER, block, sizeof block) < 0)
            _exit(HOSTLINK_NO_OUTPUT);
    _exit(HOSTLINK_ANSWERED);
}

/* Claims what only labeld may say. */
static void do_claim(struct classify *classify)
{
    const struct report report = {.status = REPORT_CRASHED, .format = FORMAT_TXT};
    (void)classify;
    wire_send(ANSWER, &wire_report, &report, NULL);
    _exit(HOSTLINK_ANSWERED);
}

/* Writes a parse_done wherever it can: only the host's word may count. */
static void do_forge(struct classify *classify)
{
    const struct parse_done done = {.exited = true, .peak_bytes = 7};
    own_buf struct buf bytes = buf_new(4096);
    (void)classify;
    if (wire_write(&wire_parse_done, &done, &bytes, NULL))
        for (int fd = INPUT; fd < 1024; fd++)
            if (write(fd, bytes.bytes, bytes.length) > 0)
                _exit(99);
}

static void do_descriptors(struct classify *classify)
{
    size_t used = 0;
    for (int fd = 3; fd < 1024 && used < 60; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            used += (size_t)snprintf(classify->saw + used, sizeof classify->saw - used, "%d ", fd);
}

static void do_input(struct classify *classify)
{
    bool kept = write(INPUT, "x", 1) < 0 && errno == EBADF;
    bool still = ftruncate(INPUT, 0) < 0;
    snprintf(classify->saw, sizeof classify->saw, kept && still ? "read-only" : "written");
}

static void do_kill_parent(struct classify *classify)
{
    (void)classify;
    kill(1, 0);
}

static void do_kill_thread(struct classify *classify)
{
    (void)classify;
    syscall(SYS_tgkill, 1, 1, 0);
}

static void do_exec_memory(struct classify *classify)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    snprintf(classify->saw, sizeof classify->saw, "%s", page == MAP_FAILED ? "refused" : "mapped");
}

static void do_bus(struct classify *classify)
{
    (void)classify;
    signal(SIGBUS, SIG_DFL);
    raise(SIGBUS);
}

static const struct {
    const char *word;
    void (*run)(struct classify *classify);
} orders[] = {
    {"abort", do_abort},
    {"segv", do_segv},
    {"bus", do_bus},
    {"socket", do_socket},
    {"open", do_open},
    {"spin", do_spin},
    {"work", do_work},
    {"memory", do_memory},
    {"nothing", do_nothing},
    {"garbage", do_garbage},
    {"short", do_short},
    {"twice", do_twice},
    {"trailing", do_trailing},
    {"huge", do_huge},
    {"claim", do_claim},
    {"forge", do_forge},
    {"descriptors", do_descriptors},
    {"input", do_input},
    {"kill-parent", do_kill_parent},
    {"kill-thread", do_kill_thread},
    {"exec-memory", do_exec_memory},
};

/* The classifier's interface ----------------------------------------------------------------- */

/* The region says how the host itself behaves: "ZA" is broken types, "ZB" garbage instead of a
 * first word, "ZC" an end without one. */
struct classifier *classifier_open(const struct classifier_options *options, struct buf *problems,
                                   struct err *err)
{
    const char *region = options->region_count ? options->regions[0] : "";
    if (strcmp(region, "ZA") == 0) {
        buf_puts(problems, "types/x.yaml:3:1: error: unknown key `idd`\nsecond line\n");
        err_set(err, ERR_CONFIG, "types/x.yaml:3:1: error: unknown key `idd`");
        return NULL;
    }
    if (strcmp(region, "ZB") == 0)
        send(HOSTLINK_FD, "\x02garbage", 8, 0);
    if (strcmp(region, "ZB") == 0 || strcmp(region, "ZC") == 0)
        _exit(9);
    struct classifier *classifier = mem_zalloc(1, sizeof *classifier);
    if (classifier)
        memset(classifier->digest, 7, sizeof classifier->digest);
    return classifier;
}

void classifier_close(struct classifier *classifier)
{
    mem_free(classifier);
}

void classifier_digest(const struct classifier *classifier, uint8_t digest[static 32])
{
    memcpy(digest, classifier->digest, sizeof classifier->digest);
}

bool classifier_cached(const struct classifier *classifier)
{
    return classifier->digest[0] == 0;
}

bool classifier_list(const struct classifier *classifier, struct arena *arena,
                     struct type_list *list, struct err *err)
{
    (void)classifier;
    *list =
        (struct type_list){.types = arena_alloc(arena, 1, sizeof *list->types), .types_count = 1};
    if (!list->types)
        return err_set(err, ERR_MEMORY, "out of memory");
    list->types[0].id = "liar";
    return true;
}

struct classify *classify_open(const struct classifier *classifier, const struct limits *limits)
{
    (void)classifier, (void)limits;
    return mem_zalloc(1, sizeof(struct classify));
}

bool classify_part(struct classify *classify, const char *path, bool table)
{
    (void)classify, (void)path, (void)table;
    return true;
}

bool classify_text(struct classify *classify, const char *text, size_t length)
{
    for (size_t i = 0; classify->bytes == 0 && i < sizeof orders / sizeof *orders; i++) {
        size_t word = strlen(orders[i].word);
        if (length > word && memcmp(text, orders[i].word, word) == 0 && text[word] == ' ')
            orders[i].run(classify);
    }
    classify->bytes += length;
    return true;
}

bool classify_finish(struct classify *classify, struct arena *arena, struct report *report)
{
    (void)arena;
    report->text_bytes = classify->bytes;
    if (*classify->saw) {
        report->status = REPORT_PARTIAL;
        report->reason = classify->saw;
    }
    return true;
}

bool classify_masked(struct classify *classify, struct arena *arena, struct masked_list *list)
{
    (void)classify, (void)arena;
    *list = (struct masked_list){0};
    return true;
}

void classify_close(struct classify *classify)
{
    mem_free(classify);
}
