#include "types_keys.h"

#include <stdlib.h>
#include <string.h>

#include "types_finds.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void fault_at(struct types_reader *reader, const struct yaml_node *node, const char *what)
{
    types_read_fault(reader, node->line, node->column, "%s", what);
}

/* Checks ------------------------------------------------------------------------------------ */

static const struct checks_row *find_check(struct types_reader *reader,
                                           const struct yaml_node *node)
{
    const char *name = types_keys_text(reader, node, "check");
    const struct checks_row *found = name ? checks_find(name) : NULL;
    const char *names[512];
    char hint[128];
    size_t count = 0;
    if (!name || found)
        return found;
    for (const struct checks_row *check; count < COUNT(names) && (check = checks_at(count));)
        names[count++] = check->name;
    types_read_fault(reader, node->line, node->column, "there is no check '%s'%s", name,
                     types_read_hint(name, names, count, hint));
    return NULL;
}

static void confirm_check(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_confirm *confirm = target;
    confirm->check = find_check(reader, node);
}

static void confirm_to(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_confirm *confirm = target;
    types_keys_level(reader, node, "to", &confirm->to);
}

static const struct types_key confirm_keys[] = {{"confirm", confirm_check}, {"to", confirm_to}};

static void read_one_check(struct types_reader *reader, struct types_row *row,
                           const struct yaml_node *node)
{
    if (row->check_count == types_most_checks || row->confirm_count == types_most_checks) {
        fault_at(reader, node, "at most 16 checks");
        return;
    }
    if (node->kind == YAML_MAP) {
        struct types_confirm *confirm = &row->confirms[row->confirm_count];
        *confirm = (struct types_confirm){.to = LEVEL_HIGH};
        types_keys_map(reader, node, confirm_keys, COUNT(confirm_keys), confirm);
        if (!yaml_get(node, "confirm"))
            fault_at(reader, node, "this needs 'confirm' with the name of a check");
        row->confirm_count += confirm->check ? 1 : 0;
        return;
    }
    const struct checks_row *check = find_check(reader, node);
    if (check)
        row->checks[row->check_count++] = check;
}

static void read_check(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    row->check_count = row->confirm_count = 0;
    if (node->kind != YAML_LIST) {
        read_one_check(reader, row, node);
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        read_one_check(reader, row, &node->items[i]);
}

static void read_entropy(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const char *text = types_keys_text(reader, node, "entropy");
    char *end = NULL;
    row->entropy = text ? strtod(text, &end) : 0;
    if (text && (*end || !(row->entropy > 0 && row->entropy <= 8)))
        fault_at(reader, node, "'entropy' is a number of bits a character, above 0 and at most 8");
}

/* Keywords and neighbours ------------------------------------------------------------------- */

static void keyword_words(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    types_keys_list(reader, node, "words", &row->keywords, &row->keyword_count);
    if (row->keyword_count > 512)
        fault_at(reader, node, "at most 512 keywords");
    for (size_t i = 0; i < row->keyword_count; i++)
        if (row->keywords[i] && (strlen(row->keywords[i]) < 2 || strlen(row->keywords[i]) > 200))
            fault_at(reader, node, "a keyword has 2 to 200 bytes");
}

static void keyword_near(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    types_keys_number(reader, node, "near", 1000, &row->near_characters);
}

static void keyword_column(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    types_keys_flag(reader, node, "column", &row->keyword_column);
}

static void keyword_side(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const char *word = types_keys_text(reader, node, "side");
    if (word && strcmp(word, "before") != 0)
        types_read_fault(reader, node->line, node->column, "'side' is before, not '%s'", word);
    row->keyword_before = true;
}

static void keyword_required(struct types_reader *reader, void *target,
                             const struct yaml_node *node)
{
    struct types_row *row = target;
    types_keys_flag(reader, node, "required", &row->keyword_required);
}

static const struct types_key keyword_keys[] = {
    {"words", keyword_words}, {"near", keyword_near},         {"column", keyword_column},
    {"side", keyword_side},   {"required", keyword_required},
};

static void read_keywords(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    if (node->kind == YAML_MAP)
        types_keys_map(reader, node, keyword_keys, COUNT(keyword_keys), target);
    else
        keyword_words(reader, target, node);
}

static void near_type(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_near *near = target;
    near->type_id = types_keys_text(reader, node, "type");
    near->line = node->line;
    near->column = node->column;
}

static void near_shape(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_near *near = target;
    types_keys_picture(reader, node, false, &near->picture);
}

static void near_within(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_near *near = target;
    types_keys_number(reader, node, "within", 1000, &near->within);
}

static const struct types_key near_keys[] = {
    {"type", near_type}, {"shape", near_shape}, {"within", near_within}};

static void read_near(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const struct yaml_node *items = node->kind == YAML_LIST ? node->items : node;
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    row->nears = types_keys_alloc(reader, count, sizeof *row->nears);
    row->near_count = row->nears ? count : 0;
    for (size_t i = 0; i < row->near_count; i++) {
        row->nears[i] = (struct types_near){.within = 300, .type = types_none};
        types_keys_map(reader, &items[i], near_keys, COUNT(near_keys), &row->nears[i]);
        if (items[i].kind == YAML_MAP && !row->nears[i].type_id == !row->nears[i].picture.count)
            fault_at(reader, &items[i], "'near' needs one of type and shape");
    }
}

/* Confidence and exclusions ------------------------------------------------------------------ */

static void confidence_found(struct types_reader *reader, void *target,
                             const struct yaml_node *node)
{
    types_keys_level(reader, node, "found", &((enum types_level *)target)[CASE_FOUND]);
}

static void confidence_keyword(struct types_reader *reader, void *target,
                               const struct yaml_node *node)
{
    types_keys_level(reader, node, "keyword", &((enum types_level *)target)[CASE_KEYWORD]);
}

static void confidence_check(struct types_reader *reader, void *target,
                             const struct yaml_node *node)
{
    types_keys_level(reader, node, "check", &((enum types_level *)target)[CASE_CHECK]);
}

static void confidence_both(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    types_keys_level(reader, node, "check+keyword",
                     &((enum types_level *)target)[CASE_CHECK_KEYWORD]);
}

static const struct types_key confidence_keys[] = {{"found", confidence_found},
                                                   {"keyword", confidence_keyword},
                                                   {"check", confidence_check},
                                                   {"check+keyword", confidence_both}};

static void read_confidence(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    types_keys_map(reader, node, confidence_keys, COUNT(confidence_keys), row->confidence);
}

static void read_cap(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    types_keys_level(reader, node, "cap", &((struct types_row *)target)->cap);
}

static void read_parent(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    row->parent_id = types_keys_text(reader, node, "parent");
    row->parent_line = node->line;
    row->parent_column = node->column;
}

/* Values that are compared, in their plain form. */
static void read_values(struct types_reader *reader, const struct yaml_node *node, const char *key,
                        const char ***values, size_t *count)
{
    if (!types_keys_list(reader, node, key, values, count))
        return;
    for (size_t i = 0; i < *count; i++) {
        size_t length = strlen((*values)[i]);
        char *plain = types_keys_alloc(reader, length + 1, 1);
        if (!plain)
            return;
        types_normalise((*values)[i], length, false, plain, length);
        (*values)[i] = plain;
    }
}

static void exclude_values(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    read_values(reader, node, "values", &row->exclude_values, &row->exclude_value_count);
}

static void exclude_words(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    types_keys_list(reader, node, "words", &row->exclude_words, &row->exclude_word_count);
}

static void exclude_shapes(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const struct yaml_node *items = node->kind == YAML_LIST ? node->items : node;
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    row->exclude_shapes = types_keys_alloc(reader, count, sizeof *row->exclude_shapes);
    row->exclude_shape_count = row->exclude_shapes ? count : 0;
    for (size_t i = 0; i < row->exclude_shape_count; i++)
        types_keys_picture(reader, &items[i], false, &row->exclude_shapes[i]);
}

static const struct types_key exclude_keys[] = {
    {"values", exclude_values}, {"words", exclude_words}, {"shapes", exclude_shapes}};

static void read_exclude(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    types_keys_map(reader, node, exclude_keys, COUNT(exclude_keys), target);
}

static void read_test_values(struct types_reader *reader, void *target,
                             const struct yaml_node *node)
{
    struct types_row *row = target;
    read_values(reader, node, "test_values", &row->test_values, &row->test_value_count);
}

/* Examples ----------------------------------------------------------------------------------- */

static void example_text(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_example *example = target;
    const char **list;
    size_t count;
    if (node->kind != YAML_SCALAR)
        fault_at(reader, node, "'text' needs a text");
    else if (types_keys_list(reader, node, "text", &list, &count)) {
        example->text = list[0];
        example->length = strlen(list[0]);
    }
}

static void example_expect(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    types_keys_level(reader, node, "expect", &((struct types_example *)target)->expect);
}

static const struct types_key example_keys[] = {{"text", example_text}, {"expect", example_expect}};

static void read_examples(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    bool found = false, none = false;
    row->example_count = 0;
    row->examples = types_keys_alloc(reader, node->count, sizeof *row->examples);
    for (size_t i = 0; row->examples && node->kind == YAML_LIST && i < node->count; i++) {
        struct types_example *example = &row->examples[row->example_count];
        example->line = node->items[i].line;
        example->column = node->items[i].column;
        types_keys_map(reader, &node->items[i], example_keys, COUNT(example_keys), example);
        if (!yaml_get(&node->items[i], "text") || !yaml_get(&node->items[i], "expect"))
            fault_at(reader, &node->items[i], "an example needs 'text' and 'expect'");
        found = found || example->expect > LEVEL_NONE;
        none = none || example->expect == LEVEL_NONE;
        row->example_count += example->text ? 1 : 0;
    }
    if (!found || !none)
        fault_at(reader, node, "'examples' needs one that is found and one that is not");
}

/* The plain keys ----------------------------------------------------------------------------- */

static void read_id(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    row->id = types_keys_text(reader, node, "id");
    size_t length = row->id ? strlen(row->id) : 0;
    if (row->id && (strspn(row->id, "abcdefghijklmnopqrstuvwxyz0123456789-") != length ||
                    length > 64 || row->id[0] == '-' || row->id[length - 1] == '-'))
        types_read_fault(reader, node->line, node->column,
                         "'%s' is no id: small letters, digits and - between them, at most 64",
                         row->id);
    uint16_t known = row->id ? types_find(reader->types, row->id) : types_none;
    if (known != types_none)
        types_read_fault(reader, node->line, node->column,
                         "the type '%s' is already defined in %s%s", row->id,
                         reader->types->rows[known].origin,
                         reader->types->rows[known].builtin && !reader->builtin
                             ? " (use 'extends' to make a variant of it)"
                             : "");
}

static void read_name(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    row->name = types_keys_text(reader, node, "name");
    if (row->name && strlen(row->name) > 256)
        fault_at(reader, node, "'name' has at most 256 bytes");
}

static void read_category(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    static const char *const words[] = {"card",   "bank",    "identity", "tax",    "passport",
                                        "health", "contact", "crypto",   "secret", "custom"};
    struct types_row *row = target;
    char hint[128];
    row->category = types_keys_text(reader, node, "category");
    for (size_t i = 0; row->category && i < COUNT(words); i++)
        if (strcmp(words[i], row->category) == 0)
            return;
    if (row->category)
        types_read_fault(reader, node->line, node->column, "there is no category '%s'%s",
                         row->category, types_read_hint(row->category, words, COUNT(words), hint));
}

static const char *join_list(struct types_reader *reader, const char **list, size_t count,
                             const char *between)
{
    own_buf struct buf text = buf_new(1024);
    for (size_t i = 0; i < count; i++) {
        size_t before = text.length;
        if (buf_printf(&text, "%s%s", i ? between : "", list[i]))
            continue;
        text.length = before;
        break;
    }
    const char *copy = arena_strndup(&reader->types->arena, buf_text(&text), text.length);
    return copy ? copy : "";
}

static void read_regions(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const char **list;
    size_t count;
    if (!types_keys_list(reader, node, "regions", &list, &count))
        return;
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) != 2 || strspn(list[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
            types_read_fault(reader, node->line, node->column,
                             "'%s' is no region: two capital letters of ISO 3166-1", list[i]);
    row->regions = join_list(reader, list, count < 80 ? count : 80, " ");
}

static void read_sources(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const char **list;
    size_t count;
    if (types_keys_list(reader, node, "sources", &list, &count))
        row->sources = join_list(reader, list, count, "; ");
}

static void read_groups(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    static const char *const words[] = {"any", "exact"};
    struct types_row *row = target;
    const char *word = types_keys_text(reader, node, "groups");
    char hint[128];
    row->groups_said = true;
    row->groups_any = word && strcmp(word, "any") == 0;
    if (word && !row->groups_any && strcmp(word, "exact") != 0)
        types_read_fault(reader, node->line, node->column, "'groups' is any or exact, not '%s'%s",
                         word, types_read_hint(word, words, 2, hint));
}

static void read_fallback(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    types_keys_flag(reader, node, "fallback", &((struct types_row *)target)->fallback);
}

static void read_bare(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    types_keys_flag(reader, node, "bare", &((struct types_row *)target)->bare);
}

static void read_type_case(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    struct types_row *row = target;
    const char *word = types_keys_text(reader, node, "case");
    if (word && strcmp(word, "exact") != 0)
        types_read_fault(reader, node->line, node->column, "'case' is exact, not '%s'", word);
    row->exact = true;
}

static void read_extends(struct types_reader *reader, void *target, const struct yaml_node *node)
{
    (void)reader; /* read before all other keys */
    (void)target;
    (void)node;
}

static const struct types_key type_keys[] = {
    {"id", read_id},
    {"name", read_name},
    {"category", read_category},
    {"regions", read_regions},
    {"sources", read_sources},
    {"find", types_finds_read},
    {"check", read_check},
    {"entropy", read_entropy},
    {"keywords", read_keywords},
    {"near", read_near},
    {"confidence", read_confidence},
    {"cap", read_cap},
    {"parent", read_parent},
    {"exclude", read_exclude},
    {"test_values", read_test_values},
    {"examples", read_examples},
    {"groups", read_groups},
    {"bare", read_bare},
    {"fallback", read_fallback},
    {"case", read_type_case},
    {"extends", read_extends},
};

static struct types_row *new_row(struct types_reader *reader)
{
    struct types *types = reader->types;
    if (types->count == types->capacity) {
        size_t capacity = types->capacity ? types->capacity * 2 : 64;
        struct types_row *rows = types_keys_alloc(reader, capacity, sizeof *rows);
        if (!rows)
            return NULL;
        if (types->count)
            memcpy(rows, types->rows, types->count * sizeof *rows);
        types->rows = rows;
        types->capacity = capacity;
    }
    struct types_row *row = &types->rows[types->count];
    *row = (struct types_row){
        .near_characters = 300,
        .keyword_column = true,
        .confidence = {LEVEL_LOW, LEVEL_MEDIUM, LEVEL_MEDIUM, LEVEL_HIGH},
        .cap = LEVEL_HIGH,
        .parent = types_none,
        .category = "custom",
        .sources = "",
        .regions = "",
    };
    return row;
}

static void extend(struct types_reader *reader, struct types_row *row, const struct yaml_node *base)
{
    const char *id = types_keys_text(reader, base, "extends");
    const char *ids[types_most];
    char hint[128];
    uint16_t found = id ? types_find(reader->types, id) : types_none;
    if (!id)
        return;
    if (found == types_none) {
        for (size_t i = 0; i < reader->types->count; i++)
            ids[i] = reader->types->rows[i].id;
        types_read_fault(reader, base->line, base->column, "there is no type '%s' to extend%s", id,
                         types_read_hint(id, ids, reader->types->count, hint));
        return;
    }
    *row = reader->types->rows[found];
    row->id = row->name = NULL;
    row->extends = true;
    row->examples = NULL;
    row->example_count = 0;
    row->parent_id = id;
    row->parent_line = base->line;
    row->parent_column = base->column;
}

/* What only the whole row shows. */
static void judge(struct types_reader *reader, struct types_row *row, const struct yaml_node *node)
{
    if (!row->id)
        fault_at(reader, node, "a type needs an 'id'");
    else if (!row->find_count && !yaml_get(node, "find"))
        types_read_fault(reader, node->line, node->column,
                         "the type '%s' has no 'find': nothing would ever be found", row->id);
    else if (!yaml_get(node, "examples") && !row->extends)
        types_read_fault(reader, node->line, node->column,
                         "the type '%s' has no 'examples': give one that is found and one not",
                         row->id);
    for (size_t i = 0; i < row->find_count; i++) {
        row->finds[i].exact = row->finds[i].exact || row->exact;
        if (row->finds[i].needs_keyword && !row->keyword_count)
            types_read_fault(reader, row->finds[i].line, row->finds[i].column,
                             "'needs: keyword' in a type without keywords finds nothing");
    }
    if (row->keyword_required && !row->keyword_count)
        fault_at(reader, node, "'required' in a type without keywords finds nothing");
    row->one_in = 1;
    for (size_t i = 0; i < row->check_count; i++)
        if (row->one_in < UINT32_MAX)
            row->one_in *= row->checks[i]->one_in ? row->checks[i]->one_in : 1;
}

void types_keys_read_type(struct types_reader *reader, const struct yaml_node *node)
{
    struct types_row *row = new_row(reader);
    if (!row)
        return;
    if (reader->types->count == types_most) {
        fault_at(reader, node, "at most 4096 types");
        return;
    }
    const struct yaml_node *base = yaml_get(node, "extends");
    if (base)
        extend(reader, row, base);
    row->origin = reader->builtin ? "built-in" : reader->file;
    row->file = reader->file;
    row->builtin = reader->builtin;
    row->line = node->line;
    row->column = node->column;
    types_keys_map(reader, node, type_keys, COUNT(type_keys), row);
    if (node->kind == YAML_MAP)
        judge(reader, row, node);
    if (!row->name)
        row->name = row->id;
    if (row->id)
        reader->types->count++;
}
