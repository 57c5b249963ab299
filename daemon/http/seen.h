/*
 * seen: which webhooks were accepted a moment ago, as keyed 64-bit fingerprints of their ids
 * (SipHash-2-4 with a key of this run), the oldest forgotten first. In memory alone: after a
 * restart a repeated webhook rings again, which is harmless.
 * May be used from any thread.
 */
#ifndef LABELD_HTTP_SEEN_H
#define LABELD_HTTP_SEEN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen;

/* Remember at most `most` for `keep_us`. NULL when memory is out. */
struct seen *seen_open(size_t most, int64_t keep_us);
void seen_close(struct seen *seen);

/* The fingerprint of an id within a scope. */
uint64_t seen_print(const struct seen *seen, uint32_t scope, const char *id);

bool seen_has(struct seen *seen, uint64_t print, int64_t now_us);
void seen_add(struct seen *seen, uint64_t print, int64_t now_us);

#endif
