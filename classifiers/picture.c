#include "picture.h"

#include <string.h>

#include "base/utf8.h"
#include "tokens.h"

/* One place or one separator. */
struct item {
    struct picture_set set;
    bool mark, optional, alike;
};

/* One way to write the picture. */
struct strand {
    struct item *items;
    size_t count;
};

struct strands {
    struct strand *list;
    size_t count;
};

struct reading {
    const char *text, *at;
    bool exact;
    unsigned depth;
    struct arena *arena;
    struct err *err;
};

enum { most_items = 160, most_repeat = 64, most_depth = 8 };

static bool fail(struct reading *reading, const char *what)
{
    return err_set(reading->err, ERR_CONFIG, "%s, at character %zu of '%.80s'", what,
                   (size_t)(reading->at - reading->text) + 1, reading->text);
}

static bool out_of_memory(struct reading *reading)
{
    return err_set(reading->err, ERR_MEMORY, "out of memory");
}

static void set_add(struct picture_set *set, unsigned character)
{
    set->bits[character / 64] |= 1ull << (character % 64);
}

static void set_range(struct picture_set *set, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to; c++)
        set_add(set, c);
}

/* Latin-1 letters differ in case by 32, save sharp s and y with diaeresis. */
static void set_letter(struct picture_set *set, unsigned character, bool exact)
{
    bool upper = (character >= 'A' && character <= 'Z') || (character >= 0xc0 && character <= 0xde);
    bool lower = (character >= 'a' && character <= 'z') || (character >= 0xe0 && character <= 0xfe);
    set_add(set, character);
    if (!exact && upper)
        set_add(set, character + 32);
    if (!exact && lower)
        set_add(set, character - 32);
}

static bool is_place(unsigned character)
{
    return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
           (character >= 'a' && character <= 'z') || character == '&' || character >= 0xc0;
}

/* The next character, as a place or a plain separator. False at the end or outside Latin-1. */
static bool take(struct reading *reading, unsigned *character)
{
    struct tokens_char c;
    size_t left = strlen(reading->at);
    if (!left)
        return fail(reading, "the picture ends too early");
    tokens_decode(reading->at, left, &c);
    if (c.kind == TOKENS_OTHER && c.code == 0)
        return fail(reading, "a picture knows Latin letters, digits and separators only");
    *character = c.code;
    reading->at += c.width;
    return true;
}

static bool set_member(struct reading *reading, unsigned *character)
{
    if (*reading->at == '\\')
        reading->at++;
    return take(reading, character);
}

static bool read_set(struct reading *reading, struct item *item)
{
    bool places = false, marks = false;
    while (*reading->at && *reading->at != ']') {
        unsigned from, to;
        if (!set_member(reading, &from))
            return false;
        to = from;
        if (reading->at[0] == '-' && reading->at[1] && reading->at[1] != ']' && is_place(from)) {
            reading->at++;
            if (!set_member(reading, &to))
                return false;
        }
        if (to < from)
            return fail(reading, "a range in [ ] runs backwards");
        for (unsigned c = from; c <= to; c++)
            set_letter(&item->set, c, reading->exact);
        places = places || is_place(from);
        marks = marks || !is_place(from);
    }
    if (*reading->at != ']')
        return fail(reading, "a [ is not closed");
    reading->at++;
    if (places == marks)
        return fail(reading, places ? "a [ ] holds either letters and digits or separators"
                                    : "a [ ] is empty");
    item->mark = marks;
    return true;
}

static void set_of_letter(struct item *item, char letter)
{
    if (letter != 'A')
        set_range(&item->set, '0', '9');
    if (letter == '9')
        return;
    set_range(&item->set, 'A', 'Z');
    set_range(&item->set, 'a', 'z');
}

/* `A` and `X` of an exact picture are upper case. */
static void only_upper(struct item *item)
{
    item->set.bits[1] &= ~(((1ull << 26) - 1) << ('a' - 64));
}

static bool read_single(struct reading *reading, struct item *item)
{
    char first = *reading->at;
    if (first == '[') {
        reading->at++;
        return read_set(reading, item);
    }
    if (first == '9' || first == 'A' || first == 'X') {
        set_of_letter(item, first);
        if (reading->exact)
            only_upper(item);
        reading->at++;
        return true;
    }
    if (first == '_') {
        static const char alike[] = " -./";
        for (const char *c = alike; *c; c++)
            set_add(&item->set, (unsigned char)*c);
        item->mark = item->optional = item->alike = true;
        reading->at++;
        return true;
    }
    unsigned character;
    if (first == '\\')
        reading->at++;
    if (!take(reading, &character))
        return false;
    item->mark = !is_place(character);
    set_letter(&item->set, character, reading->exact || item->mark);
    return true;
}

static bool empty_strands(struct reading *reading, struct strands *out)
{
    out->list = arena_alloc(reading->arena, 1, sizeof *out->list);
    out->count = 1;
    return out->list || out_of_memory(reading);
}

static bool join(struct reading *reading, const struct strand *a, const struct strand *b,
                 struct strand *out)
{
    out->count = a->count + b->count;
    if (out->count > most_items)
        return fail(reading, "the picture is too long (at most 64 letters and digits)");
    out->items = arena_alloc(reading->arena, out->count, sizeof *out->items);
    if (!out->items)
        return out_of_memory(reading);
    if (a->count)
        memcpy(out->items, a->items, a->count * sizeof *a->items);
    if (b->count)
        memcpy(out->items + a->count, b->items, b->count * sizeof *b->items);
    return true;
}

static bool too_many(struct reading *reading, size_t count)
{
    if (count <= picture_most_templates)
        return false;
    fail(reading, "the picture has more than 256 forms (alternatives times lengths)");
    return true;
}

/* Every strand of `a` followed by every strand of `b`. */
static bool product(struct reading *reading, const struct strands *a, const struct strands *b,
                    struct strands *out)
{
    if (too_many(reading, a->count * b->count))
        return false;
    struct strand *list = arena_alloc(reading->arena, a->count * b->count, sizeof *list);
    if (!list)
        return out_of_memory(reading);
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (!join(reading, &a->list[i], &b->list[j], &list[count++]))
                return false;
    *out = (struct strands){list, count};
    return true;
}

static bool unite(struct reading *reading, struct strands *all, const struct strands *more)
{
    size_t count = all->count + more->count;
    if (too_many(reading, count))
        return false;
    struct strand *list = arena_alloc(reading->arena, count, sizeof *list);
    if (!list)
        return out_of_memory(reading);
    if (all->count)
        memcpy(list, all->list, all->count * sizeof *list);
    memcpy(list + all->count, more->list, more->count * sizeof *list);
    *all = (struct strands){list, count};
    return true;
}

static bool read_alternatives(struct reading *reading, struct strands *out);

static bool read_atom(struct reading *reading, struct strands *out)
{
    if (*reading->at == '(') {
        reading->at++;
        if (++reading->depth > most_depth)
            return fail(reading, "brackets are nested too deep");
        if (!read_alternatives(reading, out))
            return false;
        reading->depth--;
        if (*reading->at != ')')
            return fail(reading, "a ( is not closed");
        reading->at++;
        return true;
    }
    if (!empty_strands(reading, out))
        return false;
    out->list->items = arena_alloc(reading->arena, 1, sizeof *out->list->items);
    if (!out->list->items)
        return out_of_memory(reading);
    out->list->count = 1;
    return read_single(reading, out->list->items);
}

static bool read_count(struct reading *reading, unsigned *count)
{
    if (*reading->at < '0' || *reading->at > '9')
        return fail(reading, "a number belongs here, as in {2} or {2,5}");
    for (*count = 0; *reading->at >= '0' && *reading->at <= '9'; reading->at++) {
        *count = *count * 10 + (unsigned)(*reading->at - '0');
        if (*count > most_repeat)
            return fail(reading, "a repeat is at most 64");
    }
    return true;
}

static bool read_braces(struct reading *reading, unsigned *least, unsigned *most)
{
    reading->at++;
    if (!read_count(reading, least))
        return false;
    *most = *least;
    if (*reading->at == ',') {
        reading->at++;
        if (!read_count(reading, most))
            return false;
    }
    if (*reading->at != '}')
        return fail(reading, "a { is not closed");
    reading->at++;
    return *most >= *least || fail(reading, "the second number of { } is smaller than the first");
}

static bool repeat(struct reading *reading, const struct strands *once, unsigned least,
                   unsigned most, struct strands *out)
{
    struct strands power;
    *out = (struct strands){0};
    if (!empty_strands(reading, &power))
        return false;
    for (unsigned i = 0; i <= most; i++) {
        if (i >= least && !unite(reading, out, &power))
            return false;
        if (i < most && !product(reading, &power, once, &power))
            return false;
    }
    return true;
}

static bool read_repeat(struct reading *reading, struct strands *out)
{
    struct strands once;
    unsigned least = 1, most = 1;
    if (!read_atom(reading, &once))
        return false;
    if (*reading->at == '{') {
        if (!read_braces(reading, &least, &most))
            return false;
    } else if (*reading->at == '?') {
        reading->at++;
        least = 0;
    }
    bool mark = once.count == 1 && once.list->count == 1 && once.list->items->mark;
    if (mark && least == 0 && most == 1) { /* an optional separator costs no template */
        once.list->items->optional = true;
        least = 1;
    }
    if (least == 1 && most == 1) {
        *out = once;
        return true;
    }
    return repeat(reading, &once, least, most, out);
}

static bool read_sequence(struct reading *reading, struct strands *out)
{
    if (!empty_strands(reading, out))
        return false;
    while (*reading->at && *reading->at != '|' && *reading->at != ')') {
        struct strands next;
        if (!read_repeat(reading, &next) || !product(reading, out, &next, out))
            return false;
    }
    return true;
}

static bool read_alternatives(struct reading *reading, struct strands *out)
{
    *out = (struct strands){0};
    for (;;) {
        struct strands one;
        if (!read_sequence(reading, &one) || !unite(reading, out, &one))
            return false;
        if (*reading->at != '|')
            return true;
        reading->at++;
    }
}

static bool add_item(struct reading *reading, struct picture_template *template,
                     const struct item *item)
{
    struct picture_gap *gap = &template->gaps[template->length];
    if (!item->mark) {
        if (template->length == picture_most_places)
            return fail(reading, "the picture is too long (at most 64 letters and digits)");
        template->places[template->length++] = item->set;
        return true;
    }
    if (gap->count == picture_most_marks)
        return fail(reading, "more than 4 separators stand side by side");
    gap->marks[gap->count++] = (struct picture_mark){item->set, item->optional, item->alike};
    template->must_separate = template->must_separate || !item->optional;
    return true;
}

static bool make_template(struct reading *reading, const struct strand *strand,
                          struct picture_template *template)
{
    size_t places = 0;
    for (size_t i = 0; i < strand->count; i++)
        places += !strand->items[i].mark;
    template->places = arena_alloc(reading->arena, places, sizeof *template->places);
    template->gaps = arena_alloc(reading->arena, places + 1, sizeof *template->gaps);
    if (!template->places || !template->gaps)
        return out_of_memory(reading);
    for (size_t i = 0; i < strand->count; i++)
        if (!add_item(reading, template, &strand->items[i]))
            return false;
    return template->length >= 2 || fail(reading, "a picture needs two letters or digits at least");
}

bool picture_read(const char *text, bool exact, struct arena *arena, struct picture *picture,
                  struct err *err)
{
    own_arena struct arena scratch = arena_new(16u << 20);
    struct reading reading = {text, text, exact, 0, &scratch, err};
    struct strands strands;
    if (!read_alternatives(&reading, &strands))
        return false;
    if (*reading.at)
        return fail(&reading, "a ) has no (");
    reading.arena = arena;
    picture->count = strands.count;
    picture->templates = arena_alloc(arena, strands.count, sizeof *picture->templates);
    if (!picture->templates)
        return out_of_memory(&reading);
    for (size_t i = 0; i < strands.count; i++)
        if (!make_template(&reading, &strands.list[i], &picture->templates[i]))
            return false;
    return true;
}
