/*
 * notice: what a receiver of notifications gets: one JSON object as Standard Webhooks has it
 * (https://github.com/standard-webhooks/standard-webhooks, "Payload structure"): type, timestamp,
 * data. Findings by type and count only, never what matched. Pure.
 */
#ifndef LABELD_JOBS_NOTICE_H
#define LABELD_JOBS_NOTICE_H
#include "base/buf.h"
#include "base/report.h"
#include "store/alert.h"

/* A rule that wants this receiver to be told. */
struct notice_rule {
    const char *name, *message; /* message: NULL = none */
    int level;                  /* enum alert_level of the alert that it raises; -1 = none */
};

/* What became of one step. */
struct notice_action {
    const char *what, *with; /* "label", "Confidential" */
    const char *outcome, *code;
};

struct notice {
    int64_t item;
    const char *connection, *path, *owner;
    const char *exposure;
    const struct report *report;
    const char *label; /* in force afterwards; NULL = none */
    const char *outcome, *code, *message;
    const char *revision; /* of the rules */
    const struct notice_rule *rules;
    size_t rule_count;
    const struct notice_action *actions;
    size_t action_count;
    int64_t at_us;
};

/* Append the JSON. False: no memory, or larger than the buffer may be. */
bool notice_write(const struct notice *notice, struct buf *out);

#endif
