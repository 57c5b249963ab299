/*
 * types_keys: the keys of a type, each with its reader; the kit that readers share.
 * Every reader tells its mistake through types_read_fault and returns false, NULL or nothing.
 */
#ifndef LABELD_CLASSIFIERS_TYPES_KEYS_H
#define LABELD_CLASSIFIERS_TYPES_KEYS_H
#include "types_read.h"

struct types_key {
    const char *name;
    void (*read)(struct types_reader *reader, void *target, const struct yaml_node *node);
};

/* Zeroed memory that lives as long as the types. */
void *types_keys_alloc(struct types_reader *reader, size_t count, size_t bytes);

/* A map by its table of keys (at most 32); unknown keys get a suggestion. */
void types_keys_map(struct types_reader *reader, const struct yaml_node *map,
                    const struct types_key *keys, size_t key_count, void *target);

/* Values. `key` names them in the message. */
const char *types_keys_text(struct types_reader *reader, const struct yaml_node *node,
                            const char *key);
bool types_keys_flag(struct types_reader *reader, const struct yaml_node *node, const char *key,
                     bool *flag);
bool types_keys_number(struct types_reader *reader, const struct yaml_node *node, const char *key,
                       uint32_t most, uint32_t *number);
bool types_keys_list(struct types_reader *reader, const struct yaml_node *node, const char *key,
                     const char ***list, size_t *count);
bool types_keys_level(struct types_reader *reader, const struct yaml_node *node, const char *key,
                      enum types_level *level);
bool types_keys_picture(struct types_reader *reader, const struct yaml_node *node, bool exact,
                        struct picture *picture);
bool types_keys_words_file(struct types_reader *reader, const struct yaml_node *node,
                           const char ***words, size_t *count);

/* One element of `types:`. */
void types_keys_read_type(struct types_reader *reader, const struct yaml_node *node);

#endif
