/*
 * custodian: what files that are taken away are kept with: the vault, to whom copies are sealed,
 * and the vault's own key, if this daemon has one.
 * Owns: nothing; all of it is the caller's and constant while the workers run.
 */
#ifndef LABELD_JOBS_CUSTODIAN_H
#define LABELD_JOBS_CUSTODIAN_H
#include <stdbool.h>

struct custodian {
    struct vault *vault;
    struct vault *tasks;          /* copies that people's tasks made, sealed to keys of theirs */
    const struct recipients *to;  /* who can open an entry */
    const char *to_json;          /* the same as a JSON list of age1… */
    const struct identities *own; /* NULL: `vault: sealed: true`, only reviewers can */
    struct handoff *handoff;      /* file keys that reviewers sent */
    bool tombstone;               /* leave a text file where a file was */
};

#endif
