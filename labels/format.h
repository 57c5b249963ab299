/*
 * format: what a file is, and how its text and labels are reached.
 * One row for each container that can be read; handlers bid on structure, libmagic decides only
 * where none bids, the file's name never does.
 * Owns: nothing. Runs inside the parse process: no paths, no network.
 */
#ifndef LABELD_LABELS_FORMAT_H
#define LABELD_LABELS_FORMAT_H
#include "base/arena.h"
#include "base/err.h"
#include "base/report.h"

/* The bytes of one file or member, all of them, read-only (a mapping or an inflated part). */
struct format_input {
    const char *bytes;
    size_t length;
    int fd; /* of the file that `bytes` maps from its start: the kernel can copy; 0 = none */
};

/* Where text goes. Text of one part arrives in order, cut anywhere between two characters,
 * always valid UTF-8. Cells of one row are separated by a tab, rows and paragraphs by a newline:
 * the classifier relies on it for columns. */
struct format_sink {
    void *context;

    /* A part begins: its path inside the file ("" for a plain file, members joined by "!/").
     * `table` says that its text is rows of cells, the first row perhaps a header. */
    bool (*part)(void *context, const char *path, bool table);

    /* Some text of the present part. False: enough (a limit was met); stop and return. */
    bool (*text)(void *context, const char *text, size_t length);
};

/* One reading of one file. Made by the caller, passed through every handler. */
struct format_reading {
    const struct limits *limits;
    struct arena *arena;     /* for what ends up in the report */
    struct format_sink sink; /* unset in a reading that only wants labels */
    struct report *report;   /* status, reason, properties, labels are set here */
    uint64_t expanded_bytes; /* so far, over all members */
    uint32_t depth;          /* archives inside archives */
    int64_t cpu_deadline_us; /* soft limit in CLOCK_PROCESS_CPUTIME_ID's time; 0 = none */
};

/* A handler. `bid`: 0 = not mine, 100 = certainly mine (judged by structure; must be quick). */
struct format {
    const char *name;
    unsigned (*bid)(const struct format_input *input, enum format_id *id);

    /* Send all text to the sink; set report->status and reason when not all could be read.
     * False only when memory is out. */
    bool (*read)(struct format_reading *reading, const struct format_input *input);

    /* Labels in force into report->labels. NULL: the format has no label store of its own. */
    bool (*labels)(struct format_reading *reading, const struct format_input *input);

    /* RELABEL: write the whole changed file to `out`, from its present place. NULL: `unsupported`.
     * VERIFY: compare. Both fill `result`; false only when memory is out or `out` failed. */
    bool (*relabel)(const struct format_input *input, const struct label_edit *edit,
                    const struct limits *limits, int out, struct arena *arena,
                    struct label_result *result, struct err *err);
    bool (*verify)(const struct format_input *before, const struct format_input *after,
                   const struct label_edit *edit, const struct limits *limits, struct arena *arena,
                   struct label_result *result, struct err *err);
};

/* Open libmagic and everything else that needs files, before the lock-down. Once. */
bool format_prepare(struct err *err);

/* The bid contest. Always sets *id; NULL when no handler reads it (unsupported). */
const struct format *format_choose(const struct format_input *input, enum format_id *id);

/* Read a whole file: choose, read labels, read text. Sets format, mime, status, reason, labels,
 * properties of the report. A sink without functions: labels only. False only when memory is
 * out. */
bool format_read(struct format_reading *reading, const struct format_input *input);

/* Read the text of a file that lies inside another: choose, read. The report's format, MIME type
 * and labels stay those of the outer file, gaps count. False only when memory is out. */
bool format_read_inner(struct format_reading *reading, const struct format_input *input);

/* Note a gap: the status gets worse, never better; the first reason of the worst status stays.
 * Order: ok < partial < unsupported, encrypted < corrupt < hostile. Always true. */
bool format_gap(struct format_reading *reading, enum report_status status, const char *reason);

/* Whether the soft processor time is not yet used up; notes the gap (partial, "parse-cpu-ms")
 * when it is. Cheap: ask once a block. */
bool format_within_time(struct format_reading *reading);

#endif
