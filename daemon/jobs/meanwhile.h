/*
 * meanwhile: a file that is to be taken away and cannot be yet (somebody writes it, the disk is
 * full, it is refused): until then nobody but its owner reaches it. Who did is kept, in its entry
 * and as a restriction that a person can undo: rules decide by it, and it is given back when the
 * file is released, or is not to be taken away after all.
 */
#ifndef LABELD_JOBS_MEANWHILE_H
#define LABELD_JOBS_MEANWHILE_H
#include "jobs/visit.h"

/* Inside the unit that reads the item: the entry that is open, and the last restriction. */
bool meanwhile_find(struct db *db, struct visit *visit, struct err *err);

/* After the exposure was read: copy.shared, as it is without what labeld itself took away since
 * the file was to be taken away, or in a visit that was cut. */
bool meanwhile_shared(struct visit *visit, struct err *err);

/* The file waits: take its sharing away, unless a person has undone that. What fails is told in
 * the log, for the wait has an error of its own. */
void meanwhile_close(struct visit *visit, const struct plan_step *step);

/* Inside the unit that records a visit: an entry that is open, but for which no step asks any
 * more, ends, and sharing is given back. Its copy: meanwhile_drop, after the commit. */
bool meanwhile_end(struct db *db, struct visit *visit, struct err *err);
void meanwhile_drop(struct visit *visit);

/* Inside a unit that ends an entry while its file stays: what was taken meanwhile is to be given
 * back, by a visit. */
bool meanwhile_give_back(struct db *db, const struct entry *entry, int64_t now_us, struct err *err);

#endif
