/*
 * Each call that must not be possible behind the lock, tried behind the lock, in both layers.
 * A row says what becomes of it in the host and in a child: done, refused with EACCES, killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "lockdown.h"

enum fate {
    DONE,    /* succeeds */
    EACCES_, /* fails with EACCES */
    KILLED,  /* SIGSYS */
    FAILS    /* fails with some error, not done */
};

static long call(long number, long a, long b, long c, long d)
{
    return syscall(number, a, b, c, d, 0L, 0L);
}

#define ADDRESS(thing) ((long)(uintptr_t)(thing))

static long try_open(void)
{
    return call(SYS_open, ADDRESS("/etc/passwd"), O_RDONLY, 0, 0);
}
static long try_openat(void)
{
    return openat(AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static long try_openat2(void)
{
    static const uint64_t how[3] = {0};
    return call(SYS_openat2, AT_FDCWD, ADDRESS("/etc/passwd"), ADDRESS(how), sizeof how);
}
static long try_creat(void)
{
    return creat("/tmp/never", 0600);
}
static long try_open_proc(void)
{
    return open("/proc/1/mem", O_RDWR);
}
static long try_open_own_descriptor(void)
{
    return open("/proc/self/fd/0", O_RDWR);
}
static long try_stat(void)
{
    struct stat st;
    return stat("/etc/passwd", &st);
}
static long try_statx(void)
{
    struct statx st;
    return statx(AT_FDCWD, "/etc/passwd", 0, STATX_ALL, &st);
}
static long try_access(void)
{
    return access("/etc/passwd", R_OK);
}
static long try_readlink(void)
{
    char path[64];
    return readlink("/proc/self/exe", path, sizeof path);
}
static long try_statfs(void)
{
    struct statfs st;
    return statfs("/", &st);
}
static long try_unlink(void)
{
    return unlink("/tmp/never");
}
static long try_rename(void)
{
    return rename("/tmp/never", "/tmp/ever");
}
static long try_mkdir(void)
{
    return mkdir("/tmp/never", 0700);
}
static long try_link(void)
{
    return link("/etc/passwd", "/tmp/never");
}
static long try_chmod(void)
{
    return chmod("/tmp/never", 0);
}
static long try_mount(void)
{
    return mount("none", "/tmp", "tmpfs", 0, NULL);
}
static long try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}
static long try_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}
static long try_socketpair(void)
{
    int ends[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}
static long try_connect(void)
{
    struct sockaddr to = {.sa_family = AF_INET};
    return connect(0, &to, sizeof to);
}
static long try_bind(void)
{
    struct sockaddr at = {.sa_family = AF_INET};
    return bind(0, &at, sizeof at);
}
static long try_sendmsg(void)
{
    struct msghdr message = {0};
    return sendmsg(1000, &message, 0);
}
static long try_recvmsg(void)
{
    struct msghdr message = {0};
    return recvmsg(1000, &message, 0);
}
static long try_sendto(void)
{
    return call(SYS_sendto, 0, ADDRESS("x"), 1, 0);
}
static long try_execve(void)
{
    static char name[] = "/bin/true";
    char *const words[] = {name, NULL};
    return execve(name, words, words + 1);
}
static long try_execveat(void)
{
    return call(SYS_execveat, AT_FDCWD, ADDRESS("/bin/true"), 0, 0);
}
static long try_clone_thread(void)
{
    return call(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0);
}
static long try_clone_namespace(void)
{
    return call(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0);
}
static long try_clone3(void)
{
    static const uint64_t arguments[11] = {0};
    return call(SYS_clone3, ADDRESS(arguments), sizeof arguments, 0, 0);
}
static long try_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}
static long try_vfork(void)
{
    return call(SYS_vfork, 0, 0, 0, 0);
}
static long try_unshare(void)
{
    return unshare(CLONE_NEWUSER);
}
static long try_ptrace(void)
{
    return ptrace(PTRACE_ATTACH, getpid() + 1, NULL, NULL);
}
static long try_read_memory(void)
{
    char byte;
    struct iovec one = {&byte, 1};
    return process_vm_readv(1, &one, 1, &one, 1, 0);
}
static long try_kill_parent(void)
{
    return call(SYS_kill, 1, 0, 0, 0);
}
static long try_signal_other_thread(void)
{
    return call(SYS_tgkill, 1, 1, 0, 0);
}
static long try_signal_itself(void)
{
    return call(SYS_tgkill, getpid(), getpid(), 0, 0);
}
static long try_pidfd(void)
{
    return call(SYS_pidfd_open, 1, 0, 0, 0);
}
static long try_mmap_exec(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : 0;
}
static long try_mprotect_exec(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static long try_pkey_mprotect(void)
{
    return call(SYS_pkey_mprotect, 0, 4096, PROT_EXEC, -1);
}
static long try_mmap_data(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : 0;
}
static long try_memfd(void)
{
    return memfd_create("x", 0);
}
static long try_setuid(void)
{
    return call(SYS_setuid, 0, 0, 0, 0);
}
static long try_setgroups(void)
{
    return setgroups(0, NULL);
}
static long try_prctl(void)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
static long try_more_memory(void)
{
    return call(SYS_prlimit64, 0, 2, 0, 0);
}
static long try_io_uring(void)
{
    static char parameters[256];
    return call(SYS_io_uring_setup, 8, ADDRESS(parameters), 0, 0);
}
static long try_bpf(void)
{
    return call(SYS_bpf, 0, 0, 0, 0);
}
static long try_userfaultfd(void)
{
    return call(SYS_userfaultfd, 0, 0, 0, 0);
}
static long try_perf(void)
{
    return call(SYS_perf_event_open, 0, 0, -1, -1);
}
static long try_keyctl(void)
{
    return call(SYS_keyctl, 0, 0, 0, 0);
}
static long try_shared_memory(void)
{
    return call(SYS_shmget, 0, 4096, 01600, 0);
}
static long try_inotify(void)
{
    return inotify_init1(0);
}
static long try_terminal(void)
{
    return ioctl(0, TIOCSTI, "x");
}
static long try_descriptor_flags(void)
{
    return fcntl(1000, F_GETFL) < 0 && errno == EBADF ? 0 : -1;
}
static long try_lease(void)
{
    return call(SYS_fcntl, 1000, F_SETOWN, 1, 0);
}
static long try_duplicate(void)
{
    return dup(1000);
}
static long try_personality(void)
{
    return call(SYS_personality, 0xffffffff, 0, 0, 0);
}
/* x32 has its own numbers; the filter's architecture check must catch them. */
static long try_x32_open(void)
{
    return call(0x40000000 + 2, ADDRESS("/etc/passwd"), 0, 0, 0);
}
static long try_unknown(void)
{
    return call(100000, 0, 0, 0, 0);
}

#define TRY(name, host, child)                                                                     \
    {                                                                                              \
#name, try_##name, host, child                                                             \
    }
static const struct {
    const char *name;
    long (*call)(void);
    enum fate host, child;
} tries[] = {
    TRY(open, EACCES_, EACCES_),        TRY(openat, EACCES_, EACCES_),
    TRY(openat2, EACCES_, EACCES_),     TRY(creat, EACCES_, EACCES_),
    TRY(open_proc, EACCES_, EACCES_),   TRY(open_own_descriptor, EACCES_, EACCES_),
    TRY(stat, EACCES_, EACCES_),        TRY(statx, EACCES_, EACCES_),
    TRY(access, EACCES_, EACCES_),      TRY(readlink, EACCES_, EACCES_),
    TRY(statfs, EACCES_, EACCES_),      TRY(unlink, EACCES_, EACCES_),
    TRY(rename, EACCES_, EACCES_),      TRY(mkdir, EACCES_, EACCES_),
    TRY(terminal, EACCES_, EACCES_),    TRY(link, KILLED, KILLED),
    TRY(chmod, KILLED, KILLED),         TRY(mount, KILLED, KILLED),
    TRY(socket, KILLED, KILLED),        TRY(unix_socket, KILLED, KILLED),
    TRY(socketpair, KILLED, KILLED),    TRY(connect, KILLED, KILLED),
    TRY(bind, KILLED, KILLED),          TRY(sendto, KILLED, KILLED),
    TRY(sendmsg, FAILS, KILLED),        TRY(recvmsg, FAILS, KILLED),
    TRY(execve, KILLED, KILLED),        TRY(execveat, KILLED, KILLED),
    TRY(clone_thread, KILLED, KILLED),  TRY(clone_namespace, KILLED, KILLED),
    TRY(clone3, KILLED, KILLED),        TRY(fork, DONE, KILLED),
    TRY(vfork, KILLED, KILLED),         TRY(unshare, KILLED, KILLED),
    TRY(ptrace, KILLED, KILLED),        TRY(read_memory, KILLED, KILLED),
    TRY(kill_parent, FAILS, KILLED),    TRY(signal_other_thread, FAILS, KILLED),
    TRY(signal_itself, DONE, DONE),     TRY(pidfd, KILLED, KILLED),
    TRY(mmap_exec, KILLED, KILLED),     TRY(mprotect_exec, KILLED, KILLED),
    TRY(pkey_mprotect, KILLED, KILLED), TRY(mmap_data, DONE, DONE),
    TRY(memfd, KILLED, KILLED),         TRY(setuid, KILLED, KILLED),
    TRY(setgroups, KILLED, KILLED),     TRY(prctl, DONE, KILLED),
    TRY(more_memory, DONE, KILLED),     TRY(io_uring, KILLED, KILLED),
    TRY(bpf, KILLED, KILLED),           TRY(userfaultfd, KILLED, KILLED),
    TRY(perf, KILLED, KILLED),          TRY(keyctl, KILLED, KILLED),
    TRY(shared_memory, KILLED, KILLED), TRY(inotify, KILLED, KILLED),
    TRY(descriptor_flags, DONE, DONE),  TRY(lease, FAILS, KILLED),
    TRY(duplicate, KILLED, KILLED),     TRY(personality, KILLED, KILLED),
#ifdef __x86_64__
    TRY(x32_open, KILLED, KILLED),
#endif
    TRY(unknown, KILLED, KILLED),
};

enum { EXIT_DONE = 10, EXIT_EACCES, EXIT_FAILED, EXIT_NO_LOCK };

/* Lock this process, in one layer or both, and try. */
static _Noreturn void behind_the_lock(long (*try)(void), bool child)
{
    struct lockdown lockdown;
    struct limits limits = limits_default();
    if (!lockdown_prepare(&lockdown, NULL) || !lockdown_host(&lockdown, false, NULL) ||
        (child && !lockdown_child(&lockdown, &limits)))
        _exit(EXIT_NO_LOCK);
    errno = 0;
    long result = try();
    _exit(result >= 0 ? EXIT_DONE : errno == EACCES ? EXIT_EACCES : EXIT_FAILED);
}

static enum fate fate_of(long (*try)(void), bool child, int *status)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        behind_the_lock(try, child);
    assert_int_equal(waitpid(pid, status, 0), pid);
    if (WIFSIGNALED(*status) && WTERMSIG(*status) == SIGSYS)
        return KILLED;
    switch (WIFEXITED(*status) ? WEXITSTATUS(*status) : -1) {
    case EXIT_DONE: return DONE;
    case EXIT_EACCES: return EACCES_;
    case EXIT_FAILED: return FAILS;
    default: fail_msg("the lock itself failed: wait status %#x", (unsigned)*status);
    }
    return FAILS;
}

static void try_all(bool child)
{
    static const char *const words[] = {"done", "EACCES", "killed", "failed"};
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        int status;
        enum fate wanted = child ? tries[i].child : tries[i].host;
        enum fate got = fate_of(tries[i].call, child, &status);
        if (got != wanted) {
            print_error("%s: %s instead of %s (wait status %#x)\n", tries[i].name, words[got],
                        words[wanted], (unsigned)status);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

TEST(the_host_can_only_do_what_it_must)
{
    try_all(false);
}

TEST(a_child_can_do_even_less)
{
    try_all(true);
}

static long try_and_see_the_note(void)
{
    bool before = lockdown_open_denied();
    try_openat();
    return !before && lockdown_open_denied() ? 0 : -1;
}

TEST(a_denied_open_is_noted_in_a_child)
{
    int status;
    assert_int_equal(fate_of(try_and_see_the_note, true, &status), DONE);
}

/* Without seccomp the second wall still stands where the kernel has it. */
static long try_landlock_alone(void)
{
    struct lockdown lockdown;
    if (!lockdown_prepare(&lockdown, NULL))
        return -1;
    lockdown.host_length = 0; /* a program that the kernel refuses */
    if (lockdown_host(&lockdown, false, NULL) || !lockdown_host(&lockdown, true, NULL) ||
        lockdown.seccomp)
        return -1;
    return lockdown.landlock_abi == 0 || open("/etc/passwd", O_RDONLY) < 0 ? 0 : -1;
}

TEST(without_seccomp_the_host_starts_only_when_told_to)
{
    pid_t pid = fork();
    int status;
    if (pid == 0)
        _exit(try_landlock_alone() == 0 ? EXIT_DONE : EXIT_FAILED);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_can_only_do_what_it_must),
        cmocka_unit_test(a_child_can_do_even_less),
        cmocka_unit_test(a_denied_open_is_noted_in_a_child),
        cmocka_unit_test(without_seccomp_the_host_starts_only_when_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
