/*
 * exchange: one request to one parse host, and what comes back: an answer that nobody has checked
 * yet, and the host's word about how the child ended.
 * Owns: the answer's bytes.
 */
#ifndef LABELD_SANDBOX_EXCHANGE_H
#define LABELD_SANDBOX_EXCHANGE_H
#include "base/buf.h"
#include "base/err.h"
#include "base/hostlink.h"
#include "base/report.h"

struct exchange {
    const struct buf *request; /* an encoded parse_request */
    int files[HOSTLINK_FILES];
    size_t file_count;
    uint64_t wall_ms; /* the host kills the child then; we wait a little longer for its word */

    struct buf answer;      /* as the child wrote it: a frame, or anything */
    bool oversized;         /* it wrote more than any answer can be */
    struct parse_done done; /* the host's word */
};

enum exchange_end {
    EXCHANGE_DONE,  /* `done` is filled */
    EXCHANGE_GONE,  /* the host ended before it said so */
    EXCHANGE_STUCK, /* the host said nothing long after the deadline */
    EXCHANGE_FAILED /* nothing was asked: err */
};

/* Ask and wait. May be called again for the same request: what came back before is forgotten. */
enum exchange_end exchange_run(int link, struct exchange *exchange, struct err *err);

#endif
