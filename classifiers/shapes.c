#include "shapes.h"

#include <string.h>

#include "tokens.h"

enum { places = picture_most_places, most_marks = picture_most_marks };

struct owner {
    uint16_t type, find;
};

struct shapes {
    size_t count, words, classes;
    uint8_t class_of[256];
    const struct picture_template **templates;
    struct owner *owners;
    uint32_t *first;                       /* by type: its first template; one more at the end */
    uint64_t *table;                       /* [place][class][word] */
    uint64_t *ends, *may_part, *must_part; /* [place 0..places][word] */
    uint64_t *first_group;  /* [length 0..places][word]: may begin with such a group */
    uint64_t *first_digits; /* the same, of digits only */
    uint64_t *free, *loose, *wordy, *edged; /* edged: separators outside its places */
    bool must_at[places + 1];
    size_t longest;
};

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
    struct gap gaps[places + 1];
    bool apart;              /* a gap stands somewhere */
    bool parted[places + 1]; /* a gap stands before this place */
};

/* Building --------------------------------------------------------------------------------------
 */

static bool has_digit_place(const struct picture_template *template)
{
    for (size_t i = 0; i < template->length; i++) {
        bool only_digits = true;
        for (unsigned c = 0; c < 256; c++)
            if (picture_has(&template->places[i], c) && (c < '0' || c > '9'))
                only_digits = false;
        if (only_digits)
            return true;
    }
    return false;
}

static bool all_digits(const struct picture_template *template)
{
    for (size_t i = 0; i < template->length; i++)
        for (unsigned c = 0; c < 256; c++)
            if (picture_has(&template->places[i], c) && (c < '0' || c > '9'))
                return false;
    return true;
}

static bool has_marks(const struct picture_template *template)
{
    for (size_t i = 0; i <= template->length; i++)
        if (template->gaps[i].count)
            return true;
    return false;
}

/* Without a keyword nothing could come of it (types.md: needs, required, bare digit runs). */
static bool waits(const struct types_row *row, const struct types_find *find,
                  const struct picture_template *template)
{
    if (!row->keyword_count)
        return false;
    bool weak = row->one_in < 50 && !row->bare;
    enum types_case alone = row->check_count ? CASE_CHECK : CASE_FOUND;
    return find->needs_keyword || row->keyword_required || row->confidence[alone] == LEVEL_NONE ||
           (weak && all_digits(template) && !has_marks(template)) || !has_digit_place(template);
}

static size_t count_templates(const struct types *types)
{
    size_t count = 0;
    for (size_t i = 0; i < types->count; i++)
        for (size_t k = 0; k < types->rows[i].find_count; k++)
            count += types->rows[i].finds[k].picture.count;
    return count;
}

static void set_bit(uint64_t *set, size_t bit)
{
    set[bit / 64] |= 1ull << (bit % 64);
}

/* Characters that every template treats alike share a class. */
static void make_classes(struct shapes *shapes)
{
    memset(shapes->class_of, 0, sizeof shapes->class_of);
    shapes->classes = 1;
    for (size_t t = 0; t < shapes->count; t++)
        for (size_t p = 0; p < shapes->templates[t]->length; p++) {
            int16_t split[256];
            memset(split, -1, sizeof split);
            size_t before = shapes->classes;
            bool outside[256] = {false};
            for (unsigned c = 0; c < 256; c++)
                if (!picture_has(&shapes->templates[t]->places[p], c))
                    outside[shapes->class_of[c]] = true;
            for (unsigned c = 0; c < 256; c++) {
                uint8_t old = shapes->class_of[c];
                if (old >= before || !outside[old] ||
                    !picture_has(&shapes->templates[t]->places[p], c))
                    continue;
                if (split[old] < 0)
                    split[old] = (int16_t)shapes->classes++;
                shapes->class_of[c] = (uint8_t)split[old];
            }
        }
}

static uint64_t *row_of(const struct shapes *shapes, uint64_t *sets, size_t place)
{
    return sets + place * shapes->words;
}

static uint64_t *cell_of(const struct shapes *shapes, size_t place, size_t class)
{
    return shapes->table + (place * shapes->classes + class) * shapes->words;
}

static bool needs_marks(const struct picture_gap *gap)
{
    for (size_t m = 0; m < gap->count; m++)
        if (!gap->marks[m].optional)
            return true;
    return false;
}

static bool takes_digits(const struct picture_set *place)
{
    for (unsigned c = '0'; c <= '9'; c++)
        if (picture_has(place, c))
            return true;
    return false;
}

/* How long the first group of a template may be. */
static void fill_first(struct shapes *shapes, size_t t)
{
    const struct picture_template *template = shapes->templates[t];
    bool loose = shapes->loose[t / 64] >> (t % 64) & 1, digits = true;
    for (size_t p = 1; p <= template->length; p++) {
        digits = digits && takes_digits(&template->places[p - 1]);
        if (p == template->length || template->gaps[p].count || loose) {
            set_bit(row_of(shapes, shapes->first_group, p), t);
            if (digits)
                set_bit(row_of(shapes, shapes->first_digits, p), t);
        }
        if (p < template->length && needs_marks(&template->gaps[p]))
            return;
    }
}

static void fill_places(struct shapes *shapes, size_t t)
{
    const struct picture_template *template = shapes->templates[t];
    for (size_t p = 0; p < template->length; p++)
        for (unsigned c = 0; c < 256; c++)
            if (picture_has(&template->places[p], c))
                set_bit(cell_of(shapes, p, shapes->class_of[c]), t);
    for (size_t p = 1; p < template->length; p++) {
        const struct picture_gap *gap = &template->gaps[p];
        bool must = false;
        for (size_t m = 0; m < gap->count; m++)
            must = must || !gap->marks[m].optional;
        if (gap->count)
            set_bit(row_of(shapes, shapes->may_part, p), t);
        if (must)
            set_bit(row_of(shapes, shapes->must_part, p), t);
        shapes->must_at[p] = shapes->must_at[p] || must;
    }
    fill_first(shapes, t);
    set_bit(row_of(shapes, shapes->ends, template->length), t);
    if (template->gaps[0].count || template->gaps[template->length].count)
        set_bit(shapes->edged, t);
    if (template->length > shapes->longest)
        shapes->longest = template->length;
}

static bool is_loose(const struct types_row *row, const struct picture_template *template)
{
    return row->groups_said ? row->groups_any
                            : row->check_count && row->keyword_count && !template->must_separate;
}

static bool reserve(struct shapes *shapes, const struct types *types, struct arena *arena)
{
    size_t words = shapes->words;
    shapes->templates = arena_alloc(arena, shapes->count, sizeof *shapes->templates);
    shapes->owners = arena_alloc(arena, shapes->count, sizeof *shapes->owners);
    shapes->first = arena_alloc(arena, types->count + 1, sizeof *shapes->first);
    shapes->ends = arena_alloc(arena, (places + 1) * words, sizeof(uint64_t));
    shapes->may_part = arena_alloc(arena, (places + 1) * words, sizeof(uint64_t));
    shapes->must_part = arena_alloc(arena, (places + 1) * words, sizeof(uint64_t));
    shapes->first_group = arena_alloc(arena, (places + 1) * words, sizeof(uint64_t));
    shapes->first_digits = arena_alloc(arena, (places + 1) * words, sizeof(uint64_t));
    shapes->free = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->loose = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->wordy = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->edged = arena_alloc(arena, words, sizeof(uint64_t));
    return shapes->templates && shapes->owners && shapes->first && shapes->ends &&
           shapes->may_part && shapes->must_part && shapes->first_group && shapes->first_digits &&
           shapes->free && shapes->loose && shapes->wordy && shapes->edged;
}

static void take_templates(struct shapes *shapes, const struct types *types)
{
    size_t t = 0;
    for (size_t i = 0; i < types->count; i++) {
        const struct types_row *row = &types->rows[i];
        shapes->first[i] = (uint32_t)t;
        for (size_t k = 0; k < row->find_count; k++)
            for (size_t n = 0; n < row->finds[k].picture.count; n++, t++) {
                const struct picture_template *template = &row->finds[k].picture.templates[n];
                shapes->templates[t] = template;
                shapes->owners[t] = (struct owner){(uint16_t)i, (uint16_t)k};
                if (!waits(row, &row->finds[k], template))
                    set_bit(shapes->free, t);
                if (is_loose(row, template))
                    set_bit(shapes->loose, t);
                if (!has_digit_place(template))
                    set_bit(shapes->wordy, t);
            }
    }
    shapes->first[types->count] = (uint32_t)t;
}

struct shapes *shapes_open(const struct types *types, struct arena *arena, struct err *err)
{
    struct shapes *shapes = arena_alloc(arena, 1, sizeof *shapes);
    if (!shapes) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    shapes->count = count_templates(types);
    shapes->words = shapes->count / 64 + 1;
    if (shapes->words > shapes_most_words) {
        err_set(err, ERR_CONFIG, "all shapes together have %zu forms; at most %d can be searched",
                shapes->count, shapes_most_words * 64 - 1);
        return NULL;
    }
    if (reserve(shapes, types, arena)) {
        take_templates(shapes, types);
        make_classes(shapes);
        shapes->table =
            arena_alloc(arena, (size_t)places * shapes->classes * shapes->words, sizeof(uint64_t));
    }
    if (!shapes->table) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    for (size_t t = 0; t < shapes->count; t++)
        fill_places(shapes, t);
    return shapes;
}

size_t shapes_words(const struct shapes *shapes)
{
    return shapes->words;
}

void shapes_wake(const struct shapes *shapes, uint16_t type, uint64_t *set)
{
    size_t first = shapes->first[type], end = shapes->first[type + 1];
    if (first == end || (set[first / 64] >> (first % 64) & 1))
        return; /* a type's templates wake together */
    for (size_t word = first / 64; word <= (end - 1) / 64; word++) {
        size_t from = word == first / 64 ? first % 64 : 0;
        size_t to = word == end / 64 ? end % 64 : 64;
        set[word] |= (UINT64_MAX >> (64 - (to - from))) << from;
    }
}

bool shapes_wordy(const struct shapes *shapes, const uint64_t *set)
{
    for (size_t i = 0; i < shapes->words; i++)
        if ((set[i] | shapes->free[i]) & shapes->wordy[i])
            return true;
    return false;
}

/* Separators ------------------------------------------------------------------------------------
 */

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

/* Walking ---------------------------------------------------------------------------------------
 */

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
        if (!(shapes->loose[t / 64] >> (t % 64) & 1))
            return;
        hit.loose = true;
    }
    if ((shapes->edged[t / 64] >> (t % 64) & 1) && !edges_fit(walk, shapes->templates[t], &hit))
        return;
    walk->sink->found(walk->sink->context, &hit);
}

static void tell(const struct walk *walk, size_t place, size_t end)
{
    const struct shapes *shapes = walk->shapes;
    const uint64_t *ends = row_of(shapes, shapes->ends, place);
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

/* Only templates that may be parted here go on; `awake` decides about loose ones. */
static bool part(struct walk *walk, size_t place, const uint64_t *awake)
{
    const struct shapes *shapes = walk->shapes;
    const uint64_t *may = row_of(shapes, shapes->may_part, place);
    size_t count = 0;
    for (size_t i = 0; i < walk->busy_count; i++) {
        size_t word = walk->busy[i];
        put(walk, &count, word,
            walk->alive[word] & (may[word] | (shapes->loose[word] & awake[word])));
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
            !drop(walk, row_of(shapes, shapes->must_part, *place)))
            return false;
        if (!keep(walk, cell_of(shapes, *place, shapes->class_of[c->code])))
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

/* The templates that may begin with a group as long as the one at the start. */
static bool wake_up(struct walk *walk, const uint64_t *awake, enum shapes_among among)
{
    const struct shapes *shapes = walk->shapes;
    bool digits;
    size_t size = group_length(walk, &digits);
    size_t count = 0;
    if (!size || size > shapes->longest)
        return false;
    const uint64_t *fits =
        row_of(shapes, digits ? shapes->first_digits : shapes->first_group, size);
    for (size_t i = 0; i < shapes->words; i++)
        put(walk, &count, i,
            (shapes->free[i] | awake[i]) & fits[i] &
                (among == SHAPES_WORDY ? shapes->wordy[i] : UINT64_MAX));
    walk->busy_count = count;
    return count;
}

void shapes_walk(const struct shapes *shapes, const char *text, size_t length, size_t start,
                 const uint64_t *awake, enum shapes_among among, const struct shapes_sink *sink)
{
    struct walk walk;
    struct tokens_char c;
    size_t at = start, place = 0;
    walk.shapes = shapes;
    walk.text = text;
    walk.length = length;
    walk.start = start;
    walk.sink = sink;
    walk.apart = false;
    if (!wake_up(&walk, awake, among))
        return;
    for (;;) {
        if (!walk_group(&walk, &at, &place, &c) || c.kind == TOKENS_BLOCK)
            return;
        tell(&walk, place, at);
        if (c.kind != TOKENS_SEPARATOR || place >= shapes->longest || !part(&walk, place, awake) ||
            !read_gap(text, length, &at, &walk.gaps[place]))
            return;
        walk.parted[place] = walk.apart = true;
    }
}

/* One picture against one place -------------------------------------------------------------------
 */

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
            (end > start || !needs_marks(&picture->templates[i].gaps[0])))
            return true;
    return false;
}
