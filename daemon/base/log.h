/*
 * log: one event a line on standard error, name first:
 *   2026-03-01T09:30:00Z info event=labelled job=4711 connection=team took_ms=84
 * or the same as JSON. Fields come from log.def only.
 * Levels: error = a person must act; warn = we acted around it; info = one line a visit;
 * debug = steps.
 */
#ifndef LABELD_BASE_LOG_H
#define LABELD_BASE_LOG_H
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_field_id {
    LOG_FIELD_END,
#define LOG_FIELD(name, kind, personal, meaning) LOG_##name,
#include "base/log.def"
#undef LOG_FIELD
    LOG_FIELD_COUNT
};

struct log_field {
    enum log_field_id id;
    const char *text; /* of TEXT fields; NULL leaves the field out */
    int64_t number;   /* of NUMBER fields */
};

#define LOG_TEXT(name, value)   ((struct log_field){.id = LOG_##name, .text = (value)})
#define LOG_NUMBER(name, value) ((struct log_field){.id = LOG_##name, .number = (int64_t)(value)})

/* Write one line. `event` is one word with hyphens. */
#define LOG(level, event, ...)                                                                     \
    log_write(level, event, (const struct log_field[]){__VA_ARGS__, {.id = LOG_FIELD_END}})

void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* Set once at start, before other threads: what is written, to which descriptor, in which form. */
void log_open(int fd, enum log_level most, bool json);

#endif
