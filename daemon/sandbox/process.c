#include "sandbox/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hostlink.h"
#include "base/own.h"
#include "base/wire.h"

/* Beside this program (a build tree), then where it was installed with it under any prefix. */
static const char *const beside[] = {"labeld-parse", "../libexec/labeld/labeld-parse"};

const char *process_program(const struct parser_options *options, struct arena *arena)
{
    char self[PATH_MAX], path[PATH_MAX + 64];
    if (options->program)
        return arena_strdup(arena, options->program);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, beside[i]);
        if (access(path, X_OK) == 0)
            return arena_strdup(arena, path);
    }
    return LABELD_PARSE_PROGRAM;
}

/* Arguments ---------------------------------------------------------------------------------- */

struct words {
    const char **list;
    size_t count, room;
};

static void add(struct words *words, const char *word)
{
    if (words->count < words->room)
        words->list[words->count++] = word;
}

static void add_option(struct words *words, const char *option, const char *value)
{
    if (value) {
        add(words, option);
        add(words, value);
    }
}

/* The command line, ended by NULL, in the arena. NULL when memory is out. */
static char **command_line(const char *program, const struct parser_options *options,
                           unsigned children, struct arena *arena)
{
    struct words words = {.room = 8 + 2 * (options->type_dir_count + options->region_count)};
    words.list = arena_alloc(arena, words.room + 1, sizeof *words.list);
    const char *number = arena_printf(arena, "%u", children);
    if (!words.list || !number)
        return NULL;
    add(&words, program);
    add_option(&words, "--children", number);
    add_option(&words, "--cache", options->cache_dir);
    for (size_t i = 0; i < options->type_dir_count; i++)
        add_option(&words, "--types", options->type_dirs[i]);
    for (size_t i = 0; i < options->region_count; i++)
        add_option(&words, "--region", options->regions[i]);
    if (options->relaxed)
        add(&words, "--relaxed");
    return (char **)words.list;
}

/* Nothing of the caller's environment reaches the host, but for a sanitizer's options. */
static char **environment(struct arena *arena)
{
    static const char *const kept[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS"};
    struct words words = {.room = 8};
    words.list = arena_alloc(arena, words.room + 1, sizeof *words.list);
    if (!words.list)
        return NULL;
    add(&words, "LC_ALL=C");
    add(&words, "TZ=UTC0");
    add(&words, "OMP_THREAD_LIMIT=1");
    add(&words, "LD_BIND_NOW=1"); /* bound once in the host, not again in each child */
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *value = getenv(kept[i]);
        const char *pair = value ? arena_printf(arena, "%s=%s", kept[i], value) : NULL;
        if (pair)
            add(&words, pair);
    }
    return (char **)words.list;
}

/* Starting ----------------------------------------------------------------------------------- */

/* Own session: a Ctrl-C at the terminal is for us, who end the hosts in good order. */
static bool prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    return posix_spawnattr_setsigmask(attributes, &none) == 0 &&
           posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETSID) == 0;
}

static bool prepare_files(posix_spawn_file_actions_t *files, int link)
{
    return posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0) == 0 &&
           posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2(files, link, HOSTLINK_FD) == 0 &&
           posix_spawn_file_actions_addclosefrom_np(files, HOSTLINK_FD + 1) == 0;
}

static bool spawn(char **words, char **variables, int link, pid_t *pid, struct err *err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    int failed = prepare_files(&files, link) && prepare_attributes(&attributes) ? 0 : ENOMEM;
    if (failed == 0)
        failed = posix_spawn(pid, words[0], &files, &attributes, words, variables);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    errno = failed;
    return failed == 0 || err_errno(err, "starting the parse host %s", words[0]);
}

bool process_start(const char *program, const struct parser_options *options, unsigned children,
                   struct process *process, struct err *err)
{
    own_arena struct arena arena = arena_new(4u << 20);
    char **words = command_line(program, options, children, &arena);
    char **variables = environment(&arena);
    int ends[2];
    if (!words || !variables)
        return err_set(err, ERR_MEMORY, "starting the parse host: out of memory");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(err, "a socket for the parse host");
    own_fd int theirs = ends[1];
    own_fd int ours = ends[0];
    if (!spawn(words, variables, theirs, &process->pid, err))
        return false;
    process->link = own_take_fd(&ours);
    return true;
}

/* Its first word ----------------------------------------------------------------------------- */

/* How it ended, when it did so without a word. */
static void tell_end(struct process *process, struct err *err)
{
    int status = 0;
    kill(process->pid, SIGKILL);
    pid_t pid;
    do
        pid = waitpid(process->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    process->pid = 0;
    if (pid > 0 && WIFEXITED(status))
        err_set(err, ERR_CRASHED, "the parse host ended with exit code %d before it was ready",
                WEXITSTATUS(status));
    else if (pid > 0 && WTERMSIG(status) == SIGSYS)
        err_set(err, ERR_CRASHED, "the parse host made a system call that is not allowed");
    else
        err_set(err, ERR_CRASHED, "the parse host ended before it was ready (signal %d)",
                pid > 0 ? WTERMSIG(status) : 0);
}

enum process_word process_listen(struct process *process, int wait_ms, struct parse_ready *ready,
                                 struct arena *arena, struct err *err)
{
    char packet[16 * 1024];
    struct hostlink_rights rights;
    struct pollfd word = {.fd = process->link, .events = POLLIN};
    if (poll(&word, 1, wait_ms) <= 0)
        return PROCESS_LOADING;
    ssize_t got = hostlink_receive(process->link, packet, sizeof packet, &rights);
    hostlink_drop(&rights);
    if (got <= 0) {
        tell_end(process, err);
        return PROCESS_UNFIT;
    }
    if (!wire_read(&wire_parse_ready, packet, (size_t)got, ready, arena, err))
        return PROCESS_UNFIT;
    if (ready->ok)
        return PROCESS_READY;
    err_set(err, ERR_CONFIG, "%.*s", (int)strcspn(ready->problem, "\n"), ready->problem);
    return PROCESS_UNFIT;
}

void process_end(struct process *process)
{
    if (process->link >= 0)
        close(process->link);
    process->link = -1;
    if (process->pid <= 0)
        return;
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    process->pid = 0;
}
