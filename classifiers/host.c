#include "host.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hostlink.h"
#include "base/io.h"
#include "base/own.h"
#include "base/utf8.h"
#include "base/wire.h"
#include "examine.h"

/* A child's own descriptors; there is nothing else. 0 to 2 are closed, but for the sanitizer's
 * messages. */
enum { CHILD_ANSWER = 3, CHILD_FILES = 4 };

/* A request's texts and lists, decoded. */
static const size_t request_arena_bytes = 8u << 20;

struct child {
    pid_t pid;
    int done;            /* where parse_done goes; no child ever holds it */
    int64_t deadline_us; /* by clock_steady_us */
    bool killed;
};

struct host {
    const struct host_options *options;
    struct child children[HOST_CHILDREN];
    size_t running;
    int signals;
    pid_t pid;
    char *packet; /* HOSTLINK_PACKET bytes */
};

/* Saying how it went ------------------------------------------------------------------------- */

/* Messages are cut to what the wire allows, between two characters. `copy` has most + 1 bytes. */
static const char *cut(const char *text, size_t most, char *copy)
{
    size_t length = strlen(text);
    if (length > most) {
        length = most;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    return utf8_valid(copy, length) ? copy : "the messages are not UTF-8";
}

bool host_announce(const struct host_options *options, const char *problem, struct err *err)
{
    enum { PROBLEM_BYTES = 4096 };
    char copy[PROBLEM_BYTES + 1];
    struct parse_ready ready = {
        .ok = !problem,
        .problem = problem ? cut(problem, PROBLEM_BYTES, copy) : "",
        .seccomp = options->lockdown->seccomp,
        .landlock_abi = options->lockdown->landlock_abi,
    };
    if (!problem) {
        own_arena struct arena arena = arena_new(64u << 20);
        struct type_list list = {0};
        classifier_digest(options->classifier, ready.types_digest);
        ready.database_cached = classifier_cached(options->classifier);
        if (!classifier_list(options->classifier, &arena, &list, err))
            return false;
        ready.types = list.types_count;
    }
    own_buf struct buf packet = buf_new(HOSTLINK_PACKET);
    return wire_write(&wire_parse_ready, &ready, &packet, err) &&
           hostlink_send(HOSTLINK_FD, packet.bytes, packet.length, NULL, err);
}

static void say_done(int done, const struct parse_done *how)
{
    own_buf struct buf packet = buf_new(256);
    if (wire_write(&wire_parse_done, how, &packet, NULL))
        io_write(done, packet.bytes, packet.length); /* nobody may be waiting any more */
}

static void refuse(const struct hostlink_rights *rights)
{
    const struct parse_done how = {.refused = true};
    if (rights->count >= 2)
        say_done(rights->fds[1], &how);
}

static uint64_t microseconds(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static void report_end(const struct child *child, int status, const struct rusage *used)
{
    struct parse_done how = {
        .exited = WIFEXITED(status),
        .code = (uint32_t)(WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)),
        .killed_on_time = child->killed,
        .cpu_us = microseconds(&used->ru_utime) + microseconds(&used->ru_stime),
        .peak_bytes = (uint64_t)used->ru_maxrss * 1024,
    };
    how.open_denied = how.exited && how.code == HOSTLINK_DENIED;
    say_done(child->done, &how);
}

/* The child ---------------------------------------------------------------------------------- */

/* Keep the request's own descriptors at fixed places and nothing else. All that were received lie
 * above CHILD_FILES, for 3 and 4 were taken when they came; so none is overwritten before it was
 * moved. */
static bool keep_own(const struct hostlink_rights *rights)
{
    if (dup2(rights->fds[0], CHILD_ANSWER) < 0)
        return false;
    int next = CHILD_FILES;
    for (size_t i = 2; i < rights->count; i++)
        if (dup2(rights->fds[i], next++) < 0)
            return false;
    if (close_range((unsigned)next, ~0u, 0) < 0)
        return false;
#ifndef LABELD_SANITIZED
    close_range(0, 2, 0);
#endif
    return true;
}

/* Live changes yield to the daemon's threads, a backfill yields to everybody. */
static void step_back(enum parse_lane lane)
{
    const struct sched_param none = {0};
    sched_setscheduler(0, lane == PARSE_LIVE ? SCHED_BATCH : SCHED_IDLE, &none);
    if (lane == PARSE_LIVE)
        setpriority(PRIO_PROCESS, 0, 10);
}

static _Noreturn void be_child(const struct host *host, const struct parse_request *request,
                               const struct hostlink_rights *rights)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != host->pid || !keep_own(rights))
        _exit(HOSTLINK_NO_INPUT);
    step_back(request->lane);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!lockdown_child(host->options->lockdown, &request->limits))
        _exit(HOSTLINK_NO_MEMORY);
    const struct examine examine = {
        .classifier = host->options->classifier,
        .request = request,
        .answer = CHILD_ANSWER,
        .files = {CHILD_FILES, CHILD_FILES + 1},
    };
    _exit((int)examine_run(&examine));
}

/* The dispatcher ----------------------------------------------------------------------------- */

static void start_child(struct host *host, const struct parse_request *request,
                        struct hostlink_rights *rights)
{
    pid_t pid = fork();
    if (pid == 0)
        be_child(host, request, rights);
    if (pid < 0) {
        refuse(rights);
        return;
    }
    host->children[host->running++] = (struct child){
        .pid = pid,
        .done = rights->fds[1],
        .deadline_us = clock_steady_us() + (int64_t)request->limits.parse_wall_ms * 1000,
    };
    rights->fds[1] = rights->fds[--rights->count]; /* kept; the rest is closed by the caller */
}

static void handle(struct host *host, size_t length, struct hostlink_rights *rights)
{
    own_arena struct arena arena = arena_new(request_arena_bytes);
    struct parse_request request;
    if (host->running >= host->options->children || rights->count < 2 ||
        !wire_read(&wire_parse_request, host->packet, length, &request, &arena, NULL) ||
        rights->count != 2 + examine_files(request.verb))
        refuse(rights);
    else
        start_child(host, &request, rights);
}

/* Take one request. False: the other side has closed. */
static bool receive(struct host *host)
{
    struct hostlink_rights rights;
    ssize_t got = hostlink_receive(HOSTLINK_FD, host->packet, HOSTLINK_PACKET, &rights);
    if (got < 0) /* too large: its descriptors are closed, so the asker sees the end */
        return errno == EMSGSIZE || errno == EAGAIN;
    if (got == 0 && rights.count == 0)
        return false;
    handle(host, (size_t)got, &rights);
    hostlink_drop(&rights);
    return true;
}

static void reap(struct host *host)
{
    struct signalfd_siginfo gone;
    struct rusage used;
    int status;
    while (read(host->signals, &gone, sizeof gone) > 0)
        continue;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &used)) > 0;)
        for (size_t i = 0; i < host->running; i++)
            if (host->children[i].pid == pid) {
                report_end(&host->children[i], status, &used);
                close(host->children[i].done);
                host->children[i] = host->children[--host->running];
                break;
            }
}

/* Kill what is over its time. The milliseconds until the next deadline; -1 = none. */
static int enforce(struct host *host)
{
    int64_t now = clock_steady_us();
    int64_t next = -1;
    for (size_t i = 0; i < host->running; i++) {
        struct child *child = &host->children[i];
        if (child->killed)
            continue;
        int64_t left = child->deadline_us - now;
        if (left <= 0) {
            child->killed = true;
            kill(child->pid, SIGKILL);
        } else if (next < 0 || left < next) {
            next = left;
        }
    }
    if (next < 0)
        return -1;
    return next / 1000 < 60000 ? (int)(next / 1000) + 1 : 60000;
}

/* Nobody waits for them any more. */
static void end_children(struct host *host)
{
    for (size_t i = 0; i < host->running; i++)
        kill(host->children[i].pid, SIGKILL);
    while (wait4(-1, NULL, 0, NULL) > 0 || errno == EINTR)
        continue;
}

int host_prepare(struct err *err)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    int signals = -1;
    if (sigprocmask(SIG_SETMASK, &child, NULL) < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0 ||
        (signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        err_errno(err, "preparing for signals");
    return signals;
}

bool host_serve(const struct host_options *options, int signals, struct err *err)
{
    struct host host = {.options = options, .signals = signals, .pid = getpid()};
    own_free char *packet = mem_alloc(HOSTLINK_PACKET);
    host.packet = packet;
    if (!packet)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct pollfd ready[] = {{.fd = HOSTLINK_FD, .events = POLLIN},
                             {.fd = signals, .events = POLLIN}};
    bool open = true;
    while (open) {
        ready[0].revents = ready[1].revents = 0;
        if (poll(ready, 2, enforce(&host)) < 0 && errno != EINTR)
            return err_errno(err, "waiting");
        if (ready[1].revents)
            reap(&host);
        if (ready[0].revents)
            open = receive(&host);
    }
    end_children(&host);
    return true;
}
