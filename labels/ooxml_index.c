#include "ooxml_index.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { keys_max_bytes = 256u << 20 };

/* Walks one part. */
struct walk {
    struct ooxml_index *index;
    struct ooxml_stores *stores;
    const char *part; /* whose Override is looked for, or NULL */
    size_t depth;
    struct buf keys; /* char *, of what may be there only once */
};

/* An attribute in the arena; NULL when it is absent, with *failed when memory is out. */
static char *keep(struct walk *walk, const struct xml_element *element, const char *name, char kind,
                  bool *failed)
{
    const struct xml_attribute *attribute = xml_find(element, name, NULL);
    if (!attribute)
        return NULL;
    size_t length = (size_t)(attribute->end - attribute->value);
    char *kept = arena_alloc(walk->stores->arena, length + 2, 1);
    *failed |= !kept;
    if (!kept)
        return NULL;
    kept[0] = kind;
    memcpy(kept + 1, attribute->value, length);
    return kept;
}

static void note_key(struct walk *walk, char *key, bool folds)
{
    for (char *c = key + 1; folds && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    buf_append(&walk->keys, &key, sizeof key);
}

static void note_override(struct walk *walk, const struct xml_element *element, const char *key)
{
    struct ooxml_index *index = walk->index;
    char name[OPC_NAME_MAX];
    if (index->found != SIZE_MAX || !opc_resolve("", key + 1, name) ||
        strcasecmp(name, walk->part) != 0)
        return;
    const struct xml_attribute *type = xml_find(element, "ContentType", NULL);
    size_t length = type ? (size_t)(type->end - type->value) : 0;
    length = length < sizeof index->type ? length : sizeof index->type - 1;
    if (length)
        memcpy(index->type, type->value, length);
    index->type[length] = '\0';
    index->found = index->children;
}

static bool start_type(void *context, const struct xml_element *element)
{
    struct walk *walk = context;
    bool failed = false;
    if (walk->depth == 0)
        walk->index->foreign =
            !xml_is(element->name, element->space, "Types", ooxml_types_space, NULL);
    if (walk->depth++ != 1)
        return true;
    bool override = xml_is(element->name, element->space, "Override", ooxml_types_space, NULL);
    char *key = NULL;
    if (override)
        key = keep(walk, element, "PartName", 'o', &failed);
    else if (xml_is(element->name, element->space, "Default", ooxml_types_space, NULL))
        key = keep(walk, element, "Extension", 'd', &failed);
    if (key && override && walk->part)
        note_override(walk, element, key);
    if (key)
        note_key(walk, key, true);
    walk->index->children++;
    return !failed && !walk->keys.failed;
}

static bool start_relation(void *context, const struct xml_element *element)
{
    struct walk *walk = context;
    bool failed = false;
    if (walk->depth == 0)
        walk->index->foreign =
            !xml_is(element->name, element->space, "Relationships", ooxml_rels_space, NULL);
    if (walk->depth++ != 1)
        return true;
    char *key = keep(walk, element, "Id", 'r', &failed);
    if (key)
        note_key(walk, key, false);
    walk->index->children++;
    return !failed && !walk->keys.failed;
}

static bool end(void *context, const char *name, const char *space)
{
    struct walk *walk = context;
    (void)name;
    (void)space;
    walk->depth--;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum ooxml_outcome read_part(struct walk *walk, enum ooxml_part_id id,
                                    const struct xml_handler *handler)
{
    const struct ooxml_part *part = &walk->stores->parts[id];
    *walk->index = (struct ooxml_index){.found = SIZE_MAX};
    walk->keys = buf_new(keys_max_bytes);
    enum xml_result result = xml_read(buf_text(&part->bytes), part->bytes.length, handler, walk,
                                      walk->stores->limits->xml_depth);
    size_t count = walk->keys.length / sizeof(char *);
    char **keys = (void *)walk->keys.bytes;
    if (count > 1)
        qsort(keys, count, sizeof *keys, by_text);
    for (size_t i = 1; i < count; i++)
        walk->index->duplicates |= strcmp(keys[i - 1], keys[i]) == 0;
    buf_fini(&walk->keys);
    return ooxml_stores_xml(walk->stores, result, part->name);
}

enum ooxml_outcome ooxml_index_type(struct ooxml_stores *stores, const char *part,
                                    struct ooxml_index *index)
{
    struct walk walk = {.index = index, .stores = stores, .part = part};
    const struct xml_handler handler = {.start = start_type, .end = end};
    return read_part(&walk, OOXML_TYPES, &handler);
}

enum ooxml_outcome ooxml_index_relations(struct ooxml_stores *stores, struct ooxml_index *index)
{
    struct walk walk = {.index = index, .stores = stores};
    const struct xml_handler handler = {.start = start_relation, .end = end};
    return read_part(&walk, OOXML_RELS, &handler);
}
