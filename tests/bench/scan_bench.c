/* How fast text is classified end to end, beside a bare hs_scan of a fixed reference database over
 * the same bytes, and of labeld's own. Texts are generated from a fixed seed.
 * Run: scan_bench [ROUNDS [NAME]]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/own.h"
#include "engine.h"
#include "reference.h"

enum { text_bytes = 4 << 20 };

struct sample {
    const char *name;
    bool table;
    void (*make)(struct buf *text);
};

/* Knuth's MMIX generator, high bits. */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void add_digits(struct buf *text, uint64_t *state, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf_printf(text, "%u", next_random(state) % 10);
}

static void make_prose(struct buf *text)
{
    static const char *const words[] = {
        "the",   "of",      "and",     "a",        "to",     "in",      "is",    "was",
        "that",  "for",     "on",      "with",     "as",     "his",     "they",  "at",
        "river", "morning", "village", "carried",  "slowly", "winter",  "house", "between",
        "light", "nothing", "people",  "remember", "answer", "through", "table", "window",
        "they",  "stood",   "letter",  "paper",    "number", "account", "date",  "passport",
    };
    uint64_t state = 1;
    while (text->length < text_bytes) {
        uint32_t pick = next_random(&state);
        if (pick % 61 == 0)
            buf_printf(text, "in %u, ", 1900 + pick / 64 % 120);
        buf_printf(text, "%s%s", words[pick / 64 % (sizeof words / sizeof *words)],
                   pick % 13 == 0 ? ". " : " ");
        if (pick % 17 == 0)
            buf_printf(text, "\n");
    }
}

static void make_rows(struct buf *text, const char *header)
{
    static const unsigned widths[] = {7, 16, 9, 10, 11, 8, 13};
    uint64_t state = 2;
    buf_printf(text, "%s\n", header);
    while (text->length < text_bytes) {
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
            add_digits(text, &state, widths[i]);
            buf_printf(text, "\t");
        }
        buf_printf(text, "%u.%02u\n", next_random(&state) % 100000, next_random(&state) % 100);
    }
}

static void make_digits(struct buf *text)
{
    make_rows(text, "c1\tc2\tc3\tc4\tc5\tc6\tc7\tc8");
}

static void make_headed(struct buf *text)
{
    make_rows(text, "order number\tcredit card number\tssn\tphone number\tnational id\t"
                    "passport number\tbank account number\tamount");
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Measuring ------------------------------------------------------------------------------------ */

static double run_reference(const struct reference *reference, const struct buf *text)
{
    double start = seconds();
    reference_scan(reference, text->bytes, text->length);
    return seconds() - start;
}

static double run_bare(const struct classifier *classifier, const struct buf *text)
{
    double start = seconds();
    for (size_t at = 0; at < text->length; at += reference_block)
        scanner_count(classifier->scanner, text->bytes + at,
                      text->length - at < reference_block ? text->length - at : reference_block);
    return seconds() - start;
}

static double run_whole(const struct classifier *classifier, const struct buf *text, bool table,
                        uint32_t *findings)
{
    const struct limits limits = limits_default();
    own_arena struct arena arena = arena_new(64u << 20);
    struct report report = {0};
    double start = seconds();
    struct classify *classify = classify_open(classifier, &limits);
    bool ok = classify && classify_part(classify, "", table) &&
              classify_text(classify, text->bytes, text->length) &&
              classify_finish(classify, &arena, &report);
    classify_close(classify);
    *findings = 0;
    for (uint32_t i = 0; ok && i < report.findings_count; i++)
        *findings += report.findings[i].count;
    return ok ? seconds() - start : -1;
}

static void measure(const struct classifier *classifier, const struct reference *reference,
                    const struct sample *sample, long rounds)
{
    own_buf struct buf text = buf_new(text_bytes + 4096);
    double fixed = 1e9, bare = 1e9, whole = 1e9;
    uint32_t findings = 0;
    sample->make(&text);
    for (long i = 0; i < rounds; i++) {
        double once = run_reference(reference, &text);
        fixed = once < fixed ? once : fixed;
        once = run_bare(classifier, &text);
        bare = once < bare ? once : bare;
        once = run_whole(classifier, &text, sample->table, &findings);
        whole = once < whole ? once : whole;
    }
    double megabytes = (double)text.length / 1e6;
    printf("%-12s %6.1f MB/s; reference scan %6.1f MB/s, ratio %.2f; own scan %7.1f MB/s, ratio "
           "%.2f; %u findings\n",
           sample->name, megabytes / whole, megabytes / fixed, fixed / whole, megabytes / bare,
           bare / whole, findings);
}

int main(int count, char **arguments)
{
    static const struct sample samples[] = {
        {"prose", false, make_prose},
        {"digit table", true, make_digits},
        {"headed table", true, make_headed},
    };
    own_buf struct buf problems = buf_new(1 << 16);
    struct err err = {0};
    const struct classifier_options options = {.builtin_dir = SOURCE_DIR "/classifiers/types"};
    struct classifier *classifier = classifier_open(&options, &problems, &err);
    long rounds = count > 1 ? strtol(arguments[1], NULL, 10) : 3;
    struct reference reference = {0};
    if (!classifier || !reference_open(&reference)) {
        fprintf(stderr, "scan_bench: %s\n", err.text);
        return 1;
    }
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (count < 3 || strcmp(arguments[2], samples[i].name) == 0)
            measure(classifier, &reference, &samples[i], rounds);
    reference_close(&reference);
    classifier_close(classifier);
    return 0;
}
