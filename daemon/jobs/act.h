/*
 * act: one step of a plan carried out on one item. One file an action, one row in visit_act.c.
 * Each looks before it leaps: what is so already is "unchanged", so that a replay is harmless.
 * True: `done` says what became of it, a refusal included. False: not carried out, err says why
 * (ERR_CONFLICT: the file was changed, examine again; others as the error table says).
 */
#ifndef LABELD_JOBS_ACT_H
#define LABELD_JOBS_ACT_H
#include "jobs/visit.h"

/* What became of the step, in the words of struct visit_step. Always true. */
bool act_end(struct visit_step *done, const char *word, const char *code, const char *message);

bool act_label(struct visit *visit, const struct plan_step *step, struct visit_step *done,
               struct err *err);

bool act_encrypt(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                 struct err *err);
bool act_quarantine(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                    struct err *err);

/* Nobody wider than the step, nobody that it names. What cannot go from the file itself stays:
 * `stays` (else: quarantine). What a person has undone is left alone until something changes. */
bool act_unshare(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                 struct err *err);

/* What was planned (restrict_plan, not nothing): on record, then taken; the exposure is read anew
 * into the outcome. */
bool act_unshare_take(struct visit *visit, const struct plan_step *step,
                      const struct connect_restriction *restriction, struct err *err);

/* Inside the unit that records the visit: what was taken away is on record. */
bool act_unshare_record(struct db *db, struct visit *visit, struct err *err);

/* Links end by the step's time. */
bool act_expire_links(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                      struct err *err);

/* Whom it names is told by the record of the outcome (tell.h); `done` stays without a word, unless
 * somebody is named whom only mail would reach: "not-yet". */
bool act_notify(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                struct err *err);

#endif
