/*
 * take: seal a file and take it away: what quarantine and encryption have in common. They differ
 * in where the copy goes and to whom it is sealed.
 * The order that loses nothing: entry stored with all that the file has beside its bytes; lease,
 * copy sealed from the leased file, durable and read back, stored; intent stored, then the name is
 * taken away. What follows two seconds later is custody_run's. After a kill the next visit finds
 * the entry and goes on. What cannot be done now leaves the entry waiting, the file closed to all
 * but its owner (meanwhile.h).
 */
#ifndef LABELD_JOBS_TAKE_H
#define LABELD_JOBS_TAKE_H
#include "jobs/visit.h"
#include "store/entry.h"

struct take;

/* Where the copy goes. */
struct take_copy {
    enum entry_kind kind;
    const char *word; /* the outcome: "quarantined" */
    /* Begin the copy: a descriptor to write it to and read it back from (borrowed). */
    bool (*open)(struct take *take, int *output, struct err *err);
    /* It is whole and was read back: make it durable, and name it. */
    bool (*keep)(struct take *take, int output, struct err *err);
    void (*close)(struct take *take, int output);
    /* Remove the copy of an entry that is cancelled, if it is ours still. */
    bool (*drop)(const struct visit_world *world, const struct visit_link *link,
                 const struct entry *entry, struct err *err);
};

struct take {
    struct visit *visit;
    const struct plan_step *step;
    const struct take_copy *copy;
    const struct recipients *to;
    struct entry entry;
    struct entry old; /* of another version: the new one takes its place; id 0 = none */
    bool begun;       /* the entry is on record, with the sharing that a release gives back */
    struct connect_removing *removing;
    struct connect_creating *creating; /* for copies that lie beside the file */
    int input;                         /* the leased file */
};

/* Carry it out. `take` has visit, step, copy and to; entry.recipients and entry.copy_key are set.
 */
bool take_run(struct take *take, struct visit_step *done, struct err *err);

/* The copies of a quarantine, and of an encrypted file. */
extern const struct take_copy take_to_vault, take_beside;
const struct take_copy *take_copy_of(enum entry_kind kind);

#endif
