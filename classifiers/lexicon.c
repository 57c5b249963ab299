#include "lexicon.h"

#include <stdlib.h>
#include <string.h>

enum { most_run = 255, wide_key = 3 };

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
    uint64_t hash = (key.letters ^ (uint64_t)key.run << 59) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}

/* Words --------------------------------------------------------------------------------------- */

/* The longest run of ASCII letters. */
static size_t find_run(const char *text, size_t length, size_t *offset)
{
    size_t best = 0;
    for (size_t at = 0; at < length;) {
        size_t run = 0;
        while (at + run < length && is_ascii_letter((unsigned char)text[at + run]))
            run++;
        if (run > best) {
            best = run;
            *offset = at;
        }
        at += run + 1;
    }
    return best;
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
    size_t offset;
    return find_run(text, length, &offset) || find_wide(text, length) + wide_key <= length;
}

/* The first `count` bytes, ASCII letters in lower case. */
static uint64_t letters_of(const char *text, size_t count)
{
    uint64_t letters = 0;
    for (size_t i = 0; i < count; i++)
        letters |= (uint64_t)lower((unsigned char)text[i]) << (8 * i);
    return letters;
}

static bool make_word(const struct lexicon_word *from, struct arena *arena, struct word *word)
{
    size_t offset = 0, run = find_run(from->text, from->length, &offset);
    char *copy = arena_strndup(arena, from->text, from->length);
    if (!copy)
        return false;
    for (size_t i = 0; i < from->length; i++)
        copy[i] = (char)lower((unsigned char)copy[i]);
    if (!run)
        offset = find_wide(from->text, from->length);
    *word = (struct word){.text = copy,
                          .length = from->length,
                          .id = from->id,
                          .offset = (uint32_t)offset,
                          .key.letters = letters_of(copy + offset, run == 0  ? wide_key
                                                                   : run < 8 ? run
                                                                             : 8),
                          .key.run = (uint32_t)(run < most_run ? run : most_run)};
    return true;
}

static bool same_key(struct key a, struct key b)
{
    return a.letters == b.letters && a.run == b.run;
}

static int by_key(const void *a, const void *b)
{
    const struct word *left = a, *right = b;
    if (left->key.letters != right->key.letters)
        return left->key.letters < right->key.letters ? -1 : 1;
    if (left->key.run != right->key.run)
        return left->key.run < right->key.run ? -1 : 1;
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
    size_t at = (size_t)(hash >> 8) & mask;
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
    for (size_t i = 0; i < count; i++)
        if (!make_word(&words[i], arena, &own[i]))
            return NULL;
    qsort(own, count, sizeof *own, by_key);
    lexicon->words = own;
    lexicon->slot_bits = bits_for(count * 2 + 1, 4);
    lexicon->filter_bits = bits_for(count * 16, 12);
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

/* All words of the key that stands at `at`. */
static bool tell(const struct search *search, struct key key, uint64_t hash, size_t at)
{
    const struct lexicon *lexicon = search->lexicon;
    uint32_t slot = *slot_of(lexicon, key, hash);
    if (!slot)
        return true;
    const struct group *group = &lexicon->groups[slot - 1];
    for (size_t i = 0; i < group->count; i++) {
        const struct word *word = &lexicon->words[group->first + i];
        if (word->offset > at || search->length - (at - word->offset) < word->length)
            continue;
        size_t start = at - word->offset, end = start + word->length;
        if (same_text(search->text + start, word) &&
            lexicon_alone(search->text, search->length, start, end) &&
            !search->sink->found(search->sink->context, word->id, (uint32_t)start, (uint32_t)end))
            return false;
    }
    return true;
}

static inline bool look_up(const struct search *search, struct key key, size_t at)
{
    const struct lexicon *lexicon = search->lexicon;
    uint64_t hash = hash_of(key), bit = hash >> (64 - lexicon->filter_bits);
    return !(lexicon->filter[bit / 64] >> (bit % 64) & 1) || tell(search, key, hash, at);
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

static inline uint64_t mask_of(size_t bytes)
{
    return bytes < 8 ? (1ull << (8 * bytes)) - 1 : UINT64_MAX;
}

/* A run of letters begins at `at`. */
static inline bool on_letters(const struct search *search, size_t at, size_t run)
{
    const struct key key = {(eight_bytes(search, at) | 0x2020202020202020) & mask_of(run),
                            (uint32_t)(run < most_run ? run : most_run)};
    return look_up(search, key, at);
}

static inline bool on_wide(const struct search *search, size_t at)
{
    const struct key key = {eight_bytes(search, at) & mask_of(wide_key), 0};
    return look_up(search, key, at);
}

/* How long the run of letters is that begins here; counting stops beyond most_run. */
static size_t run_of(const struct tokens_maps *maps, size_t at)
{
    size_t run = 0;
    for (;;) {
        size_t word = (at + run) / 64, shift = (at + run) % 64;
        uint64_t gap = ~(maps->words[word] & ~maps->digits[word]) >> shift;
        size_t here = gap ? (size_t)__builtin_ctzll(gap) : 64 - shift;
        run += here;
        if (gap || run >= most_run)
            return run;
    }
}

bool lexicon_scan(const struct lexicon *lexicon, const char *text, size_t length,
                  const struct tokens_maps *maps, const struct lexicon_sink *sink)
{
    const struct search search = {lexicon, text, length, sink};
    uint64_t carry = 0;
    for (size_t i = 0; i * 64 < length; i++) {
        uint64_t letters = maps->words[i] & ~maps->digits[i];
        for (uint64_t left = letters & ~(letters << 1 | carry); left; left &= left - 1) {
            size_t at = i * 64 + (size_t)__builtin_ctzll(left);
            if (!on_letters(&search, at, run_of(maps, at)))
                return false;
        }
        for (uint64_t left = maps->leads[i]; left; left &= left - 1)
            if (!on_wide(&search, i * 64 + (size_t)__builtin_ctzll(left)))
                return false;
        carry = letters >> 63;
    }
    return true;
}
