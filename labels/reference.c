#include "reference.h"

#include <stdint.h>
#include <string.h>

#include <libxml/HTMLparser.h>

#include "base/utf8.h"

/* XML 1.0 4.6 first, then signs of HTML 5 that occur inside numbers and addresses. */
static const struct {
    const char *name;
    uint32_t character;
    bool html_only;
} names[] = {
    {"amp", '&', false},   {"lt", '<', false},       {"gt", '>', false},
    {"quot", '"', false},  {"apos", '\'', false},    {"nbsp", 0xa0, true},
    {"period", '.', true}, {"comma", ',', true},     {"colon", ':', true},
    {"semi", ';', true},   {"sol", '/', true},       {"bsol", '\\', true},
    {"commat", '@', true}, {"lowbar", '_', true},    {"num", '#', true},
    {"plus", '+', true},   {"equals", '=', true},    {"lpar", '(', true},
    {"rpar", ')', true},   {"hyphen", 0x2010, true}, {"dash", 0x2010, true},
    {"percnt", '%', true}, {"dollar", '$', true},    {"ast", '*', true},
    {"excl", '!', true},   {"quest", '?', true},     {"lsqb", '[', true},
    {"rsqb", ']', true},   {"lcub", '{', true},      {"rcub", '}', true},
    {"vert", '|', true},   {"grave", '`', true},     {"Hat", '^', true},
    {"Tab", '\t', true},   {"NewLine", '\n', true},
};

/* The number behind "#" or "#x"; false when it is none. */
static bool read_number(const char *text, size_t length, uint32_t *number)
{
    uint32_t base = 10;
    if (length > 0 && (*text | 0x20) == 'x') {
        base = 16;
        text++;
        length--;
    }
    *number = 0;
    if (length == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
                         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                             ? (uint32_t)((c | 0x20) - 'a' + 10)
                             : 99;
        if (digit >= base || *number > 0x10ffff)
            return false;
        *number = *number * base + digit;
    }
    return true;
}

static bool find_name(const char *name, size_t length, bool html, uint32_t *character)
{
    char ended[16];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == length && memcmp(names[i].name, name, length) == 0 &&
            (html || !names[i].html_only)) {
            *character = names[i].character;
            return true;
        }
    if (!html || length >= sizeof ended)
        return false;
    memcpy(ended, name, length);
    ended[length] = '\0';
    const htmlEntityDesc *row = htmlEntityLookup((const xmlChar *)ended);
    if (row)
        *character = row->value;
    return row != NULL;
}

/* Soft hyphen, zero-width space, non-joiner, joiner, word joiner. */
static bool is_invisible(uint32_t c)
{
    return c == 0xad || (c >= 0x200b && c <= 0x200d) || c == 0x2060 || c == 0xfeff;
}

bool reference_decode(const char *name, size_t length, bool html, char out[static 4],
                      size_t *written)
{
    uint32_t character;
    bool found = length > 0 && *name == '#' ? read_number(name + 1, length - 1, &character)
                                            : find_name(name, length, html, &character);
    if (!found || character == 0)
        return false;
    if (character == 0xa0)
        character = ' ';
    *written = is_invisible(character) ? 0 : utf8_encode(character, out);
    return *written > 0 || is_invisible(character);
}
