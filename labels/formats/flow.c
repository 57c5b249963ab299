#include "formats/flow.h"

#include <string.h>

#include "base/utf8.h"

enum { aside_bytes = 64 * 1024, span_max = 63 };

enum space {
    SPACE_OTHER,
    SPACE_W,
    SPACE_A,
    SPACE_S,
    SPACE_P,
    SPACE_C,
    SPACE_WP,
    SPACE_M,
    SPACE_X,
    SPACE_I,
    SPACE_MC,
    SPACE_V,
    SPACE_E
};

enum action {
    ACTION_PLAIN,     /* transparent */
    ACTION_BLOCK,     /* stands on lines of its own */
    ACTION_PARAGRAPH, /* ends with a newline, in a cell with a space */
    ACTION_TEXT,      /* its white space counts */
    ACTION_ASIDE,     /* its text follows behind the paragraph */
    ACTION_TAB,
    ACTION_BREAK,
    ACTION_HYPHEN,
    ACTION_TABLE,
    ACTION_ROW,
    ACTION_CELL,
    ACTION_SPAN, /* the cell is as wide as several */
    ACTION_SKIP,
    ACTION_ALTERNATE, /* the same content in several forms: it counts once */
    ACTION_CHOICE,
    ACTION_FALLBACK
};

static const struct {
    enum space space;
    const char *uri;
} spaces[] = {
#define NAMESPACE(id, uri) {SPACE_##id, uri},
#include "formats/elements.def"
#undef NAMESPACE
};

struct meaning {
    enum space space;
    const char *name;
    enum action action;
    const char *attributes;
};

static const struct meaning meanings[] = {
#define ELEMENT(space, name, action, attributes)                                                   \
    {SPACE_##space, #name, ACTION_##action, attributes},
#include "formats/elements.def"
#undef ELEMENT
};

enum { meaning_count = sizeof meanings / sizeof *meanings };
_Static_assert(meaning_count < 200, "the hash table of elements gets too full");

/* Namespaces of Office itself: their attributes are settings, not content, and those of elements
 * without a namespace inside of them. */
static const char *const office_uris[] = {
    "http://schemas.openxmlformats.org/",
    "http://purl.oclc.org/ooxml/",
    "http://schemas.microsoft.com/",
    "urn:schemas-microsoft-com:",
    "http://www.w3.org/",
    "http://purl.org/dc/",
};

/* FNV-1a, 32 bits, the namespace first. */
static uint32_t meaning_slot(unsigned space, const char *name)
{
    uint32_t hash = (0x811c9dc5u ^ space) * 0x01000193u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x01000193u;
    return (hash ^ hash >> 15) % FLOW_SLOTS;
}

static const struct meaning *find_meaning(const struct flow *flow, unsigned space, const char *name)
{
    for (uint32_t at = meaning_slot(space, name); flow->slots[at]; at = (at + 1) % FLOW_SLOTS) {
        const struct meaning *meaning = &meanings[flow->slots[at] - 1];
        if (meaning->space == space && strcmp(meaning->name, name) == 0)
            return meaning;
    }
    return NULL;
}

void flow_init(struct flow *flow, struct emit *emit)
{
    memset(flow, 0, offsetof(struct flow, frames)); /* frames are filled as they are entered */
    flow->emit = emit;
    flow->aside = buf_new(aside_bytes);
    for (size_t i = 0; i < meaning_count; i++) {
        uint32_t at = meaning_slot(meanings[i].space, meanings[i].name);
        while (flow->slots[at])
            at = (at + 1) % FLOW_SLOTS;
        flow->slots[at] = (uint8_t)(i + 1);
    }
}

void flow_fini(struct flow *flow)
{
    buf_fini(&flow->aside);
}

void flow_begin(struct flow *flow)
{
    buf_reset(&flow->aside);
    memset(flow->spaces, 0, sizeof flow->spaces);
    flow->name_length = 0;
    flow->depth = 0;
    flow->frames[0] = (struct flow_frame){0};
}

static bool is_office(const char *uri)
{
    for (size_t i = 0; i < sizeof office_uris / sizeof *office_uris; i++)
        if (strncmp(uri, office_uris[i], strlen(office_uris[i])) == 0)
            return true;
    return false;
}

static void look_up_space(const char *uri, struct flow_space *known)
{
    *known = (struct flow_space){.uri = uri, .space = SPACE_OTHER, .office = is_office(uri)};
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        if (strcmp(spaces[i].uri, uri) == 0)
            known->space = (uint8_t)spaces[i].space;
}

/* The namespace of an element that begins. */
static unsigned enter_space(struct flow *flow, const char *uri)
{
    struct flow_space *known = &flow->spaces[(uintptr_t)uri / 16 % FLOW_SPACES];
    if (uri && known->uri != uri)
        look_up_space(uri, known);
    flow->foreign = uri ? !known->office : flow->depth == 0 || flow->foreign_root;
    if (flow->depth == 0)
        flow->foreign_root = flow->foreign;
    return uri ? known->space : SPACE_OTHER;
}

static uint64_t text_place(const struct flow *flow)
{
    return flow->emit->sent + flow->emit->length;
}

static char paragraph_end(const struct flow *flow)
{
    return flow->frames[flow->depth].cell ? ' ' : '\n';
}

static bool send_aside(struct flow *flow)
{
    if (flow->aside.length == 0)
        return true;
    emit_separate(flow->emit, paragraph_end(flow));
    bool sent = emit_text(flow->emit, flow->aside.bytes, flow->aside.length);
    emit_separate(flow->emit, paragraph_end(flow));
    buf_reset(&flow->aside);
    return sent;
}

/* Something for behind the paragraph; pieces that do not touch in the text are kept apart. */
static bool add_aside(struct flow *flow, const char *text, size_t length, bool apart)
{
    if (length == 0)
        return true;
    if (flow->aside.length + length + 2 > flow->aside.max && !send_aside(flow))
        return false;
    if (length + 2 > flow->aside.max)
        return emit_text(flow->emit, text, length);
    if (flow->aside.length > 0 && (apart || flow->aside_at != text_place(flow)))
        buf_putc(&flow->aside, ' ');
    flow->aside_at = text_place(flow);
    flow->no_memory = !buf_append(&flow->aside, text, length);
    return !flow->no_memory;
}

/* Whether `name` is one of the words in `list`. */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static bool take_attributes(struct flow *flow, const struct xml_element *element,
                            const char *wanted)
{
    for (size_t i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &element->attributes[i];
        if (wanted ? !listed(wanted, attribute->name) : strcmp(attribute->name, "style") == 0)
            continue;
        if (!wanted && (!add_aside(flow, attribute->name, strlen(attribute->name), true) ||
                        !add_aside(flow, ":", 1, false)))
            return false;
        size_t length = (size_t)(attribute->end - attribute->value);
        if (!add_aside(flow, attribute->value, length, true))
            return false;
    }
    return true;
}

static bool start_row(struct flow *flow)
{
    emit_separate(flow->emit, '\n');
    flow->frames[flow->depth].cells = 0;
    flow->frames[flow->depth].cell = true;
    return true;
}

/* A cell begins: a tab, unless it is the first of its row. Rows are its parents, or stand
 * further out (content controls around cells). */
static bool start_cell(struct flow *flow)
{
    uint32_t row = flow->depth;
    while (row > 0 && flow->frames[row].action != ACTION_ROW)
        row--;
    flow->frames[flow->depth].cell = true;
    bool first = flow->frames[row].cells == 0;
    if (flow->frames[row].cells < UINT16_MAX)
        flow->frames[row].cells++;
    return first || emit_sign(flow->emit, '\t');
}

/* A cell over n columns leaves n - 1 empty ones in front, so that the columns stay in line. */
static bool span_cell(struct flow *flow, const struct xml_element *element)
{
    const struct xml_attribute *value = xml_find(element, "val", element->space);
    if (!value)
        return true;
    unsigned columns = 0;
    for (const char *at = value->value; at < value->end && *at >= '0' && *at <= '9'; at++)
        if (columns <= span_max)
            columns = columns * 10 + (unsigned)(*at - '0');
    for (unsigned i = 1; i < columns && i <= span_max; i++)
        if (!emit_sign(flow->emit, '\t'))
            return false;
    return true;
}

static bool end_row(struct flow *flow)
{
    flow->emit->pending = 0;
    return emit_sign(flow->emit, '\n');
}

static bool start_action(struct flow *flow, const struct xml_element *element, enum action action)
{
    struct flow_frame *frame = &flow->frames[flow->depth];
    struct flow_frame *parent = frame - 1;
    switch (action) {
    case ACTION_BLOCK: emit_separate(flow->emit, paragraph_end(flow)); return true;
    case ACTION_TABLE: frame->cell = false; return true;
    case ACTION_ROW: return start_row(flow);
    case ACTION_CELL: return start_cell(flow);
    case ACTION_SPAN: return span_cell(flow, element);
    case ACTION_TAB: emit_separate(flow->emit, frame->cell ? ' ' : '\t'); return true;
    case ACTION_BREAK: emit_separate(flow->emit, paragraph_end(flow)); return true;
    case ACTION_HYPHEN: return emit_text(flow->emit, "-", 1);
    case ACTION_SKIP: frame->skips = true; return true;
    case ACTION_CHOICE: frame->place = (uint32_t)text_place(flow); return true;
    case ACTION_FALLBACK: frame->skips = parent->chosen; return true;
    default: return true;
    }
}

static bool end_action(struct flow *flow, const struct flow_frame *ended)
{
    switch (ended->action) {
    case ACTION_PARAGRAPH:
        if (!send_aside(flow))
            return false;
        emit_separate(flow->emit, paragraph_end(flow));
        return true;
    case ACTION_BLOCK: emit_separate(flow->emit, paragraph_end(flow)); return true;
    case ACTION_ROW: return send_aside(flow) && end_row(flow);
    case ACTION_CHOICE:
        flow->frames[flow->depth].chosen |= (uint32_t)text_place(flow) != ended->place;
        return true;
    default: return true;
    }
}

/* Elements that are not in the table: transparent where text runs, a line of their own else. */
static enum action unknown_action(unsigned space)
{
    static const bool runs[] = {
        [SPACE_W] = true, [SPACE_A] = true, [SPACE_P] = true,  [SPACE_WP] = true, [SPACE_M] = true,
        [SPACE_X] = true, [SPACE_I] = true, [SPACE_MC] = true, [SPACE_V] = true,
    };
    return space < sizeof runs && runs[space] ? ACTION_PLAIN : ACTION_BLOCK;
}

static void keep_name(struct flow *flow, const char *name)
{
    flow->name_length = strlen(name);
    if (flow->name_length > sizeof flow->name)
        flow->name_length = utf8_cut(name, flow->name_length, sizeof flow->name);
    memcpy(flow->name, name, flow->name_length);
}

bool flow_start(struct flow *flow, const struct xml_element *element)
{
    if (flow->depth >= FLOW_DEPTH_MAX)
        return false;
    unsigned space = enter_space(flow, element->space);
    const struct meaning *meaning = find_meaning(flow, space, element->name);
    enum action action = meaning ? meaning->action : unknown_action(space);
    const struct flow_frame *parent = &flow->frames[flow->depth++];
    flow->frames[flow->depth] = (struct flow_frame){
        .space = (uint8_t)space,
        .action = (uint8_t)action,
        .skips = parent->skips,
        .cell = parent->cell,
    };
    flow->name_length = 0;
    if (parent->skips)
        return true;
    if (!start_action(flow, element, action))
        return false;
    if (!meaning && flow->foreign)
        keep_name(flow, element->name);
    bool foreign = !meaning && flow->foreign && element->attribute_count > 0;
    if (!foreign && !(meaning && *meaning->attributes))
        return true;
    if (!take_attributes(flow, element, foreign ? NULL : meaning->attributes))
        return false;
    return action != ACTION_BLOCK || send_aside(flow);
}

bool flow_end(struct flow *flow)
{
    if (flow->depth == 0)
        return true;
    const struct flow_frame *ended = &flow->frames[flow->depth--];
    flow->name_length = 0;
    return ended->skips || end_action(flow, ended);
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] > ' ')
            return false;
    return true;
}

static bool send_name(struct flow *flow)
{
    size_t length = flow->name_length;
    flow->name_length = 0;
    return length == 0 ||
           (emit_text(flow->emit, flow->name, length) && emit_text(flow->emit, ": ", 2));
}

bool flow_text(struct flow *flow, const char *text, size_t length)
{
    const struct flow_frame *frame = &flow->frames[flow->depth];
    if (frame->skips)
        return true;
    if (frame->action == ACTION_ASIDE)
        return add_aside(flow, text, length, false);
    if (frame->action != ACTION_TEXT && is_blank(text, length)) {
        if (frame->space == SPACE_OTHER)
            emit_separate(flow->emit, ' ');
        return true;
    }
    if (frame->cell)
        return emit_cell(flow->emit, text, length);
    return send_name(flow) && emit_text(flow->emit, text, length);
}

bool flow_finish(struct flow *flow)
{
    flow->depth = 0;
    return send_aside(flow);
}
