/* One file at a time through a sliding window. What a window decides depends only on where the
 * text stands in its part, never on how it arrived. */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "columns.h"
#include "distinct.h"
#include "engine.h"
#include "judge.h"
#include "mask.h"
#include "sha256.h"
#include "tokens.h"

/* A value that begins in the last `ahead` bytes of a window is left to the next one; `behind`
 * bytes before it are kept for keywords and edges. */
enum { block = 256 << 10, ahead = 8 << 10, behind = 8 << 10, capacity = block + ahead + behind };
enum { cell = 1024, cells = capacity / cell + 1, map_words = capacity / 64 + 2 };
enum { most_matches = 400000, most_parts = 1 << 20, digit_reach = 24, ahead_of = 8 };

/* Cells in which a type's templates are awake by now: [first, end). */
struct woken {
    uint32_t first, end;
};

struct classify {
    const struct classifier *classifier;
    struct limits limits;
    char *window;
    size_t length;        /* bytes in the window */
    size_t own;           /* starts from here on are still to be told */
    uint64_t base;        /* the window's offset in its part */
    uint64_t row, column; /* table: of the window's first byte */
    bool table, in_part;
    bool told;          /* some text of this part is in the digest */
    struct arena arena; /* paths of parts */
    const char **parts;
    size_t part_count, part_capacity;
    struct nearby *nearby;
    struct columns *columns;
    struct match_list values, matches; /* candidates of the scanner; accepted matches */
    struct distinct *distinct;
    struct masks *masks;
    uint64_t *awake;     /* [cell][words of a set] */
    struct woken *woken; /* by type */
    struct tokens_maps maps;
    uint64_t *taken;
    struct judge judge;
    struct judge_candidate last; /* the candidate judged last */
    struct sha256 sha;
    uint64_t text_bytes;
    bool full, failed;
};

struct classify *classify_open(const struct classifier *classifier, const struct limits *limits)
{
    struct classify *classify = mem_zalloc(1, sizeof *classify);
    if (!classify)
        return NULL;
    size_t words = shapes_words(classifier->shapes);
    classify->classifier = classifier;
    classify->limits = *limits;
    classify->arena = arena_new(64u << 20);
    classify->window = mem_alloc(capacity);
    classify->awake = mem_alloc(cells * words * sizeof(uint64_t));
    classify->columns = columns_open(classifier->shapes);
    classify->woken = mem_zalloc(classifier->types.count + 1, sizeof *classify->woken);
    classify->maps.digits = mem_alloc(map_words * sizeof(uint64_t));
    classify->maps.words = mem_alloc(map_words * sizeof(uint64_t));
    classify->maps.leads = mem_alloc(map_words * sizeof(uint64_t));
    classify->taken = mem_alloc(map_words * sizeof(uint64_t));
    classify->nearby = nearby_open(classifier->types.count * 2);
    classify->distinct = distinct_open(&classifier->types, limits);
    classify->masks = masks_open();
    sha256_start(&classify->sha);
    if (classify->window && classify->awake && classify->woken && classify->maps.digits &&
        classify->maps.words && classify->maps.leads && classify->taken && classify->nearby &&
        classify->columns && classify->distinct && classify->masks)
        return classify;
    classify_close(classify);
    return NULL;
}

void classify_close(struct classify *classify)
{
    if (!classify)
        return;
    mem_free(classify->window);
    mem_free(classify->awake);
    columns_close(classify->columns);
    mem_free(classify->woken);
    mem_free(classify->maps.digits);
    mem_free(classify->maps.words);
    mem_free(classify->maps.leads);
    mem_free(classify->taken);
    mem_free(classify->parts);
    mem_free(classify->values.list);
    mem_free(classify->matches.list);
    nearby_close(classify->nearby);
    distinct_close(classify->distinct);
    masks_close(classify->masks);
    arena_fini(&classify->arena);
    mem_free(classify);
}

/* Hits of the scanner -------------------------------------------------------------------------- */

static uint64_t *awake_at(struct classify *classify, size_t index)
{
    return classify->awake + index * shapes_words(classify->classifier->shapes);
}

/* Templates of the type may match as far as its keyword reaches. */
static void wake(struct classify *classify, const struct scanner_hit *hit)
{
    const struct types_row *row = &classify->classifier->types.rows[hit->type];
    size_t reach = (size_t)row->near_characters * 4 + 256;
    size_t first = hit->start > reach ? (hit->start - reach) / cell : 0;
    size_t last = (hit->end + reach) / cell, end = classify->length / cell;
    struct woken *woken = &classify->woken[hit->type];
    if (last > end)
        last = end;
    bool goes_on = woken->end && first >= woken->first && first <= woken->end;
    for (size_t i = goes_on ? woken->end : first; i <= last; i++)
        shapes_wake(classify->classifier->shapes, hit->type, awake_at(classify, i));
    if (!goes_on)
        *woken = (struct woken){(uint32_t)first, (uint32_t)last + 1};
    else if (last >= woken->end)
        woken->end = (uint32_t)last + 1;
}

static bool on_hit(void *context, const struct scanner_hit *hit)
{
    struct classify *classify = context;
    if (hit->kind == SCANNER_VALUE) {
        const struct match value = {
            .start = hit->start, .end = hit->end, .type = hit->type, .find = hit->find};
        return match_add(&classify->values, &value, most_matches);
    }
    uint32_t slot = hit->type;
    if (hit->kind == SCANNER_EXCLUDE)
        slot += (uint32_t)classify->classifier->types.count;
    else
        wake(classify, hit);
    if (classify->table && classify->row == 0 && hit->kind == SCANNER_KEYWORD) {
        const struct match header = {.start = hit->start, .end = hit->end, .type = hit->type};
        if (!match_add(&classify->matches, &header, most_matches))
            return false;
    }
    return nearby_add(classify->nearby, slot, hit->start, hit->end);
}

static bool wake_column(void *context, uint64_t column, uint32_t slot)
{
    struct classify *classify = context;
    return !classify->classifier->types.rows[slot].keyword_column ||
           columns_wake(classify->columns, column, (uint16_t)slot);
}

static void rewind_judge(struct classify *classify)
{
    classify->judge.cursor = 0;
    classify->judge.row = classify->row;
    classify->judge.column = classify->column;
}

/* Keywords in the first row of a table belong to their columns. They were put into `matches`. */
static bool take_headers(struct classify *classify)
{
    match_sort(&classify->matches);
    rewind_judge(classify);
    for (size_t i = 0; i < classify->matches.count; i++) {
        const struct match *hit = &classify->matches.list[i];
        judge_locate(&classify->judge, hit->start);
        if (classify->judge.row > 0)
            break;
        if (!nearby_add_header(classify->nearby, classify->judge.column, hit->type))
            return false;
    }
    classify->matches.count = 0;
    return true;
}

static bool scan(struct classify *classify)
{
    const struct shapes *shapes = classify->classifier->shapes;
    const struct scanner_sink sink = {classify, on_hit};
    nearby_reset(classify->nearby);
    memset(classify->woken, 0, classify->classifier->types.count * sizeof *classify->woken);
    classify->values.count = classify->matches.count = 0;
    memset(classify->awake, 0,
           (classify->length / cell + 1) * shapes_words(shapes) * sizeof(uint64_t));
    tokens_map(classify->window, classify->length, &classify->maps);
    if (!scanner_scan(classify->classifier->scanner, classify->window, classify->length,
                      &classify->maps, &sink) ||
        !take_headers(classify))
        return false;
    nearby_ready(classify->nearby);
    columns_reset(classify->columns);
    return !classify->table || nearby_each_header(classify->nearby, wake_column, classify);
}

/* Candidates ----------------------------------------------------------------------------------- */

static void try_candidate(struct classify *classify, const struct judge_candidate *candidate)
{
    struct match match;
    const struct judge_candidate *last = &classify->last;
    if (last->start == candidate->start && last->end == candidate->end &&
        last->type == candidate->type && last->find == candidate->find &&
        last->loose == candidate->loose)
        return;
    classify->last = *candidate;
    if (judge_candidate(&classify->judge, candidate, &match) &&
        !match_add(&classify->matches, &match, most_matches))
        classify->failed = true;
}

static void on_shape(void *context, const struct shapes_hit *hit)
{
    const struct judge_candidate candidate = {.start = hit->start,
                                              .end = hit->end,
                                              .type = hit->type,
                                              .find = hit->find,
                                              .loose = hit->loose};
    try_candidate(context, &candidate);
}

/* The longest of a pattern's or dictionary's hits at one place: values are sorted. */
static void try_values(struct classify *classify)
{
    match_sort(&classify->values);
    rewind_judge(classify);
    for (size_t i = 0; i < classify->values.count; i++) {
        const struct match *value = &classify->values.list[i];
        const struct shapes_hit hit = {value->start, value->end, value->type, value->find, false};
        on_shape(classify, &hit);
    }
}

/* Where a digit may stand in the next digit_reach bytes, this one included. */
static uint64_t digits_ahead(const struct classify *classify, size_t word)
{
    const uint64_t *digits = &classify->maps.digits[word];
    unsigned __int128 near = (unsigned __int128)digits[1] << 64 | digits[0];
    unsigned reach = 1;
    for (; reach * 2 <= digit_reach; reach *= 2)
        near |= near >> reach;
    return (uint64_t)(near | near >> (digit_reach - reach));
}

/* A value may begin here: nothing of a word or number stands before, and no digit behind one of
 * - . / does (guards_edges lets nothing begin there). */
static bool may_begin(const char *text, size_t at)
{
    unsigned char before = at ? (unsigned char)text[at - 1] : ' ';
    struct tokens_char c;
    if (before >= 0x80)
        return tokens_before(text, at, &c) && !tokens_wordlike(&c);
    if ((before == '-' || before == '.' || before == '/') && at > 1)
        return (unsigned)(text[at - 2] - '0') >= 10;
    return before != '@' && tokens_ascii[before] != TOKENS_WORD &&
           tokens_ascii[before] != TOKENS_BLOCK;
}

/* What is awake where the search stands. */
struct ground {
    struct shapes_set near;
    struct shapes_starts near_starts;
    bool near_wordy;
    struct columns_column *column;
};

static void try_start(struct classify *classify, const struct ground *ground, size_t at, bool digit)
{
    const struct shapes_sink sink = {classify, on_shape};
    const struct shapes_text text = {classify->window, classify->length, &classify->maps};
    if (!digit && !(ground->near_wordy && shapes_may_start(&ground->near_starts, &text, at)) &&
        !(ground->column->wordy && shapes_may_start(&ground->column->starts, &text, at)))
        return;
    const struct shapes_awake awake = {&ground->near, &ground->column->awake,
                                       &ground->column->memo};
    if (may_begin(classify->window, at))
        shapes_walk(classify->classifier->shapes, &text, at, &awake,
                    digit ? SHAPES_ALL : SHAPES_WORDY, &sink);
}

/* Another cell: another set of templates whose keyword is near, or the same. */
static void enter_cell(struct classify *classify, struct ground *ground, size_t index)
{
    const struct shapes *shapes = classify->classifier->shapes;
    const uint64_t *near = awake_at(classify, index), *last = ground->near.bits;
    if (last && memcmp(last, near, shapes_words(shapes) * sizeof *near) == 0)
        return;
    shapes_look(shapes, near, &ground->near);
    ground->near_wordy = shapes_starts(shapes, near, &ground->near_starts);
}

static void enter_column(struct classify *classify, struct ground *ground)
{
    struct judge *judge = &classify->judge;
    ground->column = columns_at(classify->columns, judge->row ? judge->column : UINT64_MAX);
}

/* A tab or the end of a line. */
static void pass_break(struct classify *classify, struct ground *ground, size_t at)
{
    struct judge *judge = &classify->judge;
    bool line = classify->window[at] == '\n';
    judge->row += line;
    judge->column = line ? 0 : judge->column + 1;
    judge->cursor = at + 1;
    enter_column(classify, ground);
}

/* Tabs and line ends of a table among 64 bytes. */
static uint64_t breaks_at(const struct classify *classify, size_t word)
{
    const char *text = classify->window + word * 64;
    size_t left = classify->length - word * 64, count = left < 64 ? left : 64;
    if (!classify->table)
        return 0;
    return tokens_where(text, count, '\t') | tokens_where(text, count, '\n');
}

/* Values that begin among 64 bytes. */
static void try_word(struct classify *classify, struct ground *ground, size_t word, uint64_t starts)
{
    uint64_t breaks = breaks_at(classify, word), numeric = digits_ahead(classify, word);
    if (!classify->table && !ground->near_wordy)
        starts &= numeric;
    for (uint64_t left = starts | breaks; left; left &= left - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(left);
        if (breaks >> bit & 1)
            pass_break(classify, ground, word * 64 + bit);
        else
            try_start(classify, ground, word * 64 + bit, numeric >> bit & 1);
    }
}

static void try_shapes(struct classify *classify)
{
    const struct tokens_maps *maps = &classify->maps;
    struct ground ground = {0};
    uint64_t carry = 0;
    rewind_judge(classify);
    enter_column(classify, &ground);
    for (size_t i = 0; i * 64 < classify->length; i++) {
        if (i % (cell / 64) == 0)
            enter_cell(classify, &ground, i / (cell / 64));
        uint64_t starts = (maps->words[i] & ~(maps->words[i] << 1 | carry)) | maps->leads[i];
        carry = maps->words[i] >> 63;
        try_word(classify, &ground, i, starts);
    }
}

/* Telling -------------------------------------------------------------------------------------- */

/* Where to stop telling: not inside values that overlap one another. */
static size_t cut_of(const struct classify *classify, bool last)
{
    if (last)
        return classify->length;
    size_t cut = classify->length - ahead;
    for (size_t i = classify->matches.count; i-- > 0;) {
        const struct match *match = &classify->matches.list[i];
        if (match->start < cut && match->end > cut && cut - match->start < ahead / 2)
            cut = match->start;
    }
    return cut;
}

static bool tell(struct classify *classify, const struct match *match)
{
    const struct distinct_place place = {
        .offset = classify->base + match->start,
        .length = match->end - match->start,
        .part = (uint32_t)classify->part_count - 1,
    };
    const struct masks_match masked = {
        .row = &classify->classifier->types.rows[match->type],
        .type =
            classify->classifier->types.rows[types_root(&classify->classifier->types, match->type)]
                .id,
        .level = (enum types_level)match->level,
        .offset = place.offset,
        .part = place.part,
        .text = classify->window + match->start,
        .length = place.length,
    };
    return distinct_add(classify->distinct, match, &place) && masks_add(classify->masks, &masked);
}

static bool tell_all(struct classify *classify, size_t cut)
{
    for (size_t i = 0; i < classify->matches.count; i++) {
        const struct match *match = &classify->matches.list[i];
        if (classify->matches.count - i > ahead_of)
            distinct_expect(classify->distinct, &match[ahead_of]);
        if (match->level != LEVEL_NONE && match->start >= classify->own && match->start < cut &&
            !tell(classify, match))
            return false;
    }
    return true;
}

/* Keep what the next window needs. */
static void slide(struct classify *classify, size_t cut)
{
    size_t drop = cut > behind ? cut - behind : 0;
    while (drop > 0 && ((unsigned char)classify->window[drop] & 0xc0) == 0x80)
        drop--;
    rewind_judge(classify);
    if (classify->table)
        judge_locate(&classify->judge, drop);
    classify->row = classify->judge.row;
    classify->column = classify->judge.column;
    memmove(classify->window, classify->window + drop, classify->length - drop);
    classify->length -= drop;
    classify->base += drop;
    classify->own = cut - drop;
}

static bool work(struct classify *classify, bool last)
{
    struct judge *judge = &classify->judge;
    judge->types = &classify->classifier->types;
    judge->nearby = classify->nearby;
    judge->text = classify->window;
    judge->length = classify->length;
    judge->key = classify->classifier->hash_key;
    judge->table = classify->table;
    memset(&classify->last, 0xff, sizeof classify->last);
    judge_forget(judge);
    if (!scan(classify))
        return false;
    try_values(classify);
    try_shapes(classify);
    if (classify->failed)
        return false;
    match_sort(&classify->matches);
    judge_neighbours(judge, &classify->matches);
    memset(classify->taken, 0, (classify->length / 64 + 1) * sizeof(uint64_t));
    match_settle(judge->types, &classify->matches, classify->taken);
    size_t cut = cut_of(classify, last);
    if (!tell_all(classify, cut))
        return false;
    slide(classify, cut);
    return true;
}

/* Text arriving -------------------------------------------------------------------------------- */

static bool end_part(struct classify *classify)
{
    if (classify->in_part && classify->length && !work(classify, true))
        classify->failed = true;
    classify->in_part = false;
    return !classify->failed;
}

static bool add_part(struct classify *classify, const char *path)
{
    if (classify->part_count == classify->part_capacity) {
        size_t more = classify->part_capacity ? classify->part_capacity * 2 : 16;
        const char **parts =
            more > most_parts ? NULL : mem_realloc(classify->parts, more, sizeof *parts);
        if (!parts)
            return false;
        classify->parts = parts;
        classify->part_capacity = more;
    }
    const char *copy = arena_strndup(&classify->arena, path, utf8_cut(path, strlen(path), 1024));
    if (copy)
        classify->parts[classify->part_count++] = copy;
    return copy;
}

bool classify_part(struct classify *classify, const char *path, bool table)
{
    if (!end_part(classify) || !add_part(classify, path)) {
        classify->failed = true;
        return false;
    }
    classify->length = classify->own = 0;
    classify->base = classify->row = classify->column = 0;
    classify->table = table;
    classify->in_part = true;
    nearby_forget_headers(classify->nearby);
    classify->told = false;
    return !classify->full;
}

/* Parts do not run into one another; one without text is none, so that what a label adds to a
 * package (a part that holds nothing else) leaves the digest as it was. */
static void digest_text(struct classify *classify, const char *text, size_t length)
{
    if (length && !classify->told)
        sha256_add(&classify->sha, "", 1);
    classify->told = classify->told || length;
    sha256_add(&classify->sha, text, length);
}

static bool take_text(struct classify *classify, const char *text, size_t length)
{
    while (length) {
        size_t room = capacity - classify->length;
        size_t size = length < room ? length : room;
        memcpy(classify->window + classify->length, text, size);
        classify->length += size;
        text += size;
        length -= size;
        if (classify->length == capacity && !work(classify, false))
            return false;
    }
    return true;
}

bool classify_text(struct classify *classify, const char *text, size_t length)
{
    if (classify->failed || classify->full)
        return false;
    if (!classify->in_part && !classify_part(classify, "", false))
        return false;
    uint64_t left = classify->limits.text_bytes - classify->text_bytes;
    if (length > left) {
        length = utf8_cut(text, length, (size_t)left);
        classify->full = true;
    }
    digest_text(classify, text, length);
    classify->text_bytes += length;
    if (!take_text(classify, text, length))
        classify->failed = true;
    return !classify->failed && !classify->full;
}

bool classify_finish(struct classify *classify, struct arena *arena, struct report *report)
{
    struct sha256 sha = classify->sha;
    if (classify->failed || !end_part(classify))
        return false;
    report->text_bytes = classify->text_bytes;
    sha256_end(&sha, report->text_digest);
    if (classify->full && report->status == REPORT_OK) {
        report->status = REPORT_PARTIAL;
        report->reason = "text-bytes";
    }
    return distinct_report(classify->distinct, classify->parts, arena, report);
}

bool classify_masked(struct classify *classify, struct arena *arena, struct masked_list *list)
{
    return !classify->failed && end_part(classify) &&
           masks_list(classify->masks, classify->parts, arena, list);
}
