#include "lexicon.h"

#include "base/own.h"
#include "check.h"

enum { most_text = 4096, most_hits = 4096 };

struct hits {
    struct {
        uint32_t id, start, end;
    } list[most_hits];
    size_t count;
};

static bool on_hit(void *context, uint32_t id, uint32_t start, uint32_t end)
{
    struct hits *hits = context;
    assert_true(hits->count < most_hits);
    hits->list[hits->count].id = id;
    hits->list[hits->count].start = start;
    hits->list[hits->count++].end = end;
    return true;
}

static void search(const struct lexicon *lexicon, const char *text, size_t length,
                   struct hits *hits)
{
    uint64_t digits[most_text / 64 + 2], words[most_text / 64 + 2], leads[most_text / 64 + 2];
    const struct tokens_maps maps = {digits, words, leads};
    const struct lexicon_sink sink = {hits, on_hit};
    assert_true(length <= most_text);
    hits->count = 0;
    tokens_map(text, length, &maps);
    assert_true(lexicon_scan(lexicon, text, length, &maps, &sink));
}

static const char *const words[] = {
    "card number", "number",
    "card_number", "ssn",
    "ss#",         "401k",
    "n° tva",      "контракт",
    "卡号",        "contraseña",
    "a",           "id",
    "card",        "tva",
    "电话",        "c.f.",
    "d-nummer",    "héé",
    "no",          "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
};

static struct lexicon *open_words(struct arena *arena)
{
    struct lexicon_word list[sizeof words / sizeof *words];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_true(lexicon_takes(words[i], strlen(words[i])));
        list[i] = (struct lexicon_word){words[i], (uint32_t)strlen(words[i]), (uint32_t)i};
    }
    return lexicon_open(list, sizeof words / sizeof *words, arena);
}

static const struct word_case {
    const char *text, *found; /* words that are told, by their text, one a comma */
} word_cases[] = {
    {"Card Number 1", "card number,number,card"},
    {"CARD_NUMBER", "card_number,number,card"},
    {"cardnumber", ""},
    {"numbers", ""},
    {"ssn1 1ssn ssnx xssn", "ssn,ssn"},
    {"ss#1", "ss#"},
    {"my 401k", "401k"},
    {"my 401kb", ""},
    {"N° TVA:", "n° tva,tva"},
    {"контракт 5", "контракт"},
    {"подконтракт", ""},
    {"контракты", ""},
    {"我的卡号是", "卡号"},
    {"éa aé", ""},
    {"卡a卡", "a"},
    {"CONTRASEñA", "contraseña"},
    {"C.F.", "c.f."},
    {"d-nummer", "d-nummer"},
    {"id", "id"},
    {"xid", ""},
    {"", ""},
    {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"},
    {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyza", ""},
};

/* How often the word stands in a list with commas. */
static size_t listed(const char *list, const char *word)
{
    size_t count = 0, length = strlen(word);
    for (const char *at = list; *at;) {
        size_t size = strcspn(at, ",");
        count += size == length && memcmp(at, word, length) == 0;
        at += size + (at[size] == ',');
    }
    return count;
}

TEST(words_are_found_between_their_boundaries)
{
    own_arena struct arena arena = arena_new(1 << 20);
    struct lexicon *lexicon = open_words(&arena);
    assert_non_null(lexicon);
    for (size_t i = 0; i < sizeof word_cases / sizeof *word_cases; i++) {
        struct hits hits;
        search(lexicon, word_cases[i].text, strlen(word_cases[i].text), &hits);
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            size_t count = 0;
            for (size_t k = 0; k < hits.count; k++)
                count += hits.list[k].id == w;
            CHECK_CASE(i, count == listed(word_cases[i].found, words[w]));
        }
    }
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool stands_at(const char *text, size_t length, size_t at, const char *word)
{
    size_t size = strlen(word);
    if (length - at < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (lower(text[at + i]) != lower(word[i]))
            return false;
    return lexicon_alone(text, length, at, at + size);
}

static size_t told(const struct hits *hits, size_t word, size_t start, size_t end)
{
    size_t count = 0;
    for (size_t i = 0; i < hits->count; i++)
        count +=
            hits->list[i].id == word && hits->list[i].start == start && hits->list[i].end == end;
    return count;
}

/* Texts of words and scraps, put together at random. */
static size_t make_text(uint64_t *state, char text[static most_text])
{
    static const char *const scraps[] = {" ", "_",    "-", "é", "卡", "7",
                                         "x", "\xff", ".", "Ж", "##"};
    enum {
        word_count = sizeof words / sizeof *words,
        scrap_count = sizeof scraps / sizeof *scraps
    };
    size_t length = 0;
    for (;;) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        size_t pick = (size_t)(*state >> 33) % (word_count * 2);
        const char *piece =
            pick < word_count ? words[pick] : scraps[(size_t)(*state >> 40) % scrap_count];
        if (length + strlen(piece) > 700)
            return length;
        memcpy(text + length, piece, strlen(piece));
        if ((*state >> 50) % 3 == 0 && text[length] >= 'a' && text[length] <= 'z')
            text[length] = (char)(text[length] - 32);
        length += strlen(piece);
    }
}

TEST(the_lexicon_finds_what_a_plain_search_finds)
{
    own_arena struct arena arena = arena_new(1 << 20);
    struct lexicon *lexicon = open_words(&arena);
    uint64_t seed = 7;
    assert_non_null(lexicon);
    for (size_t round = 0; round < 300; round++) {
        char text[most_text];
        struct hits hits;
        size_t length = make_text(&seed, text), expected = 0;
        search(lexicon, text, length, &hits);
        for (size_t at = 0; at < length; at++)
            for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
                if (!stands_at(text, length, at, words[w]))
                    continue;
                CHECK_CASE(round, told(&hits, w, at, at + strlen(words[w])) == 1);
                expected++;
            }
        CHECK_CASE(round, hits.count == expected);
    }
}

TEST(words_without_a_letter_are_left_to_others)
{
    assert_false(lexicon_takes("#", 1));
    assert_false(lexicon_takes("12-34", 5));
    assert_false(lexicon_takes("é", 2));
    assert_true(lexicon_takes("号", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found_between_their_boundaries),
        cmocka_unit_test(the_lexicon_finds_what_a_plain_search_finds),
        cmocka_unit_test(words_without_a_letter_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
