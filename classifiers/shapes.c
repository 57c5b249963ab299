#include <string.h>

#include "shapes_parts.h"
#include "tokens.h"

enum { most_marks = picture_most_marks };

/* What stands between two groups, in plain form. */
struct gap {
    uint8_t count;
    char codes[most_marks];
};

/* One walk along a run of groups. */
struct walk {
    const struct shapes *shapes;
    const char *text;
    size_t length, start;
    const struct shapes_sink *sink;
    uint64_t alive[shapes_most_words];
    uint8_t busy[shapes_most_words]; /* words of `alive` that hold a template */
    size_t busy_count;
    struct gap gaps[shapes_places + 1];
    bool apart;                     /* a gap stands somewhere */
    bool parted[shapes_places + 1]; /* a gap stands before this place */
};

size_t shapes_words(const struct shapes *shapes)
{
    return shapes->words;
}

void shapes_wake(const struct shapes *shapes, uint16_t type, uint64_t *set)
{
    size_t first = shapes->first[type], end = shapes->first[type + 1];
    if (first == end || shapes_in(set, first))
        return; /* a type's templates wake together */
    for (size_t word = first / 64; word <= (end - 1) / 64; word++) {
        size_t from = word == first / 64 ? first % 64 : 0;
        size_t to = word == end / 64 ? end % 64 : 64;
        set[word] |= (UINT64_MAX >> (64 - (to - from))) << from;
    }
}

void shapes_look(const struct shapes *shapes, const uint64_t *bits, struct shapes_set *set)
{
    set->bits = bits;
    set->count = 0;
    for (size_t i = 0; i < shapes->words; i++)
        if (bits[i])
            set->list[set->count++] = (uint8_t)i;
}

bool shapes_starts(const struct shapes *shapes, const uint64_t *set, struct shapes_starts *starts)
{
    *starts = (struct shapes_starts){0};
    for (size_t i = 0; i < shapes->words; i++)
        for (uint64_t left = (set[i] | shapes->free[i]) & shapes->wordy[i]; left;
             left &= left - 1) {
            size_t t = i * 64 + (size_t)__builtin_ctzll(left);
            starts->first[0] |= shapes->templates[t]->places[0].bits[0];
            starts->first[1] |= shapes->templates[t]->places[0].bits[1];
            starts->lengths |= shapes->lengths[t];
        }
    return starts->lengths;
}

/* Separators ----------------------------------------------------------------------------------- */

/* The separators from `at` on, " - " as "-". Moves `at` behind them; false when there are more
 * than a picture can ask for. */
static bool read_gap(const char *text, size_t length, size_t *at, struct gap *gap)
{
    struct tokens_char c;
    gap->count = 0;
    while (*at < length) {
        tokens_decode(text + *at, length - *at, &c);
        if (c.kind != TOKENS_SEPARATOR)
            break;
        if (gap->count == most_marks)
            return false;
        gap->codes[gap->count++] = (char)c.code;
        *at += c.width;
    }
    if (gap->count == 3 && gap->codes[0] == ' ' && gap->codes[1] == '-' && gap->codes[2] == ' ')
        *gap = (struct gap){1, {'-'}};
    return true;
}

/* Whether the separators are those of the template; `alike` is what `_` held so far. */
static bool gap_fits(const struct picture_gap *marks, const struct gap *gap, char *alike)
{
    size_t taken = 0;
    for (size_t m = 0; m < marks->count; m++) {
        const struct picture_mark *mark = &marks->marks[m];
        char code = taken < gap->count ? gap->codes[taken] : '\0';
        if (!code || !picture_has(&mark->set, (unsigned char)code)) {
            if (!mark->optional)
                return false;
            continue;
        }
        if (mark->alike && *alike && *alike != code)
            return false;
        if (mark->alike)
            *alike = code;
        taken++;
    }
    return taken == gap->count;
}

/* A picture may begin with separators, as "(999)" does. Moves `start` in front of them. */
static bool lead_fits(const struct picture_gap *marks, const char *text, uint32_t *start)
{
    uint32_t at = *start;
    for (size_t m = marks->count; m-- > 0;) {
        struct tokens_char c;
        bool there = tokens_before(text, at, &c) && c.kind == TOKENS_SEPARATOR &&
                     picture_has(&marks->marks[m].set, c.code);
        if (!there && !marks->marks[m].optional)
            return false;
        at -= there ? c.width : 0;
    }
    *start = at;
    return true;
}

static bool tail_fits(const struct picture_gap *marks, const char *text, size_t length,
                      uint32_t *end)
{
    uint32_t at = *end;
    for (size_t m = 0; m < marks->count; m++) {
        struct tokens_char c;
        bool there = at < length;
        if (there)
            tokens_decode(text + at, length - at, &c);
        there = there && c.kind == TOKENS_SEPARATOR && picture_has(&marks->marks[m].set, c.code);
        if (!there && !marks->marks[m].optional)
            return false;
        at += there ? c.width : 0;
    }
    *end = at;
    return true;
}

static bool separators_fit(const struct walk *walk, const struct picture_template *template)
{
    static const struct gap none;
    char alike = '\0';
    for (size_t p = 1; p < template->length; p++) {
        const struct gap *gap = walk->parted[p] ? &walk->gaps[p] : &none;
        if ((gap->count || template->gaps[p].count) && !gap_fits(&template->gaps[p], gap, &alike))
            return false;
    }
    return true;
}

/* Walking -------------------------------------------------------------------------------------- */

/* Separators outside the places, as in "(999)". */
static bool edges_fit(const struct walk *walk, const struct picture_template *template,
                      struct shapes_hit *hit)
{
    return (!template->gaps[0].count || lead_fits(&template->gaps[0], walk->text, &hit->start)) &&
           (!template->gaps[template->length].count ||
            tail_fits(&template->gaps[template->length], walk->text, walk->length, &hit->end));
}

static void tell_one(const struct walk *walk, size_t t, size_t end)
{
    const struct shapes *shapes = walk->shapes;
    struct shapes_hit hit = {.start = (uint32_t)walk->start,
                             .end = (uint32_t)end,
                             .type = shapes->owners[t].type,
                             .find = shapes->owners[t].find};
    if (walk->apart && !separators_fit(walk, shapes->templates[t])) {
        if (!shapes_in(shapes->loose, t))
            return;
        hit.loose = true;
    }
    if (shapes_in(shapes->edged, t) && !edges_fit(walk, shapes->templates[t], &hit))
        return;
    walk->sink->found(walk->sink->context, &hit);
}

static void tell(const struct walk *walk, size_t place, size_t end)
{
    const struct shapes *shapes = walk->shapes;
    const uint64_t *ends = shapes_row(shapes, shapes->ends, place);
    for (size_t i = 0; i < walk->busy_count; i++) {
        size_t word = walk->busy[i];
        for (uint64_t left = walk->alive[word] & ends[word]; left; left &= left - 1)
            tell_one(walk, word * 64 + (size_t)__builtin_ctzll(left), end);
    }
}

/* The word as what is left of it; words without a template are not looked at again. */
static void put(struct walk *walk, size_t *count, size_t word, uint64_t left)
{
    walk->alive[word] = left;
    walk->busy[*count] = (uint8_t)word;
    *count += left != 0;
}

static bool keep(struct walk *walk, const uint64_t *set)
{
    size_t count = 0;
    for (size_t i = 0; i < walk->busy_count; i++) {
        size_t word = walk->busy[i];
        put(walk, &count, word, walk->alive[word] & set[word]);
    }
    walk->busy_count = count;
    return count;
}

static bool drop(struct walk *walk, const uint64_t *set)
{
    size_t count = 0;
    for (size_t i = 0; i < walk->busy_count; i++) {
        size_t word = walk->busy[i];
        put(walk, &count, word, walk->alive[word] & ~set[word]);
    }
    walk->busy_count = count;
    return count;
}

/* Only templates that may be parted here go on; loose ones must be awake. */
static bool part(struct walk *walk, size_t place, const struct shapes_awake *awake)
{
    const struct shapes *shapes = walk->shapes;
    const uint64_t *may = shapes_row(shapes, shapes->may_part, place);
    size_t count = 0;
    for (size_t i = 0; i < walk->busy_count; i++) {
        size_t word = walk->busy[i];
        uint64_t woken = awake->near->bits[word] | awake->column->bits[word];
        put(walk, &count, word, walk->alive[word] & (may[word] | (shapes->loose[word] & woken)));
    }
    walk->busy_count = count;
    return count;
}

static bool is_letter(uint8_t code)
{
    return code > '9';
}

/* `&` belongs to a group between a letter and a letter or digit ("A&B010101"). */
static bool joins(const struct walk *walk, size_t at, uint8_t last)
{
    struct tokens_char next;
    if (walk->text[at] != '&' || !is_letter(last) || at + 1 >= walk->length)
        return false;
    tokens_decode(walk->text + at + 1, walk->length - at - 1, &next);
    return next.kind == TOKENS_WORD;
}

/* One group from `at`. False when no template is left; `*place` counts on. */
static bool walk_group(struct walk *walk, size_t *at, size_t *place, struct tokens_char *c)
{
    const struct shapes *shapes = walk->shapes;
    uint8_t last = 0;
    bool first = true;
    for (; *at < walk->length; *at += c->width) {
        tokens_decode(walk->text + *at, walk->length - *at, c);
        if (c->kind != TOKENS_WORD && !joins(walk, *at, last))
            return true;
        if (*place == shapes->longest)
            return false;
        if (!first && walk->apart && shapes->must_at[*place] &&
            !drop(walk, shapes_row(shapes, shapes->must_part, *place)))
            return false;
        if (!keep(walk, shapes_cell(shapes, *place, c->code)))
            return false;
        last = c->code;
        first = false;
        ++*place;
        walk->parted[*place] = false;
    }
    c->kind = TOKENS_OTHER;
    return true;
}

/* Letters and digits from the start on, in characters; more than any picture has: one more. */
static size_t group_length(const struct walk *walk, bool *digits)
{
    size_t count = 0;
    *digits = true;
    uint8_t last = 0;
    for (size_t at = walk->start; at < walk->length && count <= walk->shapes->longest; count++) {
        struct tokens_char c;
        tokens_decode(walk->text + at, walk->length - at, &c);
        if (c.kind == TOKENS_BLOCK)
            return walk->shapes->longest + 1;
        if (c.kind != TOKENS_WORD && !joins(walk, at, last))
            break;
        last = c.code;
        *digits = *digits && c.code >= '0' && c.code <= '9';
        at += c.width;
    }
    return count;
}

/* What stands around the first group. */
struct around {
    uint8_t first;      /* its first character */
    size_t size;        /* characters */
    size_t front, back; /* separators before and behind it, by number */
    size_t whole;       /* characters of it and the group behind, when both are all; else 0 */
    bool open;          /* what stands behind it is not known to be a separator or an end */
    bool unclean;       /* a value may not end here, for digits follow behind a separator */
};

/* Those that may begin here, are free or awake, and suit what stands around. */
static void choose(struct walk *walk, const struct shapes_opening *opening,
                   const struct shapes_awake *awake, const struct around *around)
{
    const struct shapes *shapes = walk->shapes;
    const uint64_t *takes = shapes_cell(shapes, 0, around->first);
    const uint64_t *fronts = shapes_row(shapes, shapes->fronts, around->front);
    const uint64_t *ends = shapes_row(shapes, shapes->ends, around->size);
    const uint64_t *backs =
        shapes_row(shapes, shapes->backs, around->size * shapes_separators + around->back);
    const uint64_t *whole = shapes_row(shapes, shapes->ends, around->whole);
    bool asleep = !awake->near->count && !awake->column->count;
    const struct shapes_sparse *among = asleep ? &opening->free : &opening->all;
    size_t count = 0;
    for (size_t i = 0; i < among->count; i++) {
        size_t word = among->list[i];
        uint64_t left = among->set[word] & takes[word] & fronts[word];
        uint64_t woken = 0;
        if (!asleep) {
            woken = awake->near->bits[word] | awake->column->bits[word];
            left &= shapes->free[word] | woken;
        }
        if (!around->open)
            left &= backs[word] | (around->back ? shapes->loose[word] & woken : 0) |
                    (around->unclean ? ends[word] & shapes->edged[word] : ends[word]);
        if (around->whole)
            left &= whole[word] | ends[word];
        put(walk, &count, word, left);
    }
    walk->busy_count = count;
}

/* A number that stands alone and what it is of. */
struct alone {
    const struct walk *walk;
    size_t end;
};

static void on_alone(void *context, size_t template)
{
    const struct alone *alone = context;
    tell_one(alone->walk, template, alone->end);
}

/* From the group of templates that may begin here along the groups that follow. */
static void walk_groups(struct walk *walk, const struct shapes_awake *awake)
{
    struct tokens_char c;
    size_t at = walk->start, place = 0;
    while (walk->busy_count) {
        if (!walk_group(walk, &at, &place, &c) || c.kind == TOKENS_BLOCK)
            return;
        tell(walk, place, at);
        if (c.kind != TOKENS_SEPARATOR || place >= walk->shapes->longest ||
            !part(walk, place, awake) ||
            !read_gap(walk->text, walk->length, &at, &walk->gaps[place]))
            return;
        walk->parted[place] = walk->apart = true;
    }
}

/* The separator in front, by number. */
static size_t front_of(const struct walk *walk)
{
    struct tokens_char c;
    bool there = tokens_before(walk->text, walk->start, &c) && c.kind == TOKENS_SEPARATOR;
    return there ? shapes_separator(c.code) : 0;
}

/* What stands behind the first group, if it is of ASCII letters and digits. */
static enum tokens_kind behind(const struct walk *walk, size_t end)
{
    unsigned char c = end < walk->length ? (unsigned char)walk->text[end] : '\n';
    return c < 0x80 ? (enum tokens_kind)tokens_ascii[c] : TOKENS_WORD;
}

/* A digit follows behind one of - . /: guards_edges lets nothing end there. */
static bool is_unclean(const struct walk *walk, size_t end)
{
    char c = walk->text[end];
    return (c == '-' || c == '.' || c == '/') && end + 1 < walk->length &&
           walk->text[end + 1] >= '0' && walk->text[end + 1] <= '9';
}

/* "12345.67": the characters of both groups, when nothing can go on behind the second. */
static size_t whole_of(const struct shapes_text *text, size_t start, size_t end, size_t longest)
{
    size_t next = end + 1;
    if (next >= text->length)
        return 0;
    size_t size = tokens_run(text->maps->words, next), after = next + size;
    unsigned char c = after < text->length ? (unsigned char)text->bytes[after] : '\n';
    bool over = size && c < 0x80 && tokens_ascii[c] == TOKENS_OTHER;
    return over && end - start + size <= longest ? end - start + size : 0;
}

void shapes_walk(const struct shapes *shapes, const struct shapes_text *text, size_t start,
                 const struct shapes_awake *awake, enum shapes_among among,
                 const struct shapes_sink *sink)
{
    struct walk walk;
    struct tokens_char c;
    walk.shapes = shapes;
    walk.text = text->bytes;
    walk.length = text->length;
    walk.start = start;
    walk.sink = sink;
    walk.apart = false;
    size_t size = tokens_run(text->maps->words, start), end = start + size;
    if (size > shapes->longest)
        return;
    bool digits = size && tokens_run(text->maps->digits, start) >= size;
    enum tokens_kind next = behind(&walk, end);
    if (next == TOKENS_BLOCK)
        return;
    if (digits && next == TOKENS_OTHER) {
        struct alone alone = {&walk, end};
        shapes_walk_lane(shapes, text, start, size, awake, on_alone, &alone);
        return;
    }
    struct around around = {.open = next == TOKENS_WORD || !size};
    if (next == TOKENS_SEPARATOR && walk.text[end] == '&' && !digits)
        around.open = true;
    if (around.open)
        size = group_length(&walk, &digits);
    if (!size || size > shapes->longest)
        return;
    tokens_decode(walk.text + start, walk.length - start, &c);
    around.first = c.code;
    around.size = size;
    around.front = front_of(&walk);
    around.back =
        !around.open && next == TOKENS_SEPARATOR ? shapes_separator((uint8_t)walk.text[end]) : 0;
    around.whole = around.back ? whole_of(text, start, end, shapes->longest) : 0;
    around.unclean = around.back && is_unclean(&walk, end);
    choose(&walk,
           among == SHAPES_WORDY ? &shapes->wordy_groups[size]
           : digits              ? &shapes->digits[size]
           : c.code > '9'        ? &shapes->letters[size]
                                 : &shapes->groups[size],
           awake, &around);
    walk_groups(&walk, awake);
}

/* One picture against one place ---------------------------------------------------------------- */

static bool template_match(const struct picture_template *template, const char *text, size_t start,
                           size_t end)
{
    size_t at = start, place = 0;
    char alike = '\0';
    while (at < end) {
        struct tokens_char c;
        struct gap gap = {0};
        tokens_decode(text + at, end - at, &c);
        if (c.kind == TOKENS_SEPARATOR && !read_gap(text, end, &at, &gap))
            return false;
        if (place <= template->length && !gap_fits(&template->gaps[place], &gap, &alike))
            return false;
        if (at == end)
            break;
        tokens_decode(text + at, end - at, &c);
        if (c.kind != TOKENS_WORD || place == template->length ||
            !picture_has(&template->places[place], c.code))
            return false;
        place++;
        at += c.width;
    }
    return place == template->length;
}

bool shapes_match(const struct picture *picture, const char *text, size_t start, size_t end)
{
    for (size_t i = 0; i < picture->count; i++)
        if (template_match(&picture->templates[i], text, start, end) &&
            (end > start || !shapes_needs_marks(&picture->templates[i].gaps[0])))
            return true;
    return false;
}
