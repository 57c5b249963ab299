#include "policy/read.h"

#include <string.h>

enum { max_bundle_depth = 16, max_parents = 16 };

/* Numbers of types, growing in the policy's arena. */
struct collecting {
    struct read *read;
    uint32_t *items;
    size_t count, capacity;
};

static bool collect(struct collecting *collecting, const char *id)
{
    struct read *read = collecting->read;
    uint32_t number = intern_add(&read->policy->types, id, read->arena);
    if (number == INTERN_NONE)
        return read_no_memory(read);
    if (collecting->count == collecting->capacity) {
        size_t capacity = collecting->capacity ? collecting->capacity * 2 : 16;
        uint32_t *items = read_alloc(read, capacity, sizeof *items);
        if (!items)
            return false;
        if (collecting->count)
            memcpy(items, collecting->items, collecting->count * sizeof *items);
        collecting->items = items;
        collecting->capacity = capacity;
    }
    collecting->items[collecting->count++] = number;
    return true;
}

static const struct type_bundle *shipped_bundle(const struct read *read, const char *name)
{
    const struct type_list *types = read->world->types;
    for (uint32_t i = 0; types && i < types->bundles_count; i++)
        if (strcmp(types->bundles[i].name, name) == 0)
            return &types->bundles[i];
    return NULL;
}

/* All names that may stand for types, for suggestions. */
static struct read_words type_words(struct read *read)
{
    const struct type_list *types = read->world->types;
    if (!read_listens(read))
        return (struct read_words){NULL, 0};
    size_t own = read->bundles ? read->bundles->count : 0, used = 0;
    const char **words =
        read_alloc(read, types->types_count + types->bundles_count + own, sizeof *words);
    if (!words)
        return (struct read_words){NULL, 0};
    for (size_t i = 0; i < own; i++)
        words[used++] = read->bundles->pairs[i].key;
    for (uint32_t i = 0; i < types->bundles_count; i++)
        words[used++] = types->bundles[i].name;
    for (uint32_t i = 0; i < types->types_count; i++)
        words[used++] = types->types[i].id;
    return (struct read_words){words, used};
}

static bool collect_name(struct collecting *collecting, const struct yaml_node *node,
                         unsigned depth);

static bool collect_list(struct collecting *collecting, const struct yaml_node *node,
                         unsigned depth)
{
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        ok = collect_name(collecting, &items[i], depth) && ok;
    return ok;
}

/* A type, a bundle of the file, or a shipped bundle. Without a list of types any name is a type. */
static bool collect_name(struct collecting *collecting, const struct yaml_node *node,
                         unsigned depth)
{
    struct read *read = collecting->read;
    const char *name = read_text(read, node, "type");
    if (!name)
        return false;
    const struct yaml_node *own = yaml_get(read->bundles, name);
    if (own && depth < max_bundle_depth)
        return collect_list(collecting, own, depth + 1);
    if (own)
        return read_error(read, read_at_node(node), "bundle-cycle",
                          "bundle \"%.80s\" holds itself, or bundles stand too deep in each other",
                          name);
    const struct type_bundle *bundle = shipped_bundle(read, name);
    for (uint32_t i = 0; bundle && i < bundle->members_count; i++)
        if (!collect(collecting, bundle->members[i].text))
            return false;
    if (bundle)
        return true;
    if (!read->world->types || intern_find(&read->policy->types, name) != INTERN_NONE)
        return collect(collecting, name);
    return read_unknown(read, read_at_node(node), "unknown-type",
                        read_suggest(name, type_words(read)), "unknown type or bundle \"%.80s\"",
                        name);
}

static uint32_t parent_of(const struct read *read, uint32_t type)
{
    return read->parents ? read->parents[type] : INTERN_NONE;
}

/* Whether a parent, grandparent, ... is marked; with `self` also the type itself. */
static bool under(const struct read *read, const unsigned char *marks, uint32_t type, bool self)
{
    if (self && marks[type])
        return true;
    for (unsigned i = 0; i < max_parents; i++) {
        type = parent_of(read, type);
        if (type == INTERN_NONE)
            return false;
        if (marks[type])
            return true;
    }
    return false;
}

/* The covers and tops of the marked types. */
static bool close_over(struct read *read, const unsigned char *marks, struct rule_types *types)
{
    uint32_t count = read->policy->types.count;
    size_t covered = 0, tops = 0;
    for (uint32_t i = 0; i < count; i++) {
        covered += under(read, marks, i, true);
        tops += marks[i] && !under(read, marks, i, false);
    }
    uint32_t *covers = read_alloc(read, covered, sizeof *covers);
    uint32_t *top = read_alloc(read, tops, sizeof *top);
    if (!covers || !top)
        return false;
    *types = (struct rule_types){.covers = covers, .tops = top};
    for (uint32_t i = 0; i < count; i++) {
        if (under(read, marks, i, true))
            covers[types->cover_count++] = i;
        if (marks[i] && !under(read, marks, i, false))
            top[types->top_count++] = i;
    }
    return true;
}

bool read_types(struct read *read, const struct yaml_node *node, struct rule_types *types)
{
    struct collecting collecting = {.read = read};
    if (!collect_list(&collecting, node, 0))
        return false;
    if (collecting.count == 0)
        return read_error(read, read_at_node(node), "empty", "a list of types needs one at least");
    own_arena struct arena scratch = arena_new(1u << 20);
    unsigned char *marks = arena_alloc(&scratch, read->policy->types.count, 1);
    if (!marks)
        return read_no_memory(read);
    for (size_t i = 0; i < collecting.count; i++)
        marks[collecting.items[i]] = 1;
    return close_over(read, marks, types);
}

/* One set for each type that was named. */
static bool split(struct read *read, const struct rule_types *whole, struct rule_findings *findings)
{
    own_arena struct arena scratch = arena_new(1u << 20);
    unsigned char *marks = arena_alloc(&scratch, read->policy->types.count, 1);
    struct rule_types *sets = read_alloc(read, whole->top_count, sizeof *sets);
    if (!marks || !sets)
        return read_no_memory(read);
    for (size_t i = 0; i < whole->top_count; i++) {
        marks[whole->tops[i]] = 1;
        bool ok = close_over(read, marks, &sets[i]);
        marks[whole->tops[i]] = 0;
        if (!ok)
            return false;
    }
    findings->sets = sets;
    findings->set_count = whole->top_count;
    return true;
}

bool read_type_each(struct read *read, const struct yaml_node *node, struct rule_findings *findings)
{
    struct rule_types *whole = read_alloc(read, 1, sizeof *whole);
    if (!whole || !read_types(read, node, whole))
        return false;
    if (findings->kinds)
        return split(read, whole, findings);
    findings->sets = whole;
    findings->set_count = 1;
    return true;
}
