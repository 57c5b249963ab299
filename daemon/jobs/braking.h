/*
 * braking: whether a rule may do what it wants with the item in hand (rules.md, section 6.3b).
 * Asked before anything is done; what was allowed and not done is given back with the outcome.
 */
#ifndef LABELD_JOBS_BRAKING_H
#define LABELD_JOBS_BRAKING_H
#include "jobs/visit.h"

/* Whether a rule may change the item, and where that was counted: visit->plan.allowed. */
enum visit_allowed { VISIT_NOT_ASKED, VISIT_FREELY, VISIT_COUNTED, VISIT_APPROVED, VISIT_STOPPED };

/* Ask for the rules of the plan that would change the item; *stopped: some may not, and only
 * simulate from now on, so the plan is to be made again. False with err. */
bool braking_ask(struct visit *visit, bool *stopped, struct err *err);

/* Inside the unit that records the outcome: what was allowed and not done. `all`: nothing was. */
bool braking_give_back(struct db *db, const struct visit *visit, bool all, struct err *err);

#endif
