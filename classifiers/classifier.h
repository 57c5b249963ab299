/*
 * classifier: sensitive information types applied to text.
 * Loaded once before the lock-down (struct classifier), used for one file at a time after it
 * (struct classify). The text arrives part by part in pieces; findings do not depend on how it
 * was cut.
 */
#ifndef LABELD_CLASSIFIERS_CLASSIFIER_H
#define LABELD_CLASSIFIERS_CLASSIFIER_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/report.h"

struct classifier;
struct classify;

struct classifier_options {
    const char *const *type_dirs; /* users' folders, each read after the built-in types */
    size_t type_dir_count;
    const char *builtin_dir;    /* the built-in types (installed, or the source tree) */
    const char *cache_dir;      /* for the compiled database; NULL = no cache */
    const char *const *regions; /* ISO 3166-1 codes that raise their types; may be empty */
    size_t region_count;
    bool run_examples; /* run each type's examples; a failure refuses the file */
};

/* Load types, compile or fetch the database, run the examples. NULL: `problems` holds
 * "FILE:LINE:COL: error: MESSAGE" lines for people, and err the first of them. */
struct classifier *classifier_open(const struct classifier_options *options, struct buf *problems,
                                   struct err *err);
void classifier_close(struct classifier *classifier);

/* SHA-256 over everything that decides what is found. */
void classifier_digest(const struct classifier *classifier, uint8_t digest[static 32]);

/* Whether the compiled database came from the cache. */
bool classifier_cached(const struct classifier *classifier);

/* The types and bundles, for people and for the rules. Lists live in the arena. */
bool classifier_list(const struct classifier *classifier, struct arena *arena,
                     struct type_list *list, struct err *err);

/* Begin a file. NULL when memory is out. */
struct classify *classify_open(const struct classifier *classifier, const struct limits *limits);

/* A part begins (see format_sink). */
bool classify_part(struct classify *classify, const char *path, bool table);

/* Some text of the part. False: the text limit was met, or memory is out. */
bool classify_text(struct classify *classify, const char *text, size_t length);

/* End of the file: overlaps, counting, confidence. Sets findings, text_bytes and text_digest;
 * a met limit (text-bytes) makes the status partial. False when memory is out. */
bool classify_finish(struct classify *classify, struct arena *arena, struct report *report);

/* The same, but each match masked ("4539 04** **** 3998"), for the person at the terminal. */
bool classify_masked(struct classify *classify, struct arena *arena, struct masked_list *list);

void classify_close(struct classify *classify);

#endif
