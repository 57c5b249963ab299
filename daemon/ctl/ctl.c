#include "ctl/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "config/value.h"

static const struct ctl_command commands[] = {
#define COMMAND(noun, verb, arguments, summary, run) {noun, verb, arguments, summary, run},
#include "ctl/commands.def"
#undef COMMAND
};
enum { command_count = sizeof commands / sizeof *commands };

static const char exit_codes[] =
    "Exit codes: 0 done; 1 the answer is no; 2 usage or configuration;\n"
    "            3 a file could not be read or was refused; 4 the daemon could not be reached.\n";

int ctl_fail(struct ctl_call *call, enum ctl_exit code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("labelctl: ", call->err);
    vfprintf(call->err, format, args);
    fputc('\n', call->err);
    va_end(args);
    return code;
}

void ctl_put(FILE *to, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            fprintf(to, "\\x%02x", *at);
        else
            fputc(*at, to);
    }
}

/* Help --------------------------------------------------------------------------------------- */

static void print_usage_line(FILE *to, const struct ctl_command *command)
{
    fprintf(to, "labelctl %s%s%s %s\n", command->noun, *command->verb ? " " : "", command->verb,
            command->arguments);
}

static void print_option(FILE *to, const struct ctl_option *option)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", option->name, option->word ? " " : "",
             option->word ? option->word : "");
    fprintf(to, "  %-26s %s\n", left, option->help);
}

static const struct {
    const char *noun, *verb, *text;
} notes[] = {
#define NOTE(noun, verb, text) {noun, verb, text},
#include "ctl/notes.def"
#undef NOTE
};

static void print_note(FILE *to, const struct ctl_command *command)
{
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (strcmp(notes[i].noun, command->noun) == 0 && strcmp(notes[i].verb, command->verb) == 0)
            fprintf(to, "\n%s", notes[i].text);
}

static void print_command_help(struct ctl_call *call, const struct ctl_option *options,
                               size_t count)
{
    fputs("Usage: ", call->out);
    print_usage_line(call->out, call->command);
    fprintf(call->out, "\n%c%s.\n", call->command->summary[0] - 'a' + 'A',
            call->command->summary + 1);
    print_note(call->out, call->command);
    if (count)
        fputs("\nOptions:\n", call->out);
    for (size_t i = 0; i < count; i++)
        print_option(call->out, &options[i]);
    print_option(call->out, &(struct ctl_option){.name = "help", .help = "this text"});
    fprintf(call->out, "\n%s", exit_codes);
}

static void print_help(FILE *to)
{
    fputs("labelctl - find sensitive data in files, label them, steer the labeld daemon\n\n"
          "Usage: labelctl COMMAND [options] [arguments]\n\nCommands:\n",
          to);
    for (size_t i = 0; i < command_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s%s", commands[i].noun, *commands[i].verb ? " " : "",
                 commands[i].verb);
        fprintf(to, "  %-19s %s\n", name, commands[i].summary);
    }
    fprintf(to,
            "\nTry:  labelctl inspect ~/Documents          what is in my files?\n"
            "      labelctl types list                   what is looked for?\n"
            "      labelctl label get report.docx        which label does a file carry?\n"
            "      labelctl key new mine.key             a key of my own; prints age1...\n"
            "      labelctl protect report.docx --to age1...   seal it for that key's owner\n"
            "      labelctl COMMAND --help               the options of a command\n\n%s",
            exit_codes);
}

/* Options ------------------------------------------------------------------------------------ */

static const struct ctl_option *find_option(const struct ctl_option *options, size_t count,
                                            const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

static bool parse_number(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > UINT64_MAX / 10 - 1)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *number = value;
    return true;
}

/* Store the value of an option. False after a message. */
static bool store(struct ctl_call *call, const struct ctl_option *option, const char *value)
{
    struct ctl_list *list = option->value;
    switch (option->kind) {
    case CTL_FLAG: *(bool *)option->value = true; return true;
    case CTL_TEXT: *(const char **)option->value = value; return true;
    case CTL_NUMBER:
        if (parse_number(value, option->value))
            return true;
        ctl_fail(call, CTL_USAGE, "--%s needs a number, not \"%s\"", option->name, value);
        return false;
    case CTL_LIST:
        if (list->count < sizeof list->items / sizeof *list->items) {
            list->items[list->count++] = value;
            return true;
        }
        ctl_fail(call, CTL_USAGE, "--%s is given too often", option->name);
        return false;
    }
    return false;
}

/* One option at argv[*at]; *at moves over its value. */
static bool take_option(struct ctl_call *call, const struct ctl_option *options, size_t count,
                        int *at)
{
    const char *name = call->argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct ctl_option *option = find_option(options, count, name, length);
    if (!option) {
        ctl_fail(call, CTL_USAGE, "unknown option --%.*s; see: labelctl %s%s%s --help", (int)length,
                 name, call->command->noun, *call->command->verb ? " " : "", call->command->verb);
        return false;
    }
    if (option->kind == CTL_FLAG && equals) {
        ctl_fail(call, CTL_USAGE, "--%s takes no value", option->name);
        return false;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (option->kind != CTL_FLAG && !value) {
        if (*at + 1 >= call->argc) {
            ctl_fail(call, CTL_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                     option->word ? option->word : "VALUE");
            return false;
        }
        value = call->argv[++*at];
    }
    return store(call, option, value);
}

bool ctl_parse(struct ctl_call *call, const struct ctl_option *options, size_t count, int least,
               int most)
{
    if (call->help) {
        print_command_help(call, options, count);
        call->exit = CTL_OK;
        return false;
    }
    call->exit = CTL_USAGE;
    int kept = 0;
    bool options_end = false;
    for (int at = 0; at < call->argc; at++) {
        char *word = call->argv[at];
        if (!options_end && strcmp(word, "--") == 0)
            options_end = true;
        else if (options_end || word[0] != '-' || word[1] != '-')
            call->argv[kept++] = word;
        else if (!take_option(call, options, count, &at))
            return false;
    }
    call->argc = kept;
    if (kept >= least && kept <= most) {
        call->exit = CTL_OK;
        return true;
    }
    fputs("labelctl: wrong number of arguments; usage: ", call->err);
    print_usage_line(call->err, call->command);
    return false;
}

/* The parse hosts ---------------------------------------------------------------------------- */

static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    struct stat st;
    mkdir(path, 0700);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The user's cache folder (XDG Base Directory Specification), or NULL. */
static char *cache_folder(void)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    own_buf struct buf path = buf_new(4096);
    if (cache && cache[0] == '/')
        buf_printf(&path, "%s/labeld", cache);
    else if (home && home[0] == '/')
        buf_printf(&path, "%s/.cache/labeld", home);
    if (!path.length || path.failed || !make_folders(path.bytes))
        return NULL;
    return buf_take(&path);
}

static bool set_limit(struct limits *limits, const char *given, struct err *err)
{
    char name[64];
    const char *value = strchr(given, '=');
    uint64_t number = 0;
    if (!value || (size_t)(value - given) >= sizeof name)
        return err_set(err, ERR_CONFIG, "is written NAME=VALUE, as text_bytes=8MiB");
    snprintf(name, sizeof name, "%.*s", (int)(value - given), given);
    const struct limits_row *row = value_limit(name, err);
    if (!row)
        return false;
    if (!value_size(++value, &number) ||
        (strcmp(row->unit, "bytes") != 0 && value[strspn(value, "0123456789")]))
        return err_set(err, ERR_CONFIG, "%s: \"%.40s\" is not a number of %s", row->name, value,
                       row->unit);
    return value_set_limit(limits, row, number, err);
}

bool ctl_limits(struct ctl_call *call, const struct ctl_list *given, struct limits *limits)
{
    struct err err = {0};
    for (size_t i = 0; i < given->count; i++)
        if (!set_limit(limits, given->items[i], &err)) {
            ctl_fail(call, CTL_USAGE, "--limit %s", err.text);
            return false;
        }
    return true;
}

struct parser *ctl_parser(struct ctl_call *call, const struct ctl_list *types, unsigned hosts)
{
    own_free char *cache = cache_folder();
    own_buf struct buf problems = buf_new(64 * 1024);
    struct err err = {0};
    const struct parser_options options = {
        .type_dirs = types ? types->items : NULL,
        .type_dir_count = types ? types->count : 0,
        .cache_dir = cache,
        .hosts = hosts,
    };
    struct parser *parser = parser_open(&options, &problems, &err);
    if (!parser) {
        if (problems.length)
            fputs(buf_text(&problems), call->err);
        else
            ctl_fail(call, CTL_USAGE, "%s", err.text);
    }
    return parser;
}

/* Dispatch ----------------------------------------------------------------------------------- */

/* With its verb where one is said: "jobs retry" is not "jobs" with an argument. */
static const struct ctl_command *find_command(int argc, char **argv, int *used)
{
    const struct ctl_command *alone = NULL;
    *used = 1;
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].noun, argv[0]) != 0)
            continue;
        if (!*commands[i].verb) {
            alone = &commands[i];
        } else if (argc > 1 && strcmp(commands[i].verb, argv[1]) == 0) {
            *used = 2;
            return &commands[i];
        }
    }
    return alone;
}

static bool is_noun(const char *word)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].noun, word) == 0)
            return true;
    return false;
}

/* "label" alone, or with a verb that is not there: say which verbs there are. */
static int explain_noun(const char *noun, FILE *err)
{
    if (!is_noun(noun)) {
        fprintf(err, "labelctl: unknown command \"%s\"; labelctl --help lists them\n", noun);
        return CTL_USAGE;
    }
    fprintf(err, "labelctl: \"%s\" needs one of its verbs:\n", noun);
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].noun, noun) == 0) {
            fputs("  ", err);
            print_usage_line(err, &commands[i]);
        }
    return CTL_USAGE;
}

/* What a noun is about, for `labelctl NOUN --help`. */
static const struct {
    const char *noun, *text;
} lessons[] = {
    {"quarantine",
     "A rule with `quarantine: true` takes a file away: a sealed copy lies in the vault, a text\n"
     "file tells where it was that it can be had back. Each such file is an entry with a "
     "number.\n\n"
     "  labelctl quarantine list                        what is there, the worst first\n"
     "  labelctl quarantine show 12                     why, and what a release gives back\n"
     "  labelctl quarantine open 12 --output copy.txt   look at it on this machine\n"
     "  labelctl quarantine release 12                  give it back as it was\n"
     "  labelctl quarantine release 12 --as /new/name   where its name is taken\n"
     "  labelctl quarantine delete 12 --undo-for 60     remove it in a minute, unless\n"
     "  labelctl quarantine undo 12                     it is taken back\n\n"
     "A released file is taken again only when its text, its rule or who can reach it changed.\n"
     "With `vault: { sealed: true }` add --identity FILE: your key opens the entry and never\n"
     "leaves this machine.\n"},
};

/* `labelctl quarantine --help` */
static int teach_noun(const char *noun, FILE *out)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].noun, noun) == 0)
            print_usage_line(out, &commands[i]);
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++)
        if (strcmp(lessons[i].noun, noun) == 0)
            fprintf(out, "\n%s", lessons[i].text);
    fprintf(out, "\n%s", exit_codes);
    return CTL_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

/* The answer has left us, or it is said why not. */
static int finish(struct ctl_call *call, int code)
{
    bool failed = ferror(call->out) != 0;
    errno = 0;
    failed = fflush(call->out) != 0 || failed;
    if (!failed)
        return code;
    if (errno != EPIPE) /* else the reader has seen enough */
        ctl_fail(call, CTL_UNREADABLE, "writing the answer failed%s%s", errno ? ": " : "",
                 errno ? strerror(errno) : "");
    return code > CTL_UNREADABLE ? code : CTL_UNREADABLE;
}

int ctl_main(int argc, char **argv, FILE *out, FILE *err)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(argc < 2 ? err : out);
        return argc < 2 ? CTL_USAGE : CTL_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        fprintf(out, "labelctl %s\n", LABELD_VERSION);
        return CTL_OK;
    }
    int used = 0;
    const struct ctl_command *command = find_command(argc - 1, argv + 1, &used);
    if (!command && argc > 2 && strcmp(argv[2], "--help") == 0 && is_noun(argv[1]))
        return teach_noun(argv[1], out);
    if (!command)
        return explain_noun(argv[1], err);
    struct ctl_call call = {
        .command = command,
        .argc = argc - 1 - used,
        .argv = argv + 1 + used,
        .out = out,
        .err = err,
    };
    call.help = asks_for_help(call.argc, call.argv);
    int code = command->run(&call);
    return finish(&call, code);
}
