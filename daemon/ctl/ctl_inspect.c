#include "ctl/ctl.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "ctl/source.h"

/* Answers that may wait for an earlier one: bounds memory however slow one file is. */
enum { window = 256 };

static const size_t report_max_bytes = 64u << 20;
static const size_t answer_max_bytes = 64u << 20;

struct slot {
    char *path;
    char *answer;  /* what goes to stdout */
    char *message; /* what goes to stderr */
    int exit;
    bool done;
};

struct inspection {
    struct ctl_call *call;
    struct parser *parser;
    struct limits limits;
    bool json, show, progress;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t moved;
    FTS *tree;
    struct slot slots[window];
    size_t taken, printed; /* counters; slot = counter % window */
    bool ended;
    int exit;
};

/* People ------------------------------------------------------------------------------------- */

static void put_number(struct buf *out, uint64_t number)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buf_putc(out, ',');
        buf_putc(out, digits[i]);
    }
}

/* A path may hold anything; on a terminal control characters would do something. */
static void put_path(struct buf *out, const char *path)
{
    for (const char *at = path; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            buf_printf(out, "\\x%02x", (unsigned char)*at);
        else
            buf_putc(out, *at);
    }
}

static void put_labels(struct buf *out, const struct report *report)
{
    for (uint32_t i = 0; i < report->labels_count; i++) {
        const struct report_label *label = &report->labels[i];
        buf_printf(out, "%s%s", i ? ", " : "; label ", *label->name ? label->name : label->id);
    }
}

static void put_finding(struct buf *out, const struct report_finding *finding)
{
    char amount[48];
    snprintf(amount, sizeof amount, "%u (%s%u different)", finding->count,
             finding->at_least ? "at least " : "", finding->unique_count);
    buf_printf(out, "  %-28s %-24s %s", finding->type, amount,
               report_confidence_word(finding->confidence));
    for (uint32_t i = 0; i < finding->variants_count; i++)
        buf_printf(out, "%s%s %u", i ? ", " : "  (", finding->variants[i].type,
                   finding->variants[i].unique_count);
    buf_puts(out, finding->variants_count ? ")\n" : "\n");
}

static void put_text(struct buf *out, const char *path, uint64_t size, const struct report *report)
{
    put_path(out, path);
    buf_printf(out, "  %s, ", formats_row(report->format)->word);
    put_number(out, size);
    buf_printf(out, " bytes, %s", report_status_word(report->status));
    if (report->reason && *report->reason)
        buf_printf(out, " (%s)", report->reason);
    put_labels(out, report);
    buf_putc(out, '\n');
    for (uint32_t i = 0; i < report->findings_count; i++)
        put_finding(out, &report->findings[i]);
}

static void put_masked(struct buf *out, const struct masked_list *list)
{
    for (uint32_t i = 0; i < list->matches_count; i++) {
        const struct masked_match *match = &list->matches[i];
        buf_printf(out, "    %s%s%llu: %s  %s, %s\n", match->where.part,
                   *match->where.part ? ":" : "byte ", (unsigned long long)match->where.offset,
                   match->masked, match->type, report_confidence_word(match->confidence));
    }
}

/* One file ----------------------------------------------------------------------------------- */

static int exit_of(enum report_status status)
{
    static const bool refused[REPORT_STATUS_COUNT] = {
        [REPORT_ENCRYPTED] = true, [REPORT_CORRUPT] = true, [REPORT_TOO_LARGE] = true,
        [REPORT_HOSTILE] = true,   [REPORT_CRASHED] = true,
    };
    return refused[status] ? CTL_UNREADABLE : CTL_OK;
}

static bool put_report(const struct inspection *inspection, const char *path,
                       const struct source *source, const struct report *report, struct buf *out)
{
    if (!inspection->json) {
        put_text(out, path, source->size, report);
        return !out->failed;
    }
    const struct json_report_facts facts = {
        .path = path,
        .size = source->size,
        .sha256 = source->too_large ? NULL : source->sha256,
    };
    own_json json_t *json = json_report(report, &facts);
    return json && json_write(json, out) && buf_putc(out, '\n');
}

static bool examine(const struct inspection *inspection, const struct source *source,
                    struct arena *arena, struct report *report, struct err *err)
{
    if (source->too_large) {
        *report = (struct report){.status = REPORT_TOO_LARGE,
                                  .reason = "fetch-bytes",
                                  .mime = "application/octet-stream"};
        return true;
    }
    return parser_examine(inspection->parser, PARSE_LIVE, source->fd, &inspection->limits, arena,
                          report, NULL, err);
}

static bool look(const struct inspection *inspection, struct slot *slot, struct buf *out,
                 struct err *err)
{
    struct source source;
    if (!source_open(&source, slot->path, &inspection->limits, err))
        return err_add(err, "%s", slot->path);
    own_arena struct arena arena = arena_new(report_max_bytes);
    struct report report = {0};
    bool ok = examine(inspection, &source, &arena, &report, err);
    if (ok) {
        slot->exit = exit_of(report.status);
        ok = put_report(inspection, slot->path, &source, &report, out) ||
             err_set(err, ERR_MEMORY, "%s: out of memory", slot->path);
    }
    struct masked_list masked = {0};
    if (ok && inspection->show && !inspection->json && report.findings_count &&
        parser_masked(inspection->parser, source.fd, &inspection->limits, &arena, &masked, err))
        put_masked(out, &masked);
    source_close(&source);
    return ok;
}

static void fill(const struct inspection *inspection, struct slot *slot)
{
    struct err err = {0};
    own_buf struct buf out = buf_new(answer_max_bytes);
    if (!slot->message && !look(inspection, slot, &out, &err)) {
        slot->exit = CTL_UNREADABLE;
        slot->message = mem_strdup(err.text);
    }
    slot->answer = buf_take(&out);
}

/* The order ---------------------------------------------------------------------------------- */

static int by_bytes(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The next regular file of the arguments. False: no more. A thing that is not examined leaves a
 * message in the slot. */
static bool next_file(struct inspection *inspection, struct slot *slot)
{
    for (FTSENT *entry; (entry = fts_read(inspection->tree));) {
        switch (entry->fts_info) {
        case FTS_F: slot->path = mem_strdup(entry->fts_path); return slot->path != NULL;
        case FTS_NS:
        case FTS_DNR:
        case FTS_ERR: {
            char text[PATH_MAX + 128];
            snprintf(text, sizeof text, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
            slot->path = mem_strdup(entry->fts_path);
            slot->message = mem_strdup(text);
            slot->exit = CTL_UNREADABLE;
            return slot->path != NULL;
        }
        case FTS_DEFAULT:
            fprintf(inspection->call->err, "labelctl: %s: special file, skipped\n",
                    entry->fts_path);
            break;
        default: break; /* folders, and links inside folders, which are not followed */
        }
    }
    return false;
}

/* Print, in order, what is ready. Holds the lock. */
static void print_ready(struct inspection *inspection)
{
    while (inspection->printed < inspection->taken) {
        struct slot *slot = &inspection->slots[inspection->printed % window];
        if (!slot->done)
            return;
        if (slot->answer)
            fputs(slot->answer, inspection->call->out);
        if (slot->message)
            fprintf(inspection->call->err, "labelctl: %s\n", slot->message);
        if (slot->exit > inspection->exit)
            inspection->exit = slot->exit;
        mem_free(slot->path);
        mem_free(slot->answer);
        mem_free(slot->message);
        *slot = (struct slot){0};
        inspection->printed++;
        if (inspection->progress && inspection->printed % 16 == 0)
            fprintf(inspection->call->err, "\r%zu files examined", inspection->printed);
    }
}

static void *work(void *argument)
{
    struct inspection *inspection = argument;
    pthread_mutex_lock(&inspection->lock);
    while (!inspection->ended) {
        if (inspection->taken - inspection->printed == window) {
            pthread_cond_wait(&inspection->moved, &inspection->lock);
            continue;
        }
        struct slot *slot = &inspection->slots[inspection->taken % window];
        if (!next_file(inspection, slot)) {
            inspection->ended = true;
            break;
        }
        inspection->taken++;
        pthread_mutex_unlock(&inspection->lock);
        fill(inspection, slot);
        pthread_mutex_lock(&inspection->lock);
        slot->done = true;
        print_ready(inspection);
        pthread_cond_broadcast(&inspection->moved);
    }
    pthread_cond_broadcast(&inspection->moved);
    pthread_mutex_unlock(&inspection->lock);
    return NULL;
}

static void run_threads(struct inspection *inspection, uint64_t jobs)
{
    pthread_t threads[64];
    size_t count = 0;
    for (; count < jobs && count < sizeof threads / sizeof *threads; count++)
        if (pthread_create(&threads[count], NULL, work, inspection) != 0)
            break;
    if (count == 0)
        work(inspection);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    if (inspection->progress && inspection->printed >= 16)
        fprintf(inspection->call->err, "\r%zu files examined\n", inspection->printed);
}

static int inspect_standard_input(struct inspection *inspection)
{
    struct slot *slot = &inspection->slots[0];
    slot->path = mem_strdup("-");
    if (!slot->path)
        return ctl_fail(inspection->call, CTL_UNREADABLE, "out of memory");
    inspection->taken = 1;
    fill(inspection, slot);
    slot->done = true;
    print_ready(inspection);
    return inspection->exit;
}

/* The arguments one after the other (fts would sort them too), each bytewise inside. */
static int inspect_paths(struct inspection *inspection, char **paths, int count, uint64_t jobs)
{
    for (int i = 0; i < count; i++) {
        int code;
        if (strcmp(paths[i], "-") == 0) {
            code = inspect_standard_input(inspection);
        } else {
            char *const one[] = {paths[i], NULL};
            inspection->tree = fts_open(one, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_bytes);
            if (!inspection->tree)
                return ctl_fail(inspection->call, CTL_USAGE, "%s: %s", paths[i], strerror(errno));
            run_threads(inspection, jobs);
            fts_close(inspection->tree);
            code = inspection->exit;
        }
        if (code > inspection->exit)
            inspection->exit = code;
        inspection->ended = false;
        inspection->taken = inspection->printed = 0;
    }
    return inspection->exit;
}

int ctl_inspect(struct ctl_call *call)
{
    struct ctl_list types = {0}, limits = {0};
    uint64_t jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) * 2;
    struct inspection inspection = {
        .call = call,
        .limits = limits_default(),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .moved = PTHREAD_COND_INITIALIZER,
    };
    const struct ctl_option options[] = {
        {"json", CTL_FLAG, &inspection.json, NULL, "one report a line, as JSON"},
        {"show", CTL_FLAG, &inspection.show, NULL, "print each match, masked, with its place"},
        {"jobs", CTL_NUMBER, &jobs, "N", "files at once (two a core)"},
        {"types", CTL_LIST, &types, "DIR", "a folder with your own types; may be repeated"},
        CTL_LIMIT(&limits),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, INT_MAX))
        return call->exit;
    if (!ctl_limits(call, &limits, &inspection.limits))
        return CTL_USAGE;
    if (jobs == 0 || jobs > 64)
        return ctl_fail(call, CTL_USAGE, "--jobs must be 1 to 64");
    inspection.progress = isatty(fileno(call->err)) && !isatty(fileno(call->out));
    inspection.parser = ctl_parser(call, &types, 0);
    if (!inspection.parser)
        return CTL_USAGE;
    int code = inspect_paths(&inspection, call->argv, call->argc, jobs);
    parser_close(inspection.parser);
    return code;
}
