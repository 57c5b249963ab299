#include "opc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"

enum {
    piece_bytes = 256 * 1024,
    defaults_max = 512,
    types_bytes = 16u << 20,
    value_bytes = 8192,
};

static const char types_space[] = "http://schemas.openxmlformats.org/package/2006/content-types";
static const char relations_space[] =
    "http://schemas.openxmlformats.org/package/2006/relationships";

/* XML on its way from the package into the parser. */
struct feed {
    struct format_reading *reading;
    struct xml_reader *xml;
    enum xml_result result;
    bool late;
};

static bool feed_bytes(void *context, const char *bytes, size_t length)
{
    struct feed *feed = context;
    for (size_t at = 0; at < length && feed->result == XML_OK && !feed->late;) {
        size_t piece = length - at < piece_bytes ? length - at : piece_bytes;
        feed->result = xml_push(feed->xml, bytes + at, piece);
        at += piece;
        feed->late = !format_within_time(feed->reading);
    }
    return feed->result == XML_OK && !feed->late;
}

static enum package_result xml_outcome(struct format_reading *reading, enum xml_result result)
{
    switch (result) {
    case XML_OK: return PACKAGE_OK;
    case XML_STOPPED: return PACKAGE_STOPPED;
    case XML_NO_MEMORY: return PACKAGE_NO_MEMORY;
    case XML_DOCTYPE: format_gap(reading, REPORT_HOSTILE, "dtd"); break;
    case XML_DEPTH: format_gap(reading, REPORT_HOSTILE, "xml-depth"); break;
    case XML_MALFORMED: format_gap(reading, REPORT_CORRUPT, "xml"); break;
    }
    return PACKAGE_GAP;
}

enum package_result opc_read_xml(struct opc *opc, size_t part, const struct xml_handler *handler,
                                 void *context)
{
    own_xml struct xml_reader *xml = xml_open(handler, context, opc->reading->limits->xml_depth);
    if (!xml)
        return PACKAGE_NO_MEMORY;
    struct feed feed = {.reading = opc->reading, .xml = xml};
    const struct package_sink sink = {.context = &feed, .bytes = feed_bytes};
    enum package_result result = package_read(opc->package, part, &sink);
    if (result == PACKAGE_OK && feed.result == XML_OK)
        feed.result = xml_finish(xml);
    if (feed.result != XML_OK)
        return xml_outcome(opc->reading, feed.result);
    return feed.late ? PACKAGE_GAP : result;
}

/* Content types while they are read. */
struct types {
    struct opc *opc;
    struct {
        const char *extension, *type;
    } defaults[defaults_max];
    size_t count;
    bool no_memory;
};

/* An attribute as a string in the arena; NULL when it is absent or too long. */
static const char *keep_attribute(struct types *types, const struct xml_element *element,
                                  const char *name)
{
    const struct xml_attribute *attribute = xml_find(element, name, NULL);
    size_t length = attribute ? (size_t)(attribute->end - attribute->value) : 0;
    if (!attribute || length > value_bytes ||
        types->opc->arena.used_bytes + length + 64 > types->opc->arena.max_bytes)
        return NULL;
    const char *kept = arena_strndup(&types->opc->arena, attribute->value, length);
    types->no_memory |= !kept;
    return kept;
}

static bool start_type(void *context, const struct xml_element *element)
{
    struct types *types = context;
    bool is_default = xml_is(element->name, element->space, "Default", types_space, NULL);
    if (!is_default && !xml_is(element->name, element->space, "Override", types_space, NULL))
        return true;
    const char *type = keep_attribute(types, element, "ContentType");
    const char *key = keep_attribute(types, element, is_default ? "Extension" : "PartName");
    if (!type || !key)
        return !types->no_memory;
    if (is_default) {
        if (types->count < defaults_max) {
            types->defaults[types->count].extension = key;
            types->defaults[types->count++].type = type;
        }
        return true;
    }
    char name[OPC_NAME_MAX];
    size_t part =
        opc_resolve("", key, name) ? package_find(types->opc->package, name) : PACKAGE_NONE;
    if (part != PACKAGE_NONE && !*types->opc->types[part])
        types->opc->types[part] = type;
    return true;
}

/* The defaults, where no override was. */
static void apply_defaults(struct types *types)
{
    struct opc *opc = types->opc;
    for (size_t i = 0; i < package_count(opc->package); i++) {
        const char *dot = strrchr(package_entry(opc->package, i)->name, '.');
        for (size_t k = 0; dot && !*opc->types[i] && k < types->count; k++)
            if (strcasecmp(dot + 1, types->defaults[k].extension) == 0)
                opc->types[i] = types->defaults[k].type;
    }
}

enum package_result opc_open(struct opc *opc, struct package *package,
                             struct format_reading *reading)
{
    size_t count = package_count(package);
    *opc = (struct opc){
        .package = package,
        .reading = reading,
        .arena = arena_new(types_bytes + count * sizeof *opc->types),
    };
    opc->types = arena_alloc(&opc->arena, count, sizeof *opc->types);
    if (!opc->types)
        return PACKAGE_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        opc->types[i] = "";
    size_t part = package_find(package, "[Content_Types].xml");
    if (part == PACKAGE_NONE)
        return PACKAGE_GAP;
    struct types types = {.opc = opc};
    const struct xml_handler handler = {.start = start_type};
    enum package_result result = opc_read_xml(opc, part, &handler, &types);
    apply_defaults(&types);
    return types.no_memory ? PACKAGE_NO_MEMORY : result;
}

void opc_close(struct opc *opc)
{
    arena_fini(&opc->arena);
}

const char *opc_type(const struct opc *opc, size_t part)
{
    return opc->types[part];
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One segment of a path, decoded, behind what `name` holds already. */
static bool append_segment(char *name, size_t *length, const char *at, const char *end)
{
    if (*length > 0) {
        if (*length + 1 >= OPC_NAME_MAX)
            return false;
        name[(*length)++] = '/';
    }
    while (at < end) {
        char c = *at++;
        if (c == '%' && end - at >= 2 && hex_digit(at[0]) >= 0 && hex_digit(at[1]) >= 0) {
            c = (char)(hex_digit(at[0]) * 16 + hex_digit(at[1]));
            at += 2;
        }
        if (c == '\0' || *length + 1 >= OPC_NAME_MAX)
            return false;
        name[(*length)++] = c;
    }
    return true;
}

static void drop_segment(const char *name, size_t *length)
{
    while (*length > 0 && name[*length - 1] != '/')
        (*length)--;
    if (*length > 0)
        (*length)--;
}

bool opc_resolve(const char *base, const char *target, char name[static OPC_NAME_MAX])
{
    const char *folder = strrchr(base, '/');
    size_t length = 0;
    if (folder && *target != '/' && *target != '\\') {
        length = (size_t)(folder - base);
        if (length >= OPC_NAME_MAX)
            return false;
        memcpy(name, base, length);
    }
    for (const char *at = target; *at && *at != '#';) {
        size_t segment = strcspn(at, "/\\#");
        if (segment == 2 && at[0] == '.' && at[1] == '.')
            drop_segment(name, &length);
        else if (segment > 1 || (segment == 1 && *at != '.'))
            if (!append_segment(name, &length, at, at + segment))
                return false;
        at += segment;
        while (*at == '/' || *at == '\\')
            at++;
    }
    name[length] = '\0';
    return true;
}

/* Relationships while they are read. */
struct relations {
    struct opc *opc;
    const struct opc_visitor *visitor;
    const char *base;
    char id[256], type[value_bytes], target[value_bytes];
};

static void copy_attribute(const struct xml_element *element, const char *name, char *out,
                           size_t size)
{
    const struct xml_attribute *attribute = xml_find(element, name, NULL);
    size_t length = attribute ? (size_t)(attribute->end - attribute->value) : 0;
    if (length >= size)
        length = size - 1;
    while (length > 0 && attribute->value + length < attribute->end &&
           (attribute->value[length] & 0xC0) == 0x80)
        length--; /* no half character at the cut */
    if (length > 0)
        memcpy(out, attribute->value, length);
    out[length] = '\0';
}

static bool start_relation(void *context, const struct xml_element *element)
{
    struct relations *relations = context;
    if (!xml_is(element->name, element->space, "Relationship", relations_space, NULL))
        return true;
    const struct xml_attribute *mode = xml_find(element, "TargetMode", NULL);
    copy_attribute(element, "Id", relations->id, sizeof relations->id);
    copy_attribute(element, "Type", relations->type, sizeof relations->type);
    copy_attribute(element, "Target", relations->target, sizeof relations->target);
    const char *slash = strrchr(relations->type, '/');
    struct opc_relation relation = {
        .id = relations->id,
        .type = slash ? slash + 1 : relations->type,
        .target = relations->target,
        .external = mode && mode->end - mode->value == 8 && !memcmp(mode->value, "External", 8),
        .part = PACKAGE_NONE,
    };
    char name[OPC_NAME_MAX];
    if (!relation.external && opc_resolve(relations->base, relation.target, name))
        relation.part = package_find(relations->opc->package, name);
    return relations->visitor->relation(relations->visitor->context, &relation);
}

/* folder/_rels/name.rels of folder/name; false when it would be too long. */
static bool relations_name(const char *part, char name[static OPC_NAME_MAX])
{
    const char *slash = strrchr(part, '/');
    int folder = slash ? (int)(slash - part + 1) : 0;
    int length = snprintf(name, OPC_NAME_MAX, "%.*s_rels/%s.rels", folder, part, part + folder);
    return length > 0 && length < OPC_NAME_MAX;
}

enum package_result opc_relations(struct opc *opc, size_t part, const struct opc_visitor *visitor,
                                  size_t *from)
{
    const char *base = part == PACKAGE_NONE ? "" : package_entry(opc->package, part)->name;
    char name[OPC_NAME_MAX];
    *from = relations_name(base, name) ? package_find(opc->package, name) : PACKAGE_NONE;
    if (*from == PACKAGE_NONE)
        return PACKAGE_OK;
    struct relations relations = {.opc = opc, .visitor = visitor, .base = base};
    const struct xml_handler handler = {.start = start_relation};
    return opc_read_xml(opc, *from, &handler, &relations);
}

bool opc_is_relations(const struct opc *opc, size_t entry, size_t *part)
{
    const char *name = package_entry(opc->package, entry)->name;
    const char *slash = strrchr(name, '/');
    size_t length = strlen(name);
    *part = PACKAGE_NONE;
    if (!slash || slash - name < 5 || strncasecmp(slash - 5, "_rels", 5) != 0 || length < 5 ||
        strcasecmp(name + length - 5, ".rels") != 0)
        return false;
    char owner[OPC_NAME_MAX];
    int folder = (int)(slash - 5 - name), base = (int)(name + length - 5 - slash - 1);
    if (base > 0 && snprintf(owner, sizeof owner, "%.*s%.*s", folder, name, base, slash + 1) <
                        (int)sizeof owner)
        *part = package_find(opc->package, owner);
    return true;
}
