/*
 * parser: the parse hosts, as the daemon and labelctl see them: ask, wait, distrust the answer.
 * Starts labeld-parse (posix_spawn, one host a core), keeps slots by lane, kills at the deadline,
 * replaces dead hosts and re-execs them after some thousand files.
 * Every function may be called from any thread.
 */
#ifndef LABELD_SANDBOX_PARSER_H
#define LABELD_SANDBOX_PARSER_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/report.h"

struct parser;

struct parser_options {
    const char *program; /* path of labeld-parse; NULL = beside this program, else libexec */
    const char *const *type_dirs;
    size_t type_dir_count;
    const char *cache_dir; /* NULL = none */
    const char *const *regions;
    size_t region_count;
    bool relaxed;            /* start without seccomp where the kernel refuses it */
    unsigned hosts;          /* 0 = one a core */
    unsigned children;       /* at once in each host; 0 = 4 */
    unsigned files_per_host; /* re-exec after so many; 0 = 4,000 */
};

/* What the hosts said when they were ready. */
struct parser_facts {
    uint8_t types_digest[32];
    uint32_t types;
    uint32_t landlock_abi; /* 0 = none */
    bool seccomp;
    bool database_cached;
};

/* What the last request cost and how its child ended. */
struct parser_cost {
    uint64_t cpu_us, wall_us, peak_bytes;
    bool open_denied;
};

/* Start the hosts and wait until each is locked down. NULL: err says why, with the type files'
 * messages. Messages of several lines also go to `problems` if it is not NULL. */
struct parser *parser_open(const struct parser_options *options, struct buf *problems,
                           struct err *err);

/* Wait for running requests to end, then stop the hosts. */
void parser_close(struct parser *parser);

void parser_facts(struct parser *parser, struct parser_facts *facts);

/* Examine a file: always yields a report, also when the child crashed, lied or was killed; then
 * its status and reason say so (README, "The report"). Tried once more after a crash.
 * False only when no host can be asked (memory, all hosts dead): the file was not looked at. */
bool parser_examine(struct parser *parser, enum parse_lane lane, int file,
                    const struct limits *limits, struct arena *arena, struct report *report,
                    struct parser_cost *cost, struct err *err);

/* Extracted text to `out`, one part or all. */
bool parser_text(struct parser *parser, int file, const char *part, int out,
                 const struct limits *limits, struct arena *arena, struct text_result *result,
                 struct err *err);

bool parser_masked(struct parser *parser, int file, const struct limits *limits,
                   struct arena *arena, struct masked_list *list, struct err *err);

/* Write the changed file to `out` (empty, at its start). A claim: verify before it is put in place.
 */
bool parser_relabel(struct parser *parser, enum parse_lane lane, int file, int out,
                    const struct label_edit *edit, const struct limits *limits, struct arena *arena,
                    struct label_result *result, struct err *err);

/* A fresh process compares both files: only what had to change did, and the label reads as
 * planned. LABEL_VERIFIED or LABEL_DIFFERS. */
bool parser_verify(struct parser *parser, enum parse_lane lane, int before, int after,
                   const struct label_edit *edit, const struct limits *limits, struct arena *arena,
                   struct label_result *result, struct err *err);

/* The labels that are in a file. */
bool parser_labels(struct parser *parser, int file, const struct limits *limits,
                   struct arena *arena, struct label_result *result, struct err *err);

bool parser_types(struct parser *parser, struct arena *arena, struct type_list *list,
                  struct err *err);

#endif
