#include "arguments.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "labeld - watch files, find sensitive data in them, label them\n\n"
    "Usage: labeld --config FILE\n"
    "       labeld --config FILE --check | --print-config\n"
    "       labeld --config FILE --backup DIR [--to age1… | --passphrase-file FILE | "
    "--without-key]\n"
    "       labeld --config FILE --restore DIR [--identity FILE | --passphrase-file FILE] "
    "[--key FILE]\n"
    "       labeld --config FILE --export-key FILE [--to age1… | --passphrase-file FILE]\n\n"
    "Options:\n"
    "  --config FILE           the configuration (samples/labeld.yaml explains every key)\n"
    "  --check                 check configuration, types and rules, then end: 0 good, 2 not\n"
    "  --print-config          print every setting, its value and where it came from\n"
    "  --backup DIR            copy state and vault to the new folder DIR, also while labeld runs\n"
    "  --restore DIR           bring such a copy back into an empty state folder\n"
    "  --export-key FILE       a copy of the vault key: keep it elsewhere\n"
    "  --to age1…              lock the key to this public key; may be repeated\n"
    "  --passphrase-file FILE  lock or unlock it with the passphrase in FILE's first line;\n"
    "                          without --to and this the terminal is asked\n"
    "  --identity FILE         unlock it with a secret key whose public key was a --to\n"
    "  --without-key           leave the key out of the backup: it was exported before\n"
    "  --key FILE              restore the key from FILE, which --export-key made\n"
    "  --version               the version\n"
    "  --help                  this text\n\n"
    "Signals: TERM and INT stop after running work was finished or handed back;\n"
    "         HUP reads the rules file again.\n"
    "Steer it with labelctl; the first token lies in STATE/admin.token.\n";

enum kind { MODE, MODE_OF, TEXT, FLAG, LIST };

static const struct option {
    const char *name;
    enum kind kind;
    enum arguments_mode mode; /* MODE, MODE_OF */
    size_t field;             /* of struct arguments: TEXT, FLAG */
    unsigned modes;           /* bits of the modes that take it; 0 = every one */
} options[] = {
    {"--config", TEXT, 0, offsetof(struct arguments, config), 0},
    {"--check", MODE, ARGUMENTS_CHECK, 0, 0},
    {"--print-config", MODE, ARGUMENTS_PRINT, 0, 0},
    {"--backup", MODE_OF, ARGUMENTS_BACKUP, 0, 0},
    {"--restore", MODE_OF, ARGUMENTS_RESTORE, 0, 0},
    {"--export-key", MODE_OF, ARGUMENTS_EXPORT, 0, 0},
    {"--to", LIST, 0, 0, 1u << ARGUMENTS_BACKUP | 1u << ARGUMENTS_EXPORT},
    {"--passphrase-file", TEXT, 0, offsetof(struct arguments, lock.passphrase_file),
     1u << ARGUMENTS_BACKUP | 1u << ARGUMENTS_RESTORE | 1u << ARGUMENTS_EXPORT},
    {"--identity", TEXT, 0, offsetof(struct arguments, lock.identity_file),
     1u << ARGUMENTS_RESTORE},
    {"--without-key", FLAG, 0, offsetof(struct arguments, without_key), 1u << ARGUMENTS_BACKUP},
    {"--key", TEXT, 0, offsetof(struct arguments, key_file), 1u << ARGUMENTS_RESTORE},
};
enum { option_count = sizeof options / sizeof *options };

static int wrong(const char *text, const char *argument)
{
    fprintf(stderr, "labeld: %s \"%s\"; see labeld --help\n", text, argument);
    return ARGUMENTS_WRONG;
}

static const struct option *find(const char *argument, size_t *length)
{
    const char *equals = strchr(argument, '=');
    *length = equals ? (size_t)(equals - argument) : strlen(argument);
    for (size_t i = 0; i < option_count; i++)
        if (strlen(options[i].name) == *length && strncmp(options[i].name, argument, *length) == 0)
            return &options[i];
    return NULL;
}

static bool store(struct arguments *arguments, const struct option *option, const char *value)
{
    char *field = (char *)arguments + option->field;
    if (option->kind == TEXT)
        *(const char **)(void *)field = value;
    if (option->kind == FLAG)
        *(bool *)(void *)field = true;
    if (option->kind == MODE_OF)
        arguments->target = value;
    if (option->kind == MODE || option->kind == MODE_OF) {
        bool first = arguments->mode == ARGUMENTS_RUN;
        arguments->mode = option->mode;
        return first;
    }
    if (option->kind != LIST)
        return true;
    if (arguments->to_count == ARGUMENTS_RECIPIENTS_MAX)
        return false;
    arguments->to[arguments->to_count++] = value;
    return true;
}

/* One option at argv[*at]; *at moves over its value. -1: go on. */
static int take(int argc, char **argv, int *at, struct arguments *arguments, unsigned *seen)
{
    size_t length;
    const char *argument = argv[*at];
    const struct option *option = find(argument, &length);
    if (!option)
        return wrong("unknown argument", argument);
    bool valued = option->kind != MODE && option->kind != FLAG;
    const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
    if (valued && !value)
        value = *at + 1 < argc ? argv[++*at] : NULL;
    if (valued != (value != NULL) || (value && !*value))
        return wrong(valued ? "a value is missing after" : "no value goes with", option->name);
    *seen |= 1u << (option - options);
    return store(arguments, option, value) ? -1 : wrong("too many of", argument);
}

/* An option that the mode does not know was meant for something else. */
static int check_modes(const struct arguments *arguments, unsigned seen)
{
    for (size_t i = 0; i < option_count; i++)
        if (seen & 1u << i && options[i].modes && !(options[i].modes & 1u << arguments->mode))
            return wrong("nothing here takes", options[i].name);
    if (arguments->to_count && arguments->lock.passphrase_file)
        return wrong("give one of --to and", "--passphrase-file");
    return -1;
}

int arguments_read(int argc, char **argv, struct arguments *arguments)
{
    unsigned seen = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("labeld %s\n", LABELD_VERSION);
            return 0;
        }
        int code = take(argc, argv, &i, arguments, &seen);
        if (code >= 0)
            return code;
    }
    if (arguments->config)
        return check_modes(arguments, seen);
    fputs("labeld: which configuration? labeld --config FILE; see labeld --help\n", stderr);
    return ARGUMENTS_WRONG;
}
