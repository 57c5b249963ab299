/*
 * answer: what a command says of a file, as a line of JSON or as text.
 */
#ifndef LABELD_CTL_ANSWER_H
#define LABELD_CTL_ANSWER_H
#include <stdbool.h>
#include <stdio.h>

#include "base/json.h"
#include "ctl/ctl.h"

/* Print a JSON object as one line and free it. CTL_OK, or CTL_UNREADABLE after a message when it
 * is NULL or memory is out. */
int answer_json(struct ctl_call *call, FILE *to, json_t *json);

/* A file that is refused or cannot be read, in both forms:
 * {"path","error":{"code","message"}} to `to`, or a line to stderr. CTL_UNREADABLE. */
int answer_refusal(struct ctl_call *call, FILE *to, const char *path, bool json, const char *code,
                   const char *message);

#endif
