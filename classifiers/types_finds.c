#include "types_finds.h"

#include <string.h>

#include "types_keys.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void fault_at(struct types_reader *reader, const struct yaml_node *node, const char *what)
{
    types_read_fault(reader, node->line, node->column, "%s", what);
}

struct find_reading {
    struct types_find *find;
    unsigned ways; /* how many of shape, pattern, words stand there */
    const struct yaml_node *shape;
};

static void find_shape(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    reading->ways++;
    reading->find->kind = FIND_SHAPE;
    reading->find->text = types_keys_text(reader, node, "shape");
    reading->shape = node;
}

static void find_pattern(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    reading->ways++;
    reading->find->kind = FIND_PATTERN;
    reading->find->text = types_keys_text(reader, node, "pattern");
    reading->find->line = node->line;
    reading->find->column = node->column;
}

static void find_words(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    reading->ways++;
    reading->find->kind = FIND_WORDS;
    reading->find->text = "words";
    types_keys_list(reader, node, "words", &reading->find->words, &reading->find->word_count);
}

static void find_words_file(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    reading->ways++;
    reading->find->kind = FIND_WORDS;
    reading->find->text = node->kind == YAML_SCALAR ? node->text : "words_file";
    types_keys_words_file(reader, node, &reading->find->words, &reading->find->word_count);
}

static void find_needs(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    const char *word = types_keys_text(reader, node, "needs");
    if (word && strcmp(word, "keyword") != 0)
        types_read_fault(reader, node->line, node->column, "'needs' is keyword, not '%s'", word);
    reading->find->needs_keyword = true;
}

static void find_caseless(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    types_keys_flag(reader, node, "caseless", &reading->find->caseless);
}

static void find_capture(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    types_keys_number(reader, node, "capture", 512, &reading->find->capture);
}

static void find_case(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct find_reading *reading = target;
    const char *word = types_keys_text(reader, node, "case");
    if (word && strcmp(word, "exact") != 0)
        types_read_fault(reader, node->line, node->column, "'case' is exact, not '%s'", word);
    reading->find->exact = true;
}

static const struct types_key find_keys[] = {
    {"shape", find_shape},           {"pattern", find_pattern},
    {"words", find_words},           {"needs", find_needs},
    {"words_file", find_words_file}, {"caseless", find_caseless},
    {"capture", find_capture},       {"case", find_case},
};

static void read_one_find(struct types_reader *reader, struct types_find *find,
                          const struct yaml_node *node)
{
    struct find_reading reading = {.find = find};
    find->line = node->line;
    find->column = node->column;
    types_keys_map(reader, node, find_keys, COUNT(find_keys), &reading);
    if (node->kind == YAML_MAP && reading.ways != 1)
        fault_at(reader, node, "give one of shape, pattern, words and words_file");
    if (reading.shape && find->text)
        types_keys_picture(reader, reading.shape, find->exact, &find->picture);
}

void types_finds_read(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const struct yaml_node *items = node->kind == YAML_LIST ? node->items : node;
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    if (!count || count > 256) {
        fault_at(reader, node, "'find' needs 1 to 256 ways to find a value");
        return;
    }
    row->finds = types_keys_alloc(reader, count, sizeof *row->finds);
    row->find_count = row->finds ? count : 0;
    for (size_t i = 0; i < row->find_count; i++)
        read_one_find(reader, &row->finds[i], &items[i]);
}
