#include "formats/sheet.h"

#include <string.h>

enum {
    value_bytes = 1u << 20,
    formula_bytes = 64 * 1024,
    literals_bytes = 256 * 1024,
    literals_room = 64 * 1024,
    columns_max = 16384, /* XFD */
    rows_max = 1048576,
    padding_free = 8u << 20,
};

void sheet_init(struct sheet *sheet, struct format_reading *reading, struct book *book,
                struct flow *flow)
{
    *sheet = (struct sheet){
        .reading = reading,
        .book = book,
        .flow = flow,
        .emit = flow->emit,
        .value = buf_new(value_bytes),
        .formula = buf_new(formula_bytes),
        .literals = buf_new(literals_bytes),
    };
}

void sheet_fini(struct sheet *sheet)
{
    buf_fini(&sheet->value);
    buf_fini(&sheet->formula);
    buf_fini(&sheet->literals);
}

void sheet_begin(struct sheet *sheet)
{
    buf_reset(&sheet->literals);
    memset(sheet->seen, 0, sizeof sheet->seen);
    sheet->depth = sheet->skip_depth = 0;
    sheet->rows = 0;
    sheet->collects = 0;
}

static bool refuse(struct sheet *sheet, const char *reason)
{
    format_gap(sheet->reading, REPORT_HOSTILE, reason);
    sheet->broken = true;
    return false;
}

/* Append as far as there is room. */
static bool collect(struct sheet *sheet, struct buf *into, const char *text, size_t length)
{
    if (length > into->max - into->length)
        return true;
    sheet->no_memory = !buf_append(into, text, length);
    return !sheet->no_memory;
}

static uint32_t number_in(const char *text, size_t length)
{
    uint32_t number = 0;
    for (size_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        number = number < 100000000 ? number * 10 + (uint32_t)(text[i] - '0') : UINT32_MAX;
    return number;
}

/* The column of a reference such as AB12; 0 when there is none. */
static uint32_t column_of(const char *reference, size_t length)
{
    uint32_t column = 0;
    for (size_t i = 0; i < length; i++) {
        char letter = (char)(reference[i] & ~0x20);
        if (letter < 'A' || letter > 'Z')
            break;
        column = column > columns_max ? column : column * 26 + (uint32_t)(letter - 'A' + 1);
    }
    return column;
}

bool sheet_row(struct sheet *sheet, uint32_t number)
{
    sheet->rows++;
    sheet->column = 0;
    sheet->filled = 0;
    if (sheet->rows > rows_max || number > rows_max)
        return refuse(sheet, "sheet-rows");
    return format_within_time(sheet->reading);
}

static bool start_row(struct sheet *sheet, const struct xml_element *element)
{
    const struct xml_attribute *number = xml_find(element, "r", NULL);
    return sheet_row(sheet,
                     number ? number_in(number->value, (size_t)(number->end - number->value)) : 0);
}

/* The first letter tells the types apart, but for str and the shared s. */
static char kind_of(const struct xml_attribute *type)
{
    ptrdiff_t length = type->end - type->value;
    if (length > 1)
        return 't';
    char kind = length == 1 ? type->value[0] : 'n';
    return kind == 's' || kind == 'b' || kind == 'e' || kind == 'd' ? kind : 'n';
}

/* Cells go from left to right; one that does not say where it is stands next. */
static bool place_cell(struct sheet *sheet, uint32_t column)
{
    sheet->column = column > sheet->column ? column : sheet->column + 1;
    return sheet->column <= columns_max || refuse(sheet, "sheet-columns");
}

static bool start_cell(struct sheet *sheet, const struct xml_element *element)
{
    uint32_t column = 0;
    sheet->style = 0;
    sheet->kind = 'n';
    buf_reset(&sheet->value);
    buf_reset(&sheet->formula);
    for (size_t i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &element->attributes[i];
        size_t length = (size_t)(attribute->end - attribute->value);
        if (attribute->name[0] == '\0' || attribute->name[1] != '\0')
            continue;
        if (attribute->name[0] == 'r')
            column = column_of(attribute->value, length);
        else if (attribute->name[0] == 's')
            sheet->style = number_in(attribute->value, length);
        else if (attribute->name[0] == 't')
            sheet->kind = kind_of(attribute);
    }
    return place_cell(sheet, column);
}

/* The tabs between the last cell with text and this one. Where they would outweigh the text by
 * far, one stands for all. */
static bool pad(struct sheet *sheet)
{
    uint32_t tabs = sheet->filled > 0 ? sheet->column - sheet->filled : sheet->column - 1;
    if (sheet->padding + tabs > padding_free + sheet->emit->sent / 2)
        tabs = tabs > 0;
    sheet->padding += tabs;
    for (uint32_t i = 0; i < tabs; i++)
        if (!emit_sign(sheet->emit, '\t'))
            return false;
    sheet->filled = sheet->column;
    return true;
}

static bool send_cell(struct sheet *sheet, const char *text, size_t length)
{
    return length == 0 || (pad(sheet) && emit_cell(sheet->emit, text, length));
}

static bool send_shared(struct sheet *sheet)
{
    const char *digits = buf_text(&sheet->value);
    size_t length = sheet->value.length;
    for (; length > 0 && (unsigned char)*digits <= ' '; length--)
        digits++;
    if (length == 0)
        return true;
    const char *text;
    if (strings_get(&sheet->book->strings, number_in(digits, length), true, &text, &length))
        return send_cell(sheet, text, length);
    if (!sheet->book->strings.full)
        return refuse(sheet, "shared-strings");
    return true;
}

static bool send_number(struct sheet *sheet)
{
    char shown[NUMFMT_MAX];
    struct numfmt format = book_format_of(sheet->book, sheet->style);
    const char *number = buf_text(&sheet->value);
    number += strspn(number, " \t\r\n");
    size_t length = numfmt_show(&format, number, sheet->book->since_1904, shown);
    return send_cell(sheet, shown, length);
}

static bool send_value(struct sheet *sheet)
{
    const char *text = buf_text(&sheet->value);
    size_t length = sheet->value.length;
    if (length == 0)
        return true;
    switch (sheet->kind) {
    case 's': return send_shared(sheet);
    case 'b': return *text == '1' ? send_cell(sheet, "TRUE", 4) : send_cell(sheet, "FALSE", 5);
    case 'n': return length < NUMFMT_MAX ? send_number(sheet) : send_cell(sheet, text, length);
    default: return send_cell(sheet, text, length);
    }
}

bool sheet_cell(struct sheet *sheet, uint32_t column, uint32_t style, char kind, const char *text,
                size_t length)
{
    sheet->style = style;
    sheet->kind = kind;
    buf_reset(&sheet->value);
    return place_cell(sheet, column) && collect(sheet, &sheet->value, text, length) &&
           send_value(sheet);
}

/* FNV-1a; whether that literal was there lately, and remember it. */
static bool seen_before(struct sheet *sheet, const char *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    uint64_t *slot = &sheet->seen[(hash ^ hash >> 32) % SHEET_SEEN];
    bool seen = *slot == hash;
    *slot = hash;
    return seen;
}

/* The strings between quotes in a formula, quotes inside them doubled. */
static bool take_literals(struct sheet *sheet)
{
    const char *at = buf_text(&sheet->formula);
    while ((at = strchr(at, '"'))) {
        const char *start = ++at;
        while (*at && (*at != '"' || at[1] == '"'))
            at += *at == '"' ? 2 : 1;
        size_t length = (size_t)(at - start);
        if (length > 1 && !seen_before(sheet, start, length) &&
            (!collect(sheet, &sheet->literals, start, length) ||
             !collect(sheet, &sheet->literals, "\n", 1)))
            return false;
        if (*at)
            at++;
    }
    return true;
}

static bool send_literals(struct sheet *sheet)
{
    if (sheet->literals.length == 0)
        return true;
    emit_separate(sheet->emit, '\n');
    bool sent = emit_text(sheet->emit, sheet->literals.bytes, sheet->literals.length);
    buf_reset(&sheet->literals);
    return sent;
}

static bool end_cell(struct sheet *sheet)
{
    return send_value(sheet) && (sheet->formula.length == 0 || take_literals(sheet));
}

bool sheet_row_end(struct sheet *sheet)
{
    sheet->emit->pending = 0;
    if (sheet->filled > 0 && !emit_sign(sheet->emit, '\n'))
        return false;
    return sheet->literals.length < literals_bytes - literals_room || send_literals(sheet);
}

/* How much of a code after & in a page header is not text (ECMA-376 18.3.1.46): a font in
 * quotes, a size, a colour, or one letter. */
static size_t header_code(const char *at)
{
    if (*at == '"') {
        const char *close = strchr(at + 1, '"');
        return close ? (size_t)(close - at) + 1 : strlen(at);
    }
    if (*at >= '0' && *at <= '9')
        return strspn(at, "0123456789");
    if (*at == 'K')
        return 1 + (strlen(at) > 6 ? 6 : strlen(at) - 1);
    return *at ? 1 : 0;
}

static bool send_header(struct sheet *sheet)
{
    const char *at = buf_text(&sheet->value);
    for (emit_separate(sheet->emit, '\n'); *at;) {
        size_t plain = strcspn(at, "&");
        if (!emit_text(sheet->emit, at, plain))
            return false;
        at += plain;
        if (at[0] == '&' && at[1] == '&') {
            if (!emit_text(sheet->emit, "&", 1))
                return false;
            at += 2;
        } else if (*at == '&') {
            if (strchr("LCR", at[1]))
                emit_separate(sheet->emit, ' ');
            at += 1 + header_code(at + 1);
        }
    }
    emit_separate(sheet->emit, '\n');
    return true;
}

static bool is_page_header(const char *name)
{
    size_t length = strlen(name);
    return length > 6 &&
           (strcmp(name + length - 6, "Header") == 0 || strcmp(name + length - 6, "Footer") == 0) &&
           strcmp(name, "headerFooter") != 0;
}

static bool start_outside(struct sheet *sheet, const struct xml_element *element)
{
    if (strcmp(element->name, "sheetData") == 0) {
        sheet->depth = 1;
        emit_separate(sheet->emit, '\n');
    } else if (is_page_header(element->name)) {
        buf_reset(&sheet->value);
        sheet->collects = 'h';
    }
    return flow_start(sheet->flow, element);
}

bool sheet_start(struct sheet *sheet, const struct xml_element *element)
{
    const char *name = element->name;
    if (sheet->depth == 0)
        return start_outside(sheet, element);
    sheet->depth++;
    if (sheet->skip_depth)
        return true;
    bool letter = name[0] && !name[1];
    if (letter && sheet->depth == 3 && name[0] == 'c')
        return start_cell(sheet, element);
    if (letter && sheet->depth > 3 && (name[0] == 'v' || name[0] == 't' || name[0] == 'f'))
        sheet->collects = name[0] == 'f' ? 'f' : 'v';
    else if (sheet->depth == 2 && strcmp(name, "row") == 0)
        return start_row(sheet, element);
    else if (!letter && (strcmp(name, "rPh") == 0 || strcmp(name, "extLst") == 0))
        sheet->skip_depth = sheet->depth;
    return true;
}

bool sheet_end(struct sheet *sheet, const char *name)
{
    if (sheet->depth <= 1) {
        bool header = sheet->collects == 'h';
        sheet->depth = 0;
        sheet->collects = 0;
        return (!header || send_header(sheet)) && flow_end(sheet->flow);
    }
    uint32_t depth = sheet->depth--;
    sheet->collects = 0;
    if (sheet->skip_depth) {
        if (depth == sheet->skip_depth)
            sheet->skip_depth = 0;
        return true;
    }
    if (depth == 3 && name[0] == 'c' && !name[1])
        return end_cell(sheet);
    return depth != 2 || sheet_row_end(sheet);
}

bool sheet_text(struct sheet *sheet, const char *text, size_t length)
{
    if (sheet->skip_depth)
        return true;
    if (sheet->collects == 'f')
        return collect(sheet, &sheet->formula, text, length);
    if (sheet->collects)
        return collect(sheet, &sheet->value, text, length);
    return sheet->depth > 0 || flow_text(sheet->flow, text, length);
}

bool sheet_finish(struct sheet *sheet)
{
    return send_literals(sheet) && flow_finish(sheet->flow);
}
