/*
 * custody_world: a folder with one file, a state folder with store and vault, rules, and the jobs
 * of the daemon run one after the other: for tests of what becomes of files that are taken away.
 */
#ifndef LABELD_TESTS_CUSTODY_WORLD_H
#define LABELD_TESTS_CUSTODY_WORLD_H
#include "check.h"
#include "jobs/custodian.h"
#include "jobs/visit.h"
#include "protect/recipients.h"

struct world {
    char folder[64], files[80], state[80], vault[96], file[120], sealed[120];
    struct limits limits;
    struct policy *policy;
    struct recipients *to;
    struct custodian custodian;
    struct visit_world visits;
    struct visit_link link;
    struct arena arena;
};

/* One for all: a parse host and keys take their time. Groups of tests begin and end with these. */
int world_begin(void **state);
int world_end(void **state);
const struct identities *world_keys(void);

/* Nothing is open yet: a child that is to be killed opens it itself. */
void world_make(struct world *world);
void world_remove(const struct world *world);

/* `rules`: "  - { … }" rows; the recipients group Team is there. `connector`: the real one, or one
 * around it. */
void world_open(struct world *world, const char *rules, const struct connector *connector);
void world_close(struct world *world);

/* Run `unit` in the store, committed; the test fails if it fails. */
void world_write(struct world *world, bool (*run)(struct db *db, void *context, struct err *err),
                 void *context);

/* Ask for a visit of a.txt. */
void world_ask(struct world *world);
bool world_add_visit(struct db *db, void *context, struct err *err);

/* One job, whenever it is due; statement number `statement` of it fails (0: none). False: there is
 * no job. */
bool world_run_one(struct world *world, uint64_t statement);

/* All, until none is left: that they come to an end is asserted. */
void world_run_all(struct world *world);

/* As a start does: what was cut, then all jobs. */
void world_recover(struct world *world);

/* Names in the vault. */
unsigned world_copies(const struct world *world);

#endif
