#include "policy/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* What people write who know other products' words. */
static const struct {
    const char *word, *ours;
} synonyms[] = {
    {"and", "all"},
    {"or", "any"},
    {"contains", "name"},
    {"equals", "is"},
    {"severity", "alert"},
    {"block", "unshare"},
    {"external", "external-people"},
    {"internal", "organisation"},
    {"link", "anyone-with-link"},
    {"delete", "quarantine"},
};

enum { synonym_count = sizeof synonyms / sizeof *synonyms };

struct read_at read_at_node(const struct yaml_node *node)
{
    return (struct read_at){node->line, node->column};
}

struct read_at read_at_key(const struct yaml_pair *pair)
{
    return (struct read_at){pair->line, pair->column};
}

/* Where the next message goes; an error may take the place of a warning. NULL: enough is told. */
static struct policy_problem *problem_slot(struct read *read, enum policy_severity severity)
{
    if (read->problem_count < READ_MAX_PROBLEMS)
        return &read->problems[read->problem_count++];
    if (severity == POLICY_WARNING)
        return NULL;
    for (size_t i = READ_MAX_PROBLEMS; i-- > 0;)
        if (read->problems[i].severity == POLICY_WARNING)
            return &read->problems[i];
    return NULL;
}

static bool tell(struct read *read, struct policy_problem problem, const char *format,
                 va_list arguments) __attribute__((format(printf, 3, 0)));

static bool tell(struct read *read, struct policy_problem problem, const char *format,
                 va_list arguments)
{
    if (problem.severity == POLICY_ERROR)
        read->errors++;
    struct policy_problem *slot = problem_slot(read, problem.severity);
    if (!slot)
        return false;
    char text[1024];
    vsnprintf(text, sizeof text, format, arguments);
    *slot = problem;
    slot->file = read->file;
    slot->message = problem.suggestion ? arena_printf(read->messages, "%s; did you mean \"%s\"?",
                                                      text, problem.suggestion)
                                       : arena_strdup(read->messages, text);
    if (problem.suggestion)
        slot->suggestion = arena_strdup(read->messages, problem.suggestion);
    if (!slot->message || (problem.suggestion && !slot->suggestion))
        slot->message = "out of memory", read->no_memory = true;
    return false;
}

bool read_error(struct read *read, struct read_at at, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(read,
         (struct policy_problem){
             .line = at.line, .column = at.column, .severity = POLICY_ERROR, .code = code},
         format, arguments);
    va_end(arguments);
    return false;
}

bool read_unknown(struct read *read, struct read_at at, const char *code, const char *suggestion,
                  const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(read,
         (struct policy_problem){.line = at.line,
                                 .column = at.column,
                                 .severity = POLICY_ERROR,
                                 .code = code,
                                 .suggestion = suggestion},
         format, arguments);
    va_end(arguments);
    return false;
}

void read_warn(struct read *read, struct read_at at, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(read,
         (struct policy_problem){
             .line = at.line, .column = at.column, .severity = POLICY_WARNING, .code = code},
         format, arguments);
    va_end(arguments);
}

bool read_no_memory(struct read *read)
{
    read->no_memory = true;
    return false;
}

static bool contains(struct read_words words, const char *word)
{
    for (size_t i = 0; i < words.count; i++)
        if (strcmp(words.items[i], word) == 0)
            return true;
    return false;
}

/* A synonym counts before nearness (`and` is near `any`, but means `all`), a misspelt one after. */
const char *read_suggest(const char *word, struct read_words words)
{
    const char *known[synonym_count], *ours[synonym_count];
    size_t count = 0;
    for (size_t i = 0; i < synonym_count; i++) {
        if (!contains(words, synonyms[i].ours))
            continue;
        if (strcmp(synonyms[i].word, word) == 0)
            return synonyms[i].ours;
        known[count] = synonyms[i].word;
        ours[count++] = synonyms[i].ours;
    }
    const char *nearest = text_nearest(word, words.items, words.count);
    if (nearest)
        return nearest;
    const char *meant = text_nearest(word, known, count);
    for (size_t i = 0; meant && i < count; i++)
        if (known[i] == meant)
            return ours[i];
    return NULL;
}

bool read_listens(const struct read *read)
{
    return read->errors < READ_MAX_PROBLEMS;
}

void *read_alloc(struct read *read, size_t count, size_t bytes)
{
    void *memory = arena_alloc(read->arena, count ? count : 1, bytes);
    if (!memory)
        read_no_memory(read);
    return memory;
}

const char *read_printf(struct read *read, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *copy = arena_strdup(read->arena, text);
    if (!copy)
        read_no_memory(read);
    return copy ? copy : "";
}

bool read_stray_key(struct read *read, const struct yaml_node *map, const struct yaml_pair *pair)
{
    const struct yaml_node *value = &pair->value;
    if (!map->flow || value->kind != YAML_SCALAR || value->quoted || *value->text)
        return false;
    read_error(read, read_at_key(pair), "quote-comma",
               "unknown key \"%.80s\"; inside { } a text with a comma must be quoted", pair->key);
    return true;
}

bool read_known_key(struct read *read, const struct yaml_node *map, const struct yaml_pair *pair,
                    struct read_words keys, const char *where)
{
    if (contains(keys, pair->key))
        return true;
    if (read_stray_key(read, map, pair))
        return false;
    return read_unknown(read, read_at_key(pair), "unknown-key", read_suggest(pair->key, keys),
                        "unknown key \"%.80s\" %s", pair->key, where);
}

bool read_lacks(const struct yaml_node *map, const char *key, struct read_words keys)
{
    if (yaml_get(map, key))
        return false;
    for (size_t i = 0; i < map->count; i++) {
        const char *other = map->pairs[i].key;
        const char *meant = contains(keys, other) ? NULL : read_suggest(other, keys);
        if (meant && strcmp(meant, key) == 0)
            return false;
    }
    return true;
}

bool read_map(struct read *read, const struct yaml_node *node, struct read_words keys,
              const char *where)
{
    if (node->kind != YAML_MAP)
        return read_error(read, read_at_node(node), "wrong-kind",
                          "keys with values are wanted %s, for example %s: …", where,
                          keys.items[0]);
    for (size_t i = 0; i < node->count; i++)
        read_known_key(read, node, &node->pairs[i], keys, where);
    return true;
}

const struct yaml_node *read_items(const struct yaml_node *node, size_t *count)
{
    *count = node->kind == YAML_LIST ? node->count : 1;
    return node->kind == YAML_LIST ? node->items : node;
}

const char *read_text(struct read *read, const struct yaml_node *node, const char *what)
{
    if (node->kind == YAML_SCALAR && *node->text)
        return node->text;
    read_error(read, read_at_node(node), "wrong-kind", "\"%s\" needs a %s", what,
               node->kind == YAML_SCALAR ? "value" : "single value, not a list or mapping");
    return NULL;
}

bool read_number(struct read *read, const struct yaml_node *node, const char *what,
                 uint64_t *number)
{
    const char *text = read_text(read, node, what);
    if (!text)
        return false;
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9' && value < 1000000000000ull; c++)
        value = value * 10 + (uint64_t)(*c - '0');
    if (*c)
        return read_error(read, read_at_node(node), "bad-number",
                          "\"%.80s\" is not a whole number; write %s: 5", text, what);
    *number = value;
    return true;
}

bool read_bool(struct read *read, const struct yaml_node *node, const char *what, bool *value)
{
    const char *text = read_text(read, node, what);
    if (!text)
        return false;
    *value = strcmp(text, "true") == 0;
    if (*value || strcmp(text, "false") == 0)
        return true;
    return read_error(read, read_at_node(node), "bad-word", "\"%.80s\" is neither true nor false",
                      text);
}

bool read_choice(struct read *read, const struct yaml_node *node, const char *what,
                 struct read_words words, unsigned *chosen)
{
    const char *text = read_text(read, node, what);
    if (!text)
        return false;
    for (size_t i = 0; i < words.count; i++) {
        if (strcmp(words.items[i], text) != 0)
            continue;
        *chosen = (unsigned)i;
        return true;
    }
    char list[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < words.count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                 words.items[i]);
    const char *near = read_suggest(text, words);
    return read_unknown(read, read_at_node(node), "bad-word", near,
                        "\"%.80s\" is not a value of \"%s\" (%s)", text, what, list);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool read_names(struct read *read, const struct yaml_node *node, const char *what,
                struct rule_names *names)
{
    size_t count, used = 0;
    const struct yaml_node *items = read_items(node, &count);
    const char **texts = read_alloc(read, count, sizeof *texts);
    if (!texts)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *text = read_text(read, &items[i], what);
        if (!text)
            return false;
        texts[used++] = text;
    }
    qsort(texts, used, sizeof *texts, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < used; i++)
        if (kept == 0 || strcmp(texts[kept - 1], texts[i]) != 0)
            texts[kept++] = texts[i];
    *names = (struct rule_names){texts, kept};
    return true;
}

const char *read_join(struct read *read, const struct yaml_node *node)
{
    size_t count, used = 0;
    char text[400] = "";
    const struct yaml_node *items = read_items(node, &count);
    for (size_t i = 0; i < count && used < sizeof text; i++) {
        const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        const char *item = items[i].kind == YAML_SCALAR ? items[i].text : "…";
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", between, item);
    }
    return read_printf(read, "%s", text);
}
