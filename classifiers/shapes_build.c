#include <string.h>

#include "shapes_parts.h"

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
    enum types_case alone = row->check_count ? CASE_CHECK : CASE_FOUND;
    return find->needs_keyword || row->keyword_required || row->confidence[alone] == LEVEL_NONE ||
           (shapes_weak(row) && all_digits(template) && !has_marks(template)) ||
           !has_digit_place(template);
}

static size_t count_templates(const struct types *types)
{
    size_t count = 0;
    for (size_t i = 0; i < types->count; i++)
        for (size_t k = 0; k < types->rows[i].find_count; k++)
            count += types->rows[i].finds[k].picture.count;
    return count;
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

bool shapes_needs_marks(const struct picture_gap *gap)
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

static bool takes_letters(const struct picture_set *place)
{
    for (unsigned c = 0; c < 256; c++)
        if (picture_has(place, c) && !(c >= '0' && c <= '9'))
            return true;
    return false;
}

/* How long the first group of a template may be. */
static void fill_first(struct shapes *shapes, size_t t)
{
    const struct picture_template *template = shapes->templates[t];
    bool loose = shapes_in(shapes->loose, t), wordy = shapes_in(shapes->wordy, t), digits = true;
    bool letter = takes_letters(&template->places[0]);
    for (size_t p = 1; p <= template->length; p++) {
        digits = digits && takes_digits(&template->places[p - 1]);
        if (p == template->length || template->gaps[p].count || loose) {
            shapes_put(shapes->groups[p].all.set, t);
            shapes->lengths[t] |= 1ull << (p - 1);
            if (digits)
                shapes_put(shapes->digits[p].all.set, t);
            if (letter)
                shapes_put(shapes->letters[p].all.set, t);
            if (wordy)
                shapes_put(shapes->wordy_groups[p].all.set, t);
        }
        if (p < template->length && shapes_needs_marks(&template->gaps[p]))
            return;
    }
    if (digits && !shapes_needs_marks(&template->gaps[template->length]))
        shapes_put(shapes->lanes[template->length].all.set, t);
}

static bool gap_takes(const struct picture_gap *gap, unsigned code)
{
    for (size_t m = 0; m < gap->count; m++)
        if (picture_has(&gap->marks[m].set, code))
            return true;
    return false;
}

/* What may stand in front of the first group and behind the others. " - " stands for "-". */
static void fill_separators(struct shapes *shapes, size_t t)
{
    const struct picture_template *template = shapes->templates[t];
    bool led = shapes_needs_marks(&template->gaps[0]);
    if (!led)
        shapes_put(shapes->fronts, t);
    for (unsigned code = 1; code < 128; code++) {
        size_t number = shapes_separator((uint8_t)code);
        if (!number)
            continue;
        if (!led || gap_takes(&template->gaps[0], code))
            shapes_put(shapes_row(shapes, shapes->fronts, number), t);
        for (size_t p = 1; p < template->length; p++)
            if (gap_takes(&template->gaps[p], code) ||
                (code == ' ' && gap_takes(&template->gaps[p], '-')))
                shapes_put(shapes_row(shapes, shapes->backs, p * shapes_separators + number), t);
    }
}

static void fill_places(struct shapes *shapes, size_t t)
{
    const struct picture_template *template = shapes->templates[t];
    for (size_t p = 0; p < template->length; p++)
        for (unsigned c = 0; c < 256; c++)
            if (picture_has(&template->places[p], c))
                shapes_put(shapes_cell(shapes, p, (uint8_t)c), t);
    for (size_t p = 1; p < template->length; p++) {
        const struct picture_gap *gap = &template->gaps[p];
        bool must = false;
        for (size_t m = 0; m < gap->count; m++)
            must = must || !gap->marks[m].optional;
        if (gap->count)
            shapes_put(shapes_row(shapes, shapes->may_part, p), t);
        if (must)
            shapes_put(shapes_row(shapes, shapes->must_part, p), t);
        shapes->must_at[p] = shapes->must_at[p] || must;
    }
    fill_first(shapes, t);
    fill_separators(shapes, t);
    shapes_put(shapes_row(shapes, shapes->ends, template->length), t);
    if (template->gaps[0].count || template->gaps[template->length].count)
        shapes_put(shapes->edged, t);
    if (shapes_needs_marks(&template->gaps[0]))
        shapes_put(shapes->led, t);
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
    shapes->ends = arena_alloc(arena, (shapes_places + 1) * words, sizeof(uint64_t));
    shapes->may_part = arena_alloc(arena, (shapes_places + 1) * words, sizeof(uint64_t));
    shapes->must_part = arena_alloc(arena, (shapes_places + 1) * words, sizeof(uint64_t));
    shapes->free = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->loose = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->wordy = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->edged = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->led = arena_alloc(arena, words, sizeof(uint64_t));
    shapes->fronts = arena_alloc(arena, shapes_separators * words, sizeof(uint64_t));
    shapes->backs =
        arena_alloc(arena, (shapes_places + 1) * shapes_separators * words, sizeof(uint64_t));
    shapes->lengths = arena_alloc(arena, shapes->count, sizeof *shapes->lengths);
    return shapes->templates && shapes->owners && shapes->first && shapes->ends &&
           shapes->may_part && shapes->must_part && shapes->free && shapes->loose &&
           shapes->wordy && shapes->edged && shapes->led && shapes->fronts && shapes->backs &&
           shapes->lengths;
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
                shapes->owners[t] = (struct shapes_owner){(uint16_t)i, (uint16_t)k};
                if (!waits(row, &row->finds[k], template))
                    shapes_put(shapes->free, t);
                if (is_loose(row, template))
                    shapes_put(shapes->loose, t);
                if (!has_digit_place(template))
                    shapes_put(shapes->wordy, t);
            }
    }
    shapes->first[types->count] = (uint32_t)t;
}

/* Sparse sets --------------------------------------------------------------------------------- */

bool shapes_reserve_sparse(struct shapes_sparse *sparse, size_t words, struct arena *arena)
{
    sparse->set = arena_alloc(arena, words, sizeof *sparse->set);
    sparse->list = arena_alloc(arena, words, sizeof *sparse->list);
    return sparse->set && sparse->list;
}

static bool reserve_opening(struct shapes_opening *opening, size_t words, struct arena *arena)
{
    return shapes_reserve_sparse(&opening->all, words, arena) &&
           shapes_reserve_sparse(&opening->free, words, arena);
}

static bool reserve_lengths(struct shapes *shapes, struct arena *arena)
{
    for (size_t i = 0; i <= shapes_places; i++)
        if (!reserve_opening(&shapes->groups[i], shapes->words, arena) ||
            !reserve_opening(&shapes->digits[i], shapes->words, arena) ||
            !reserve_opening(&shapes->letters[i], shapes->words, arena) ||
            !reserve_opening(&shapes->wordy_groups[i], shapes->words, arena) ||
            !shapes_reserve_sparse(&shapes->lanes[i].all, shapes->words, arena))
            return false;
    return true;
}

void shapes_list_words(struct shapes_sparse *sparse, size_t words)
{
    for (size_t i = 0; i < words; i++)
        if (sparse->set[i])
            sparse->list[sparse->count++] = (uint8_t)i;
}

static void list_opening(struct shapes *shapes, struct shapes_opening *opening, size_t size)
{
    const uint64_t *ends = shapes_row(shapes, shapes->ends, size);
    const uint64_t *parts = shapes_row(shapes, shapes->may_part, size);
    for (size_t i = 0; i < shapes->words; i++)
        opening->free.set[i] = opening->all.set[i] & shapes->free[i] & (ends[i] | parts[i]);
    shapes_list_words(&opening->all, shapes->words);
    shapes_list_words(&opening->free, shapes->words);
}

static bool fill(struct shapes *shapes, const struct types *types, struct arena *arena)
{
    for (size_t t = 0; t < shapes->count; t++)
        fill_places(shapes, t);
    for (size_t i = 0; i <= shapes_places; i++) {
        list_opening(shapes, &shapes->groups[i], i);
        list_opening(shapes, &shapes->digits[i], i);
        list_opening(shapes, &shapes->letters[i], i);
        list_opening(shapes, &shapes->wordy_groups[i], i);
    }
    return shapes_fill_lanes(shapes, types, arena);
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
    bool ok = reserve(shapes, types, arena) && reserve_lengths(shapes, arena);
    if (ok) {
        take_templates(shapes, types);
        make_classes(shapes);
        shapes->table = arena_alloc(arena, (size_t)shapes_places * shapes->classes * shapes->words,
                                    sizeof(uint64_t));
    }
    if (!ok || !shapes->table || !fill(shapes, types, arena)) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    return shapes;
}
