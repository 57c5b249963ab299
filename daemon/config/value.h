/*
 * value: how one kind of setting is read from its text: paths, sizes, spans, addresses, choices.
 * Owns: nothing; what it makes lives in the reading's arena.
 */
#ifndef LABELD_CONFIG_VALUE_H
#define LABELD_CONFIG_VALUE_H
#include "base/yaml.h"
#include "config/config.h"

enum value_kind {
    VALUE_TEXT,
    VALUE_TEXTS,
    VALUE_PATH,
    VALUE_PATHS,
    VALUE_SECRET,
    VALUE_SECRETS,
    VALUE_AUTO,
    VALUE_COUNT,
    VALUE_SIZE,
    VALUE_SPAN,
    VALUE_BOOL,
    VALUE_ADDRESS,
    VALUE_SANDBOX,
    VALUE_LOGFORM,
    VALUE_STORE,
    VALUE_VAULT,
    VALUE_TOMBSTONE,
    VALUE_VERSIONS,
    VALUE_WEAK,
    VALUE_KEYFORM,
    VALUE_KIND_COUNT
};

/* What every reader needs beside the value. */
struct value_context {
    const char *file;   /* of the configuration, for messages */
    const char *folder; /* relative paths start here */
    struct arena *arena;
    struct buf *problems;
    unsigned errors;
};

/* Note a mistake or a warning at a place. Always false. */
bool value_error(struct value_context *context, unsigned line, unsigned column, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
bool value_warning(struct value_context *context, unsigned line, unsigned column,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Read a value of a kind into `field` (the type that the kind has in struct config).
 * False after a message. */
bool value_read(struct value_context *context, enum value_kind kind, const char *key,
                const struct yaml_node *node, void *field);

/* The value as it would be written in the file; in the arena. */
const char *value_text(struct arena *arena, enum value_kind kind, const void *field);

/* A size with its unit ("8 MiB", "10 MB", "4096 B", or a bare number of bytes). */
bool value_size(const char *text, uint64_t *bytes);

/* The limit of that name (base/limits.def), or NULL; the error suggests the nearest name. */
const struct limits_row *value_limit(const char *name, struct err *err);

/* Set a limit through its row. False when the value is outside the row's bounds. */
bool value_set_limit(struct limits *limits, const struct limits_row *row, uint64_t value,
                     struct err *err);

/* A span ("10m", "90 seconds", "7 days") in microseconds. */
bool value_span(const char *text, int64_t *us);

#endif
