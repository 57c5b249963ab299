#include "anchor.h"

#include <stdlib.h>
#include <string.h>

enum { least_literal = 3, most_left = 256, least_run = 20, most_run = 64 };

/* A set of bytes. */
struct bytes {
    uint64_t bits[4];
};

static void add_byte(struct bytes *set, unsigned byte)
{
    set->bits[byte / 64] |= 1ull << (byte % 64);
}

static bool has_byte(const struct bytes *set, unsigned byte)
{
    return set->bits[byte / 64] >> (byte % 64) & 1;
}

static bool is_word(unsigned c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* \d, \w and \s; false for any other letter. */
static bool add_escape(struct bytes *set, char letter)
{
    if (!letter || !strchr("dws", letter))
        return false;
    for (unsigned c = 0; c < 128; c++)
        if ((letter == 'd' && c >= '0' && c <= '9') || (letter == 'w' && is_word(c)) ||
            (letter == 's' && strchr("\t\n\v\f\r ", (int)c) && c))
            add_byte(set, c);
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One literal character, escaped or not. NULL: something else stands there. */
static const char *read_character(const char *at, unsigned *byte)
{
    if (!*at)
        return NULL;
    if (*at != '\\') {
        *byte = (unsigned char)*at;
        return at + 1;
    }
    if (at[1] == 'x' && hex_digit(at[2]) >= 0 && hex_digit(at[3]) >= 0) {
        *byte = (unsigned)(hex_digit(at[2]) * 16 + hex_digit(at[3]));
        return at + 4;
    }
    if (!at[1] || is_word((unsigned char)at[1]))
        return NULL;
    *byte = (unsigned char)at[1];
    return at + 2;
}

/* `[...]`, not negated. NULL: not one that is understood here. */
static const char *read_class(const char *at, struct bytes *set)
{
    *set = (struct bytes){0};
    if (*at != '[' || at[1] == '^' || at[1] == ']')
        return NULL;
    for (at++; *at && *at != ']';) {
        unsigned from, to;
        if (at[0] == '[' && at[1] == ':')
            return NULL;
        if (*at == '\\' && add_escape(set, at[1])) {
            at += 2;
            continue;
        }
        at = read_character(at, &from);
        if (!at)
            return NULL;
        to = from;
        if (at[0] == '-' && at[1] && at[1] != ']') {
            at = read_character(at + 1, &to);
            if (!at)
                return NULL;
        }
        for (unsigned c = from; c <= to; c++)
            add_byte(set, c);
    }
    return *at == ']' ? at + 1 : NULL;
}

/* A class or \w, \d in front of the literal. */
static const char *read_left(const char *at, struct bytes *set)
{
    *set = (struct bytes){0};
    if (*at == '\\' && add_escape(set, at[1]))
        return at + 2;
    return read_class(at, set);
}

static bool is_repeat(char c)
{
    return c == '?' || c == '*' || c == '+' || c == '{';
}

/* How often a repeat allows at least and at most. NULL when it is broken. Possessive and lazy signs
 * are skipped. */
static const char *read_repeats(const char *at, uint32_t *least, uint32_t *most)
{
    *least = *most = 1;
    if (!is_repeat(*at))
        return at;
    char sign = *at++;
    *least = sign == '+';
    if (sign == '*' || sign == '+')
        *most = most_left;
    if (sign == '{') {
        char *end;
        unsigned long low = strtoul(at, &end, 10), value = low;
        if (*end == ',')
            value = end[1] == '}' ? most_left : strtoul(end + 1, &end, 10);
        at = strchr(end, '}');
        if (!at)
            return NULL;
        at++;
        *least = low > most_left ? most_left : (uint32_t)low;
        *most = value > most_left ? most_left : (uint32_t)value;
    }
    return *at == '?' || *at == '+' ? at + 1 : at;
}

static const char *read_repeat(const char *at, uint32_t *most)
{
    uint32_t least;
    return read_repeats(at, &least, most);
}

static bool put(struct anchor *anchor, size_t index, unsigned byte)
{
    if (anchor->literals[index].length == anchor_most_length)
        return false;
    anchor->literals[index].bytes[anchor->literals[index].length++] = (char)byte;
    return true;
}

static bool put_all(struct anchor *anchor, unsigned byte)
{
    for (size_t i = 0; i < anchor->count; i++)
        if (!put(anchor, i, byte))
            return false;
    return true;
}

/* Every literal so far, followed by every one of `tails`. False: too many or too long. */
static bool multiply(struct anchor *anchor, const struct anchor *tails)
{
    struct anchor before = *anchor;
    if (!tails->count || before.count * tails->count > anchor_most_literals)
        return false;
    anchor->count = 0;
    for (size_t i = 0; i < before.count; i++)
        for (size_t k = 0; k < tails->count; k++) {
            size_t n = anchor->count++;
            anchor->literals[n] = before.literals[i];
            for (size_t b = 0; b < tails->literals[k].length; b++)
                if (!put(anchor, n, (unsigned char)tails->literals[k].bytes[b]))
                    return false;
        }
    return true;
}

/* `(a|b|c)` of plain texts. */
static const char *read_choices(const char *at, struct anchor *tails)
{
    *tails = (struct anchor){.count = 1};
    at++;
    if (at[0] == '?' && at[1] == ':')
        at += 2;
    for (; *at && *at != ')';) {
        unsigned byte;
        if (*at == '|') {
            if (!tails->literals[tails->count - 1].length || tails->count == anchor_most_literals)
                return NULL;
            tails->count++;
            at++;
            continue;
        }
        if (strchr("([.^$?*+{", *at) || !(at = read_character(at, &byte)) || is_repeat(*at) ||
            !put(tails, tails->count - 1, byte))
            return NULL;
    }
    return *at == ')' && tails->literals[tails->count - 1].length ? at + 1 : NULL;
}

static const char *read_small_class(const char *at, struct anchor *tails)
{
    struct bytes set;
    at = read_class(at, &set);
    *tails = (struct anchor){0};
    for (unsigned c = 0; at && c < 256; c++) {
        if (!has_byte(&set, c))
            continue;
        if (tails->count == 8)
            return NULL;
        put(tails, tails->count++, c);
    }
    return at;
}

/* As much fixed text as stands here. */
static void read_literals(const char *at, struct anchor *anchor)
{
    anchor->count = 1;
    while (*at) {
        struct anchor tails = {0};
        const char *next = NULL;
        if (*at == '(')
            next = read_choices(at, &tails);
        else if (*at == '[')
            next = read_small_class(at, &tails);
        else if (!strchr(".^$?*+{|)", *at)) {
            unsigned byte;
            next = read_character(at, &byte);
            if (next && !is_repeat(*next)) {
                if (!put_all(anchor, byte))
                    return;
                at = next;
                continue;
            }
            return;
        }
        struct anchor before = *anchor;
        if (!next || is_repeat(*next) || !multiply(anchor, &tails)) {
            *anchor = before;
            return;
        }
        at = next;
    }
}

/* `|` outside brackets: a match need not begin with what stands first. */
static bool has_open_choice(const char *at)
{
    unsigned depth = 0;
    for (bool in_class = false; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (in_class)
            in_class = *at != ']';
        else if (*at == '[')
            in_class = true;
        else if (*at == '(')
            depth++;
        else if (*at == ')')
            depth -= depth > 0;
        else if (*at == '|' && depth == 0)
            return true;
    }
    return false;
}

/* Classes with repeats in front of the literal ("[a-z][a-z0-9+.-]{1,20}" of a URL). */
static const char *read_lefts(const char *at, struct anchor *anchor)
{
    for (;;) {
        struct bytes set;
        uint32_t most;
        const char *next = read_left(at, &set);
        if (next)
            next = read_repeat(next, &most);
        if (!next)
            return at;
        anchor->left_most += most;
        for (size_t i = 0; i < 4; i++)
            anchor->left[i] |= set.bits[i];
        at = next;
    }
}

/* A class or a character. */
static const char *read_one(const char *at, struct bytes *set)
{
    unsigned byte;
    const char *next = read_left(at, set);
    if (next || (*at && strchr(".^$?*+{|()[", *at)))
        return next;
    next = read_character(at, &byte);
    if (next)
        add_byte(set, byte);
    return next;
}

/* Whether all are letters and digits, but for one byte that stays the same. */
static bool in_run(const struct bytes *set, char *extra)
{
    for (unsigned c = 0; c < 256; c++) {
        if (!has_byte(set, c) || (is_word(c) && c != '_'))
            continue;
        if (!c || (*extra && (unsigned char)*extra != c))
            return false;
        *extra = (char)c;
    }
    return true;
}

/* How many letters and digits a match begins with at least, all in one run. */
static void read_run(const char *at, struct anchor *anchor)
{
    uint32_t run = 0;
    bool fixed = true;
    while (run < most_run) {
        struct bytes set;
        uint32_t least, most;
        char extra = anchor->extra;
        at = read_one(at, &set);
        if (!at || !in_run(&set, &extra) || !(at = read_repeats(at, &least, &most)) || !least)
            break;
        anchor->extra = extra;
        for (uint32_t i = 0; fixed && i < least && anchor->head_count < anchor_most_head; i++)
            memcpy(anchor->head[anchor->head_count++], set.bits, sizeof set.bits);
        fixed = fixed && least == most;
        run += least;
    }
    anchor->run = run < least_run ? 0 : run < most_run ? run : most_run;
}

static bool long_enough(const struct anchor *anchor, size_t least)
{
    for (size_t i = 0; i < anchor->count; i++)
        if (anchor->literals[i].length < least)
            return false;
    return true;
}

void anchor_find(const char *expression, struct anchor *anchor)
{
    const char *at = expression;
    *anchor = (struct anchor){0};
    if (has_open_choice(at))
        return;
    if (strncmp(at, "(?i)", 4) == 0) {
        anchor->caseless = true;
        at += 4;
    }
    if (strncmp(at, "\\b", 2) == 0) {
        anchor->boundary = true;
        at += 2;
    }
    read_literals(at, anchor);
    if (long_enough(anchor, least_literal))
        return;
    const struct anchor none = {.caseless = anchor->caseless, .boundary = anchor->boundary};
    const char *start = at;
    *anchor = none;
    at = read_lefts(at, anchor);
    if (anchor->left_most && anchor->left_most <= 2 * most_left) {
        read_literals(at, anchor);
        if (long_enough(anchor, 1) && anchor->literals[0].length &&
            !has_byte((const struct bytes *)anchor->left,
                      (unsigned char)anchor->literals[0].bytes[0]))
            return;
    }
    *anchor = none;
    read_run(start, anchor);
}

/* One element with its repeat, skipped as a whole. NULL at the end or at something unknown. */
static const char *skip_element(const char *at)
{
    unsigned depth = 0;
    bool in_class = false;
    do {
        if (!*at)
            return NULL;
        if (*at == '\\' && at[1])
            at++;
        else if (in_class)
            in_class = *at != ']';
        else if (*at == '[')
            in_class = true;
        else if (*at == '(')
            depth++;
        else if (*at == ')')
            depth -= depth > 0;
        at++;
    } while (depth || in_class);
    return at;
}

size_t anchor_prefix(const char *expression)
{
    enum { large = 16 };
    const char *at = expression;
    if (has_open_choice(at))
        return 0;
    while (*at) {
        uint32_t most;
        const char *end = skip_element(at);
        const char *next = end ? read_repeat(end, &most) : NULL;
        if (!next)
            return 0;
        if (most > large)
            return (size_t)(at - expression);
        at = next;
    }
    return 0;
}
