/*
 * shapes: every picture at once, by position sets.
 * For each position and character one bit per template tells whether it may go on; along a run
 * of groups the sets are ANDed, so that cost does not grow with the number of shapes.
 * Owns: nothing; lives in the caller's arena.
 */
#ifndef LABELD_CLASSIFIERS_SHAPES_H
#define LABELD_CLASSIFIERS_SHAPES_H
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

/* Whether a template that can match without a digit is among those of the set and those that
 * wait for no keyword. */
bool shapes_wordy(const struct shapes *shapes, const uint64_t *set);

/* Which templates a walk tries: where no digit stands ahead, only those that need none. */
enum shapes_among { SHAPES_ALL, SHAPES_WORDY };

/* Tell every value that begins at `start`, among the templates that wait for no keyword and those
 * of `awake`, whose keyword is near. */
void shapes_walk(const struct shapes *shapes, const char *text, size_t length, size_t start,
                 const uint64_t *awake, enum shapes_among among, const struct shapes_sink *sink);

/* Whether [start, end) is a value of the picture, for `near` and `exclude`. */
bool shapes_match(const struct picture *picture, const char *text, size_t start, size_t end);

#endif
