#include "examine.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/wire.h"
#include "format.h"
#include "lockdown.h"

/* An answer's lists and texts; the process's own limit is the real one. */
static const size_t arena_bytes = 64u << 20;

/* One verb at work. */
struct work {
    const struct examine *examine;
    struct arena *arena;
    struct format_input inputs[HOSTLINK_FILES];
};

/* Inputs ------------------------------------------------------------------------------------- */

/* A private mapping: the bytes are read where they lie. A file that shrinks meanwhile raises
 * SIGBUS, which ends this process alone. */
static bool map_input(int file, struct format_input *input)
{
    struct stat st;
    *input = (struct format_input){.bytes = ""};
    if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    if (st.st_size == 0)
        return true;
    size_t length = (size_t)st.st_size;
    void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        return false;
    *input = (struct format_input){.bytes = bytes, .length = length, .fd = file};
    return true;
}

/* EXAMINE and MASKED ------------------------------------------------------------------------- */

static bool begin_part(void *context, const char *path, bool table)
{
    return classify_part(context, path, table);
}

static bool take_text(void *context, const char *text, size_t length)
{
    return classify_text(context, text, length);
}

static struct format_reading reading_of(const struct work *work, struct report *report)
{
    const struct limits *limits = &work->examine->request->limits;
    return (struct format_reading){
        .limits = limits,
        .arena = work->arena,
        .report = report,
        .cpu_deadline_us = (int64_t)limits->parse_cpu_ms * 1000,
    };
}

/* Read the file into a classifier. NULL: memory is out. */
static struct classify *classify_input(const struct work *work, struct report *report)
{
    struct classify *classify =
        classify_open(work->examine->classifier, &work->examine->request->limits);
    struct format_reading reading = reading_of(work, report);
    reading.sink = (struct format_sink){classify, begin_part, take_text};
    if (!classify || !format_read(&reading, &work->inputs[0]))
        return NULL;
    return classify;
}

static enum hostlink_exit answer(const struct work *work, const struct wire_message *kind,
                                 const void *thing)
{
    struct err err = {0};
    if (wire_send(work->examine->answer, kind, thing, &err))
        return lockdown_open_denied() ? HOSTLINK_DENIED : HOSTLINK_ANSWERED;
    return err.kind == ERR_MEMORY ? HOSTLINK_NO_MEMORY : HOSTLINK_NO_OUTPUT;
}

static enum hostlink_exit do_examine(const struct work *work)
{
    struct report report = {.reason = ""};
    struct classify *classify = classify_input(work, &report);
    if (!classify || !classify_finish(classify, work->arena, &report))
        return HOSTLINK_NO_MEMORY;
    return answer(work, &wire_report, &report);
}

static enum hostlink_exit do_masked(const struct work *work)
{
    struct report report = {.reason = ""};
    struct masked_list list = {0};
    struct classify *classify = classify_input(work, &report);
    if (!classify || !classify_masked(classify, work->arena, &list))
        return HOSTLINK_NO_MEMORY;
    return answer(work, &wire_masked_list, &list);
}

/* TEXT --------------------------------------------------------------------------------------- */

struct extract {
    int out;
    const char *wanted; /* "" = every part */
    uint64_t left;      /* bytes until the text limit */
    bool inside;        /* the present part is wanted */
    bool found;
    bool written;       /* something stands in front of the next part */
    bool ended_in_line; /* the last byte written was a newline */
    bool failed;
    bool full;
    struct buf block; /* small pieces gathered */
};

static bool flush(struct extract *extract)
{
    if (extract->block.length > 0 &&
        !io_write(extract->out, extract->block.bytes, extract->block.length))
        extract->failed = true;
    buf_reset(&extract->block);
    return !extract->failed;
}

static bool extract_bytes(struct extract *extract, const char *text, size_t length)
{
    if (length == 0)
        return true;
    extract->written = true;
    extract->ended_in_line = text[length - 1] == '\n';
    if (length > extract->block.max - extract->block.length && !flush(extract))
        return false;
    if (length <= extract->block.max && buf_append(&extract->block, text, length))
        return true;
    extract->failed = !io_write(extract->out, text, length);
    return !extract->failed;
}

/* Parts follow each other with one blank line between. */
static bool extract_part(void *context, const char *path, bool table)
{
    struct extract *extract = context;
    (void)table;
    extract->inside = !*extract->wanted || strcmp(path, extract->wanted) == 0;
    extract->found |= extract->inside;
    if (!extract->inside || !extract->written || *extract->wanted)
        return true;
    return extract_bytes(extract, "\n\n", extract->ended_in_line ? 1 : 2);
}

static bool extract_text(void *context, const char *text, size_t length)
{
    struct extract *extract = context;
    if (!extract->inside)
        return true;
    if (length > extract->left) {
        length = (size_t)extract->left;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
        extract->full = true;
    }
    extract->left -= length;
    return extract_bytes(extract, text, length) && !extract->full;
}

static enum hostlink_exit do_text(const struct work *work)
{
    const struct parse_request *request = work->examine->request;
    struct report report = {.reason = ""};
    struct extract extract = {
        .out = work->examine->files[1],
        .wanted = request->part,
        .left = request->limits.text_bytes,
        .block = buf_new(256u << 10),
    };
    struct format_reading reading = reading_of(work, &report);
    reading.sink = (struct format_sink){&extract, extract_part, extract_text};
    if (!format_read(&reading, &work->inputs[0]))
        return HOSTLINK_NO_MEMORY;
    if (extract.failed || !flush(&extract))
        return HOSTLINK_NO_OUTPUT;
    if (extract.full)
        format_gap(&reading, REPORT_PARTIAL, "text-bytes");
    const struct text_result result = {report.status, report.reason, extract.found};
    return answer(work, &wire_text_result, &result);
}

/* Labels ------------------------------------------------------------------------------------- */

/* A file whose labels cannot be told, by what its reading came to. */
static const struct {
    enum report_status status;
    const char *reason; /* "" = any */
    const char *code, *message;
} unread[] = {
    {REPORT_ENCRYPTED, "", "encrypted", "the file is encrypted"},
    {REPORT_CORRUPT, "", "damaged", "the file is damaged"},
    {REPORT_HOSTILE, "overlap", "damaged", "entries of the package share bytes"},
    {REPORT_HOSTILE, "archive-entries", "bomb", "the package has too many entries"},
    {REPORT_HOSTILE, "", "hostile", "the file is built to harm its reader"},
    {REPORT_UNSUPPORTED, "", "unsupported", "labels cannot be read from files of this format"},
};

/* The refusal for a reading; false when labels can be told. */
static bool refuse_unread(const struct report *report, struct label_result *result)
{
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++) {
        if (unread[i].status != report->status ||
            (*unread[i].reason && strcmp(unread[i].reason, report->reason) != 0))
            continue;
        result->done = LABEL_REFUSED;
        result->code = unread[i].code;
        result->message = unread[i].message;
        return true;
    }
    return false;
}

static bool is_old_office(enum format_id format)
{
    static const bool old[FORMAT_COUNT] = {
        [FORMAT_DOC] = true, [FORMAT_XLS] = true, [FORMAT_PPT] = true, [FORMAT_VSD] = true,
        [FORMAT_MPP] = true, [FORMAT_PUB] = true, [FORMAT_MSG] = true,
    };
    return old[format];
}

/* Labels cannot be written into this file: why. */
static enum hostlink_exit refuse(const struct work *work)
{
    struct report report = {.reason = ""};
    struct format_reading reading = reading_of(work, &report);
    if (!format_read(&reading, &work->inputs[0]))
        return HOSTLINK_NO_MEMORY;
    struct label_result refusal = {.format = report.format};
    if (!refuse_unread(&report, &refusal) || report.status == REPORT_UNSUPPORTED) {
        bool old = is_old_office(report.format);
        refusal.done = LABEL_REFUSED;
        refusal.code = old ? "legacy-format" : "unsupported";
        refusal.message = old ? "labels cannot be written into old Office formats"
                              : "labels cannot be written into files of this format";
    }
    return answer(work, &wire_label_result, &refusal);
}

/* The end of a label verb that failed. */
static enum hostlink_exit fail(const struct err *err)
{
    return err->kind == ERR_MEMORY || err->kind == ERR_NONE ? HOSTLINK_NO_MEMORY
                                                            : HOSTLINK_NO_OUTPUT;
}

static enum hostlink_exit do_relabel(const struct work *work)
{
    const struct parse_request *request = work->examine->request;
    struct label_result result = {0};
    struct err err = {0};
    enum format_id id;
    const struct format *format = format_choose(&work->inputs[0], &id);
    if (!format || !format->relabel)
        return refuse(work);
    result.format = id;
    if (!format->relabel(&work->inputs[0], &request->edit, &request->limits,
                         work->examine->files[1], work->arena, &result, &err))
        return fail(&err);
    return answer(work, &wire_label_result, &result);
}

static enum hostlink_exit do_verify(const struct work *work)
{
    const struct parse_request *request = work->examine->request;
    struct label_result result = {0};
    struct err err = {0};
    enum format_id before, after;
    const struct format *format = format_choose(&work->inputs[0], &before);
    const struct format *same = format_choose(&work->inputs[1], &after);
    if (!format || !format->verify)
        return refuse(work);
    result.format = before;
    if (same != format || before != after) {
        result.done = LABEL_DIFFERS;
        result.code = "format";
        result.message = "the changed file is of another format";
    } else if (!format->verify(&work->inputs[0], &work->inputs[1], &request->edit, &request->limits,
                               work->arena, &result, &err)) {
        return fail(&err);
    }
    return answer(work, &wire_label_result, &result);
}

static enum hostlink_exit do_labels(const struct work *work)
{
    struct report report = {.reason = ""};
    struct format_reading reading = reading_of(work, &report);
    if (!format_read(&reading, &work->inputs[0]))
        return HOSTLINK_NO_MEMORY;
    struct label_result result = {
        .done = LABEL_UNCHANGED,
        .format = report.format,
        .labels = report.labels,
        .labels_count = report.labels_count,
    };
    refuse_unread(&report, &result);
    if (result.done != LABEL_REFUSED && report.labels_unread) {
        result.done = LABEL_REFUSED;
        result.code = "damaged";
        result.message = "the label's part of the file cannot be read";
    }
    return answer(work, &wire_label_result, &result);
}

/* TYPES -------------------------------------------------------------------------------------- */

static enum hostlink_exit do_types(const struct work *work)
{
    struct type_list list = {0};
    struct err err = {0};
    if (!classifier_list(work->examine->classifier, work->arena, &list, &err))
        return HOSTLINK_NO_MEMORY;
    return answer(work, &wire_type_list, &list);
}

/* Each verb: its function, its descriptors, and how many of them are inputs that are mapped. */
static const struct {
    enum hostlink_exit (*run)(const struct work *work);
    size_t files, inputs;
} verbs[PARSE_VERB_COUNT] = {
    [PARSE_EXAMINE] = {do_examine, 1, 1}, [PARSE_TEXT] = {do_text, 2, 1},
    [PARSE_MASKED] = {do_masked, 1, 1},   [PARSE_RELABEL] = {do_relabel, 2, 1},
    [PARSE_VERIFY] = {do_verify, 2, 2},   [PARSE_LABELS] = {do_labels, 1, 1},
    [PARSE_TYPES] = {do_types, 0, 0},
};

size_t examine_files(enum parse_verb verb)
{
    return verbs[verb].files;
}

enum hostlink_exit examine_run(const struct examine *examine)
{
    own_arena struct arena arena = arena_new(arena_bytes);
    struct work work = {.examine = examine, .arena = &arena};
    enum parse_verb verb = examine->request->verb;
    for (size_t i = 0; i < verbs[verb].inputs; i++)
        if (!map_input(examine->files[i], &work.inputs[i]))
            return HOSTLINK_NO_INPUT;
    return verbs[verb].run(&work);
}
