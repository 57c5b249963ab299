/*
 * types: sensitive information types as rows, read from type files (types.md has their form).
 * Owns: everything in its arena. Read before the lock-down, constant afterwards.
 */
#ifndef LABELD_CLASSIFIERS_TYPES_H
#define LABELD_CLASSIFIERS_TYPES_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "checks.h"
#include "picture.h"

enum { types_most = 4096, types_most_checks = 16, types_none = UINT16_MAX };

/* How sure a finding is; report_confidence plus one, so that none has a number too. */
enum types_level { LEVEL_NONE, LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH };

enum types_find_kind { FIND_SHAPE, FIND_PATTERN, FIND_WORDS };

/* One way to propose a candidate. */
struct types_find {
    enum types_find_kind kind;
    bool needs_keyword, exact, caseless;
    uint32_t capture; /* bytes left and right that a check may see */
    const char *text; /* as the author wrote it */
    struct picture picture;
    const char **words;
    size_t word_count;
    unsigned line, column;
};

struct types_confirm {
    const struct checks_row *check;
    enum types_level to;
};

/* Something else that must stand near. */
struct types_near {
    const char *type_id; /* or NULL: the picture */
    uint16_t type;
    struct picture picture;
    uint32_t within; /* characters */
    unsigned line, column;
};

struct types_example {
    const char *text;
    size_t length;
    enum types_level expect;
    unsigned line, column;
};

enum types_case { CASE_FOUND, CASE_KEYWORD, CASE_CHECK, CASE_CHECK_KEYWORD, CASE_COUNT };

/* One type. Lists are pointer and count. */
struct types_row {
    const char *id, *name, *category, *sources, *regions;
    const char *origin, *file;     /* for people: "built-in" or the file; the file */
    bool builtin, extends, raised; /* raised: one of its regions is configured */
    struct types_find *finds;
    size_t find_count;
    const struct checks_row *checks[types_most_checks];
    size_t check_count;
    struct types_confirm confirms[types_most_checks];
    size_t confirm_count;
    double entropy;
    const char **keywords;
    size_t keyword_count;
    uint32_t near_characters;
    bool keyword_column, keyword_before, keyword_required;
    struct types_near *nears;
    size_t near_count;
    enum types_level confidence[CASE_COUNT], cap;
    const char *parent_id;
    uint16_t parent;
    unsigned parent_line, parent_column;
    const char **exclude_values, **exclude_words, **test_values; /* values: normalised */
    size_t exclude_value_count, exclude_word_count, test_value_count;
    struct picture *exclude_shapes;
    size_t exclude_shape_count;
    bool bare, groups_said, groups_any, exact;
    bool fallback; /* yields to a type of its category that is as sure */
    struct types_example *examples;
    size_t example_count;
    unsigned line, column;
    uint64_t one_in; /* product of its checks' rates */
};

struct types_bundle {
    const char *name, *origin;
    const char **members; /* as written; bundles among them */
    size_t member_count;
    unsigned line, column;
    uint16_t *types; /* resolved, sorted, each once */
    size_t type_count;
};

struct types {
    struct arena arena;
    struct types_row *rows;
    size_t count, capacity;
    struct types_bundle *bundles;
    size_t bundle_count, bundle_capacity;
    uint8_t digest[32]; /* of all files that were read */
};

struct types_options {
    const char *builtin_dir;
    const char *const *dirs; /* users' folders */
    size_t dir_count;
    const char *const *regions;
    size_t region_count;
};

/* Read all type files. False: `problems` holds a line for each mistake and err the first one. */
bool types_open(struct types *types, const struct types_options *options, struct buf *problems,
                struct err *err);
void types_close(struct types *types);

/* The row of that id, or types_none. */
uint16_t types_find(const struct types *types, const char *id);

/* The top of a type's line of parents (itself when it has none). */
uint16_t types_root(const struct types *types, uint16_t type);

/* Whether `ancestor` is the type itself or above it. */
bool types_is(const struct types *types, uint16_t type, uint16_t ancestor);

/* The word of a level, and back; -1 when there is none of that name. */
const char *types_level_word(enum types_level level);
int types_level_of(const char *word);

/* A value as it is compared: separators removed, upper case unless `exact`. Writes at most
 * `most` bytes and returns how many. */
size_t types_normalise(const char *value, size_t length, bool exact, char *out, size_t most);

#endif
