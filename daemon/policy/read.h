/*
 * read: reading a rules file: what is allowed where, each mistake with its place and a way out.
 * Inside policy/ only. A reader goes on after a mistake, so that all of them are told at once;
 * whoever gets false or NULL leaves the thing out.
 * Owns: nothing; what it makes lies in the policy's arena, messages in the caller's.
 */
#ifndef LABELD_POLICY_READ_H
#define LABELD_POLICY_READ_H
#include "base/yaml.h"
#include "policy/loaded.h"

enum { READ_MAX_PROBLEMS = 100 };

struct read {
    struct policy *policy;
    struct arena *arena; /* what is read lies there: the policy's own */
    const struct policy_world *world;
    const char *file;
    int64_t now_us;
    struct arena *messages;
    struct policy_problem problems[READ_MAX_PROBLEMS];
    size_t problem_count;
    size_t errors; /* also those beyond READ_MAX_PROBLEMS */
    bool no_memory;

    const uint32_t *parents;         /* by number of type; INTERN_NONE = none */
    const struct yaml_node *bundles; /* of the file */
    const char *const *groups;       /* names under recipients: */
    size_t group_count;
    enum plan_mode default_mode; /* these four are the file's defaults */
    enum report_confidence confidence;
    struct ruleset_brake brake;
    bool every;
    struct intern rule_names;
    unsigned cost; /* conditions to decide, of all rules together */
};
struct read_at { /* a place in the file */
    unsigned line, column;
};

struct read_at read_at_node(const struct yaml_node *node);
struct read_at read_at_key(const struct yaml_pair *pair);

/* Words that may stand somewhere. */
struct read_words {
    const char *const *items;
    size_t count;
};
#define READ_WORDS(array) ((struct read_words){(array), sizeof(array) / sizeof *(array)})

/* Messages. A suggestion, if there is one, is appended: `; did you mean "x"?`. Always false. */
bool read_error(struct read *read, struct read_at at, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool read_unknown(struct read *read, struct read_at at, const char *code, const char *suggestion,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
void read_warn(struct read *read, struct read_at at, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool read_no_memory(struct read *read);

/* The word somebody may have meant: a synonym (`and`: all), else the nearest word. NULL = none. */
const char *read_suggest(const char *word, struct read_words words);

/* Whether messages are still kept, so that a suggestion is worth its cost. */
bool read_listens(const struct read *read);

/* Memory of the policy; NULL after noting that memory is out. */
void *read_alloc(struct read *read, size_t count, size_t bytes);
const char *read_printf(struct read *read, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A mapping with only these keys; `where` is "in the file". An unknown key is told and skipped. */
bool read_map(struct read *read, const struct yaml_node *node, struct read_words keys,
              const char *where);
/* Whether a mapping lacks a key, and no other key looks like a misspelling of it (which has been
 * told already). */
bool read_lacks(const struct yaml_node *map, const char *key, struct read_words keys);
bool read_known_key(struct read *read, const struct yaml_node *map, const struct yaml_pair *pair,
                    struct read_words keys, const char *where);

/* A key without `:` behind it in { }: a comma in a text that is not quoted. Told; true if so. */
bool read_stray_key(struct read *read, const struct yaml_node *map, const struct yaml_pair *pair);

/* One or many: the list's items, or the value itself. */
const struct yaml_node *read_items(const struct yaml_node *node, size_t *count);

/* A text that is not empty; `what` is its name in the message. NULL after a message. */
const char *read_text(struct read *read, const struct yaml_node *node, const char *what);
bool read_number(struct read *read, const struct yaml_node *node, const char *what,
                 uint64_t *number);
bool read_bool(struct read *read, const struct yaml_node *node, const char *what, bool *value);

/* One of some words, by its place among them; message with suggestion and the whole choice. */
bool read_choice(struct read *read, const struct yaml_node *node, const char *what,
                 struct read_words words, unsigned *chosen);

/* Texts of a list, sorted, each once. */
bool read_names(struct read *read, const struct yaml_node *node, const char *what,
                struct rule_names *names);

/* Values with units (rules.md, section 2). */
bool read_size(struct read *read, const struct yaml_node *node, uint64_t *bytes);
bool read_span(struct read *read, const struct yaml_node *node, int64_t *us);
bool read_instant(struct read *read, const struct yaml_node *node, struct rule_instant *instant);

bool read_globs(struct read *read, const struct yaml_node *node, bool path,
                struct rule_globs *globs);

/* "a, b or c". */
const char *read_join(struct read *read, const struct yaml_node *node);

/* A label that can be applied, by name; message `unknown-label` or `group-label`. */
const struct policy_label *read_label(struct read *read, const struct yaml_node *node);
const struct policy_label *read_any_label(struct read *read, const struct yaml_node *node);

/* Types and bundles of a list, with their children. */
bool read_types(struct read *read, const struct yaml_node *node, struct rule_types *types);
bool read_type_each(struct read *read, const struct yaml_node *node,
                    struct rule_findings *findings);

/* The operand of a condition of section 4, by when->op. */
bool read_operand(struct read *read, const struct yaml_node *node, struct rule_when *when);

bool read_confidence(struct read *read, const struct yaml_node *node,
                     enum report_confidence *confidence);

/* A condition (when:). False after a message. */
bool read_when(struct read *read, const struct yaml_node *node, struct rule_when *when);
extern const struct read_words read_steps, read_statuses, read_changes;

bool read_then(struct read *read, const struct yaml_node *node, struct rule *rule);

/* Parts of the file that others name. */
bool read_site(struct read *read, const struct yaml_node *node);
void read_labels(struct read *read, const struct yaml_node *node);
bool read_rule_names(struct read *read, const struct yaml_node *node, struct rule_names *names);

/* One fact that a test gives. False after a message. */
bool read_fact(struct read *read, enum expect_fact fact, const struct yaml_node *node,
               struct expect_facts *given);

/* tests:, after the rules. */
void read_tests(struct read *read, const struct yaml_node *node);

/* Keys that stand twice, anywhere in the file. */
void read_duplicates(struct read *read, const struct yaml_node *root);

/* The whole file into read->policy. */
void read_file(struct read *read, const struct yaml_node *root);

#endif
