/*
 * act_label: the action `label`: write, verify, store the intent, put in place. Looks first.
 */
#ifndef LABELD_JOBS_ACT_LABEL_H
#define LABELD_JOBS_ACT_LABEL_H
#include "jobs/visit.h"

/* Carry out a label step; what came of it is in visit->outcome. False: the visit failed and the
 * file is as it was, unless an intent is stored, which says what to look for. */
bool act_label(struct visit *visit, const struct plan_step *step, struct err *err);

#endif
