/*
 * ctl: the frame of labelctl: commands, options, exit codes, output.
 * stdout = the answer only; stderr = everything else; --json = JSON lines; colour and progress
 * only on a terminal; no prompt but for a passphrase, on the terminal itself.
 */
#ifndef LABELD_CTL_CTL_H
#define LABELD_CTL_CTL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "sandbox/parser.h"

/* Exit codes; with several reasons the highest. */
enum ctl_exit {
    CTL_OK = 0,
    CTL_NO = 1,          /* the answer is no: a test failed, rules check found errors */
    CTL_USAGE = 2,       /* usage or configuration */
    CTL_UNREADABLE = 3,  /* a file could not be read or was refused */
    CTL_UNREACHABLE = 4, /* the daemon could not be reached or refused */
};

struct ctl_command;

/* One run of one command. */
struct ctl_call {
    const struct ctl_command *command;
    int argc;
    char **argv; /* options and arguments after noun and verb; after ctl_parse: arguments only */
    bool help;   /* print the help instead of running; ctl_parse does it */
    int exit;    /* what to return when ctl_parse says false */
    FILE *out, *err;
};

struct ctl_command {
    const char *noun, *verb, *arguments, *summary;
    int (*run)(struct ctl_call *call); /* an enum ctl_exit */
};

#define COMMAND(noun, verb, arguments, summary, run) int run(struct ctl_call *call);
#include "ctl/commands.def"
#undef COMMAND

/* Values of an option that may be given several times. */
struct ctl_list {
    const char *items[64];
    size_t count;
};

enum ctl_kind { CTL_FLAG, CTL_TEXT, CTL_NUMBER, CTL_LIST };

/* One option of a command. `value`: bool *, const char **, uint64_t *, struct ctl_list *. */
struct ctl_option {
    const char *name; /* without -- */
    enum ctl_kind kind;
    void *value;
    const char *word; /* of its value in the help: FILE, N */
    const char *help;
};

/* The option of commands that read documents; `list` goes to ctl_limits. */
#define CTL_LIMIT(list)                                                                            \
    {                                                                                              \
        "limit", CTL_LIST, list, "NAME=VALUE", "another limit than the default; may be repeated"   \
    }

/* Read the options (--name VALUE or --name=VALUE, anywhere; -- ends them) into their values and
 * leave the arguments in argv. False: help was printed or the usage was wrong; return call->exit.
 * `least` and `most` bound the number of arguments. */
bool ctl_parse(struct ctl_call *call, const struct ctl_option *options, size_t count, int least,
               int most);

/* Print "labelctl: text" to stderr and return `code`. */
int ctl_fail(struct ctl_call *call, enum ctl_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Print a text that others chose (a path, a name): control characters are escaped, so that it can
 * do nothing to a terminal and stays one line. */
void ctl_put(FILE *to, const char *text);

/* Set limits as --limit NAME=VALUE gives them (`labeld --print-config` lists the names; sizes may
 * have a unit). False after a message; return CTL_USAGE. */
bool ctl_limits(struct ctl_call *call, const struct ctl_list *given, struct limits *limits);

/* Start parse hosts for offline work: `types` are folders of --types, `hosts` 0 = one a core.
 * NULL after a message; return CTL_USAGE. */
struct parser *ctl_parser(struct ctl_call *call, const struct ctl_list *types, unsigned hosts);

/* Run the command named by the arguments. */
int ctl_main(int argc, char **argv, FILE *out, FILE *err);

#endif
