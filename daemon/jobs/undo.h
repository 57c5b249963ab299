/*
 * undo: what was cut while sharing was taken away, and what a person wants back. Comes first in a
 * visit: before the file is looked at, so that the visit sees what stands afterwards.
 */
#ifndef LABELD_JOBS_UNDO_H
#define LABELD_JOBS_UNDO_H
#include "jobs/visit.h"

/* Look for a restriction of the item that is planned or to be undone. A planned one that was
 * carried out becomes outcome.taken, another one is forgotten. An undo is carried out and recorded
 * with the item's exposure; `*undone`: the catalogue's row is another one now. False: not possible
 * now, try again. */
bool undo_open(struct visit *visit, bool *undone, struct err *err);

#endif
