#include "sandbox/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/wire.h"
#include "sandbox/exchange.h"
#include "sandbox/pool.h"

struct parser {
    struct pool *pool;
};

/* What became of one request, as design.md §5 tells it. */
enum verdict {
    ANSWERED,
    HOSTILE, /* an invalid answer, or a forbidden call */
    CRASHED, /* a signal, out of memory; tried once more */
    TIMED,   /* killed on time; never tried again */
    FAILED   /* not asked, or the descriptors failed: err */
};

/* One question and its answer. */
struct ask {
    struct parse_request request;
    struct exchange exchange;
    int output; /* to be emptied before a second try; -1 = none */
    const struct wire_message *kind;
    void *thing; /* the answer is read into it */
    struct arena *arena;
    enum verdict verdict;
    char reason[32];
    struct parser_cost cost;
};

/* Verdicts ----------------------------------------------------------------------------------- */

static enum verdict because(struct ask *ask, enum verdict verdict, const char *reason)
{
    snprintf(ask->reason, sizeof ask->reason, "%s", reason);
    return verdict;
}

static const struct {
    uint32_t number;
    enum verdict verdict;
    const char *reason;
} signals[] = {
    {SIGSYS, HOSTILE, "forbidden-call"},
    {SIGXCPU, TIMED, "time"},
    {SIGKILL, CRASHED, "memory"},
    {SIGSEGV, CRASHED, "segv"},
    {SIGBUS, CRASHED, "bus"},
    {SIGABRT, CRASHED, "abort"},
    {SIGFPE, CRASHED, "fpe"},
    {SIGILL, CRASHED, "ill"},
};

static enum verdict judge_signal(struct ask *ask, uint32_t number)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signals[i].number == number)
            return because(ask, signals[i].verdict, signals[i].reason);
    snprintf(ask->reason, sizeof ask->reason, "signal-%u", number);
    return CRASHED;
}

/* Read the answer: exactly one frame with exactly one valid message of the right kind. An answer
 * that blows up the arena is no honest one, unless memory is really out. */
static enum verdict judge_answer(struct ask *ask, struct err *err)
{
    const struct buf *answer = &ask->exchange.answer;
    uint32_t length = 0;
    if (ask->exchange.oversized)
        return because(ask, HOSTILE, "answer-too-large");
    if (answer->length >= sizeof length)
        memcpy(&length, answer->bytes, sizeof length);
    if (answer->length < sizeof length || answer->length - sizeof length != length)
        return because(ask, HOSTILE, "answer");
    struct err why = {0};
    if (wire_read(ask->kind, answer->bytes + sizeof length, length, ask->thing, ask->arena, &why))
        return ANSWERED;
    if (why.kind == ERR_HOSTILE || length > (1u << 20))
        return because(ask, HOSTILE, "answer");
    if (err)
        *err = why;
    return FAILED;
}

static enum verdict judge_exit(struct ask *ask, uint32_t code, struct err *err)
{
    switch (code) {
    case HOSTLINK_ANSWERED:
    case HOSTLINK_DENIED: return judge_answer(ask, err);
    case HOSTLINK_NO_MEMORY: return because(ask, CRASHED, "memory");
    case HOSTLINK_NO_OUTPUT:
        if (ask->exchange.oversized)
            return because(ask, HOSTILE, "answer-too-large");
        err_set(err, ERR_IO, "the output could not be written");
        return FAILED;
    case HOSTLINK_NO_INPUT:
        err_set(err, ERR_UNSUPPORTED, "the file cannot be mapped into memory");
        return FAILED;
    default: snprintf(ask->reason, sizeof ask->reason, "exit-%u", code); return CRASHED;
    }
}

static enum verdict judge(struct ask *ask, struct err *err)
{
    const struct parse_done *done = &ask->exchange.done;
    ask->cost.cpu_us += done->cpu_us;
    ask->cost.open_denied = done->open_denied;
    if (done->peak_bytes > ask->cost.peak_bytes)
        ask->cost.peak_bytes = done->peak_bytes;
    if (done->killed_on_time)
        return because(ask, TIMED, "time");
    return done->exited ? judge_exit(ask, done->code, err) : judge_signal(ask, done->code);
}

/* Asking ------------------------------------------------------------------------------------- */

/* A second try begins with an empty output. False: what was written cannot be taken back. */
static bool empty_output(const struct ask *ask)
{
    return ask->output < 0 ||
           (ftruncate(ask->output, 0) == 0 && lseek(ask->output, 0, SEEK_SET) == 0);
}

/* One try on some host. *lost: the host ended meanwhile; *again: it took nothing more. */
static enum verdict ask_once(struct parser *parser, struct ask *ask, bool *lost, bool *again,
                             struct err *err)
{
    int link = -1;
    enum parse_lane lane = ask->request.lane;
    struct pool_host *host = pool_take(parser->pool, lane, &link, err);
    if (!host)
        return FAILED;
    enum exchange_end end = exchange_run(link, &ask->exchange, err);
    pool_give(parser->pool, host, lane, end == EXCHANGE_GONE || end == EXCHANGE_STUCK);
    *lost = end == EXCHANGE_GONE || end == EXCHANGE_STUCK;
    *again = end == EXCHANGE_DONE && ask->exchange.done.refused;
    if (end == EXCHANGE_FAILED)
        return FAILED;
    if (*lost)
        return because(ask, CRASHED, "host");
    return *again ? FAILED : judge(ask, err);
}

/* Try, and once more after a crash. A host that is full for a moment costs no try. */
static enum verdict ask_twice(struct parser *parser, struct ask *ask, struct err *err)
{
    enum { REFUSALS_MAX = 200 };
    unsigned crashes = 0;
    for (unsigned refusals = 0; refusals < REFUSALS_MAX;) {
        bool lost = false, again = false;
        enum verdict verdict = ask_once(parser, ask, &lost, &again, err);
        if (again) {
            refusals++;
            clock_sleep_us(5000);
            continue;
        }
        if (verdict != CRASHED || crashes++ > 0 || !empty_output(ask))
            return verdict;
    }
    err_set(err, ERR_BUSY, "the parse hosts take nothing more");
    return FAILED;
}

/* Inputs are handed over so that nobody behind the door can write them: an own description that
 * only reads, unless the file is sealed. Into *own when a new descriptor was needed. */
static int reading_end(int file, int *own, struct err *err)
{
    int flags = fcntl(file, F_GETFL);
    struct stat st;
    if (flags < 0 || fstat(file, &st) < 0)
        return err_errno(err, "looking at the file"), -1;
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_UNSUPPORTED, "not a regular file"), -1;
    int seals = fcntl(file, F_GET_SEALS);
    if ((flags & O_ACCMODE) == O_RDONLY || (seals >= 0 && (seals & F_SEAL_WRITE)))
        return file;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    *own = open(path, O_RDONLY | O_CLOEXEC);
    if (*own < 0)
        err_errno(err, "reading the file again");
    return *own;
}

/* Fill in the rest, ask, judge. `inputs` of the request's files are read only. */
static enum verdict run(struct parser *parser, struct ask *ask, size_t inputs, struct err *err)
{
    own_buf struct buf packet = buf_new(HOSTLINK_PACKET);
    own_fd int first = -1, second = -1;
    int64_t begun = clock_steady_us();
    for (size_t i = 0; i < inputs; i++) {
        ask->exchange.files[i] =
            reading_end(ask->exchange.files[i], i == 0 ? &first : &second, err);
        if (ask->exchange.files[i] < 0)
            return FAILED;
    }
    if (!wire_write(&wire_parse_request, &ask->request, &packet, err))
        return FAILED;
    ask->exchange.request = &packet;
    ask->exchange.wall_ms = ask->request.limits.parse_wall_ms;
    ask->verdict = ask_twice(parser, ask, err);
    buf_fini(&ask->exchange.answer);
    ask->cost.wall_us = (uint64_t)(clock_steady_us() - begun);
    return ask->verdict;
}

/* For verbs whose answer has no status: the verdict as an error. */
static bool finish(struct parser *parser, struct ask *ask, size_t inputs, struct err *err)
{
    switch (run(parser, ask, inputs, err)) {
    case ANSWERED: return true;
    case HOSTILE:
        return err_set(err, ERR_HOSTILE, "the process that read the file misbehaved (%s)",
                       ask->reason);
    case TIMED: return err_set(err, ERR_TIMEOUT, "reading the file took too long");
    case CRASHED:
        return err_set(err, ERR_CRASHED, "the process that read the file crashed (%s)",
                       ask->reason);
    case FAILED: break;
    }
    return false;
}

static struct ask ask_for(enum parse_verb verb, enum parse_lane lane, const struct limits *limits,
                          struct arena *arena)
{
    return (struct ask){
        .request = {.verb = verb, .lane = lane, .limits = limits ? *limits : limits_default()},
        .output = -1,
        .arena = arena,
    };
}

/* The public face ---------------------------------------------------------------------------- */

struct parser *parser_open(const struct parser_options *options, struct buf *problems,
                           struct err *err)
{
    own_free struct parser *parser = mem_zalloc(1, sizeof *parser);
    if (!parser) {
        err_set(err, ERR_MEMORY, "starting the parse hosts: out of memory");
        return NULL;
    }
    parser->pool = pool_open(options, problems, err);
    return parser->pool ? own_take(&parser) : NULL;
}

void parser_close(struct parser *parser)
{
    if (!parser)
        return;
    pool_close(parser->pool);
    mem_free(parser);
}

void parser_facts(struct parser *parser, struct parser_facts *facts)
{
    pool_facts(parser->pool, facts);
}

/* A report that no parse process wrote. */
static bool own_report(struct report *report, struct arena *arena, enum report_status status,
                       const char *reason, struct err *err)
{
    const char *copy = arena_strdup(arena, reason);
    *report = (struct report){.status = status, .format = FORMAT_UNKNOWN};
    report->reason = copy;
    report->mime = report->needs = "";
    return copy || err_set(err, ERR_MEMORY, "out of memory");
}

bool parser_examine(struct parser *parser, enum parse_lane lane, int file,
                    const struct limits *limits, struct arena *arena, struct report *report,
                    struct parser_cost *cost, struct err *err)
{
    struct ask ask = ask_for(PARSE_EXAMINE, lane, limits, arena);
    struct stat st;
    if (fstat(file, &st) < 0)
        return err_errno(err, "looking at the file");
    if ((uint64_t)st.st_size > ask.request.limits.fetch_bytes)
        return own_report(report, arena, REPORT_TOO_LARGE, "fetch-bytes", err);
    ask.exchange.files[0] = file;
    ask.exchange.file_count = 1;
    ask.kind = &wire_report;
    ask.thing = report;
    enum verdict verdict = run(parser, &ask, 1, err);
    if (cost)
        *cost = ask.cost;
    switch (verdict) {
    case ANSWERED: break;
    case HOSTILE: return own_report(report, arena, REPORT_HOSTILE, ask.reason, err);
    case TIMED:
    case CRASHED: return own_report(report, arena, REPORT_CRASHED, ask.reason, err);
    case FAILED: return false;
    }
    /* Only we say these two. */
    if (report->status == REPORT_TOO_LARGE || report->status == REPORT_CRASHED)
        return own_report(report, arena, REPORT_HOSTILE, "answer", err);
    if (ask.cost.open_denied && report->status == REPORT_OK) {
        report->status = REPORT_PARTIAL;
        report->reason = "missing-data";
    }
    return true;
}

bool parser_text(struct parser *parser, int file, const char *part, int out,
                 const struct limits *limits, struct arena *arena, struct text_result *result,
                 struct err *err)
{
    struct ask ask = ask_for(PARSE_TEXT, PARSE_LIVE, limits, arena);
    ask.request.part = part;
    ask.exchange.files[0] = file;
    ask.exchange.files[1] = ask.output = out;
    ask.exchange.file_count = 2;
    ask.kind = &wire_text_result;
    ask.thing = result;
    return finish(parser, &ask, 1, err);
}

bool parser_masked(struct parser *parser, int file, const struct limits *limits,
                   struct arena *arena, struct masked_list *list, struct err *err)
{
    struct ask ask = ask_for(PARSE_MASKED, PARSE_LIVE, limits, arena);
    ask.exchange.files[0] = file;
    ask.exchange.file_count = 1;
    ask.kind = &wire_masked_list;
    ask.thing = list;
    return finish(parser, &ask, 1, err);
}

bool parser_relabel(struct parser *parser, enum parse_lane lane, int file, int out,
                    const struct label_edit *edit, const struct limits *limits, struct arena *arena,
                    struct label_result *result, struct err *err)
{
    struct ask ask = ask_for(PARSE_RELABEL, lane, limits, arena);
    ask.request.edit = *edit;
    ask.exchange.files[0] = file;
    ask.exchange.files[1] = ask.output = out;
    ask.exchange.file_count = 2;
    ask.kind = &wire_label_result;
    ask.thing = result;
    return finish(parser, &ask, 1, err);
}

bool parser_verify(struct parser *parser, enum parse_lane lane, int before, int after,
                   const struct label_edit *edit, const struct limits *limits, struct arena *arena,
                   struct label_result *result, struct err *err)
{
    struct ask ask = ask_for(PARSE_VERIFY, lane, limits, arena);
    ask.request.edit = *edit;
    ask.exchange.files[0] = before;
    ask.exchange.files[1] = after;
    ask.exchange.file_count = 2;
    ask.kind = &wire_label_result;
    ask.thing = result;
    return finish(parser, &ask, 2, err);
}

bool parser_labels(struct parser *parser, int file, const struct limits *limits,
                   struct arena *arena, struct label_result *result, struct err *err)
{
    struct ask ask = ask_for(PARSE_LABELS, PARSE_LIVE, limits, arena);
    ask.exchange.files[0] = file;
    ask.exchange.file_count = 1;
    ask.kind = &wire_label_result;
    ask.thing = result;
    return finish(parser, &ask, 1, err);
}

bool parser_types(struct parser *parser, struct arena *arena, struct type_list *list,
                  struct err *err)
{
    struct ask ask = ask_for(PARSE_TYPES, PARSE_LIVE, NULL, arena);
    ask.kind = &wire_type_list;
    ask.thing = list;
    return finish(parser, &ask, 0, err);
}
