/* Opens /proc/self/statm and /proc/self/task: load-time code, before the door is locked. */
#include "lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "landlock.h"

enum rule { ALLOW, DENY, NO, KILL, OWN_STAT, FLAGS, DATA, SELF, FORK };

struct row {
    int call;
    enum rule host, child;
};

static const struct row rows[] = {
#define CALL(name, host, child) {SCMP_SYS(name), host, child},
#include "syscalls.def"
#undef CALL
};

/* Stands in the child's filter where each child puts its own pid. */
#define OWN_PID_MARK 0x7a6b5c4du

/* What fork() of glibc asks of clone: no thread, no namespace. */
#define FORK_FLAGS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)

/* A signal handler can reach nothing but a variable of its own. */
static volatile sig_atomic_t open_denied;

/* Filters ------------------------------------------------------------------------------------ */

/* What becomes of a call under a condition on one argument; where none holds, it kills. */
static const struct {
    enum rule rule;
    unsigned argument;
    enum scmp_compare compare;
    uint64_t a, b;
    uint32_t action;
} conditions[] = {
    {OWN_STAT, 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0, SCMP_ACT_ALLOW}, /* fstat() of glibc */
    {OWN_STAT, 3, SCMP_CMP_NE, AT_EMPTY_PATH, 0, SCMP_ACT_ERRNO(EACCES)},
    {FLAGS, 1, SCMP_CMP_EQ, F_GETFL, 0, SCMP_ACT_ALLOW},
    {FLAGS, 1, SCMP_CMP_EQ, F_GETFD, 0, SCMP_ACT_ALLOW},
    {DATA, 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0, SCMP_ACT_ALLOW},
    {SELF, 0, SCMP_CMP_EQ, OWN_PID_MARK, 0, SCMP_ACT_ALLOW},
    {FORK, 0, SCMP_CMP_EQ, FORK_FLAGS, 0, SCMP_ACT_ALLOW},
};

static int add_conditions(scmp_filter_ctx filter, int call, enum rule rule)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions && failed == 0; i++) {
        const struct scmp_arg_cmp argument = {conditions[i].argument, conditions[i].compare,
                                              conditions[i].a, conditions[i].b};
        if (conditions[i].rule == rule)
            failed = seccomp_rule_add_array(filter, conditions[i].action, call, 1, &argument);
    }
    return failed;
}

static int add_rule(scmp_filter_ctx filter, int call, enum rule rule)
{
    switch (rule) {
    case ALLOW: return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0, NULL);
    case DENY: return seccomp_rule_add_array(filter, SCMP_ACT_TRAP, call, 0, NULL);
    case NO: return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), call, 0, NULL);
    case KILL: return 0;
    default: return add_conditions(filter, call, rule);
    }
}

/* The filter's program for the kernel; libseccomp writes it to a descriptor. */
static struct sock_filter *write_down(scmp_filter_ctx filter, uint16_t *length, struct err *err)
{
    own_fd int file = io_memfd("filter", err);
    struct stat st;
    if (file < 0)
        return NULL;
    if (seccomp_export_bpf(filter, file) != 0 || fstat(file, &st) < 0 || st.st_size <= 0 ||
        (size_t)st.st_size / sizeof(struct sock_filter) > UINT16_MAX) {
        err_set(err, ERR_BROKEN, "the system call filter cannot be written down");
        return NULL;
    }
    own_free struct sock_filter *program = mem_alloc((size_t)st.st_size);
    if (!program || io_read_at(file, program, (size_t)st.st_size, 0) != st.st_size) {
        err_set(err, ERR_MEMORY, "reading the system call filter: out of memory");
        return NULL;
    }
    *length = (uint16_t)((size_t)st.st_size / sizeof *program);
    return own_take(&program);
}

static struct sock_filter *make_filter(bool child, uint16_t *length, struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int failed = filter ? 0 : -ENOMEM;
    /* A balanced tree instead of a chain: every call of a child passes both filters. */
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && failed == 0; i++)
        failed = add_rule(filter, rows[i].call, child ? rows[i].child : rows[i].host);
    struct sock_filter *program = NULL;
    if (failed == 0)
        program = write_down(filter, length, err);
    else
        err_set(err, ERR_BROKEN, "building the system call filter: %s", strerror(-failed));
    seccomp_release(filter);
    return program;
}

/* The one comparison with the mark. */
static bool find_own_pid(struct lockdown *lockdown, struct err *err)
{
    size_t found = 0;
    for (uint16_t i = 0; i < lockdown->child_length; i++)
        if (BPF_CLASS(lockdown->child[i].code) == BPF_JMP && lockdown->child[i].k == OWN_PID_MARK) {
            lockdown->own_pid_at = i;
            found++;
        }
    return found == 1 || err_set(err, ERR_BROKEN, "the system call filter has no place for a pid");
}

bool lockdown_prepare(struct lockdown *lockdown, struct err *err)
{
    *lockdown = (struct lockdown){0};
    lockdown->host = make_filter(false, &lockdown->host_length, err);
    lockdown->child = lockdown->host ? make_filter(true, &lockdown->child_length, err) : NULL;
    return lockdown->child && find_own_pid(lockdown, err);
}

void lockdown_fini(struct lockdown *lockdown)
{
    mem_free(lockdown->host);
    mem_free(lockdown->child);
    *lockdown = (struct lockdown){0};
}

static bool install(struct sock_filter *filter, uint16_t length)
{
    const struct sock_fprog program = {.len = length, .filter = filter};
    return syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, &program) == 0;
}

/* The host ----------------------------------------------------------------------------------- */

/* Threads would escape a filter that is set for one of them, and fork would lose them. */
static bool alone(struct err *err)
{
    own_dir DIR *tasks = opendir("/proc/self/task");
    size_t threads = 0;
    for (const struct dirent *task; tasks && (task = readdir(tasks));)
        threads += task->d_name[0] != '.';
    if (!tasks || threads == 1) /* without /proc: the libraries are known to start none */
        return true;
    return err_set(err, ERR_BROKEN, "%zu threads where there must be one", threads);
}

/* Sixth column of statm: pages of data and stack (proc(5)). */
static uint64_t data_bytes(void)
{
    unsigned long long columns[7] = {0};
    own_file FILE *file = fopen("/proc/self/statm", "re");
    for (size_t i = 0; file && i < 7; i++)
        if (fscanf(file, "%llu", &columns[i]) != 1)
            break;
    return columns[5] * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The root folder of this process turns into one that no longer exists: that of a child which
 * shares it and ends. Only a process with CAP_SYS_CHROOT can; the others have Landlock and the
 * filter. */
static void lose_root(void)
{
    long child = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        if (chroot("/proc/self/fdinfo") == 0 && chdir("/") != 0)
            _exit(1);
        _exit(0);
    }
    if (child > 0)
        while (waitpid((pid_t)child, NULL, 0) < 0 && errno == EINTR)
            continue;
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capset, &head, none) == 0;
}

static bool set_limit(int what, rlim_t soft, rlim_t hard)
{
    const struct rlimit limit = {soft, hard};
    return setrlimit((__rlimit_resource_t)what, &limit) == 0;
}

bool lockdown_host(struct lockdown *lockdown, bool relaxed, struct err *err)
{
    enum { OPEN_FILES = 256 };
    if (!alone(err))
        return false;
    lockdown->standing_bytes = data_bytes();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, "giving up new privileges");
    lose_root();
    if (!landlock_enter(&lockdown->landlock_abi, err))
        return false;
    if (!drop_capabilities() || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        !set_limit(RLIMIT_CORE, 0, 0) || !set_limit(RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES))
        return err_errno(err, "giving up rights");
    lockdown->seccomp = install(lockdown->host, lockdown->host_length);
    if (!lockdown->seccomp && !relaxed) {
        err_errno(err, "the kernel refuses the system call filter (seccomp)");
        if (err)
            err->kind = ERR_REFUSED;
        return err_add(err, "documents are only read behind it; to go without: sandbox: relaxed");
    }
    return true;
}

/* The child ---------------------------------------------------------------------------------- */

/* An open behind the door: answer EACCES, as the filter's other class does, and remember. */
static void on_denied(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ucontext_t *registers = context;
    open_denied = 1;
#if defined(__x86_64__)
    registers->uc_mcontext.gregs[REG_RAX] = -EACCES;
#elif defined(__aarch64__)
    registers->uc_mcontext.regs[0] = (unsigned long long)-EACCES;
#else
#error "name the register of a system call's result"
#endif
}

/* Processor time comes in whole seconds here. The soft limit of the reading comes first, then
 * SIGXCPU, then the kernel's SIGKILL; the host's wall time stands beside. */
static bool limit_time(const struct limits *limits)
{
    rlim_t seconds = (rlim_t)(limits->parse_cpu_ms / 1000 + 2);
    return set_limit(RLIMIT_CPU, seconds, seconds + 1);
}

/* What the host holds already counts, but at least 16 MiB are left for the file. */
static bool limit_memory(const struct lockdown *lockdown, const struct limits *limits)
{
#ifdef LABELD_SANITIZED
    (void)lockdown, (void)limits; /* its shadow needs terabytes of address space */
    return true;
#else
    rlim_t least = (rlim_t)(lockdown->standing_bytes + (16u << 20));
    rlim_t most = (rlim_t)limits->parse_memory_bytes;
    most = most > least ? most : least;
    return set_limit(RLIMIT_DATA, most, most);
#endif
}

bool lockdown_child(struct lockdown *lockdown, const struct limits *limits)
{
    struct sigaction denied = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO | SA_NODEFER};
    open_denied = 0;
    if (!limit_time(limits) || !limit_memory(lockdown, limits) ||
        sigaction(SIGSYS, &denied, NULL) < 0)
        return false;
    if (!lockdown->seccomp)
        return true;
    lockdown->child[lockdown->own_pid_at].k = (uint32_t)getpid();
    return install(lockdown->child, lockdown->child_length);
}

bool lockdown_open_denied(void)
{
    return open_denied != 0;
}
