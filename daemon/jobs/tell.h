/*
 * tell: alerts and notifications of a visit, as rows in the transaction that records its outcome:
 * what is recorded is told, once, and nothing else is.
 */
#ifndef LABELD_JOBS_TELL_H
#define LABELD_JOBS_TELL_H
#include "jobs/visit.h"

/* The item is recorded with this plan and outcome. Alerts of its rules are opened, updated and
 * ended; rules that newly match, or match another version, notify. Inside a unit. */
bool tell_item(struct db *db, struct visit *visit, struct err *err);

/* The item is gone: its alerts are over. Inside a unit. */
bool tell_gone(struct db *db, const struct visit *visit, struct err *err);

/* A write of our own has made version `to` of version `from`: nobody is told again. Inside a
 * unit. */
bool tell_own_version(struct db *db, int64_t item, const char *from, const char *to,
                      struct err *err);

/* Built-in targets that need mail, which this version cannot send. */
bool tell_is_mail(const char *target);

#endif
