/*
 * linediff: how one text became another, line by line, as a unified diff.
 */
#ifndef LABELD_BASE_LINEDIFF_H
#define LABELD_BASE_LINEDIFF_H
#include <stdbool.h>

#include "base/buf.h"

/* Append the hunks (@@ … @@), with three lines around each change; nothing when the texts are the
 * same. Texts with very many different lines are shown as taken out and put in whole. False when
 * memory is out. */
bool linediff_write(const char *from, const char *to, struct buf *out);

#endif
