/*
 * examine: what a child does with one request, between the lock-down and its end.
 * Reads the mapped input through labels/, finds types through the classifier, answers once.
 * Owns: nothing that outlives the process.
 */
#ifndef LABELD_CLASSIFIERS_EXAMINE_H
#define LABELD_CLASSIFIERS_EXAMINE_H
#include "base/hostlink.h"
#include "base/report.h"
#include "classifier.h"

/* One request and its descriptors. */
struct examine {
    const struct classifier *classifier;
    const struct parse_request *request;
    int answer;                /* the answer goes here, framed as wire_send does */
    int files[HOSTLINK_FILES]; /* as the verb wants them */
};

/* How many descriptors a verb takes. */
size_t examine_files(enum parse_verb verb);

/* Do it. The process is to end with this code. */
enum hostlink_exit examine_run(const struct examine *examine);

#endif
