#include "config/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

struct unit {
    const char *word;
    uint64_t factor;
};

static const struct unit sizes[] = {
    {"", 1},           {"B", 1},           {"kB", 1000},          {"KB", 1000},
    {"MB", 1000000},   {"GB", 1000000000}, {"TB", 1000000000000}, {"KiB", 1u << 10},
    {"MiB", 1u << 20}, {"GiB", 1u << 30},  {"TiB", 1ull << 40},
};

static const struct unit spans[] = {
    {"ms", 1000},         {"s", 1000000},        {"second", 1000000},    {"seconds", 1000000},
    {"m", 60000000},      {"min", 60000000},     {"minute", 60000000},   {"minutes", 60000000},
    {"h", 3600000000},    {"hour", 3600000000},  {"hours", 3600000000},  {"d", 86400000000},
    {"day", 86400000000}, {"days", 86400000000}, {"week", 604800000000}, {"weeks", 604800000000},
};

static void put_problem(struct value_context *context, unsigned line, unsigned column,
                        const char *severity, const char *format, va_list args)
{
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    buf_printf(context->problems, "%s:%u:%u: %s: %s\n", context->file, line, column, severity,
               text);
}

bool value_error(struct value_context *context, unsigned line, unsigned column, const char *format,
                 ...)
{
    va_list args;
    va_start(args, format);
    put_problem(context, line, column, "error", format, args);
    va_end(args);
    context->errors++;
    return false;
}

bool value_warning(struct value_context *context, unsigned line, unsigned column,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_problem(context, line, column, "warning", format, args);
    va_end(args);
    return false;
}

/* Numbers with units ------------------------------------------------------------------------- */

static bool with_unit(const char *text, const struct unit *units, size_t count, uint64_t *value)
{
    uint64_t number = 0;
    const char *at = text;
    if (!isdigit((unsigned char)*at))
        return false;
    for (; isdigit((unsigned char)*at); at++) {
        if (number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    while (*at == ' ')
        at++;
    for (size_t i = 0; i < count; i++)
        if (strcmp(units[i].word, at) == 0) {
            if (number > INT64_MAX / units[i].factor)
                return false;
            *value = number * units[i].factor;
            return true;
        }
    return false;
}

bool value_size(const char *text, uint64_t *bytes)
{
    return with_unit(text, sizes, sizeof sizes / sizeof *sizes, bytes);
}

bool value_span(const char *text, int64_t *us)
{
    uint64_t value;
    if (!with_unit(text, spans, sizeof spans / sizeof *spans, &value))
        return false;
    *us = (int64_t)value;
    return true;
}

/* Limits ------------------------------------------------------------------------------------- */

const struct limits_row *value_limit(const char *name, struct err *err)
{
    size_t count, named = 0;
    const char *names[64];
    const struct limits_row *found = limits_find(name);
    if (found)
        return found;
    const struct limits_row *rows = limits_rows(&count);
    for (; named < count && named < sizeof names / sizeof *names; named++)
        names[named] = rows[named].name;
    const char *near = text_nearest(name, names, named);
    err_set(err, ERR_CONFIG, "unknown limit \"%.80s\"%s%s%s", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    return NULL;
}

bool value_set_limit(struct limits *limits, const struct limits_row *row, uint64_t value,
                     struct err *err)
{
    return limits_set(limits, row, value) ||
           err_set(err, ERR_CONFIG, "%s must be %llu to %llu %s", row->name,
                   (unsigned long long)row->least, (unsigned long long)row->most, row->unit);
}

/* Readers ------------------------------------------------------------------------------------ */

/* One value at a place, with the words of its key for messages. */
struct reading {
    struct value_context *context;
    const char *key;
    const struct yaml_node *node;
    void *field;
};

static bool wrong(const struct reading *reading, const char *wanted)
{
    const char *text =
        reading->node->kind == YAML_SCALAR ? reading->node->text : "a list or mapping";
    return value_error(reading->context, reading->node->line, reading->node->column,
                       "%s: \"%.80s\" is not %s", reading->key, text, wanted);
}

static bool out_of_memory(const struct reading *reading)
{
    return value_error(reading->context, reading->node->line, reading->node->column,
                       "%s: out of memory", reading->key);
}

static bool read_text(const struct reading *reading)
{
    *(const char **)reading->field = reading->node->text;
    return true;
}

static const char *absolute(const struct reading *reading, const char *path)
{
    struct arena *arena = reading->context->arena;
    return path[0] == '/' || !*path ? path
                                    : arena_printf(arena, "%s/%s", reading->context->folder, path);
}

static bool read_path(const struct reading *reading)
{
    const char *path = absolute(reading, reading->node->text);
    *(const char **)reading->field = path;
    return path || out_of_memory(reading);
}

/* A secret's file: there, and nobody else's to read. */
static bool secret_is_private(const struct reading *reading, const char *path)
{
    struct stat st;
    if (!*path)
        return true;
    if (stat(path, &st) < 0)
        return value_error(reading->context, reading->node->line, reading->node->column,
                           "%s: %s cannot be read", reading->key, path);
    if (st.st_mode & 077)
        return value_error(reading->context, reading->node->line, reading->node->column,
                           "%s: %s can be read by others; chmod 600 %s", reading->key, path, path);
    return true;
}

static bool read_secret(const struct reading *reading)
{
    return read_path(reading) && secret_is_private(reading, *(const char **)reading->field);
}

/* A list, or one value in its place. */
static bool read_list(const struct reading *reading, bool (*item)(const struct reading *))
{
    const struct yaml_node *node = reading->node;
    bool single = node->kind == YAML_SCALAR;
    size_t count = single ? (size_t)(*node->text != '\0') : node->count;
    const char **items = arena_alloc(reading->context->arena, count, sizeof *items);
    if (!items)
        return out_of_memory(reading);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *one = single ? node : &node->items[i];
        const struct reading inner = {reading->context, reading->key, one, &items[i]};
        if (one->kind != YAML_SCALAR)
            return wrong(&inner, "a text");
        if (!item(&inner))
            return false;
    }
    *(struct config_list *)reading->field = (struct config_list){items, count};
    return true;
}

static bool read_texts(const struct reading *reading)
{
    return read_list(reading, read_text);
}

static bool read_paths(const struct reading *reading)
{
    return read_list(reading, read_path);
}

static bool read_secrets(const struct reading *reading)
{
    return read_list(reading, read_secret);
}

static bool read_count(const struct reading *reading)
{
    static const struct unit none[] = {{"", 1}};
    return with_unit(reading->node->text, none, 1, reading->field) || wrong(reading, "a number");
}

static bool read_auto(const struct reading *reading)
{
    if (strcmp(reading->node->text, "auto") != 0)
        return read_count(reading);
    *(uint64_t *)reading->field = 0;
    return true;
}

static bool read_size(const struct reading *reading)
{
    return value_size(reading->node->text, reading->field) ||
           wrong(reading, "a size such as 8 MiB");
}

static bool read_span(const struct reading *reading)
{
    return value_span(reading->node->text, reading->field) ||
           wrong(reading, "a span such as 10m or 2 hours");
}

static bool read_bool(const struct reading *reading)
{
    bool yes = strcmp(reading->node->text, "true") == 0;
    *(bool *)reading->field = yes;
    return yes || strcmp(reading->node->text, "false") == 0 || wrong(reading, "true or false");
}

static bool read_address(const struct reading *reading)
{
    const char *text = reading->node->text;
    const char *colon = strrchr(text, ':');
    struct config_address *address = reading->field;
    static const struct unit none[] = {{"", 1}};
    uint64_t port;
    if (!colon || colon == text || !with_unit(colon + 1, none, 1, &port) || port > UINT16_MAX)
        return wrong(reading, "an address such as 127.0.0.1:8480");
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    address->host = arena_strndup(reading->context->arena, text + bracketed,
                                  (size_t)(colon - text) - 2u * bracketed);
    address->port = (uint16_t)port;
    return address->host || out_of_memory(reading);
}

/* Choices ------------------------------------------------------------------------------------ */

struct choice {
    const char *words[4]; /* NULL-terminated */
    const char *later;    /* word that a later version takes, or NULL */
};

static const struct choice choices[VALUE_KIND_COUNT] = {
    [VALUE_SANDBOX] = {{"strict", "relaxed"}, NULL},
    [VALUE_LOGFORM] = {{"text", "json"}, NULL},
    [VALUE_STORE] = {{"sqlite"}, "postgresql"},
    [VALUE_VAULT] = {{"directory"}, "s3"},
    [VALUE_TOMBSTONE] = {{"text", "none"}, NULL},
    [VALUE_VERSIONS] = {{"restrict", "seal", "keep"}, NULL},
    [VALUE_WEAK] = {{"read-only", "accept"}, NULL},
    [VALUE_KEYFORM] = {{"raw", "encoded"}, NULL},
};

static bool choose(const struct reading *reading, enum value_kind kind, size_t *index)
{
    const struct choice *choice = &choices[kind];
    for (*index = 0; choice->words[*index]; (*index)++)
        if (strcmp(choice->words[*index], reading->node->text) == 0)
            return true;
    if (choice->later && strcmp(choice->later, reading->node->text) == 0)
        return value_error(reading->context, reading->node->line, reading->node->column,
                           "%s: \"%s\" is not in this version; use %s", reading->key, choice->later,
                           choice->words[0]);
    return value_error(reading->context, reading->node->line, reading->node->column,
                       "%s: \"%.80s\" is not one of %s%s%s%s%s", reading->key, reading->node->text,
                       choice->words[0], choice->words[1] ? ", " : "",
                       choice->words[1] ? choice->words[1] : "", choice->words[2] ? ", " : "",
                       choice->words[2] ? choice->words[2] : "");
}

static bool read_choice(const struct reading *reading, enum value_kind kind)
{
    size_t index;
    if (!choose(reading, kind, &index))
        return false;
    if (kind == VALUE_SANDBOX || kind == VALUE_LOGFORM)
        *(bool *)reading->field = index == 1;
    else
        *(const char **)reading->field = choices[kind].words[index];
    return true;
}

typedef bool reader(const struct reading *);

static reader *const readers[VALUE_KIND_COUNT] = {
    [VALUE_TEXT] = read_text,   [VALUE_TEXTS] = read_texts,   [VALUE_PATH] = read_path,
    [VALUE_PATHS] = read_paths, [VALUE_SECRET] = read_secret, [VALUE_SECRETS] = read_secrets,
    [VALUE_AUTO] = read_auto,   [VALUE_COUNT] = read_count,   [VALUE_SIZE] = read_size,
    [VALUE_SPAN] = read_span,   [VALUE_BOOL] = read_bool,     [VALUE_ADDRESS] = read_address,
};

static bool takes_list(enum value_kind kind)
{
    return kind == VALUE_TEXTS || kind == VALUE_PATHS || kind == VALUE_SECRETS;
}

bool value_read(struct value_context *context, enum value_kind kind, const char *key,
                const struct yaml_node *node, void *field)
{
    const struct reading reading = {context, key, node, field};
    if (node->kind == YAML_MAP || (node->kind == YAML_LIST && !takes_list(kind)))
        return wrong(&reading, takes_list(kind) ? "a list of texts" : "one value");
    return readers[kind] ? readers[kind](&reading) : read_choice(&reading, kind);
}

/* Printing ----------------------------------------------------------------------------------- */

static const char *list_text(struct arena *arena, const struct config_list *list)
{
    const char *text = "[";
    for (size_t i = 0; text && i < list->count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", list->items[i]);
    return text ? arena_printf(arena, "%s]", text) : NULL;
}

static const char *size_text(struct arena *arena, uint64_t bytes)
{
    static const struct unit down[] = {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}};
    for (size_t i = 0; i < sizeof down / sizeof *down; i++)
        if (bytes && bytes % down[i].factor == 0)
            return arena_printf(arena, "%" PRIu64 " %s", bytes / down[i].factor, down[i].word);
    return arena_printf(arena, "%" PRIu64 " B", bytes);
}

const char *value_text(struct arena *arena, enum value_kind kind, const void *field)
{
    switch ((int)kind) {
    case VALUE_TEXTS:
    case VALUE_PATHS:
    case VALUE_SECRETS: return list_text(arena, field);
    case VALUE_AUTO:
        if (*(const uint64_t *)field == 0)
            return "auto";
        return arena_printf(arena, "%" PRIu64, *(const uint64_t *)field);
    case VALUE_COUNT: return arena_printf(arena, "%" PRIu64, *(const uint64_t *)field);
    case VALUE_SIZE: return size_text(arena, *(const uint64_t *)field);
    case VALUE_SPAN: return arena_printf(arena, "%" PRId64 " s", *(const int64_t *)field / 1000000);
    case VALUE_BOOL: return *(const bool *)field ? "true" : "false";
    case VALUE_SANDBOX:
    case VALUE_LOGFORM: return choices[kind].words[*(const bool *)field];
    case VALUE_ADDRESS: {
        const struct config_address *address = field;
        return arena_printf(arena, strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host,
                            address->port);
    }
    default: return *(const char *const *)field ? *(const char *const *)field : "";
    }
}
