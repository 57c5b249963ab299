#include "policy/read.h"

#include <limits.h>
#include <string.h>

enum { max_depth = 16, max_through_is = 64, max_cost = 10000 };

static const char *const condition_words[] = {
    "all", "any", "not", "is", "always",
#define CONDITION(id, word) word,
#include "policy/conditions.def"
#undef CONDITION
};

static const char *const later_words[] = {"malware", "burst", "owner_group"};

/* Operators ---------------------------------------------------------------------------------- */

static bool read_cond(struct read *read, const struct yaml_node *node, struct rule_when *when,
                      unsigned depth);

/* What the parts cost together is bounded, through `is` too: names may not multiply work. */
static bool weigh(struct read *read, struct rule_when *when)
{
    unsigned long long cost = 1;
    unsigned depth = 0;
    for (size_t i = 0; i < when->of_count; i++) {
        const struct rule_when *part = &when->of[i];
        cost += part->cost;
        depth = part->depth > depth ? part->depth : depth;
        when->timed = when->timed || part->timed;
    }
    when->depth = depth + 1;
    when->cost = (unsigned)(cost > UINT_MAX ? UINT_MAX : cost);
    if (cost <= max_cost && when->depth <= max_through_is)
        return true;
    return read_error(read, (struct read_at){when->line, 1}, "too-large",
                      "this condition holds more than %d conditions, or nests deeper than %d, "
                      "counting those behind \"is\"",
                      max_cost, max_through_is);
}

static bool read_parts(struct read *read, const struct yaml_node *node, struct rule_when *when,
                       unsigned depth)
{
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    struct rule_when *of = read_alloc(read, count, sizeof *of);
    bool ok = of != NULL;
    if (count == 0)
        return read_error(read, read_at_node(node), "empty", "an empty list of conditions");
    for (size_t i = 0; of && i < count; i++)
        ok = read_cond(read, &items[i], &of[i], depth + 1) && ok;
    when->of = of;
    when->of_count = ok ? count : 0;
    return ok && weigh(read, when);
}

static bool read_not(struct read *read, const struct yaml_node *node, struct rule_when *when,
                     unsigned depth)
{
    struct rule_when *of = read_alloc(read, 1, sizeof *of);
    if (!of || !read_cond(read, node, of, depth + 1))
        return false;
    when->of = of;
    when->of_count = 1;
    return weigh(read, when);
}

static struct read_words entry_words(struct read *read)
{
    size_t count = read_listens(read) ? read->policy->condition_count : 0;
    const char **words = read_alloc(read, count, sizeof *words);
    for (size_t i = 0; words && i < count; i++)
        words[i] = read->policy->conditions[i].name;
    return (struct read_words){words, words ? count : 0};
}

static bool read_one_is(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    const char *name = read_text(read, node, "is");
    if (!name)
        return false;
    for (size_t i = 0; i < read->policy->condition_count; i++) {
        if (strcmp(read->policy->conditions[i].name, name) != 0)
            continue;
        *when = (struct rule_when){.op = RULE_IS, .line = node->line, .name = name};
        when->of = &read->policy->conditions[i].when;
        when->of_count = 1;
        return weigh(read, when);
    }
    return read_unknown(read, read_at_node(node), "unknown-name",
                        read_suggest(name, entry_words(read)),
                        "no entry \"%.80s\" in \"conditions\" above", name);
}

static bool read_is(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    if (count == 1)
        return read_one_is(read, items, when);
    if (count == 0)
        return read_error(read, read_at_node(node), "empty", "an empty list of names");
    struct rule_when *of = read_alloc(read, count, sizeof *of);
    bool ok = of != NULL;
    for (size_t i = 0; of && i < count; i++)
        ok = read_one_is(read, &items[i], &of[i]) && ok;
    when->op = RULE_ANY;
    when->of = of;
    when->of_count = ok ? count : 0;
    return ok && weigh(read, when);
}

static const char *const op_words[RULE_OP_COUNT] = {
    [RULE_ALL] = "all",
    [RULE_ANY] = "any",
    [RULE_NOT] = "not",
    [RULE_IS] = "is",
#define CONDITION(id, word) [RULE_##id] = word,
#include "policy/conditions.def"
#undef CONDITION
};

static bool unknown_condition(struct read *read, const struct yaml_node *map,
                              const struct yaml_pair *pair)
{
    for (size_t i = 0; i < sizeof later_words / sizeof *later_words; i++)
        if (strcmp(later_words[i], pair->key) == 0)
            return read_error(read, read_at_key(pair), "not-yet",
                              "\"%s\" is not in this version yet", pair->key);
    if (read_stray_key(read, map, pair))
        return false;
    return read_unknown(read, read_at_key(pair), "unknown-condition",
                        read_suggest(pair->key, READ_WORDS(condition_words)),
                        "unknown condition \"%.80s\"", pair->key);
}

static bool read_pair(struct read *read, const struct yaml_node *map, const struct yaml_pair *pair,
                      struct rule_when *when, unsigned depth)
{
    unsigned op = RULE_ALL;
    while (op < RULE_OP_COUNT && strcmp(op_words[op], pair->key) != 0)
        op++;
    if (op == RULE_OP_COUNT)
        return unknown_condition(read, map, pair);
    *when = (struct rule_when){
        .op = (enum rule_op)op, .line = pair->line, .want = "", .cost = 1, .depth = 1};
    if (pair->value.kind == YAML_SCALAR && !*pair->value.text && !pair->value.quoted)
        return read_error(read, read_at_key(pair), "missing-value", "\"%s\" needs a value",
                          pair->key);
    switch (op) {
    case RULE_ALL:
    case RULE_ANY: return read_parts(read, &pair->value, when, depth);
    case RULE_NOT: return read_not(read, &pair->value, when, depth);
    case RULE_IS: return read_is(read, &pair->value, when);
    default: return read_operand(read, &pair->value, when);
    }
}

static bool read_mapping(struct read *read, const struct yaml_node *node, struct rule_when *when,
                         unsigned depth)
{
    if (node->count == 0)
        return read_error(read, read_at_node(node), "match-all",
                          "this matches every file; write \"when: always\" if that is meant");
    if (node->count == 1)
        return read_pair(read, node, node->pairs, when, depth);
    struct rule_when *of = read_alloc(read, node->count, sizeof *of);
    bool ok = of != NULL;
    for (size_t i = 0; of && i < node->count; i++)
        ok = read_pair(read, node, &node->pairs[i], &of[i], depth) && ok;
    *when = (struct rule_when){.op = RULE_ALL, .line = node->line, .of = of};
    when->of_count = ok ? node->count : 0;
    return ok && weigh(read, when);
}

static bool read_cond(struct read *read, const struct yaml_node *node, struct rule_when *when,
                      unsigned depth)
{
    if (depth > max_depth)
        return read_error(read, read_at_node(node), "too-deep",
                          "conditions stand deeper than %d in each other", max_depth);
    if (node->kind == YAML_MAP)
        return read_mapping(read, node, when, depth);
    if (node->kind == YAML_SCALAR && strcmp(node->text, "always") == 0) {
        *when = (struct rule_when){.op = RULE_ALWAYS, .line = node->line, .cost = 1, .depth = 1};
        when->want = "always";
        return true;
    }
    if (node->kind == YAML_LIST)
        return read_error(read, read_at_node(node), "when-list",
                          "this is a list; say which it is: all: [...] or any: [...]");
    return read_error(read, read_at_node(node), "wrong-kind",
                      "a condition is a mapping, for example { exposure: { at_least: public } }, "
                      "or the word always");
}

bool read_when(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    if (node->kind == YAML_LIST)
        return read_error(read, read_at_node(node), "when-list",
                          "\"when\" is a list; say which it is: when: { all: [...] } or when: "
                          "{ any: [...] }");
    return read_cond(read, node, when, 0);
}

/* Duplicate keys ------------------------------------------------------------------------------ */

static bool is_condition_word(const char *key)
{
    for (size_t i = 0; i < sizeof condition_words / sizeof *condition_words; i++)
        if (strcmp(condition_words[i], key) == 0)
            return true;
    return false;
}

static bool opens_condition(const char *key)
{
    return strcmp(key, "when") == 0 || strcmp(key, "all") == 0 || strcmp(key, "any") == 0 ||
           strcmp(key, "not") == 0;
}

/* `condition`: this mapping, or each in this list, is a condition. */
static void duplicates(struct read *read, const struct yaml_node *node, bool condition)
{
    for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
        duplicates(read, &node->items[i], condition);
    for (size_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        bool list = condition && is_condition_word(pair->key);
        if (pair->first_line)
            read_error(read, read_at_key(pair), "duplicate-key",
                       "\"%.80s\" stands here twice (first in line %u)%s", pair->key,
                       pair->first_line, list ? "; put both as a list under \"all:\"" : "");
        bool entries = strcmp(pair->key, "conditions") == 0 && pair->value.kind == YAML_MAP;
        for (size_t k = 0; entries && k < pair->value.count; k++)
            duplicates(read, &pair->value.pairs[k].value, true);
        if (!entries)
            duplicates(read, &pair->value, opens_condition(pair->key));
    }
}

void read_duplicates(struct read *read, const struct yaml_node *root)
{
    duplicates(read, root, false);
}
