#include "lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { most_run = 64, wide_key = 3 };

/* By what a word is found: the first letters of a run of ASCII letters in lower case and how long
 * the run is; or, in a word that has none, its first bytes and a run of 0. */
struct key {
    uint64_t letters;
    uint32_t run;
};

/* A word as it lies in the table: words of one key follow each other. */
struct word {
    const char *text; /* ASCII in lower case */
    uint32_t length, id;
    uint32_t offset; /* of its key in the text */
    struct key key;
    uint64_t tail, tail_mask; /* the first bytes behind its key, as `blurred` has them */
};

struct group {
    struct key key;
    uint32_t first, count;
};

struct lexicon {
    const struct word *words;
    struct group *groups;
    uint32_t *slots;  /* index + 1 into groups, by hash */
    uint64_t *filter; /* a bit for each hash */
    unsigned slot_bits, filter_bits;
};

static unsigned char lower(unsigned char c)
{
    return (unsigned char)(c | ((unsigned)(c - 'A') < 26 ? 32 : 0));
}

static bool is_ascii_letter(unsigned char c)
{
    return (unsigned)((c | 32) - 'a') < 26;
}

static uint64_t hash_of(struct key key)
{
    uint64_t hash = (key.letters ^ (uint64_t)key.run * 0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15;
    return (hash ^ hash >> 32) * 0xc4ceb9fe1a85ec53;
}

/* Words --------------------------------------------------------------------------------------- */

/* The next run of ASCII letters from `*at` on; 0: there is none. */
static size_t next_run(const char *text, size_t length, size_t *at)
{
    while (*at < length && !is_ascii_letter((unsigned char)text[*at]))
        ++*at;
    size_t run = 0;
    while (*at + run < length && is_ascii_letter((unsigned char)text[*at + run]))
        run++;
    return run;
}

static size_t find_wide(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && (unsigned char)text[at] < 0xc0)
        at++;
    return at;
}

bool lexicon_takes(const char *text, size_t length)
{
    size_t at = 0;
    return next_run(text, length, &at) || find_wide(text, length) + wide_key <= length;
}

/* The first `count` bytes, ASCII letters in lower case. */
static uint64_t letters_of(const char *text, size_t count)
{
    uint64_t letters = 0;
    for (size_t i = 0; i < count; i++)
        letters |= (uint64_t)lower((unsigned char)text[i]) << (8 * i);
    return letters;
}

static struct key run_key(const char *text, size_t run)
{
    return (struct key){letters_of(text, run < 8 ? run : 8),
                        (uint32_t)(run < most_run ? run : most_run)};
}

static bool same_key(struct key a, struct key b)
{
    return a.letters == b.letters && a.run == b.run;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a, *right = b;
    if (left->letters != right->letters)
        return left->letters < right->letters ? -1 : 1;
    return left->run < right->run ? -1 : left->run > right->run;
}

/* Every run of every word, sorted: how common a run is among the words. */
struct census {
    struct key *keys;
    size_t count;
};

static bool take_census(const struct lexicon_word *words, size_t count, struct census *census)
{
    size_t runs = 0, run;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; (run = next_run(words[i].text, words[i].length, &at)); at += run)
            runs++;
    census->keys = mem_alloc((runs + 1) * sizeof *census->keys);
    for (size_t i = 0; census->keys && i < count; i++)
        for (size_t at = 0; (run = next_run(words[i].text, words[i].length, &at)); at += run)
            census->keys[census->count++] = run_key(words[i].text + at, run);
    if (census->count)
        qsort(census->keys, census->count, sizeof *census->keys, compare_keys);
    return census->keys;
}

static size_t first_not_below(const struct census *census, struct key key, bool above)
{
    size_t low = 0, high = census->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_keys(&census->keys[middle], &key) < above)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The rarest run among the words; short ones are common in text. 0: there is none. */
static size_t find_run(const struct census *census, const struct lexicon_word *word, size_t *offset)
{
    enum { short_run = 4, cost_of_short = 10000 };
    size_t best = 0, best_cost = SIZE_MAX, run;
    for (size_t at = 0; (run = next_run(word->text, word->length, &at)); at += run) {
        struct key key = run_key(word->text + at, run);
        size_t cost = first_not_below(census, key, true) - first_not_below(census, key, false);
        cost += run < short_run ? cost_of_short * (short_run - run) : 0;
        if (cost < best_cost) {
            best_cost = cost;
            best = run;
            *offset = at;
        }
    }
    return best;
}

/* Bytes for a first look: case does not matter, and some others are taken for each other. */
static uint64_t blurred(uint64_t bytes)
{
    return bytes | 0x2020202020202020;
}

static inline uint64_t mask_of(size_t bytes)
{
    return bytes < 8 ? (1ull << (8 * bytes)) - 1 : UINT64_MAX;
}

static bool make_word(const struct lexicon_word *from, const struct census *census,
                      struct arena *arena, struct word *word)
{
    size_t offset = 0, run = find_run(census, from, &offset);
    char *copy = arena_strndup(arena, from->text, from->length);
    if (!copy)
        return false;
    for (size_t i = 0; i < from->length; i++)
        copy[i] = (char)lower((unsigned char)copy[i]);
    if (!run)
        offset = find_wide(from->text, from->length);
    size_t key_end = offset + (!run             ? wide_key
                               : run < most_run ? run
                                                : most_run),
           behind = from->length - key_end;
    *word = (struct word){.text = copy,
                          .length = from->length,
                          .id = from->id,
                          .offset = (uint32_t)offset,
                          .tail_mask = mask_of(behind)};
    word->key =
        run ? run_key(copy + offset, run) : (struct key){letters_of(copy + offset, wide_key), 0};
    word->tail = blurred(letters_of(copy + key_end, behind < 8 ? behind : 8)) & word->tail_mask;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct word *left = a, *right = b;
    int order = compare_keys(&left->key, &right->key);
    if (order)
        return order;
    return left->id < right->id ? -1 : left->id > right->id;
}

static unsigned bits_for(size_t count, unsigned least)
{
    unsigned bits = least;
    while ((size_t)1 << bits < count)
        bits++;
    return bits;
}

static uint32_t *slot_of(const struct lexicon *lexicon, struct key key, uint64_t hash)
{
    size_t mask = ((size_t)1 << lexicon->slot_bits) - 1;
    size_t at = (size_t)(hash >> 20) & mask;
    while (lexicon->slots[at] && !same_key(lexicon->groups[lexicon->slots[at] - 1].key, key))
        at = (at + 1) & mask;
    return &lexicon->slots[at];
}

static void make_groups(struct lexicon *lexicon, size_t count)
{
    uint32_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        struct key key = lexicon->words[i].key;
        if (i && same_key(lexicon->words[i - 1].key, key)) {
            lexicon->groups[groups - 1].count++;
            continue;
        }
        uint64_t hash = hash_of(key);
        lexicon->groups[groups] = (struct group){key, (uint32_t)i, 1};
        *slot_of(lexicon, key, hash) = ++groups;
        uint64_t bit = hash >> (64 - lexicon->filter_bits);
        lexicon->filter[bit / 64] |= 1ull << (bit % 64);
    }
}

struct lexicon *lexicon_open(const struct lexicon_word *words, size_t count, struct arena *arena)
{
    struct lexicon *lexicon = arena_alloc(arena, 1, sizeof *lexicon);
    struct word *own = arena_alloc(arena, count + 1, sizeof *own);
    if (!lexicon || !own)
        return NULL;
    struct census census = {0};
    bool ok = take_census(words, count, &census);
    for (size_t i = 0; ok && i < count; i++)
        ok = make_word(&words[i], &census, arena, &own[i]);
    mem_free(census.keys);
    if (!ok)
        return NULL;
    if (count)
        qsort(own, count, sizeof *own, by_key);
    lexicon->words = own;
    lexicon->slot_bits = bits_for(count * 2 + 1, 4);
    lexicon->filter_bits = bits_for(count * 32, 12);
    lexicon->groups = arena_alloc(arena, count + 1, sizeof *lexicon->groups);
    lexicon->slots = arena_alloc(arena, (size_t)1 << lexicon->slot_bits, sizeof *lexicon->slots);
    lexicon->filter = arena_alloc(arena, (size_t)1 << (lexicon->filter_bits - 6), sizeof(uint64_t));
    if (!lexicon->groups || !lexicon->slots || !lexicon->filter)
        return NULL;
    make_groups(lexicon, count);
    return lexicon;
}

/* Text ---------------------------------------------------------------------------------------- */

struct search {
    const struct lexicon *lexicon;
    const char *text;
    size_t length;
    const struct lexicon_sink *sink;
};

static bool is_letter(const struct tokens_char *c)
{
    return (c->kind == TOKENS_WORD && c->code > '9') || (c->kind == TOKENS_BLOCK && c->code != '_');
}

bool lexicon_alone(const char *text, size_t length, size_t start, size_t end)
{
    struct tokens_char outer, inner;
    if (tokens_before(text, start, &outer) && is_letter(&outer)) {
        tokens_decode(text + start, end - start, &inner);
        if (is_letter(&inner))
            return false;
    }
    if (end < length) {
        tokens_decode(text + end, length - end, &outer);
        if (is_letter(&outer) && tokens_before(text, end, &inner) && is_letter(&inner))
            return false;
    }
    return true;
}

static bool same_text(const char *text, const struct word *word)
{
    for (size_t i = 0; i < word->length; i++)
        if (lower((unsigned char)text[i]) != (unsigned char)word->text[i])
            return false;
    return true;
}

static uint64_t eight_bytes(const struct search *search, size_t at)
{
    uint64_t bytes = 0;
    size_t left = search->length - at;
    if (left >= sizeof bytes)
        memcpy(&bytes, search->text + at, sizeof bytes);
    else
        memcpy(&bytes, search->text + at, left);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

/* All words of the key that stands at [at, end). */
static bool tell(const struct search *search, struct key key, uint64_t hash, size_t at, size_t end)
{
    const struct lexicon *lexicon = search->lexicon;
    uint32_t slot = *slot_of(lexicon, key, hash);
    if (!slot)
        return true;
    const struct group *group = &lexicon->groups[slot - 1];
    const struct word *words = lexicon->words + group->first;
    uint64_t tail = end < search->length ? blurred(eight_bytes(search, end)) : 0;
    for (size_t i = 0; i < group->count; i++) {
        const struct word *word = &words[i];
        if ((tail & word->tail_mask) != word->tail || word->offset > at ||
            search->length - (at - word->offset) < word->length)
            continue;
        size_t from = at - word->offset, to = from + word->length;
        if (same_text(search->text + from, word) &&
            lexicon_alone(search->text, search->length, from, to) &&
            !search->sink->found(search->sink->context, word->id, (uint32_t)from, (uint32_t)to))
            return false;
    }
    return true;
}

static inline bool may_hold(const struct lexicon *lexicon, uint64_t hash)
{
    uint64_t bit = hash >> (64 - lexicon->filter_bits);
    return lexicon->filter[bit / 64] >> (bit % 64) & 1;
}

/* How long the run of letters is that begins at bit `shift` of `letters`, up to most_run. */
static inline size_t run_of(uint64_t letters, uint64_t next, unsigned shift)
{
    uint64_t gap = ~(letters >> shift | next << 1 << (63 - shift));
    return gap ? (size_t)__builtin_ctzll(gap) : most_run;
}

static inline struct key key_at(const struct search *search, size_t at, size_t run)
{
    return (struct key){blurred(eight_bytes(search, at)) & mask_of(run), (uint32_t)run};
}

/* The runs of letters that begin at the bits of `starts`. Most are no words of ours, and which
 * ones cannot be foreseen: so first all are looked up in the filter, without a branch. */
static bool on_letters(const struct search *search, size_t base, uint64_t starts, uint64_t letters,
                       uint64_t next)
{
    uint8_t likely[64];
    size_t count = 0;
    for (; starts; starts &= starts - 1) {
        unsigned shift = (unsigned)__builtin_ctzll(starts);
        likely[count] = (uint8_t)shift;
        count += may_hold(search->lexicon,
                          hash_of(key_at(search, base + shift, run_of(letters, next, shift))));
    }
    for (size_t i = 0; i < count; i++) {
        size_t run = run_of(letters, next, likely[i]), at = base + likely[i];
        struct key key = key_at(search, at, run);
        if (!tell(search, key, hash_of(key), at, at + run))
            return false;
    }
    return true;
}

static bool on_wide(const struct search *search, size_t at)
{
    const struct key key = {eight_bytes(search, at) & mask_of(wide_key), 0};
    uint64_t hash = hash_of(key);
    return !may_hold(search->lexicon, hash) || tell(search, key, hash, at, at + wide_key);
}

bool lexicon_scan(const struct lexicon *lexicon, const char *text, size_t length,
                  const struct tokens_maps *maps, const struct lexicon_sink *sink)
{
    const struct search search = {lexicon, text, length, sink};
    uint64_t before = 0, letters = maps->words[0] & ~maps->digits[0];
    for (size_t i = 0; i * 64 < length; i++) {
        uint64_t next = maps->words[i + 1] & ~maps->digits[i + 1];
        uint64_t starts = letters & ~(letters << 1 | before >> 63);
        if (!on_letters(&search, i * 64, starts, letters, next))
            return false;
        for (uint64_t left = maps->leads[i]; left; left &= left - 1)
            if (!on_wide(&search, i * 64 + (size_t)__builtin_ctzll(left)))
                return false;
        before = letters;
        letters = next;
    }
    return true;
}
