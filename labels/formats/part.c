#include "formats/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"

enum { mentions_bytes = 1u << 20 };

static const char *const sheet_spaces[] = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
};
static const char *const relation_spaces[] = {
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
};

/* Roots that are not running text. */
static const struct {
    const char *name;
    enum part_kind kind;
} sheet_roots[] = {
    {"worksheet", PART_SHEET},
    {"sst", PART_STRINGS},
    {"styleSheet", PART_STYLES},
};

struct part *part_new(struct format_reading *reading)
{
    struct part *part = mem_zalloc(1, sizeof *part);
    if (!part)
        return NULL;
    part->reading = reading;
    part->mentions = buf_new(mentions_bytes);
    emit_init(&part->emit, &reading->sink);
    flow_init(&part->flow, &part->emit);
    book_init(&part->book, reading->limits, reading->depth);
    sheet_init(&part->sheet, reading, &part->book, &part->flow);
    binary_init(&part->binary, &part->sheet);
    return part;
}

void part_free(struct part *part)
{
    if (!part)
        return;
    buf_fini(&part->mentions);
    flow_fini(&part->flow);
    binary_fini(&part->binary);
    sheet_fini(&part->sheet);
    book_fini(&part->book);
    mem_free(part);
}

static bool announce(struct part *part)
{
    if (part->announced)
        return true;
    part->announced = true;
    return emit_part(&part->emit, part->path, part->kind == PART_SHEET);
}

/* The root element decides what reads the part. */
static bool begin(struct part *part, const struct xml_element *root)
{
    part->kind = PART_FLOW;
    for (size_t i = 0; i < sizeof sheet_roots / sizeof *sheet_roots; i++)
        if (xml_is(root->name, root->space, sheet_roots[i].name, sheet_spaces[0], sheet_spaces[1]))
            part->kind = sheet_roots[i].kind;
    enum properties_kind properties = properties_kind_of(root);
    if (properties != PROPERTIES_NONE) {
        part->kind = PART_PROPERTIES;
        properties_begin(&part->properties, part->reading, &part->emit, properties);
        return announce(part);
    }
    if (part->kind == PART_STRINGS || part->kind == PART_STYLES)
        return true;
    flow_begin(&part->flow);
    sheet_begin(&part->sheet);
    return announce(part) && (part->kind == PART_SHEET ? sheet_start(&part->sheet, root)
                                                       : flow_start(&part->flow, root));
}

static bool is_relation_space(const char *space)
{
    return space &&
           (strcmp(space, relation_spaces[0]) == 0 || strcmp(space, relation_spaces[1]) == 0);
}

static bool add_mention(struct part *part, const char *id, size_t length)
{
    struct part_mention mention = {
        .rank = (uint32_t)(part->mentions.length / sizeof mention),
    };
    if (length >= sizeof mention.id || part->mentions.length + sizeof mention > mentions_bytes)
        return true;
    memcpy(mention.id, id, length);
    part->no_memory = !buf_append(&part->mentions, &mention, sizeof mention);
    return !part->no_memory;
}

/* What only the main part says: in which order it mentions others, and how dates count. */
static bool note_main(struct part *part, const struct xml_element *element)
{
    if (strcmp(element->name, "workbookPr") == 0) {
        const struct xml_attribute *date = xml_find(element, "date1904", NULL);
        part->book.since_1904 = date && (*date->value == '1' || *date->value == 't');
    }
    for (size_t i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &element->attributes[i];
        if (strcmp(attribute->name, "id") == 0 && is_relation_space(attribute->space) &&
            !add_mention(part, attribute->value, (size_t)(attribute->end - attribute->value)))
            return false;
    }
    return true;
}

static bool on_start(void *context, const struct xml_element *element)
{
    struct part *part = context;
    if (part->main && !note_main(part, element))
        return false;
    switch (part->kind) {
    case PART_UNKNOWN: return begin(part, element);
    case PART_FLOW: return flow_start(&part->flow, element);
    case PART_SHEET: return sheet_start(&part->sheet, element);
    case PART_STRINGS: return book_strings_start(&part->book, element);
    case PART_STYLES: return book_styles_start(&part->book, element);
    case PART_PROPERTIES: return properties_start(&part->properties, element);
    }
    return true;
}

static bool end_string(struct part *part, const char *name)
{
    if (part->book.strings.full && !announce(part))
        return false;
    return book_strings_end(&part->book, name, &part->emit);
}

static bool on_end(void *context, const char *name, const char *space)
{
    struct part *part = context;
    (void)space;
    switch (part->kind) {
    case PART_UNKNOWN: return true;
    case PART_FLOW: return flow_end(&part->flow);
    case PART_SHEET: return sheet_end(&part->sheet, name);
    case PART_STRINGS: return end_string(part, name);
    case PART_STYLES: book_styles_end(&part->book, name); return true;
    case PART_PROPERTIES: return properties_end(&part->properties);
    }
    return true;
}

static bool on_text(void *context, const char *text, size_t length)
{
    struct part *part = context;
    switch (part->kind) {
    case PART_FLOW: return flow_text(&part->flow, text, length);
    case PART_SHEET: return sheet_text(&part->sheet, text, length);
    case PART_STRINGS: return book_strings_text(&part->book, text, length);
    case PART_PROPERTIES: return properties_text(&part->properties, text, length);
    default: return true;
    }
}

/* The part is over, however it ended. */
static bool finish(struct part *part)
{
    switch (part->kind) {
    case PART_FLOW: return flow_finish(&part->flow);
    case PART_SHEET: return sheet_finish(&part->sheet);
    case PART_STYLES: return book_styles_finish(&part->book);
    case PART_STRINGS:
        if (part->book.strings.full || part->book.string_cut)
            format_gap(part->reading, REPORT_PARTIAL, "shared-strings");
        return true;
    default: return true;
    }
}

static bool memory_out(const struct part *part)
{
    return part->no_memory || part->flow.no_memory || part->book.no_memory ||
           part->sheet.no_memory || part->properties.no_memory || part->binary.no_memory;
}

static int by_id(const void *a, const void *b)
{
    const struct part_mention *left = a, *right = b;
    int order = strcmp(left->id, right->id);
    return order ? order : (left->rank > right->rank) - (left->rank < right->rank);
}

static void begin_part(struct part *part, const struct opc *opc, size_t index, bool main)
{
    part->path = package_entry(opc->package, index)->name;
    part->kind = PART_UNKNOWN;
    part->main = main;
    part->announced = false;
}

/* What came of a part, once all that it held was sent. */
static enum package_result end_part(struct part *part, enum package_result result)
{
    if (part->main && part->mentions.length > 0)
        qsort(part->mentions.bytes, part->mentions.length / sizeof(struct part_mention),
              sizeof(struct part_mention), by_id);
    if (memory_out(part))
        return PACKAGE_NO_MEMORY;
    if (part->emit.stopped)
        return PACKAGE_STOPPED;
    return result == PACKAGE_STOPPED ? PACKAGE_GAP : result;
}

enum package_result part_read(struct part *part, struct opc *opc, size_t index, bool main)
{
    static const struct xml_handler handler = {.start = on_start, .end = on_end, .text = on_text};
    begin_part(part, opc, index, main);
    enum package_result result = opc_read_xml(opc, index, &handler, part);
    if (!part->emit.stopped && !memory_out(part))
        finish(part);
    return end_part(part, result);
}

static bool on_mention(void *context, const char *id)
{
    return add_mention(context, id, strlen(id));
}

static bool on_bytes(void *context, const char *bytes, size_t length)
{
    struct part *part = context;
    return binary_bytes(&part->binary, bytes, length);
}

enum package_result part_read_binary(struct part *part, struct opc *opc, size_t index, bool main,
                                     bool table)
{
    begin_part(part, opc, index, main);
    part->kind = table ? PART_SHEET : PART_FLOW;
    part->binary.mention = main ? on_mention : NULL;
    part->binary.context = part;
    sheet_begin(&part->sheet);
    binary_begin(&part->binary);
    if (!announce(part))
        return PACKAGE_STOPPED;
    const struct package_sink sink = {.context = part, .bytes = on_bytes};
    enum package_result result = package_read(opc->package, index, &sink);
    if (!part->emit.stopped && !memory_out(part))
        binary_finish(&part->binary);
    if (part->book.strings.full)
        format_gap(part->reading, REPORT_PARTIAL, "shared-strings");
    return end_part(part, result);
}

uint32_t part_rank(const struct part *part, const char *id)
{
    const struct part_mention *mentions = (const void *)part->mentions.bytes;
    size_t low = 0, high = part->mentions.length / sizeof *mentions;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(id, mentions[middle].id);
        if (order == 0)
            return mentions[middle].rank;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return UINT32_MAX;
}

enum package_result part_finish(struct part *part, const char *strings_path)
{
    struct emit *emit = &part->emit;
    bool unused = false;
    for (size_t i = 0; strings_path && !unused && i < strings_count(&part->book.strings); i++)
        unused = !strings_used(&part->book.strings, i);
    if (unused && emit_part(emit, strings_path, false))
        book_send_unused(&part->book, emit);
    return emit_flush(emit) ? PACKAGE_OK : PACKAGE_STOPPED;
}
