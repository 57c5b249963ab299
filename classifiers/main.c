/*
 * labeld-parse: the parse host. Started by labeld and labelctl with a socket as descriptor 3:
 * load types and tables, lock the door, serve.
 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/hostlink.h"
#include "base/own.h"
#include "classifier.h"
#include "format.h"
#include "heap.h"
#include "host.h"
#include "lockdown.h"

enum { LIST_MAX = 256, STANDARD_CHILDREN = 4 };

struct arguments {
    const char *types[LIST_MAX], *regions[LIST_MAX];
    struct classifier_options types_options;
    unsigned children;
    bool relaxed;
    char builtin[PATH_MAX];
};

static const struct option options[] = {
    {"types", required_argument, NULL, 't'},    {"builtin", required_argument, NULL, 'b'},
    {"cache", required_argument, NULL, 'c'},    {"region", required_argument, NULL, 'r'},
    {"children", required_argument, NULL, 'n'}, {"relaxed", no_argument, NULL, 'x'},
    {"version", no_argument, NULL, 'v'},        {NULL, 0, NULL, 0},
};

#ifdef LABELD_SANITIZED
/* The leak check forks a tracer at exit, which the filter ends the process for. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

/* The built-in types lie beside the program in a build tree, else where both were installed. */
static const char *builtin_types(char path[static PATH_MAX])
{
    static const char *const beside[] = {"types", "../../share/labeld/types"};
    char self[PATH_MAX / 2];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - self), self, beside[i]);
        if (access(path, R_OK | X_OK) == 0)
            return path;
    }
    return LABELD_TYPES_DIR;
}

static bool add(const char **list, size_t *count, const char *word)
{
    if (*count == LIST_MAX)
        return false;
    list[(*count)++] = word;
    return true;
}

/* One or two digits, from 1 to HOST_CHILDREN. */
static bool take_children(const char *word, unsigned *children)
{
    unsigned value = 0;
    size_t length = strspn(word, "0123456789");
    if (length == 0 || length > 2 || word[length] != '\0')
        return false;
    for (size_t i = 0; i < length; i++)
        value = value * 10 + (unsigned)(word[i] - '0');
    *children = value;
    return value >= 1 && value <= HOST_CHILDREN;
}

static bool take_option(struct arguments *arguments, int option)
{
    struct classifier_options *types = &arguments->types_options;
    switch (option) {
    case 't': return add(arguments->types, &types->type_dir_count, optarg);
    case 'r': return add(arguments->regions, &types->region_count, optarg);
    case 'n': return take_children(optarg, &arguments->children);
    case 'b': types->builtin_dir = optarg; return true;
    case 'c': types->cache_dir = optarg; return true;
    case 'x': arguments->relaxed = true; return true;
    default: return false;
    }
}

static bool take_arguments(struct arguments *arguments, int count, char **words)
{
    arguments->children = STANDARD_CHILDREN;
    arguments->types_options = (struct classifier_options){
        .type_dirs = arguments->types,
        .regions = arguments->regions,
        .run_examples = true,
    };
    for (int option; (option = getopt_long(count, words, "", options, NULL)) != -1;) {
        if (option == 'v') {
            puts("labeld-parse " LABELD_VERSION);
            exit(0);
        }
        if (!take_option(arguments, option))
            return false;
    }
    if (!arguments->types_options.builtin_dir)
        arguments->types_options.builtin_dir = builtin_types(arguments->builtin);
    return optind == count;
}

/* Whether descriptor 3 is the socket that labeld made. */
static bool is_started_by_labeld(void)
{
    int kind = 0;
    socklen_t size = sizeof kind;
    return getsockopt(HOSTLINK_FD, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 &&
           kind == SOCK_SEQPACKET;
}

/* 0 to 2 must be something, so that no descriptor of ours takes their place. */
static void fill_standard(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(1);
}

/* Everything that needs files, then the lock, then work until the other side closes. */
static bool run(const struct arguments *arguments, struct buf *problems, struct err *err)
{
    struct lockdown lockdown = {0};
    struct host_options host = {.lockdown = &lockdown, .children = arguments->children};
    struct classifier *classifier = classifier_open(&arguments->types_options, problems, err);
    host.classifier = classifier;
    own_fd int signals = -1;
    bool ready = classifier && format_prepare(err) && lockdown_prepare(&lockdown, err) &&
                 (signals = host_prepare(err)) >= 0;
    if (ready)
        heap_settle();
    ready = ready && lockdown_host(&lockdown, arguments->relaxed, err);
    bool ok = ready && host_announce(&host, NULL, err) && host_serve(&host, signals, err);
    if (!ready) {
        if (problems->length == 0)
            buf_printf(problems, "%s\n", err->text);
        host_announce(&host, buf_text(problems), NULL);
        err_clear(err); /* said to who asked */
    }
    classifier_close(classifier);
    lockdown_fini(&lockdown);
    return ok;
}

int main(int count, char **words)
{
    struct arguments arguments = {0};
    if (!take_arguments(&arguments, count, words) || !is_started_by_labeld()) {
        fputs(
            "labeld-parse reads documents for labeld and labelctl, which start it themselves.\n"
            "usage: labeld-parse [--types DIR]... [--builtin DIR] [--cache DIR] [--region CC]...\n"
            "                    [--children N] [--relaxed]\n",
            stderr);
        return 2;
    }
    fill_standard();
    fcntl(HOSTLINK_FD, F_SETFD, FD_CLOEXEC);
    setenv("TZ", "UTC0", 1); /* a library that converts times cannot open the zone file later */
    tzset();
    own_buf struct buf problems = buf_new(64u << 10);
    struct err err = {0};
    if (run(&arguments, &problems, &err))
        _exit(0);
    if (err.kind != ERR_NONE)
        fprintf(stderr, "labeld-parse: %s\n", err.text);
    _exit(1);
}
