/*
 * recover: what a kill has cut, looked at and finished or undone before anything else runs.
 */
#ifndef LABELD_JOBS_RECOVER_H
#define LABELD_JOBS_RECOVER_H
#include "jobs/visit.h"

/* Each stored intent through its connector, each running or acting job back into the queue. An
 * intent whose connection is not there stays. */
bool recover_all(struct store *store, const struct visit_link *links, size_t count,
                 struct err *err);

/* One intent: look, finish or undo, record, forget. False: it stays, and the file must not be
 * touched before this has succeeded. */
bool recover_intent(struct store *store, const struct visit_link *link, const struct intent *intent,
                    struct err *err);

#endif
