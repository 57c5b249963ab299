/*
 * yaml: a YAML file as a tree with positions, on libfyaml.
 * For configuration, rules and type files: one document, no anchors, aliases, tags, merge keys
 * or duplicate keys; bounded in size, depth and nodes. Scalars are text; what they mean is the
 * reader's business.
 * Owns: nothing; the tree lives in the caller's arena.
 */
#ifndef LABELD_BASE_YAML_H
#define LABELD_BASE_YAML_H
#include "base/arena.h"
#include "base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_pair;

struct yaml_node {
    enum yaml_kind kind;
    unsigned line, column;   /* from 1; columns in characters */
    const char *text;        /* YAML_SCALAR; may hold no NUL */
    bool quoted;             /* YAML_SCALAR: '…', "…", | or > */
    bool flow;               /* YAML_LIST, YAML_MAP: written as [ ] or { } */
    struct yaml_node *items; /* YAML_LIST */
    struct yaml_pair *pairs; /* YAML_MAP, in the order of the file */
    size_t count;
};

struct yaml_pair {
    const char *key;
    unsigned line, column;  /* of the key */
    unsigned first_line;    /* yaml_parse_twice: where the key stood first; 0 = here */
    struct yaml_node value; /* a key without a value has the empty scalar */
};

/* Why a file was refused. */
enum yaml_fault {
    YAML_SYNTAX,
    YAML_DUPLICATE, /* `word` is the key, `other_line` where it stood first */
    YAML_ALIAS,     /* `word` is the alias' name: *@example.com is one */
    YAML_ANCHOR,
    YAML_TAG,
    YAML_MERGE,
    YAML_KEY,   /* a key that is not a scalar */
    YAML_EMPTY, /* no document */
    YAML_MANY,  /* more than one document, too deep, too many nodes, NUL */
    YAML_MEMORY
};

struct yaml_problem {
    enum yaml_fault fault;
    unsigned line, column;
    unsigned other_line;
    char word[128];
    char message[256]; /* one sentence without place */
};

/* Read a document of `length` bytes. NULL with `problem`. */
const struct yaml_node *yaml_parse(const char *text, size_t length, struct arena *arena,
                                   struct yaml_problem *problem);

/* The same, but a key that stands twice is no fault: its pair says where it stood first, so that
 * the reader tells it among all other mistakes. */
const struct yaml_node *yaml_parse_twice(const char *text, size_t length, struct arena *arena,
                                         struct yaml_problem *problem);

/* The value of a key in a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
