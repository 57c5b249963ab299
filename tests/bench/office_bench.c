/* What it costs to examine an Office file, beside the sum of its bare parts: inflating the same
 * members with libdeflate, a libxml2 SAX2 push pass over them, a bare scan of their text. And to
 * write a label into it, beside copying the file. Processor time; the least of all rounds.
 * Run: office_bench ROUNDS FOLDER FILE... (FOLDER: where copies and labelled files are written). */
#include <fcntl.h>
#include <libdeflate.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "classifier.h"
#include "format.h"
#include "reference.h"
#include "zipdir.h"

enum { text_most = 256 << 20, chunk = 64 << 10 };

struct bench {
    const struct classifier *classifier;
    struct reference reference;
    struct limits limits;
    const char *folder;
    struct format_input input;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Bare parts ----------------------------------------------------------------------------------- */

static bool is_markup(const struct zipdir_entry *entry)
{
    return entry->name_length > 4 &&
           (memcmp(entry->name + entry->name_length - 4, ".xml", 4) == 0 ||
            memcmp(entry->name + entry->name_length - 5, ".rels", 5) == 0);
}

static void gather(void *context, const xmlChar *text, int length)
{
    buf_append(context, (const char *)text, (size_t)length);
}

static bool walk_markup(const char *bytes, size_t length, struct buf *text)
{
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC, .characters = gather};
    xmlParserCtxtPtr context = xmlCreatePushParserCtxt(&handler, text, NULL, 0, NULL);
    bool ok = context != NULL;
    for (size_t at = 0; ok && at < length; at += chunk)
        ok = xmlParseChunk(context, bytes + at, (int)(length - at < chunk ? length - at : chunk),
                           0) == 0;
    ok = ok && xmlParseChunk(context, NULL, 0, 1) == 0;
    xmlFreeParserCtxt(context);
    return ok;
}

static bool inflate_bare(struct libdeflate_decompressor *inflater, const struct bench *bench,
                         const struct zipdir_entry *entry, char *out)
{
    const char *packed = bench->input.bytes + entry->data;
    if (entry->method == 0)
        return memcpy(out, packed, entry->size) != NULL;
    return libdeflate_deflate_decompress(inflater, packed, entry->packed_bytes, out, entry->size,
                                         NULL) == LIBDEFLATE_SUCCESS;
}

/* Inflated members and the text in them stay where they are: each part has its own time. */
static bool run_bare(const struct bench *bench, double *least)
{
    own_zipdir struct zipdir dir = {0};
    own_buf struct buf text = buf_new(text_most);
    if (zipdir_open(&dir, bench->input.bytes, bench->input.length, 100000) != ZIPDIR_OK)
        return false;
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    bool ok = inflater != NULL;
    double start = seconds();
    for (size_t i = 0; ok && i < dir.count; i++) {
        const struct zipdir_entry *entry = &dir.entries[i];
        if (!is_markup(entry))
            continue;
        own_free char *out = mem_alloc(entry->size + 1);
        ok = out && inflate_bare(inflater, bench, entry, out) &&
             walk_markup(out, entry->size, &text);
    }
    reference_scan(&bench->reference, text.bytes, text.length);
    double took = seconds() - start;
    libdeflate_free_decompressor(inflater);
    *least = took < *least ? took : *least;
    return ok;
}

/* labeld --------------------------------------------------------------------------------------- */

static bool begin_part(void *context, const char *path, bool table)
{
    return classify_part(context, path, table);
}

static bool take_text(void *context, const char *text, size_t length)
{
    return classify_text(context, text, length);
}

static bool run_examine(const struct bench *bench, double *least)
{
    own_arena struct arena arena = arena_new(64u << 20);
    struct report report = {.reason = ""};
    double start = seconds();
    struct classify *classify = classify_open(bench->classifier, &bench->limits);
    struct format_reading reading = {.limits = &bench->limits,
                                     .arena = &arena,
                                     .report = &report,
                                     .sink = {classify, begin_part, take_text}};
    bool ok = classify && format_read(&reading, &bench->input) &&
              classify_finish(classify, &arena, &report);
    classify_close(classify);
    double took = seconds() - start;
    *least = took < *least ? took : *least;
    return ok && report.status == REPORT_OK;
}

static int new_file(const struct bench *bench)
{
    return open(bench->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static bool run_copy(const struct bench *bench, double *least)
{
    double start = seconds();
    own_fd int out = new_file(bench);
    bool ok = out >= 0 && io_copy(bench->input.fd, 0, bench->input.length, out, NULL);
    double took = seconds() - start;
    *least = took < *least ? took : *least;
    return ok;
}

static bool run_label(const struct bench *bench, double *least)
{
    own_arena struct arena arena = arena_new(16u << 20);
    struct label_result result = {0};
    struct err err = {0};
    enum format_id id;
    const struct label_edit edit = {
        .op = LABEL_SET,
        .id = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11",
        .site_id = "3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10",
        .name = "General",
        .method = "Privileged",
        .set_date = "2026-03-01T09:30:00Z",
        .action_id = "11111111-2222-4333-8444-555555555555",
    };
    double start = seconds();
    own_fd int out = new_file(bench);
    const struct format *format = format_choose(&bench->input, &id);
    bool ok = out >= 0 && format && format->relabel &&
              format->relabel(&bench->input, &edit, &bench->limits, out, &arena, &result, &err) &&
              result.done == LABEL_WRITTEN;
    double took = seconds() - start;
    *least = took < *least ? took : *least;
    return ok;
}

/* Measuring ------------------------------------------------------------------------------------ */

static bool measure(struct bench *bench, const char *path, long rounds)
{
    double bare = 1e9, examine = 1e9, copy = 1e9, label = 1e9;
    struct stat st;
    own_fd int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) < 0)
        return false;
    size_t length = (size_t)st.st_size;
    void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        return false;
    bench->input = (struct format_input){.bytes = bytes, .length = length, .fd = file};
    bool ok = true;
    for (long i = 0; ok && i < rounds; i++)
        ok = run_bare(bench, &bare) && run_examine(bench, &examine) && run_copy(bench, &copy) &&
             run_label(bench, &label);
    munmap(bytes, length);
    const char *slash = strrchr(path, '/');
    if (ok)
        printf("%-16s %9zu bytes: parts %7.2f ms, examined %7.2f ms, ratio %.2f; copied %7.2f ms, "
               "labelled %7.2f ms, ratio %.2f\n",
               slash ? slash + 1 : path, length, bare * 1e3, examine * 1e3, examine / bare,
               copy * 1e3, label * 1e3, label / copy);
    return ok;
}

int main(int count, char **arguments)
{
    own_buf struct buf problems = buf_new(1 << 16);
    struct err err = {0};
    const struct classifier_options options = {.builtin_dir = SOURCE_DIR "/classifiers/types"};
    if (count < 4) {
        fprintf(stderr, "usage: office_bench ROUNDS FOLDER FILE...\n");
        return 2;
    }
    struct classifier *classifier = classifier_open(&options, &problems, &err);
    struct bench bench = {
        .classifier = classifier, .limits = limits_default(), .folder = arguments[2]};
    bool ok = classifier && format_prepare(&err) && reference_open(&bench.reference);
    for (int i = 3; ok && i < count; i++) {
        ok = measure(&bench, arguments[i], strtol(arguments[1], NULL, 10));
        if (!ok)
            fprintf(stderr, "office_bench: %s: could not be read or labelled\n", arguments[i]);
    }
    if (*err.text)
        fprintf(stderr, "office_bench: %s\n", err.text);
    reference_close(&bench.reference);
    classifier_close(classifier);
    return !ok;
}
