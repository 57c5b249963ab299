/*
 * err: why something failed, in words that a person can act on.
 * Made once, at the cause; wrapped outward with context by err_add; logged once, at the top.
 * Never holds matched text, file bytes, keys, tokens, or URLs with a query.
 */
#ifndef LABELD_BASE_ERR_H
#define LABELD_BASE_ERR_H
#include <stdbool.h>

enum err_kind {
    ERR_NONE,
#define ERR_KIND(name, word, retry) ERR_##name,
#include "base/kinds.def"
#undef ERR_KIND
    ERR_KIND_COUNT
};

/* What a job does after an error of a kind. */
enum err_retry {
    ERR_RETRY_DONE,    /* nothing is left to do */
    ERR_RETRY_RESTART, /* read the file again at once */
    ERR_RETRY_BACKOFF, /* try again later */
    ERR_RETRY_ONCE,    /* one more try */
    ERR_RETRY_NEVER    /* a person looks */
};

struct err {
    enum err_kind kind;
    char text[480];
};

/* Make an error. Always false, so that a caller can `return err_set(...)`. A NULL err is allowed.
 */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same from the present errno: the kind is derived from it and its text appended. */
bool err_errno(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put context in front of an error: "context: what was there". Always false. */
bool err_add(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forget an error that has been dealt with. */
void err_clear(struct err *err);

/* The stable word of a kind ("conflict"); "none" for ERR_NONE, "unknown" outside the table. */
const char *err_kind_word(enum err_kind kind);

/* What a job does with an error of this kind. */
enum err_retry err_kind_retry(enum err_kind kind);

#endif
