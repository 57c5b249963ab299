/*
 * json: jansson behind size and depth caps, and the report as JSON.
 * Not linked into labeld-parse.
 */
#ifndef LABELD_BASE_JSON_H
#define LABELD_BASE_JSON_H
#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/report.h"

static inline void json_release(json_t **json)
{
    json_decref(*json);
}

#define own_json __attribute__((cleanup(json_release)))

/* Deepest nesting that json_parse takes. */
#define JSON_MAX_DEPTH 32

/* Parse `length` bytes: one value, duplicate keys and NUL characters refused, at most
 * JSON_MAX_DEPTH deep. The caller owns the reference. NULL with ERR_CORRUPT, which names the
 * place and never quotes the text. The caller caps the size. */
json_t *json_parse(const char *bytes, size_t length, struct err *err);

/* Append a value as one line without spaces, keys in the order they were set. */
bool json_write(const json_t *json, struct buf *out);

/* A sensitive information type, and a bundle of them. NULL when memory is out. */
struct type_info;
struct type_bundle;
json_t *json_of_type(const struct type_info *type);
json_t *json_of_bundle(const struct type_bundle *bundle);

/* What json_report knows beside the report itself. */
struct json_report_facts {
    const char *path;      /* as given; bytes that are not UTF-8 are replaced */
    uint64_t size;         /* bytes */
    const uint8_t *sha256; /* 32 bytes, from the process that read the file; NULL = unknown */
};

/* The report's one JSON form (README, "The report"). NULL when memory is out. */
json_t *json_report(const struct report *report, const struct json_report_facts *facts);

/* Its labels alone, as an array. */
json_t *json_labels(const struct report_label *labels, uint32_t count);

/* A report back from its JSON form (for the store); unknown keys are ignored. ERR_CORRUPT when
 * it is not one. Texts live in the arena. */
bool json_report_read(const json_t *json, struct report *report, struct arena *arena,
                      struct err *err);

/* A string that may hold bytes that are not UTF-8: each becomes U+FFFD. NULL when memory is out. */
json_t *json_text(const char *text);

#endif
