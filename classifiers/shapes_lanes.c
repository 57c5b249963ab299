#include <string.h>

#include "shapes_parts.h"

/* Building ------------------------------------------------------------------------------------- */

static bool refuses_a_digit(const struct picture_set *place)
{
    for (unsigned c = '0'; c <= '9'; c++)
        if (!picture_has(place, c))
            return true;
    return false;
}

/* The check's number; shapes_most_checks: there is no room for more. */
static size_t number_of(struct shapes *shapes, const struct checks_row *check)
{
    size_t i = 0;
    while (i < shapes->asked_count && shapes->asked[i] != check)
        i++;
    if (i == shapes->asked_count && i < shapes_most_checks)
        shapes->asked[shapes->asked_count++] = check;
    return i;
}

/* Checks that see nothing but the digits of a number that stands alone. */
static bool list_checks(struct shapes *shapes, const struct types *types, struct arena *arena)
{
    size_t count = 0;
    for (size_t t = 0; t < shapes->count; t++)
        count += types->rows[shapes->owners[t].type].check_count;
    shapes->checks = arena_alloc(arena, shapes->count, sizeof *shapes->checks);
    shapes->check_ids = arena_alloc(arena, count, sizeof *shapes->check_ids);
    count = 0;
    for (size_t t = 0; shapes->checks && shapes->check_ids && t < shapes->count; t++) {
        const struct types_row *row = &types->rows[shapes->owners[t].type];
        bool alone = !shapes_in(shapes->edged, t) && !row->finds[shapes->owners[t].find].capture;
        shapes->checks[t].first = (uint32_t)count;
        for (size_t i = 0; alone && i < row->check_count; i++) {
            size_t number = number_of(shapes, row->checks[i]);
            if (number < shapes_most_checks)
                shapes->check_ids[count++] = (uint16_t)number;
        }
        shapes->checks[t].count = (uint8_t)(count - shapes->checks[t].first);
    }
    return shapes->checks && shapes->check_ids;
}

/* Whether the template can find nothing that an earlier one of its type does not. */
static bool is_double(const struct shapes *shapes, const struct types *types, size_t t, size_t of)
{
    const struct shapes_owner *a = &shapes->owners[t], *b = &shapes->owners[of];
    const struct types_find *finds = types->rows[a->type].finds;
    if (a->type != b->type || shapes_in(shapes->edged, t) || shapes_in(shapes->edged, of) ||
        finds[a->find].capture != finds[b->find].capture ||
        finds[a->find].needs_keyword != finds[b->find].needs_keyword ||
        shapes_in(shapes->free, t) != shapes_in(shapes->free, of))
        return false;
    for (size_t p = 0; p < shapes->templates[t]->length; p++)
        for (unsigned c = '0'; c <= '9'; c++)
            if (picture_has(&shapes->templates[t]->places[p], c) &&
                !picture_has(&shapes->templates[of]->places[p], c))
                return false;
    return true;
}

static bool is_plain(const struct picture_template *template)
{
    for (size_t p = 0; p < template->length; p++)
        if (refuses_a_digit(&template->places[p]))
            return false;
    return true;
}

/* Take those from the lane that can find nothing of their own. */
static size_t drop_doubles(const struct shapes *shapes, const struct types *types,
                           struct shapes_lane *lane)
{
    size_t left = 0;
    for (size_t t = 0; t < shapes->count; t++) {
        bool needless = false;
        if (!shapes_in(lane->all.set, t))
            continue;
        for (size_t of = 0; of < t && !needless; of++)
            needless = shapes_in(lane->all.set, of) && is_double(shapes, types, t, of);
        if (needless)
            lane->all.set[t / 64] &= ~(1ull << (t % 64));
        left += !needless;
    }
    return left;
}

static void number_those(struct shapes *shapes, struct shapes_lane *lane, bool plain)
{
    for (size_t t = 0; t < shapes->count; t++) {
        if (!shapes_in(lane->all.set, t) || is_plain(shapes->templates[t]) != plain)
            continue;
        shapes->lane_index[t] = (uint16_t)lane->count;
        lane->templates[lane->count++] = (uint16_t)t;
    }
}

/* Number the lane's templates, those that take every digit apart. */
static bool number_lane(struct shapes *shapes, const struct types *types, struct shapes_lane *lane,
                        struct arena *arena)
{
    size_t most = drop_doubles(shapes, types, lane);
    lane->templates = arena_alloc(arena, most + 64, sizeof *lane->templates);
    if (!lane->templates)
        return false;
    number_those(shapes, lane, false);
    while (lane->count % 64)
        lane->templates[lane->count++] = shapes_nothing;
    lane->plain = lane->count / 64;
    number_those(shapes, lane, true);
    lane->words = (lane->count + 63) / 64;
    shapes_list_words(&lane->all, shapes->words);
    return true;
}

static void find_picky(const struct shapes *shapes, struct shapes_lane *lane, size_t length)
{
    for (size_t p = 0; p < length; p++) {
        bool picky = false;
        for (size_t i = 0; i < lane->count; i++)
            picky = picky || (lane->templates[i] != shapes_nothing &&
                              refuses_a_digit(&shapes->templates[lane->templates[i]]->places[p]));
        if (picky)
            lane->picky[lane->picky_count++] = (uint8_t)p;
    }
}

static bool fill_lane(struct shapes *shapes, const struct types *types, size_t length,
                      struct arena *arena)
{
    struct shapes_lane *lane = &shapes->lanes[length];
    if (!number_lane(shapes, types, lane, arena))
        return false;
    find_picky(shapes, lane, length);
    lane->free = arena_alloc(arena, lane->words, sizeof *lane->free);
    lane->unled = arena_alloc(arena, lane->words, sizeof *lane->unled);
    lane->take =
        arena_alloc(arena, (size_t)lane->picky_count * 10 * lane->words, sizeof *lane->take);
    if (!lane->free || !lane->unled || !lane->take)
        return false;
    for (size_t i = 0; i < lane->count; i++) {
        size_t t = lane->templates[i];
        if (t == shapes_nothing)
            continue;
        const struct types_row *row = &types->rows[shapes->owners[t].type];
        if (shapes_in(shapes->free, t) && (shapes_in(shapes->edged, t) || !shapes_weak(row)))
            shapes_put(lane->free, i);
        if (shapes_in(lane->free, i) && !shapes_in(shapes->led, t)) {
            shapes_put(lane->unled, i);
            lane->any_unled = true;
        }
        if (shapes_in(shapes->led, t) &&
            shapes_in(shapes_row(shapes, shapes->fronts, shapes_separator(' ')), t))
            shapes->led_by_space = true;
        for (size_t p = 0; p < lane->picky_count; p++)
            for (unsigned d = 0; d < 10; d++)
                if (picture_has(&shapes->templates[t]->places[lane->picky[p]], '0' + d))
                    shapes_put(lane->take + (p * 10 + d) * lane->words, i);
    }
    return true;
}

bool shapes_fill_lanes(struct shapes *shapes, const struct types *types, struct arena *arena)
{
    shapes->lane_index = arena_alloc(arena, shapes->count, sizeof *shapes->lane_index);
    if (!shapes->lane_index)
        return false;
    for (size_t i = 0; i <= shapes_places; i++)
        if (!fill_lane(shapes, types, i, arena))
            return false;
    return list_checks(shapes, types, arena);
}

/* Walking -------------------------------------------------------------------------------------- */

/* Checks of a number that stands alone, each asked once. */
struct proofs {
    struct checks_input input;
    bool begun;
    uint64_t known[shapes_most_checks / 64], holds[shapes_most_checks / 64];
};

static bool proven(const struct shapes *shapes, struct proofs *proofs, size_t t)
{
    if (!proofs->begun && shapes->checks[t].count) {
        memset(proofs->known, 0, sizeof proofs->known);
        memset(proofs->holds, 0, sizeof proofs->holds);
        proofs->begun = true;
    }
    for (size_t i = 0; i < shapes->checks[t].count; i++) {
        size_t id = shapes->check_ids[shapes->checks[t].first + i];
        uint64_t bit = 1ull << (id % 64);
        if (!(proofs->known[id / 64] & bit) && checks_pass(shapes->asked[id], &proofs->input))
            proofs->holds[id / 64] |= bit;
        proofs->known[id / 64] |= bit;
        if (!(proofs->holds[id / 64] & bit))
            return false;
    }
    return true;
}

static void wake_words(const struct shapes *shapes, const struct shapes_lane *lane,
                       const struct shapes_set *set, uint64_t *alive)
{
    for (size_t i = 0; i < set->count; i++) {
        size_t word = set->list[i];
        uint64_t woken = set->bits[word] & lane->all.set[word];
        for (; woken; woken &= woken - 1)
            shapes_put(alive, shapes->lane_index[word * 64 + (size_t)__builtin_ctzll(woken)]);
    }
}

/* Whether the separator that a template needs may stand in front. */
static bool is_led(const struct shapes *shapes, const struct shapes_text *text, size_t start,
                   size_t t)
{
    struct tokens_char c;
    return tokens_before(text->bytes, start, &c) && c.kind == TOKENS_SEPARATOR &&
           shapes_in(shapes_row(shapes, shapes->fronts, shapes_separator(c.code)), t);
}

/* Something other than a separator stands in front, or one that separates words. */
static bool is_plain_start(const struct shapes_text *text, size_t start)
{
    unsigned char before = start ? (unsigned char)text->bytes[start - 1] : ' ';
    return before == ' ' || (before < 0x80 && tokens_ascii[before] != TOKENS_SEPARATOR);
}

/* Those that are free or awake. Columns have numbers of one length for the most part. */
static void wake_lane(const struct shapes *shapes, const struct shapes_lane *lane, size_t length,
                      const struct shapes_awake *awake, bool unled, uint64_t *alive)
{
    struct shapes_memo *memo = awake->memo;
    bool memorable = unled && !awake->near->count && lane->words <= shapes_lane_words;
    if (memorable && memo->length == length) {
        memcpy(alive, memo->alive, lane->words * sizeof *alive);
        return;
    }
    memcpy(alive, unled ? lane->unled : lane->free, lane->words * sizeof *alive);
    wake_words(shapes, lane, awake->near, alive);
    wake_words(shapes, lane, awake->column, alive);
    if (!memorable)
        return;
    memcpy(memo->alive, alive, lane->words * sizeof *alive);
    memo->length = length;
}

void shapes_walk_lane(const struct shapes *shapes, const struct shapes_text *text, size_t start,
                      size_t length, const struct shapes_awake *awake,
                      void (*found)(void *context, size_t template), void *context)
{
    const struct shapes_lane *lane = &shapes->lanes[length];
    const char *digits = text->bytes + start;
    bool unled = !shapes->led_by_space && is_plain_start(text, start);
    bool asleep = !awake->near->count && !awake->column->count;
    if (asleep && unled && !lane->any_unled)
        return;
    uint64_t alive[shapes_most_words + 1];
    wake_lane(shapes, lane, length, awake, unled, alive);
    struct proofs proofs;
    proofs.input = (struct checks_input){digits, length, digits, length};
    proofs.begun = false;
    for (size_t word = 0; word < lane->words; word++) {
        uint64_t left = alive[word];
        size_t picky = word < lane->plain ? lane->picky_count : 0;
        for (size_t p = 0; left && p < picky; p++) {
            size_t digit = (size_t)(digits[lane->picky[p]] - '0');
            left &= lane->take[(p * 10 + digit) * lane->words + word];
        }
        for (; left; left &= left - 1) {
            size_t t = lane->templates[word * 64 + (size_t)__builtin_ctzll(left)];
            if (shapes_in(shapes->led, t) && !is_led(shapes, text, start, t))
                continue;
            if (proven(shapes, &proofs, t))
                found(context, t);
        }
    }
}
