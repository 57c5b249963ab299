/*
 * shapes_parts: the position sets of all templates, as shapes_build.c makes them and shapes.c
 * walks along them. Only shapes*.c include it.
 */
#ifndef LABELD_CLASSIFIERS_SHAPES_PARTS_H
#define LABELD_CLASSIFIERS_SHAPES_PARTS_H
#include "shapes.h"

enum { shapes_places = picture_most_places, shapes_nothing = UINT16_MAX };

struct shapes_owner {
    uint16_t type, find;
};

/* A set of templates of which most words are empty: those that are not, by index. */
struct shapes_sparse {
    uint64_t *set;
    uint8_t *list;
    uint8_t count;
};

/* Templates that may begin with one kind of group. `free`: those of them that wait for no keyword
 * and may end or be parted behind it, which is all there is where nothing is awake. */
struct shapes_opening {
    struct shapes_sparse all, free;
};

/* Numbers of one length that stand alone: nothing but digits, and no separator behind them. Only
 * the templates that can be such a number are here, numbered anew in sets of `words` words. */
struct shapes_lane {
    uint16_t *templates; /* shapes_nothing: a number that is not used */
    size_t count, words;
    uint64_t *free;  /* wait for no keyword although nothing but digits is there */
    uint64_t *unled; /* those of them that need no separator in front */
    bool any_unled;
    uint64_t *take;               /* [picky][digit][word] */
    size_t plain;                 /* templates in words from here on take every digit everywhere */
    uint8_t picky[shapes_places]; /* places where some template refuses a digit */
    uint8_t picky_count;
    struct shapes_sparse all; /* the same templates by their own numbers */
};

/* The checks of a template that look at the value alone: ids[first .. first + count). */
struct shapes_checks {
    uint32_t first;
    uint8_t count;
};

enum { shapes_most_checks = 512 };

struct shapes {
    size_t count, words, classes;
    uint8_t class_of[256];
    const struct picture_template **templates;
    struct shapes_owner *owners;
    uint32_t *first;                        /* by type: its first template; one more at the end */
    uint64_t *table;                        /* [place][class][word] */
    uint64_t *ends, *may_part, *must_part;  /* [place 0..places][word] */
    uint64_t *free, *loose, *wordy, *edged; /* edged: separators outside its places */
    uint64_t *led;                          /* a separator must stand in front */
    uint64_t *fronts;  /* [separator][word]: may stand behind it; row 0: behind anything else */
    uint64_t *backs;   /* [place 1..places][separator][word]: may be parted by it, or begin so */
    bool led_by_space; /* it may be a space in one of them */
    bool must_at[shapes_places + 1];
    size_t longest;
    /* By length of the first group: templates that may begin with such a group, with one of
     * digits only, with a letter, and those of the former that need no digit. */
    struct shapes_opening groups[shapes_places + 1], digits[shapes_places + 1],
        letters[shapes_places + 1], wordy_groups[shapes_places + 1];
    struct shapes_lane lanes[shapes_places + 1];
    uint16_t *lane_index;         /* by template: its number in the lane of its length */
    uint64_t *lengths;            /* by template: bit n - 1 = its first group may have n */
    struct shapes_checks *checks; /* by template */
    uint16_t *check_ids;          /* into `asked` */
    const struct checks_row *asked[shapes_most_checks];
    size_t asked_count;
};

/* The words of a set that belong to a place. */
static inline uint64_t *shapes_row(const struct shapes *shapes, uint64_t *sets, size_t place)
{
    return sets + place * shapes->words;
}

/* The templates that take the character at the place. */
static inline uint64_t *shapes_cell(const struct shapes *shapes, size_t place, uint8_t code)
{
    return shapes->table + (place * shapes->classes + shapes->class_of[code]) * shapes->words;
}

/* The separators in plain form, numbered from 1; 0: another character. */
static inline size_t shapes_separator(uint8_t code)
{
    static const uint8_t numbers[128] = {
        [' '] = 1, ['-'] = 2, ['.'] = 3, ['/'] = 4,  [':'] = 5,  ['('] = 6,
        [')'] = 7, ['['] = 8, [']'] = 9, ['+'] = 10, ['&'] = 11,
    };
    return code < 128 ? numbers[code] : 0;
}

enum { shapes_separators = 12 };

static inline bool shapes_in(const uint64_t *set, size_t template)
{
    return set[template / 64] >> (template % 64) & 1;
}

static inline void shapes_put(uint64_t *set, size_t template)
{
    set[template / 64] |= 1ull << (template % 64);
}

/* Whether a gap holds a separator that must be there. */
bool shapes_needs_marks(const struct picture_gap *gap);

/* Digits alone are not enough for the type without a keyword. */
static inline bool shapes_weak(const struct types_row *row)
{
    return row->one_in < 50 && !row->bare;
}

/* Memory for a sparse set of `words` words, and listing those that came to hold something. */
bool shapes_reserve_sparse(struct shapes_sparse *sparse, size_t words, struct arena *arena);
void shapes_list_words(struct shapes_sparse *sparse, size_t words);

/* Build the lanes; everything else is there. False when memory is out. */
bool shapes_fill_lanes(struct shapes *shapes, const struct types *types, struct arena *arena);

/* Call `found` for the templates of which [start, start + length) is a number that stands alone
 * and that its type's checks let pass. */
void shapes_walk_lane(const struct shapes *shapes, const struct shapes_text *text, size_t start,
                      size_t length, const struct shapes_awake *awake,
                      void (*found)(void *context, size_t template), void *context);

#endif
