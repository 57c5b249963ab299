/*
 * shapes: every picture at once, by position sets.
 * For each position and character one bit per template tells whether it may go on; along a run
 * of groups the sets are ANDed, so that cost does not grow with the number of shapes.
 * Owns: nothing; lives in the caller's arena.
 */
#ifndef LABELD_CLASSIFIERS_SHAPES_H
#define LABELD_CLASSIFIERS_SHAPES_H
#include "tokens.h"
#include "types.h"

enum { shapes_most_words = 64 };

struct shapes;

/* A value of the right shape at [start, end). `loose`: its separators are not those of the
 * picture, so it counts only with a keyword. */
struct shapes_hit {
    uint32_t start, end;
    uint16_t type, find;
    bool loose;
};

struct shapes_sink {
    void *context;
    void (*found)(void *context, const struct shapes_hit *hit);
};

/* Build the sets from all pictures of the types. NULL with err: too many, or memory is out. */
struct shapes *shapes_open(const struct types *types, struct arena *arena, struct err *err);

/* Words in a set of templates. */
size_t shapes_words(const struct shapes *shapes);

/* Add a type's templates to a set: one of its keywords is near. */
void shapes_wake(const struct shapes *shapes, uint16_t type, uint64_t *set);

/* How values may begin that need no digit: with which ASCII characters, and with groups of how
 * many letters and digits (bit n - 1: n). */
struct shapes_starts {
    uint64_t first[2], lengths;
};

/* The starts of those of the set and of those that wait for no keyword. False: there are none. */
bool shapes_starts(const struct shapes *shapes, const uint64_t *set, struct shapes_starts *starts);

/* A set of shapes_words() words, and which of them hold anything. */
struct shapes_set {
    const uint64_t *bits;
    uint8_t list[shapes_most_words];
    uint8_t count;
};

/* The templates of a set and those that wait for no keyword, among the numbers of one length that
 * stand alone: worked out for the length that was asked last. */
enum { shapes_lane_words = 4 };
struct shapes_memo {
    uint64_t alive[shapes_lane_words];
    size_t length; /* 0: none yet */
};

/* Look over the bits once. */
void shapes_look(const struct shapes *shapes, const uint64_t *bits, struct shapes_set *set);

/* The templates whose keyword is near: in the text, and in the header of the column. */
struct shapes_awake {
    const struct shapes_set *near, *column;
    struct shapes_memo *memo; /* of `column` */
};

struct shapes_text {
    const char *bytes;
    size_t length;
    const struct tokens_maps *maps;
};

/* Whether a value without a digit may begin at `at`, where a letter or digit stands. */
static inline bool shapes_may_start(const struct shapes_starts *starts,
                                    const struct shapes_text *text, size_t at)
{
    unsigned char first = (unsigned char)text->bytes[at];
    if (first >= 0x80)
        return true;
    if (!(starts->first[first / 64] >> (first % 64) & 1))
        return false;
    size_t size = tokens_run(text->maps->words, at);
    unsigned char next = at + size < text->length ? (unsigned char)text->bytes[at + size] : ' ';
    return next >= 0x80 || next == '&' || (size <= 64 && starts->lengths >> (size - 1) & 1);
}

/* Which templates a walk tries: where no digit stands ahead, only those that need none. */
enum shapes_among { SHAPES_ALL, SHAPES_WORDY };

/* Tell every value that begins at `start`, where a letter or digit stands, among the templates
 * that wait for no keyword and those that are awake. What its type's checks refuse may be left
 * out. */
void shapes_walk(const struct shapes *shapes, const struct shapes_text *text, size_t start,
                 const struct shapes_awake *awake, enum shapes_among among,
                 const struct shapes_sink *sink);

/* Whether [start, end) is a value of the picture, for `near` and `exclude`. */
bool shapes_match(const struct picture *picture, const char *text, size_t start, size_t end);

#endif
