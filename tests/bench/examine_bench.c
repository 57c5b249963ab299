/* What it costs to read a small file in a process of its own, beside a bare fork, exit and wait of
 * the same process: time, page faults. Run: examine_bench [ROUNDS [FILE...]]; without files, of
 * made texts. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "base/wire.h"
#include "examine.h"
#include "format.h"
#include "heap.h"

/* Sums over all rounds. */
struct cost {
    double wall_us, cpu_us;
    long faults;
};

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double microseconds(const struct timeval *time)
{
    return (double)time->tv_sec * 1e6 + (double)time->tv_usec;
}

/* A process that ends at once, or reads the file first. False: it did not end as it should. */
static bool one_process(const struct examine *examine, struct cost *cost)
{
    struct rusage used;
    int status;
    double start = now_us();
    pid_t pid = fork();
    if (pid == 0)
        _exit(examine ? (int)examine_run(examine) : 0);
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
        return false;
    cost->wall_us += now_us() - start;
    cost->cpu_us += microseconds(&used.ru_utime) + microseconds(&used.ru_stime);
    cost->faults += used.ru_minflt;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool measure(const struct classifier *classifier, const char *name, int file, long rounds)
{
    own_fd int answer = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const struct parse_request request = {
        .verb = PARSE_EXAMINE, .limits = limits_default(), .part = ""};
    const struct examine examine = {
        .classifier = classifier, .request = &request, .answer = answer, .files = {file}};
    struct cost bare = {0}, whole = {0};
    for (long i = 0; i < rounds; i++)
        if (!one_process(NULL, &bare) || !one_process(&examine, &whole))
            return false;
    double times = (double)rounds;
    printf("%-24s bare fork %6.0f us, %4.0f faults; examined %6.0f us, %4.0f faults, %6.0f us of "
           "cpu; ratio %.1f\n",
           name, bare.wall_us / times, (double)bare.faults / times, whole.wall_us / times,
           (double)whole.faults / times, whole.cpu_us / times, whole.wall_us / bare.wall_us);
    return true;
}

static bool measure_text(const struct classifier *classifier, const char *name, const char *text,
                         long rounds)
{
    own_fd int file = io_memfd("text", NULL);
    return file >= 0 && io_write(file, text, strlen(text)) &&
           measure(classifier, name, file, rounds);
}

static bool measure_all(const struct classifier *classifier, long rounds, char **paths)
{
    static const char letter[] = "Dear all,\n\nthe meeting of 12 March is moved to the small room. "
                                 "Please bring the list.\n";
    static const char csv[] = "name,card number\nAnn,4539 0443 4874 3998\nBen,4716175389400521\n";
    static const char odd[] = "\x01\x02\x03\x04 nothing that anybody knows";
    if (!*paths)
        return measure_text(classifier, "letter", letter, rounds) &&
               measure_text(classifier, "csv", csv, rounds) &&
               measure_text(classifier, "unknown bytes", odd, rounds);
    for (; *paths; paths++) {
        own_fd int file = open(*paths, O_RDONLY | O_CLOEXEC);
        const char *slash = strrchr(*paths, '/');
        if (file < 0 || !measure(classifier, slash ? slash + 1 : *paths, file, rounds))
            return false;
    }
    return true;
}

int main(int count, char **arguments)
{
    own_buf struct buf problems = buf_new(1 << 16);
    struct err err = {0};
    const struct classifier_options options = {.builtin_dir = SOURCE_DIR "/classifiers/types",
                                               .run_examples = true};
    struct classifier *classifier = classifier_open(&options, &problems, &err);
    long rounds = count > 1 ? strtol(arguments[1], NULL, 10) : 200;
    bool ok = classifier && format_prepare(&err);
    if (ok)
        heap_settle();
    ok = ok && measure_all(classifier, rounds, arguments + (count > 1 ? 2 : 1));
    if (!ok)
        fprintf(stderr, "examine_bench: %s\n", *err.text ? err.text : "a process failed");
    classifier_close(classifier);
    return !ok;
}
