/*
 * reference: character references of XML and HTML.
 * Owns: nothing; pure.
 */
#ifndef LABELD_LABELS_REFERENCE_H
#define LABELD_LABELS_REFERENCE_H
#include <stdbool.h>
#include <stddef.h>

/* Decode what stands between & and ; ("amp", "#38", "#x26"; `html` knows the names of HTML 4 and
 * a few of HTML 5). UTF-8 into `out`, its length in `*written`; a no-break space becomes a
 * space, invisible hyphens and joiners become nothing, for they would hide what is read as one
 * number. False when it is no reference. */
bool reference_decode(const char *name, size_t length, bool html, char out[static 4],
                      size_t *written);

#endif
