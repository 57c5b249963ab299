#include "base/yaml.h"

#include <libfyaml.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { max_depth = 64, max_nodes = 1000000 };

/* Children of a collection while it is read; copied into the arena when it ends. */
struct growing {
    struct yaml_pair *pairs; /* lists use only the values */
    size_t count, capacity;
};

struct reading {
    struct fy_parser *parser;
    struct arena *arena;
    struct yaml_problem *problem;
    size_t nodes;
    bool twice;  /* duplicate keys are noted, not refused */
    bool failed; /* a problem is set */
};

static bool fault(struct reading *reading, enum yaml_fault kind, unsigned line, unsigned column,
                  const char *message)
{
    if (!reading->failed) {
        reading->problem->fault = kind;
        reading->problem->line = line;
        reading->problem->column = column;
        snprintf(reading->problem->message, sizeof reading->problem->message, "%s", message);
    }
    reading->failed = true;
    return false;
}

static void place_of(struct fy_event *event, unsigned *line, unsigned *column)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    *line = mark ? (unsigned)mark->line + 1 : 1;
    *column = mark ? (unsigned)mark->column + 1 : 1;
}

static bool fault_at(struct reading *reading, enum yaml_fault kind, struct fy_event *event,
                     const char *message)
{
    unsigned line, column;
    place_of(event, &line, &column);
    return fault(reading, kind, line, column, message);
}

/* The next event, or NULL with a syntax problem. The caller frees it with release(). */
static struct fy_event *next(struct reading *reading)
{
    struct fy_event *event = fy_parser_parse(reading->parser);
    if (event && event->type != FYET_NONE)
        return event;
    fault(reading, YAML_SYNTAX, 1, 1, "not YAML"); /* unless note_syntax has said more */
    return NULL;
}

static void release(struct reading *reading, struct fy_event *event)
{
    fy_parser_event_free(reading->parser, event);
}

/* A fault at `&name`, `!name` or `*name`. `before`: characters that the token leaves out. */
static bool fault_at_token(struct reading *reading, enum yaml_fault kind, struct fy_token *token,
                           unsigned before, const char *message)
{
    const struct fy_mark *mark = fy_token_start_mark(token);
    unsigned column = mark ? (unsigned)mark->column + 1 : 1;
    return fault(reading, kind, mark ? (unsigned)mark->line + 1 : 1,
                 column > before ? column - before : 1, message);
}

static bool plain_node(struct reading *reading, struct fy_event *event, struct fy_token *anchor,
                       struct fy_token *tag)
{
    if (anchor)
        return fault_at_token(reading, YAML_ANCHOR, anchor, 1,
                              "anchors (&name) are not allowed here");
    if (tag)
        return fault_at_token(reading, YAML_TAG, tag, 0, "tags (!name) are not allowed here");
    if (++reading->nodes > max_nodes)
        return fault_at(reading, YAML_MANY, event, "too many values in one file");
    return true;
}

static bool read_scalar(struct reading *reading, struct fy_event *event, struct yaml_node *node)
{
    size_t length = 0;
    const char *text = event->scalar.value ? fy_token_get_text(event->scalar.value, &length) : "";
    if (text && memchr(text, '\0', length))
        return fault_at(reading, YAML_MANY, event, "a NUL character is not allowed");
    char *copy = arena_strndup(reading->arena, text ? text : "", length);
    if (!copy)
        return fault_at(reading, YAML_MEMORY, event, "out of memory");
    node->kind = YAML_SCALAR;
    node->text = copy;
    node->quoted =
        event->scalar.value && fy_scalar_token_get_style(event->scalar.value) != FYSS_PLAIN;
    return true;
}

static struct yaml_pair *grow(struct growing *growing)
{
    if (growing->count == growing->capacity) {
        size_t capacity = growing->capacity ? growing->capacity * 2 : 8;
        struct yaml_pair *pairs = mem_realloc(growing->pairs, capacity, sizeof *pairs);
        if (!pairs)
            return NULL;
        growing->pairs = pairs;
        growing->capacity = capacity;
    }
    struct yaml_pair *pair = &growing->pairs[growing->count++];
    *pair = (struct yaml_pair){0};
    return pair;
}

static bool read_node(struct reading *reading, struct fy_event *event, struct yaml_node *node,
                      unsigned depth);

static bool finish_list(struct reading *reading, const struct growing *growing,
                        struct yaml_node *node)
{
    node->count = growing->count;
    node->items = arena_alloc(reading->arena, growing->count, sizeof *node->items);
    for (size_t i = 0; node->items && i < growing->count; i++)
        node->items[i] = growing->pairs[i].value;
    return node->items || fault(reading, YAML_MEMORY, node->line, node->column, "out of memory");
}

static bool finish_map(struct reading *reading, const struct growing *growing,
                       struct yaml_node *node)
{
    node->count = growing->count;
    node->pairs = arena_alloc(reading->arena, growing->count, sizeof *node->pairs);
    if (!node->pairs)
        return fault(reading, YAML_MEMORY, node->line, node->column, "out of memory");
    if (growing->count)
        memcpy(node->pairs, growing->pairs, growing->count * sizeof *node->pairs);
    return true;
}

static bool read_items(struct reading *reading, struct growing *growing, unsigned depth)
{
    for (;;) {
        struct fy_event *event = next(reading);
        if (!event)
            return false;
        bool end = event->type == FYET_SEQUENCE_END;
        struct yaml_pair *pair = end ? NULL : grow(growing);
        bool ok = end || (pair ? read_node(reading, event, &pair->value, depth)
                               : fault_at(reading, YAML_MEMORY, event, "out of memory"));
        release(reading, event);
        if (end || !ok)
            return ok;
    }
}

/* Small maps are compared pair by pair; the bound on nodes keeps the worst case finite, and a
 * map of more keys than this is refused, because nothing that is read here has so many. */
enum { max_keys = 20000 };

static bool unique_key(struct reading *reading, const struct growing *growing,
                       struct yaml_pair *pair)
{
    if (strcmp(pair->key, "<<") == 0)
        return fault(reading, YAML_MERGE, pair->line, pair->column,
                     "merge keys (<<) are not allowed here");
    if (growing->count > max_keys)
        return fault(reading, YAML_MANY, pair->line, pair->column, "too many keys in one mapping");
    for (size_t i = 0; i + 1 < growing->count; i++) {
        if (strcmp(growing->pairs[i].key, pair->key) != 0)
            continue;
        pair->first_line = growing->pairs[i].line;
        if (reading->twice)
            return true;
        if (!reading->failed) {
            snprintf(reading->problem->word, sizeof reading->problem->word, "%s", pair->key);
            reading->problem->other_line = growing->pairs[i].line;
        }
        return fault(reading, YAML_DUPLICATE, pair->line, pair->column,
                     "this key stands here twice");
    }
    return true;
}

static bool read_key(struct reading *reading, struct fy_event *event, struct yaml_pair *pair)
{
    struct yaml_node key = {0};
    if (event->type == FYET_ALIAS)
        return read_node(reading, event, &key, 0);
    if (event->type != FYET_SCALAR)
        return fault_at(reading, YAML_KEY, event, "a key must be one word or text");
    if (!read_node(reading, event, &key, 0))
        return false;
    pair->key = key.text;
    pair->line = key.line;
    pair->column = key.column;
    return true;
}

static bool read_pairs(struct reading *reading, struct growing *growing, unsigned depth)
{
    for (;;) {
        struct fy_event *event = next(reading);
        if (!event)
            return false;
        bool end = event->type == FYET_MAPPING_END;
        struct yaml_pair *pair = end ? NULL : grow(growing);
        bool ok =
            end || (pair ? read_key(reading, event, pair) && unique_key(reading, growing, pair)
                         : fault_at(reading, YAML_MEMORY, event, "out of memory"));
        release(reading, event);
        if (end || !ok)
            return ok;
        struct fy_event *value = next(reading);
        if (!value)
            return false;
        ok = read_node(reading, value, &pair->value, depth);
        release(reading, value);
        if (!ok)
            return false;
    }
}

static bool read_collection(struct reading *reading, struct fy_event *event, struct yaml_node *node,
                            unsigned depth)
{
    struct growing growing = {0};
    bool map = event->type == FYET_MAPPING_START;
    if (depth > max_depth)
        return fault_at(reading, YAML_MANY, event, "nested too deep");
    node->kind = map ? YAML_MAP : YAML_LIST;
    node->flow = fy_event_get_node_style(event) == FYNS_FLOW;
    bool ok =
        map ? read_pairs(reading, &growing, depth + 1) && finish_map(reading, &growing, node)
            : read_items(reading, &growing, depth + 1) && finish_list(reading, &growing, node);
    mem_free(growing.pairs);
    return ok;
}

static bool read_alias(struct reading *reading, struct fy_event *event)
{
    size_t length = 0;
    const char *name = event->alias.anchor ? fy_token_get_text(event->alias.anchor, &length) : "";
    if (!reading->failed)
        snprintf(reading->problem->word, sizeof reading->problem->word, "%.*s", (int)length,
                 name ? name : "");
    return fault_at_token(reading, YAML_ALIAS, event->alias.anchor, 1,
                          "a value that begins with * must be quoted");
}

static bool read_node(struct reading *reading, struct fy_event *event, struct yaml_node *node,
                      unsigned depth)
{
    place_of(event, &node->line, &node->column);
    switch ((int)event->type) {
    case FYET_SCALAR:
        return plain_node(reading, event, event->scalar.anchor, event->scalar.tag) &&
               read_scalar(reading, event, node);
    case FYET_ALIAS: return read_alias(reading, event);
    case FYET_SEQUENCE_START:
        return plain_node(reading, event, event->sequence_start.anchor,
                          event->sequence_start.tag) &&
               read_collection(reading, event, node, depth);
    case FYET_MAPPING_START:
        return plain_node(reading, event, event->mapping_start.anchor, event->mapping_start.tag) &&
               read_collection(reading, event, node, depth);
    default: return fault_at(reading, YAML_SYNTAX, event, "a value is missing here");
    }
}

/* Events before the first value and after the last: streams and documents begin and end. */
static bool read_document(struct reading *reading, struct yaml_node *root)
{
    bool seen = false;
    for (;;) {
        struct fy_event *event = next(reading);
        if (!event)
            return false;
        bool ok = true;
        enum fy_event_type type = event->type;
        bool frame = type == FYET_STREAM_START || type == FYET_DOCUMENT_START ||
                     type == FYET_DOCUMENT_END || type == FYET_STREAM_END;
        if (!frame && seen)
            ok = fault_at(reading, YAML_MANY, event, "more than one document in the file");
        else if (!frame)
            ok = read_node(reading, event, root, 0);
        seen = seen || !frame;
        release(reading, event);
        if (!ok)
            return false;
        if (type == FYET_STREAM_END)
            return seen || fault(reading, YAML_EMPTY, 1, 1, "the file is empty");
    }
}

/* A number at *at, moved behind it and the colon that follows. */
static unsigned number_before_colon(const char **at)
{
    unsigned value = 0;
    for (; **at >= '0' && **at <= '9' && value < 100000000; (*at)++)
        value = value * 10 + (unsigned)(**at - '0');
    *at += **at == ':';
    return value;
}

/* libfyaml's first message is "<input>:LINE:COLUMN: error: TEXT"; source lines follow. (Its
 * collected errors would be structured, but version 0.7.12 leaks them.) */
static void note_syntax(struct fy_diag *diag, void *user, const char *bytes, size_t length)
{
    struct reading *reading = user;
    char text[512];
    (void)diag;
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1),
             bytes);
    const char *at = strstr(text, ">:");
    const char *message = strstr(text, "error: ");
    if (reading->failed || !at || !message)
        return;
    at += 2;
    unsigned line = number_before_colon(&at);
    unsigned column = number_before_colon(&at);
    message += strlen("error: ");
    text[strcspn(text, "\n")] = '\0';
    fault(reading, YAML_SYNTAX, line ? line : 1, column ? column : 1, message);
}

static struct fy_parser *open_parser(struct reading *reading, const char *text, size_t length)
{
    struct fy_diag_cfg output;
    fy_diag_cfg_default(&output);
    output.fp = NULL; /* nothing may reach stderr */
    output.output_fn = note_syntax;
    output.user = reading;
    output.colorize = false;
    struct fy_diag *diag = fy_diag_create(&output);
    if (!diag)
        return NULL;
    const struct fy_parse_cfg config = {
        .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_DISABLE_RECYCLING,
        .diag = diag,
    };
    struct fy_parser *parser = fy_parser_create(&config);
    fy_diag_unref(diag);
    if (parser && fy_parser_set_string(parser, text, length) == 0)
        return parser;
    if (parser)
        fy_parser_destroy(parser);
    return NULL;
}

/* What libfyaml must not see: it never comes back from a directive that is not UTF-8 (seen with
 * 0.7.12), and no file of ours needs a directive. */
static bool plain_text(struct reading *reading, const char *text, size_t length)
{
    unsigned line = 1, column = 1;
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t width = utf8_decode(text + at, length - at, &character);
        if (width == 0)
            return fault(reading, YAML_SYNTAX, line, column, "this is not UTF-8 text");
        if (column == 1 && character == '%')
            return fault(reading, YAML_SYNTAX, line, column,
                         "a line may not begin with %: quote it, or indent it");
        at += width;
        column = character == '\n' ? 1 : column + 1;
        line += character == '\n';
    }
    return true;
}

static const struct yaml_node *parse(const char *text, size_t length, bool twice,
                                     struct arena *arena, struct yaml_problem *problem)
{
    struct yaml_node *root = arena_alloc(arena, 1, sizeof *root);
    struct reading reading = {.arena = arena, .problem = problem, .twice = twice};
    *problem = (struct yaml_problem){0};
    if (!plain_text(&reading, text, length))
        return NULL;
    reading.parser = root ? open_parser(&reading, text, length) : NULL;
    if (!reading.parser) {
        fault(&reading, YAML_MEMORY, 1, 1, "out of memory");
        return NULL;
    }
    bool ok = read_document(&reading, root);
    fy_parser_destroy(reading.parser);
    return ok ? root : NULL;
}

const struct yaml_node *yaml_parse(const char *text, size_t length, struct arena *arena,
                                   struct yaml_problem *problem)
{
    return parse(text, length, false, arena, problem);
}

const struct yaml_node *yaml_parse_twice(const char *text, size_t length, struct arena *arena,
                                         struct yaml_problem *problem)
{
    return parse(text, length, true, arena, problem);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->pairs[i].key, key) == 0)
            return &map->pairs[i].value;
    return NULL;
}
