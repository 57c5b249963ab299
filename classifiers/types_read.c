#include "types_read.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "base/utf8.h"
#include "types_keys.h"

enum { most_problems = 50, most_list = 100000, words_file_bytes = 16 << 20 };

void types_read_fault(struct types_reader *reader, unsigned line, unsigned column,
                      const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    message[utf8_cut(message, strlen(message), sizeof message - 1)] = '\0';
    if (reader->faults++ == 0)
        err_set(reader->err, ERR_CONFIG, "%s:%u:%u: error: %s", reader->file, line, column,
                message);
    if (reader->faults <= most_problems)
        buf_printf(reader->problems, "%s:%u:%u: error: %s\n", reader->file, line, column, message);
}

const char *types_read_hint(const char *word, const char *const *words, size_t count,
                            char out[static 128])
{
    const char *nearest = text_nearest(word, words, count);
    out[0] = '\0';
    if (nearest)
        snprintf(out, 128, " (did you mean '%s'?)", nearest);
    return out;
}

static void out_of_memory(struct types_reader *reader)
{
    if (reader->faults++ == 0)
        err_set(reader->err, ERR_MEMORY, "out of memory while reading %s", reader->file);
}

static void fault_at(struct types_reader *reader, const struct yaml_node *node, const char *what)
{
    types_read_fault(reader, node->line, node->column, "%s", what);
}

void *types_keys_alloc(struct types_reader *reader, size_t count, size_t bytes)
{
    void *block = arena_alloc(&reader->types->arena, count, bytes);
    if (!block)
        out_of_memory(reader);
    return block;
}

/* Values of the tree live as long as the types: the tree is in their arena. */
const char *types_keys_text(struct types_reader *reader, const struct yaml_node *node,
                            const char *key)
{
    if (node->kind == YAML_SCALAR && *node->text)
        return node->text;
    types_read_fault(reader, node->line, node->column, "'%s' needs a text here", key);
    return NULL;
}

bool types_keys_flag(struct types_reader *reader, const struct yaml_node *node, const char *key,
                     bool *flag)
{
    if (node->kind == YAML_SCALAR && !node->quoted &&
        (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)) {
        *flag = node->text[0] == 't';
        return true;
    }
    types_read_fault(reader, node->line, node->column, "'%s' is true or false", key);
    return false;
}

bool types_keys_number(struct types_reader *reader, const struct yaml_node *node, const char *key,
                       uint32_t most, uint32_t *number)
{
    char *end = NULL;
    unsigned long value = 0;
    bool digits = node->kind == YAML_SCALAR && node->text[0] >= '0' && node->text[0] <= '9';
    if (digits)
        value = strtoul(node->text, &end, 10);
    if (!digits || *end || value > most) {
        types_read_fault(reader, node->line, node->column, "'%s' is a whole number from 0 to %u",
                         key, most);
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

/* Take out each `{+}`, which keeps repository scanners from firing at made-up secrets. */
static char *joined(struct types_reader *reader, const char *text)
{
    char *copy = types_keys_alloc(reader, strlen(text) + 1, 1);
    char *out = copy;
    for (const char *at = text; copy && *at;) {
        if (strncmp(at, "{+}", 3) == 0)
            at += 3;
        else
            *out++ = *at++;
    }
    return copy;
}

/* A list of texts, or one text. */
bool types_keys_list(struct types_reader *reader, const struct yaml_node *node, const char *key,
                     const char ***list, size_t *count)
{
    const struct yaml_node *items = node->kind == YAML_LIST ? node->items : node;
    size_t many = node->kind == YAML_LIST ? node->count : 1;
    if (node->kind == YAML_MAP || !many || many > most_list) {
        types_read_fault(reader, node->line, node->column, "'%s' needs a list of texts", key);
        return false;
    }
    *list = types_keys_alloc(reader, many, sizeof **list);
    for (*count = 0; *list && *count < many; (*count)++) {
        const char *text = types_keys_text(reader, &items[*count], key);
        (*list)[*count] = text ? joined(reader, text) : NULL;
        if (!(*list)[*count])
            return false;
    }
    return *list;
}

bool types_keys_level(struct types_reader *reader, const struct yaml_node *node, const char *key,
                      enum types_level *level)
{
    static const char *const words[] = {"none", "low", "medium", "high"};
    const char *word = types_keys_text(reader, node, key);
    char hint[128];
    int value = word ? types_level_of(word) : -1;
    if (word && value < 0)
        types_read_fault(reader, node->line, node->column,
                         "'%s' is none, low, medium or high, not '%s'%s", key, word,
                         types_read_hint(word, words, 4, hint));
    if (value < 0)
        return false;
    *level = (enum types_level)value;
    return true;
}

bool types_keys_picture(struct types_reader *reader, const struct yaml_node *node, bool exact,
                        struct picture *picture)
{
    struct err err = {0};
    const char *text = types_keys_text(reader, node, "shape");
    if (!text)
        return false;
    if (picture_read(text, exact, &reader->types->arena, picture, &err))
        return true;
    fault_at(reader, node, err.text);
    return false;
}

bool types_keys_words_file(struct types_reader *reader, const struct yaml_node *node,
                           const char ***words, size_t *count)
{
    const char *name = types_keys_text(reader, node, "words_file");
    char path[4096];
    struct err err = {0};
    size_t length, lines = 1;
    if (!name)
        return false;
    int written = snprintf(path, sizeof path, "%s/%s", name[0] == '/' ? "" : reader->dir, name);
    own_free char *text =
        written < (int)sizeof path ? io_read_file(path, words_file_bytes, &length, &err) : NULL;
    if (!text) {
        types_read_fault(reader, node->line, node->column, "cannot read the words: %s", err.text);
        return false;
    }
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    *words = types_keys_alloc(reader, lines, sizeof **words);
    *count = 0;
    for (char *line = text, *end; *words && *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        size_t size = (size_t)(end - line);
        size -= size && line[size - 1] == '\r';
        if (size && *line != '#')
            (*words)[(*count)++] = arena_strndup(&reader->types->arena, line, size);
    }
    if (!*count || *count > most_list || !utf8_valid(text, length))
        fault_at(reader, node, "a words file holds 1 to 100,000 words in UTF-8, one a line");
    return *count;
}

void types_keys_map(struct types_reader *reader, const struct yaml_node *map,
                    const struct types_key *keys, size_t key_count, void *target)
{
    const char *names[32];
    char hint[128];
    if (map->kind != YAML_MAP) {
        fault_at(reader, map, "keys and values belong here ('id: ...')");
        return;
    }
    for (size_t i = 0; i < key_count; i++)
        names[i] = keys[i].name;
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        size_t k = 0;
        while (k < key_count && strcmp(keys[k].name, pair->key) != 0)
            k++;
        if (k == key_count)
            types_read_fault(reader, pair->line, pair->column, "unknown key '%s'%s", pair->key,
                             types_read_hint(pair->key, names, key_count, hint));
        else
            keys[k].read(reader, target, &pair->value);
    }
}

static void read_types(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    (void)target;
    if (node->kind != YAML_LIST) {
        fault_at(reader, node, "'types' needs a list");
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        types_keys_read_type(reader, &node->items[i]);
}

static struct types_bundle *new_bundle(struct types_reader *reader)
{
    struct types *types = reader->types;
    if (types->bundle_count == types->bundle_capacity) {
        size_t capacity = types->bundle_capacity ? types->bundle_capacity * 2 : 16;
        struct types_bundle *bundles = types_keys_alloc(reader, capacity, sizeof *bundles);
        if (!bundles)
            return NULL;
        if (types->bundle_count)
            memcpy(bundles, types->bundles, types->bundle_count * sizeof *bundles);
        types->bundles = bundles;
        types->bundle_capacity = capacity;
    }
    return &types->bundles[types->bundle_count];
}

static void read_bundles(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    (void)target;
    if (node->kind != YAML_MAP) {
        fault_at(reader, node, "'bundles' needs names with lists of types ('PCI: [credit-card]')");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        struct types_bundle *bundle = new_bundle(reader);
        if (!bundle)
            return;
        *bundle = (struct types_bundle){
            .name = pair->key, .origin = reader->file, .line = pair->line, .column = pair->column};
        for (size_t k = 0; k < reader->types->bundle_count; k++)
            if (strcmp(reader->types->bundles[k].name, pair->key) == 0)
                types_read_fault(reader, pair->line, pair->column,
                                 "the bundle '%s' is already defined in %s", pair->key,
                                 reader->types->bundles[k].origin);
        if (strlen(pair->key) > 120)
            types_read_fault(reader, pair->line, pair->column,
                             "a bundle's name has at most 120 bytes");
        if (types_keys_list(reader, &pair->value, pair->key, &bundle->members,
                            &bundle->member_count))
            reader->types->bundle_count++;
    }
}

static const struct types_key file_keys[] = {{"types", read_types}, {"bundles", read_bundles}};

void types_read_text(struct types_reader *reader, const char *text, size_t length)
{
    struct yaml_problem problem;
    const struct yaml_node *root = yaml_parse(text, length, &reader->types->arena, &problem);
    if (!root) {
        if (problem.fault == YAML_MEMORY)
            out_of_memory(reader);
        else
            types_read_fault(reader, problem.line, problem.column, "%s%s%s", problem.message,
                             problem.word[0] ? ": " : "", problem.word);
        return;
    }
    types_keys_map(reader, root, file_keys, sizeof file_keys / sizeof *file_keys, NULL);
}
