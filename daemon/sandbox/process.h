/*
 * process: one parse host: started, awaited, ended.
 * Owns: the process and our end of the socket to it.
 */
#ifndef LABELD_SANDBOX_PROCESS_H
#define LABELD_SANDBOX_PROCESS_H
#include <sys/types.h>

#include "base/arena.h"
#include "sandbox/parser.h"

struct process {
    pid_t pid;
    int link; /* SOCK_SEQPACKET, base/hostlink.h */
};

enum process_word {
    PROCESS_LOADING, /* has not said anything yet */
    PROCESS_READY,   /* locked down: `ready` is filled */
    PROCESS_UNFIT    /* said why not, or is gone, or talks nonsense: err says which */
};

/* The program that will be started: the option, else labeld-parse beside the calling program,
 * else the installed one. Lives in the arena; NULL when memory is out. */
const char *process_program(const struct parser_options *options, struct arena *arena);

/* Start one, with `children` at once. Descriptors, signals, environment and controlling terminal
 * of the caller are not handed on. */
bool process_start(const char *program, const struct parser_options *options, unsigned children,
                   struct process *process, struct err *err);

/* Wait at most `wait_ms` for its first word. Texts of `ready` live in the arena. */
enum process_word process_listen(struct process *process, int wait_ms, struct parse_ready *ready,
                                 struct arena *arena, struct err *err);

/* End it and its children, at once. */
void process_end(struct process *process);

#endif
