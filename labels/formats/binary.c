#include "formats/binary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "zipdir.h"

enum {
    record_max = 1u << 20,
    text_max = 1u << 20,
    cell_bytes = 8, /* column, style: [MS-XLSB] 2.5.9 */
};

void binary_init(struct binary *binary, struct sheet *sheet)
{
    *binary = (struct binary){
        .sheet = sheet,
        .book = sheet->book,
        .emit = sheet->emit,
        .record = buf_new(record_max),
        .text = buf_new(text_max),
    };
}

void binary_fini(struct binary *binary)
{
    buf_fini(&binary->record);
    buf_fini(&binary->text);
}

void binary_begin(struct binary *binary)
{
    buf_reset(&binary->record);
    binary->in_header = true;
    binary->header_bytes = 0;
    binary->in_row = binary->in_styles = false;
}

/* One character of UTF-16; a half that stands alone becomes U+FFFD. How many units. */
static size_t decode_unit(const char *at, size_t units, uint32_t *character)
{
    uint32_t first = zipdir_u16(at);
    *character = first;
    if (first < 0xD800 || first > 0xDFFF)
        return 1;
    uint32_t second = units > 1 ? zipdir_u16(at + 2) : 0;
    bool pair = first < 0xDC00 && second >= 0xDC00 && second <= 0xDFFF;
    *character = pair ? 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00) : 0xFFFD;
    return pair ? 2 : 1;
}

/* XLWideString (2.5.168): a count and UTF-16 at `offset` of the record, into binary->text. */
static bool take_string(struct binary *binary, size_t offset)
{
    const struct buf *record = &binary->record;
    buf_reset(&binary->text);
    if (record->length < 4 || offset > record->length - 4)
        return true;
    size_t units = zipdir_u32(record->bytes + offset);
    const char *at = record->bytes + offset + 4;
    size_t there = (record->length - offset - 4) / 2;
    if (units > there) /* also the mark for "no string" */
        return true;
    while (units > 0) {
        uint32_t character;
        char encoded[4];
        size_t used = decode_unit(at, units, &character);
        size_t length = utf8_encode(character ? character : ' ', encoded);
        binary->no_memory = !buf_append(&binary->text, encoded, length);
        if (binary->no_memory)
            return false;
        at += used * 2;
        units -= used;
    }
    return true;
}

static uint32_t number_at(const struct binary *binary, size_t offset)
{
    const struct buf *record = &binary->record;
    return record->length >= offset + 4 ? zipdir_u32(record->bytes + offset) : 0;
}

static bool send_cell(struct binary *binary, char kind, const char *text, size_t length)
{
    uint32_t column = number_at(binary, 0), style = number_at(binary, 4) & 0xFFFFFF;
    return sheet_cell(binary->sheet, column < UINT32_MAX ? column + 1 : column, style, kind, text,
                      length);
}

static bool send_double(struct binary *binary, double number)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%.17g", number);
    return !isfinite(number) || send_cell(binary, 'n', text, (size_t)length);
}

/* RkNumber (2.5.122): a short integer or the upper half of a double, perhaps in hundredths. */
static bool on_rk(struct binary *binary)
{
    uint32_t rk = number_at(binary, cell_bytes);
    double number = (int32_t)rk >> 2;
    if (!(rk & 2)) {
        uint64_t bits = (uint64_t)(rk & ~3u) << 32;
        memcpy(&number, &bits, sizeof number);
    }
    return send_double(binary, rk & 1 ? number / 100 : number);
}

static bool on_real(struct binary *binary)
{
    double number = 0;
    if (binary->record.length >= cell_bytes + sizeof number)
        memcpy(&number, binary->record.bytes + cell_bytes, sizeof number);
    return send_double(binary, number);
}

static bool on_bool(struct binary *binary)
{
    bool set = binary->record.length > cell_bytes && binary->record.bytes[cell_bytes];
    return send_cell(binary, 'b', set ? "1" : "0", 1);
}

static bool on_error(struct binary *binary)
{
    return send_cell(binary, 'e', "#ERROR", 6);
}

static bool on_string(struct binary *binary)
{
    return take_string(binary, cell_bytes) &&
           send_cell(binary, 't', buf_text(&binary->text), binary->text.length);
}

/* RichStr (2.5.121): a byte of flags in front of the string. */
static bool on_rich_string(struct binary *binary)
{
    return take_string(binary, cell_bytes + 1) &&
           send_cell(binary, 't', buf_text(&binary->text), binary->text.length);
}

static bool on_shared(struct binary *binary)
{
    char digits[16];
    int length = snprintf(digits, sizeof digits, "%u", number_at(binary, cell_bytes));
    return send_cell(binary, 's', digits, (size_t)length);
}

static bool end_row(struct binary *binary)
{
    bool open = binary->in_row;
    binary->in_row = false;
    return !open || sheet_row_end(binary->sheet);
}

static bool on_row(struct binary *binary)
{
    if (!end_row(binary))
        return false;
    binary->in_row = true;
    uint32_t number = number_at(binary, 0);
    return sheet_row(binary->sheet, number < UINT32_MAX ? number + 1 : number);
}

static bool on_rows_end(struct binary *binary)
{
    return end_row(binary);
}

static bool on_shared_item(struct binary *binary)
{
    return take_string(binary, 1) && book_add_string(binary->book, buf_text(&binary->text),
                                                     binary->text.length, binary->emit);
}

static bool on_format(struct binary *binary)
{
    return take_string(binary, 2) && book_add_format(binary->book, number_at(binary, 0) & 0xFFFF,
                                                     buf_text(&binary->text), binary->text.length);
}

static bool on_style(struct binary *binary)
{
    return !binary->in_styles || book_add_style(binary->book, number_at(binary, 0) >> 16);
}

static bool on_styles_begin(struct binary *binary)
{
    binary->in_styles = true;
    return true;
}

static bool on_styles_end(struct binary *binary)
{
    binary->in_styles = false;
    return book_styles_finish(binary->book);
}

static bool send_line(struct binary *binary)
{
    emit_separate(binary->emit, '\n');
    return emit_text(binary->emit, buf_text(&binary->text), binary->text.length);
}

/* BrtBundleSh (2.4.313): state, number, relationship, name. */
static bool on_sheet(struct binary *binary)
{
    if (!take_string(binary, 8))
        return false;
    size_t name = 12 + (size_t)2 * number_at(binary, 8);
    if (binary->mention && !binary->mention(binary->context, buf_text(&binary->text)))
        return false;
    return take_string(binary, name) && send_line(binary);
}

static bool on_workbook(struct binary *binary)
{
    binary->book->since_1904 = number_at(binary, 0) & 1;
    return true;
}

static bool on_comment(struct binary *binary)
{
    return take_string(binary, 1) && send_line(binary);
}

static bool on_author(struct binary *binary)
{
    return take_string(binary, 0) && send_line(binary);
}

/* [MS-XLSB] 2.3.2. */
static const struct {
    uint32_t id;
    bool (*read)(struct binary *binary);
} records[] = {
    {0, on_row},            /* BrtRowHdr */
    {2, on_rk},             /* BrtCellRk */
    {3, on_error},          /* BrtCellError */
    {4, on_bool},           /* BrtCellBool */
    {5, on_real},           /* BrtCellReal */
    {6, on_string},         /* BrtCellSt */
    {7, on_shared},         /* BrtCellIsst */
    {8, on_string},         /* BrtFmlaString */
    {9, on_real},           /* BrtFmlaNum */
    {10, on_bool},          /* BrtFmlaBool */
    {11, on_error},         /* BrtFmlaError */
    {19, on_shared_item},   /* BrtSSTItem */
    {44, on_format},        /* BrtFmt */
    {47, on_style},         /* BrtXF */
    {62, on_rich_string},   /* BrtCellRString */
    {146, on_rows_end},     /* BrtEndSheetData */
    {153, on_workbook},     /* BrtWbProp */
    {156, on_sheet},        /* BrtBundleSh */
    {617, on_styles_begin}, /* BrtBeginCellXFs */
    {618, on_styles_end},   /* BrtEndCellXFs */
    {632, on_author},       /* BrtCommentAuthor */
    {637, on_comment},      /* BrtCommentText */
};

static bool finish_record(struct binary *binary)
{
    binary->in_header = true;
    binary->header_bytes = 0;
    bool more = true;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        if (records[i].id == binary->id)
            more = records[i].read(binary);
    buf_reset(&binary->record);
    return more;
}

/* The next byte of a header: one or two of the id, one to four of the size, seven bits each, the
 * lowest first. True when the header is complete. */
static bool take_header(struct binary *binary, unsigned char byte)
{
    if (binary->header_bytes == 0) {
        binary->id = byte;
        binary->size = 0;
        binary->id_bytes = byte & 0x80 ? 0 : 1;
        binary->header_bytes = 1;
        return false;
    }
    if (binary->id_bytes == 0) {
        binary->id = (binary->id & 0x7F) | (uint32_t)(byte & 0x7F) << 7;
        binary->id_bytes = 2;
        binary->header_bytes = 2;
        return false;
    }
    unsigned place = binary->header_bytes++ - binary->id_bytes;
    binary->size |= (uint32_t)(byte & 0x7F) << (7 * place);
    return place == 3 || !(byte & 0x80);
}

bool binary_bytes(struct binary *binary, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        if (binary->in_header) {
            binary->in_header = !take_header(binary, (unsigned char)bytes[at++]);
            if (!binary->in_header && binary->size == 0 && !finish_record(binary))
                return false;
            continue;
        }
        size_t now = length - at < binary->size ? length - at : binary->size;
        size_t room = record_max - binary->record.length;
        binary->cut |= now > room;
        binary->no_memory = !buf_append(&binary->record, bytes + at, now < room ? now : room);
        if (binary->no_memory)
            return false;
        at += now;
        binary->size -= (uint32_t)now;
        if (binary->size == 0 && !finish_record(binary))
            return false;
    }
    return true;
}

bool binary_finish(struct binary *binary)
{
    return end_row(binary);
}
