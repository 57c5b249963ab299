/*
 * open: decrypt an age file, with identities or with a file key that somebody has unwrapped.
 * A privilege: only who releases, opens or is labelctl includes this header (tests/house).
 * Contract: the header's MAC is checked before any payload is read; `out` may hold authentic
 * pieces when the answer is false, so it must be a file without a name that the caller then drops
 * (labelctl links it into place only after success), never a name that people see.
 */
#ifndef LABELD_PROTECT_OPEN_H
#define LABELD_PROTECT_OPEN_H
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "protect/identity.h"
#include "protect/stream.h"

/* Open all that follows in `in` (binary or armoured) into `out`. `out` -1: only check it.
 * Errors as age_read, identities_unwrap, age_check_mac and stream_open. */
bool open_file(int in, const struct identities *identities, const struct limits *limits,
               const struct stream_options *options, int out, struct stream_facts *facts,
               struct err *err);

/* The same with the file key itself (a release from a sealed vault, design "Sealed entries"). */
bool open_with_key(int in, const uint8_t file_key[static AGE_FILE_KEY_BYTES],
                   const struct limits *limits, const struct stream_options *options, int out,
                   struct stream_facts *facts, struct err *err);

/* The file key of a header, MAC checked: what a client sends to release a sealed entry. Let
 * `file_key` be secret memory. */
bool open_file_key(const struct age_header *header, const struct identities *identities,
                   const struct limits *limits, uint8_t file_key[static AGE_FILE_KEY_BYTES],
                   struct err *err);

/* From a feed into a sink, by identities: for key files. */
bool open_feed(struct feed *feed, const struct identities *identities, const struct limits *limits,
               const struct stream_options *options, struct sink *sink, struct stream_facts *facts,
               struct err *err);

#endif
