#include "formats/ooxml.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "formats/embedded.h"
#include "formats/handlers.h"
#include "formats/part.h"
#include "ooxml_label.h"

enum { BID_TYPE = 100, BID_NAME = 90, types_bytes = 1u << 20 };

static const char vml_type[] = "application/vnd.openxmlformats-officedocument.vmlDrawing";

/* Content types of main parts, without their end ".main+xml" (ECMA-376 part 1, 15.2; [MS-OFFMACRO]
 * 2.2; [MS-XLSB] 2.2.1; [MS-VSDX] 2.2.3). Add-ins and stencils count as what they are made of. */
static const struct {
    const char *type;
    enum format_id id;
} main_types[] = {
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", FORMAT_DOCX},
    {"application/vnd.ms-word.document.macroEnabled", FORMAT_DOCM},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.template", FORMAT_DOTX},
    {"application/vnd.ms-word.template.macroEnabledTemplate", FORMAT_DOTM},
    {"application/vnd.ms-word.template.macroEnabled", FORMAT_DOTM},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", FORMAT_XLSX},
    {"application/vnd.ms-excel.sheet.macroEnabled", FORMAT_XLSM},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.template", FORMAT_XLTX},
    {"application/vnd.ms-excel.template.macroEnabled", FORMAT_XLTM},
    {"application/vnd.ms-excel.addin.macroEnabled", FORMAT_XLSM},
    {"application/vnd.ms-excel.sheet.binary.macroEnabled", FORMAT_XLSB},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", FORMAT_PPTX},
    {"application/vnd.ms-powerpoint.presentation.macroEnabled", FORMAT_PPTM},
    {"application/vnd.openxmlformats-officedocument.presentationml.template", FORMAT_POTX},
    {"application/vnd.ms-powerpoint.template.macroEnabled", FORMAT_POTM},
    {"application/vnd.openxmlformats-officedocument.presentationml.slideshow", FORMAT_PPSX},
    {"application/vnd.ms-powerpoint.slideshow.macroEnabled", FORMAT_PPSM},
    {"application/vnd.ms-powerpoint.addin.macroEnabled", FORMAT_PPTM},
    {"application/vnd.ms-visio.drawing", FORMAT_VSDX},
    {"application/vnd.ms-visio.drawing.macroEnabled", FORMAT_VSDM},
    {"application/vnd.ms-visio.template", FORMAT_VSDX},
    {"application/vnd.ms-visio.template.macroEnabled", FORMAT_VSDM},
    {"application/vnd.ms-visio.stencil", FORMAT_VSDX},
    {"application/vnd.ms-visio.stencil.macroEnabled", FORMAT_VSDM},
};

/* Where the main part usually is: for packages whose types or relationships are broken. */
static const struct {
    const char *name;
    enum format_id id;
} main_names[] = {
    {"word/document.xml", FORMAT_DOCX},  {"xl/workbook.xml", FORMAT_XLSX},
    {"xl/workbook.bin", FORMAT_XLSB},    {"ppt/presentation.xml", FORMAT_PPTX},
    {"visio/document.xml", FORMAT_VSDX},
};

/* Relationships that lead to what is worth reading last, if at all. */
static const char *const late_relations[] = {
    "slideMaster", "slideLayout",   "notesMaster",   "handoutMaster",
    "theme",       "themeOverride", "styles",        "fontTable",
    "settings",    "webSettings",   "numbering",     "viewProps",
    "presProps",   "tableStyles",   "sharedStrings", "stylesWithEffects",
};

static bool is_main_type(const char *type, const char *row)
{
    size_t length = strlen(row);
    return strncasecmp(type, row, length) == 0 &&
           (strcasecmp(type + length, ".main+xml") == 0 || strcasecmp(type + length, ".main") == 0);
}

static enum format_id format_of_type(const char *type)
{
    for (size_t i = 0; i < sizeof main_types / sizeof *main_types; i++)
        if (is_main_type(type, main_types[i].type))
            return main_types[i].id;
    return FORMAT_UNKNOWN;
}

/* The first relationship of the package to an Office document. */
static bool find_main(void *context, const struct opc_relation *relation)
{
    size_t *main = context;
    if (*main == PACKAGE_NONE && !relation->external &&
        (strcmp(relation->type, "officeDocument") == 0 ||
         (strcmp(relation->type, "document") == 0 && relation->part != PACKAGE_NONE)))
        *main = relation->part;
    return *main == PACKAGE_NONE;
}

static void identify_by_name(struct opc *opc, enum format_id *id, size_t *main)
{
    for (size_t i = 0; i < sizeof main_names / sizeof *main_names; i++) {
        size_t part = package_find(opc->package, main_names[i].name);
        if (part == PACKAGE_NONE)
            continue;
        *id = main_names[i].id;
        *main = part;
        return;
    }
}

bool ooxml_identify(struct opc *opc, enum format_id *id, size_t *main)
{
    *id = FORMAT_UNKNOWN;
    *main = PACKAGE_NONE;
    size_t from;
    const struct opc_visitor visitor = {.context = main, .relation = find_main};
    if (opc_relations(opc, PACKAGE_NONE, &visitor, &from) == PACKAGE_NO_MEMORY)
        return false;
    if (*main != PACKAGE_NONE)
        *id = format_of_type(opc_type(opc, *main));
    if (*id == FORMAT_UNKNOWN)
        identify_by_name(opc, id, main);
    return true;
}

bool ooxml_is_xml(const char *name, const char *type)
{
    if (!*type) {
        const char *dot = strrchr(name, '.');
        return dot && (strcasecmp(dot, ".xml") == 0 || strcasecmp(dot, ".rels") == 0 ||
                       strcasecmp(dot, ".vml") == 0);
    }
    size_t length = strlen(type);
    return strncasecmp(type, "image/", 6) != 0 && strcasecmp(type, "application/xhtml+xml") != 0 &&
           length > 4 &&
           (strcasecmp(type + length - 4, "+xml") == 0 ||
            strcasecmp(type + length - 4, "/xml") == 0 || strcasecmp(type, vml_type) == 0);
}

/* The only main type that the content types' text names, without parsing it; FORMAT_UNKNOWN when
 * it names none or several. */
static enum format_id only_main_type(const struct buf *types)
{
    static const char mark[] = ".main";
    enum format_id found = FORMAT_UNKNOWN;
    const char *end = types->bytes + types->length;
    for (const char *at = types->bytes;
         (at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1)); at++) {
        char type[128] = "";
        const char *start = memrchr(types->bytes, '"', (size_t)(at - types->bytes));
        size_t length = start ? (size_t)(at - start) - 1 : 0;
        size_t tail = strcspn(at, "\"");
        if (length + tail < sizeof type)
            memcpy(type, at - length, length + tail);
        enum format_id id = format_of_type(type);
        if (id != FORMAT_UNKNOWN && found != FORMAT_UNKNOWN && id != found)
            return FORMAT_UNKNOWN;
        found = id != FORMAT_UNKNOWN ? id : found;
    }
    return found;
}

/* The whole way, for what the text does not tell. */
static unsigned bid_parsed(struct format_reading *reading, struct package *package,
                           enum format_id *id)
{
    struct opc opc;
    size_t main = PACKAGE_NONE;
    bool known = opc_open(&opc, package, reading) != PACKAGE_NO_MEMORY &&
                 ooxml_identify(&opc, id, &main) && *id != FORMAT_UNKNOWN;
    bool typed = known && format_of_type(opc_type(&opc, main)) == *id;
    opc_close(&opc);
    return !known ? 0 : typed ? BID_TYPE : BID_NAME;
}

/* A reading of its own for a look at the structure: default limits, nothing reported. */
static unsigned bid(const struct format_input *input, enum format_id *id)
{
    if (!package_looks_like(input))
        return 0;
    const struct limits limits = limits_default();
    struct report report = {0};
    struct format_reading reading = {.limits = &limits, .report = &report};
    own_package struct package *package = NULL;
    if (package_open(&reading, input, &package) != PACKAGE_OK)
        return 0;
    size_t part = package_find(package, "[Content_Types].xml");
    if (part == PACKAGE_NONE)
        return 0;
    own_buf struct buf types = buf_new(types_bytes);
    if (package_load(package, part, &types, "") == PACKAGE_OK && types.length > 0)
        *id = only_main_type(&types);
    return *id != FORMAT_UNKNOWN ? BID_TYPE : bid_parsed(&reading, package, id);
}

/* Parts of a binary workbook ([MS-XLSB] 2.2.1). */
static const char binary_type[] = "application/vnd.ms-excel.";

enum state { STATE_NEW, STATE_QUEUED, STATE_DONE };

/* A part that the one just read leads to. */
struct child {
    uint32_t part, rank, order;
};

struct walk {
    struct format_reading *reading;
    struct package *package;
    struct opc opc;
    struct part *part;
    enum format_id id;
    size_t main;
    size_t strings, styles; /* of a workbook */
    size_t present;         /* whose relationships are read */
    bool announced;         /* their part was, since something in it is text */
    uint8_t *states;        /* enum state of each entry */
    uint32_t *stack;        /* parts to read, the next one on top */
    size_t top;
    struct buf children;
    bool no_memory;
};

static bool is_late(const char *type)
{
    for (size_t i = 0; i < sizeof late_relations / sizeof *late_relations; i++)
        if (strcmp(type, late_relations[i]) == 0)
            return true;
    return false;
}

/* Targets outside are text. */
static bool send_target(struct walk *walk, const char *target)
{
    char name[OPC_NAME_MAX + 16];
    struct emit *emit = &walk->part->emit;
    if (!walk->announced) {
        const char *of =
            walk->present == PACKAGE_NONE ? "" : package_entry(walk->package, walk->present)->name;
        const char *slash = strrchr(of, '/');
        int folder = slash ? (int)(slash - of + 1) : 0;
        snprintf(name, sizeof name, "%.*s_rels/%s.rels", folder, of, of + folder);
        if (!emit_part(emit, name, false))
            return false;
        walk->announced = true;
    }
    emit_separate(emit, '\n');
    return emit_text(emit, target, strlen(target));
}

static bool note_relation(void *context, const struct opc_relation *relation)
{
    struct walk *walk = context;
    if (relation->external)
        return send_target(walk, relation->target);
    if (relation->part == PACKAGE_NONE || walk->states[relation->part] != STATE_NEW)
        return true;
    if (strcmp(relation->type, "classificationlabels") == 0) {
        walk->states[relation->part] = STATE_DONE;
        return true;
    }
    if (strcmp(relation->type, "sharedStrings") == 0 && walk->present == walk->main)
        walk->strings = relation->part;
    else if (strcmp(relation->type, "styles") == 0 && walk->present == walk->main)
        walk->styles = relation->part;
    if (is_late(relation->type))
        return true;
    const struct child child = {
        .part = (uint32_t)relation->part,
        .rank = walk->present == walk->main ? part_rank(walk->part, relation->id) : 0,
        .order = (uint32_t)(walk->children.length / sizeof child),
    };
    walk->states[relation->part] = STATE_QUEUED;
    walk->no_memory = !buf_append(&walk->children, &child, sizeof child);
    return !walk->no_memory;
}

/* The last one first: the stack turns them round. */
static int by_rank_backwards(const void *a, const void *b)
{
    const struct child *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? 1 : -1;
    return left->order < right->order ? 1 : -1;
}

/* Read the relationships of a part and put where they lead on the stack. */
static enum package_result follow(struct walk *walk, size_t part)
{
    const struct opc_visitor visitor = {.context = walk, .relation = note_relation};
    size_t from;
    walk->present = part;
    walk->announced = false;
    buf_reset(&walk->children);
    enum package_result result = opc_relations(&walk->opc, part, &visitor, &from);
    if (from != PACKAGE_NONE)
        walk->states[from] = STATE_DONE;
    if (walk->no_memory)
        return PACKAGE_NO_MEMORY;
    size_t count = walk->children.length / sizeof(struct child);
    const struct child *children = (const void *)walk->children.bytes;
    if (count > 1)
        qsort(walk->children.bytes, count, sizeof *children, by_rank_backwards);
    for (size_t i = 0; i < count; i++)
        walk->stack[walk->top++] = children[i].part;
    return result;
}

/* Excel writes comments' boxes with HTML in them that is no XML (<br>). Such a drawing is read as
 * a file of its own, tolerantly; any other gap in it counts. */
static enum package_result read_drawing(struct walk *walk, size_t index, const char *type)
{
    struct report *report = walk->reading->report;
    struct report trial = {.reason = ""};
    walk->reading->report = &trial;
    enum package_result result = part_read(walk->part, &walk->opc, index, false);
    walk->reading->report = report;
    if (trial.status == REPORT_CORRUPT && strcmp(trial.reason, "xml") == 0)
        return embedded_read(walk->reading, walk->package, index, type, &walk->part->emit);
    format_gap(walk->reading, trial.status, trial.reason);
    return result;
}

static bool is_drawing(const char *name, const char *type)
{
    const char *dot = strrchr(name, '.');
    return strcasecmp(type, vml_type) == 0 || (dot && strcasecmp(dot, ".vml") == 0);
}

static enum package_result read_entry(struct walk *walk, size_t index)
{
    const struct package_entry *entry = package_entry(walk->package, index);
    const char *type = opc_type(&walk->opc, index);
    walk->states[index] = STATE_DONE;
    if (entry->folder)
        return PACKAGE_OK;
    if (is_drawing(entry->name, type))
        return read_drawing(walk, index, type);
    if (ooxml_is_xml(entry->name, type))
        return part_read(walk->part, &walk->opc, index, index == walk->main);
    if (walk->id == FORMAT_XLSB && strncasecmp(type, binary_type, strlen(binary_type)) == 0)
        return part_read_binary(walk->part, &walk->opc, index, index == walk->main,
                                strcasecmp(type + strlen(binary_type), "worksheet") == 0);
    return embedded_read(walk->reading, walk->package, index, type, &walk->part->emit);
}

/* Whether to go on after a part that could not be read. */
static bool goes_on(struct walk *walk, enum package_result result)
{
    if (result == PACKAGE_NO_MEMORY)
        walk->no_memory = true;
    return result != PACKAGE_NO_MEMORY && result != PACKAGE_STOPPED &&
           walk->reading->report->status != REPORT_HOSTILE && format_within_time(walk->reading);
}

static bool read_now(struct walk *walk, size_t index)
{
    if (index == PACKAGE_NONE || walk->states[index] == STATE_DONE)
        return true;
    return goes_on(walk, read_entry(walk, index));
}

/* All that relationships lead to, depth first. */
static bool read_reached(struct walk *walk)
{
    while (walk->top > 0) {
        size_t index = walk->stack[--walk->top];
        if (!read_now(walk, index) || !goes_on(walk, follow(walk, index)))
            return false;
    }
    return true;
}

/* The main part first: what it says is needed for the others. */
static bool read_main(struct walk *walk)
{
    if (!read_now(walk, walk->main) || !goes_on(walk, follow(walk, walk->main)))
        return false;
    if (walk->strings == PACKAGE_NONE)
        walk->strings = package_find(walk->package, "xl/sharedStrings.xml");
    if (walk->id == FORMAT_XLSB) /* formulas, names, page headers are not read */
        format_gap(walk->reading, REPORT_PARTIAL, "xlsb");
    bool book = strcmp(formats_row(walk->id)->family, "spreadsheet") == 0;
    return !book || (read_now(walk, walk->strings) && read_now(walk, walk->styles));
}

/* What nothing led to: hidden, or of no interest to Office. */
static bool read_rest(struct walk *walk)
{
    for (size_t i = 0; i < package_count(walk->package); i++) {
        size_t part;
        if (walk->states[i] == STATE_DONE)
            continue;
        bool relations = opc_is_relations(&walk->opc, i, &part);
        walk->states[i] = relations ? STATE_DONE : walk->states[i];
        if (relations && part != PACKAGE_NONE && !goes_on(walk, follow(walk, part)))
            return false;
        if (!relations && (!read_now(walk, i) || !goes_on(walk, follow(walk, i))))
            return false;
        if (!read_reached(walk))
            return false;
    }
    return true;
}

/* What is no content: the content types, and signatures over it. */
static void leave_out(struct walk *walk)
{
    size_t types = package_find(walk->package, "[Content_Types].xml");
    if (types != PACKAGE_NONE)
        walk->states[types] = STATE_DONE;
    for (size_t i = 0; i < package_count(walk->package); i++)
        if (strstr(opc_type(&walk->opc, i), "digital-signature"))
            walk->states[i] = STATE_DONE;
}

static void note_duplicates(struct walk *walk)
{
    for (size_t i = 0; i < package_count(walk->package); i++)
        if (package_entry(walk->package, i)->duplicate)
            format_gap(walk->reading, REPORT_HOSTILE, "duplicate-entry");
}

static bool prepare(struct walk *walk)
{
    size_t count = package_count(walk->package);
    walk->states = mem_zalloc(count, 1);
    walk->stack = mem_zalloc(count, sizeof *walk->stack);
    walk->part = part_new(walk->reading);
    walk->children = buf_new(count * sizeof(struct child) + 1);
    return walk->states && walk->stack && walk->part &&
           ooxml_identify(&walk->opc, &walk->id, &walk->main);
}

static void read_all(struct walk *walk)
{
    note_duplicates(walk);
    leave_out(walk);
    if (walk->reading->report->status == REPORT_HOSTILE)
        return;
    if (read_main(walk) && read_reached(walk) && goes_on(walk, follow(walk, PACKAGE_NONE)) &&
        read_reached(walk) && read_rest(walk)) {
        const char *strings = walk->strings == PACKAGE_NONE
                                  ? NULL
                                  : package_entry(walk->package, walk->strings)->name;
        goes_on(walk, part_finish(walk->part, strings));
    }
    emit_flush(&walk->part->emit);
}

static bool read_package(struct format_reading *reading, const struct format_input *input)
{
    struct walk walk = {
        .reading = reading,
        .main = PACKAGE_NONE,
        .strings = PACKAGE_NONE,
        .styles = PACKAGE_NONE,
    };
    enum package_result result = package_open(reading, input, &walk.package);
    if (result != PACKAGE_OK)
        return result != PACKAGE_NO_MEMORY;
    bool ok = opc_open(&walk.opc, walk.package, reading) != PACKAGE_NO_MEMORY && prepare(&walk);
    if (ok)
        read_all(&walk);
    part_free(walk.part);
    buf_fini(&walk.children);
    mem_free(walk.stack);
    mem_free(walk.states);
    opc_close(&walk.opc);
    package_close(walk.package);
    return ok && !walk.no_memory;
}

const struct format handlers_ooxml = {
    .name = "ooxml",
    .bid = bid,
    .read = read_package,
    .labels = ooxml_label_read,
    .relabel = ooxml_label_relabel,
    .verify = ooxml_label_verify,
};
