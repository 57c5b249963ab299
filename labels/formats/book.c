#include "formats/book.h"

#include <stdlib.h>
#include <string.h>

enum {
    formats_bytes = 1u << 20,
    codes_bytes = 4u << 20,
    code_bytes = 1024,
    string_bytes = 1u << 20, /* a cell holds 32,767 characters at most */
};

void book_init(struct book *book, const struct limits *limits, uint32_t depth)
{
    uint64_t share = depth < 16 ? limits->parse_memory_bytes >> (2 * (depth + 1)) : 0;
    *book = (struct book){
        .strings = strings_new(share < 1u << 30 ? (size_t)share : 1u << 30),
        .codes = arena_new(codes_bytes),
        .custom = buf_new(formats_bytes),
        .styles = buf_new(formats_bytes),
        .shown = buf_new(formats_bytes / sizeof(uint32_t) * sizeof(struct numfmt)),
        .string = buf_new(string_bytes),
    };
}

void book_fini(struct book *book)
{
    strings_fini(&book->strings);
    arena_fini(&book->codes);
    buf_fini(&book->custom);
    buf_fini(&book->styles);
    buf_fini(&book->shown);
    buf_fini(&book->string);
}

bool book_strings_start(struct book *book, const struct xml_element *element)
{
    if (strcmp(element->name, "t") == 0)
        book->collects = true;
    else if (strcmp(element->name, "rPh") == 0)
        book->skips = true;
    else if (strcmp(element->name, "si") == 0)
        buf_reset(&book->string);
    return true;
}

bool book_add_string(struct book *book, const char *text, size_t length, struct emit *emit)
{
    if (strings_add(&book->strings, text, length))
        return true;
    if (!book->strings.full) {
        book->no_memory = true;
        return false;
    }
    emit_separate(emit, '\n');
    return emit_cell(emit, text, length);
}

bool book_strings_end(struct book *book, const char *name, struct emit *emit)
{
    if (strcmp(name, "t") == 0)
        book->collects = false;
    else if (strcmp(name, "rPh") == 0)
        book->skips = false;
    else if (strcmp(name, "si") == 0)
        return book_add_string(book, buf_text(&book->string), book->string.length, emit);
    return true;
}

bool book_strings_text(struct book *book, const char *text, size_t length)
{
    if (!book->collects || book->skips)
        return true;
    if (length > book->string.max - book->string.length) {
        book->string_cut = true;
        return true;
    }
    book->no_memory = !buf_append(&book->string, text, length);
    return !book->no_memory;
}

static uint32_t number_of(const struct xml_element *element, const char *name)
{
    const struct xml_attribute *attribute = xml_find(element, name, NULL);
    uint32_t number = 0;
    if (!attribute || attribute->end - attribute->value > 9)
        return 0;
    for (const char *at = attribute->value; at < attribute->end; at++) {
        if (*at < '0' || *at > '9')
            return 0;
        number = number * 10 + (uint32_t)(*at - '0');
    }
    return number;
}

bool book_add_format(struct book *book, uint32_t id, const char *code, size_t length)
{
    struct book_format format = {.id = id};
    if (length == 0 || length > code_bytes || book->codes.used_bytes + length + 64 > codes_bytes ||
        book->custom.length + sizeof format > formats_bytes)
        return true;
    format.code = arena_strndup(&book->codes, code, length);
    book->no_memory = !format.code || !buf_append(&book->custom, &format, sizeof format);
    return !book->no_memory;
}

bool book_add_style(struct book *book, uint32_t id)
{
    if (book->styles.length + sizeof id > formats_bytes)
        return true;
    book->no_memory = !buf_append(&book->styles, &id, sizeof id);
    return !book->no_memory;
}

static bool add_custom(struct book *book, const struct xml_element *element)
{
    const struct xml_attribute *code = xml_find(element, "formatCode", NULL);
    return !code || book_add_format(book, number_of(element, "numFmtId"), code->value,
                                    (size_t)(code->end - code->value));
}

bool book_styles_start(struct book *book, const struct xml_element *element)
{
    if (strcmp(element->name, "numFmt") == 0)
        return add_custom(book, element);
    if (strcmp(element->name, "cellXfs") == 0)
        book->in_styles = true;
    if (!book->in_styles || strcmp(element->name, "xf") != 0)
        return true;
    return book_add_style(book, number_of(element, "numFmtId"));
}

void book_styles_end(struct book *book, const char *name)
{
    if (strcmp(name, "cellXfs") == 0)
        book->in_styles = false;
}

static int by_id(const void *a, const void *b)
{
    const struct book_format *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static size_t custom_count(const struct book *book)
{
    return book->custom.length / sizeof(struct book_format);
}

static struct numfmt format_of_id(const struct book *book, uint32_t id)
{
    const struct book_format wanted = {.id = id};
    const struct book_format *custom = NULL;
    if (book->custom.length > 0)
        custom = bsearch(&wanted, book->custom.bytes, custom_count(book), sizeof wanted, by_id);
    return custom ? numfmt_of_code(custom->code) : numfmt_of_id(id);
}

bool book_styles_finish(struct book *book)
{
    uint32_t id;
    if (book->custom.length > 0)
        qsort(book->custom.bytes, custom_count(book), sizeof(struct book_format), by_id);
    buf_reset(&book->shown);
    for (size_t at = 0; at + sizeof id <= book->styles.length; at += sizeof id) {
        memcpy(&id, book->styles.bytes + at, sizeof id);
        const struct numfmt shown = format_of_id(book, id);
        book->no_memory |= !buf_append(&book->shown, &shown, sizeof shown);
    }
    return !book->no_memory;
}

struct numfmt book_format_of(const struct book *book, uint32_t style)
{
    struct numfmt shown;
    if (style >= book->shown.length / sizeof shown)
        return numfmt_of_id(0);
    memcpy(&shown, book->shown.bytes + style * sizeof shown, sizeof shown);
    return shown;
}

bool book_send_unused(const struct book *book, struct emit *emit)
{
    for (size_t i = 0; i < strings_count(&book->strings); i++) {
        const char *text;
        size_t length;
        if (strings_used(&book->strings, i) ||
            !strings_get((struct strings *)&book->strings, i, false, &text, &length))
            continue;
        emit_separate(emit, '\n');
        if (!emit_cell(emit, text, length))
            return false;
    }
    return true;
}
