/*
 * races: a person saves a file while labeld does something with it, again and again: the frame of
 * the programs beside this file. Four pairs of threads, each with a file of its own; what a pair
 * does when comes from the seed.
 */
#ifndef LABELD_SOAK_RACES_H
#define LABELD_SOAK_RACES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { RACE_BYTES = 64, RACE_COUNTERS = 8, RACE_READ_BYTES = 4096 };

/* How the person saves. SAVED_TWICE: in place, and then again by rename. */
enum race_how { TRUNCATE, RENAME, OVERWRITE, MAPPED, APPEND, SAVED_TWICE, RACE_HOW_COUNT };

/* One race: `name` in `folder` holds RACE_BYTES of "-" at its beginning. */
struct race {
    int folder;
    unsigned number;
    enum race_how how;
    char name[32], content[RACE_BYTES + 1]; /* what the person writes */
    bool saved;                             /* the last save succeeded; valid when it is over */
    unsigned seed;                          /* of our side: rand_r */
    unsigned counts[RACE_COUNTERS];         /* of all races of the pair, by races_side.words */
};

/* Our side. */
struct races_side {
    const char *words[RACE_COUNTERS];                         /* what is counted; then NULL */
    void (*act)(struct race *race);                           /* beside the person */
    bool (*holds)(const struct race *race, const char **why); /* afterwards: nothing was lost */
};

/* Arguments of the program: races, seed. Prints the counts and what was lost; the exit code. */
int races_run(int argc, char **argv, const struct races_side *side);

/* Between 0 and `most`, by the seed. */
void race_pause(struct race *race, unsigned most_us);

/* The bytes of `name`, ended by a NUL; false: there is no such file. */
bool race_read(const struct race *race, const char *name, char bytes[static RACE_READ_BYTES]);

/* Whether the person's bytes are in there, as the person wrote them. */
bool race_has_save(const struct race *race, const char *bytes);

/* A count goes up by what is told here: conflicts, of those both kept, busy. Whatever else is
 * printed. */
void race_count_error(struct race *race, const struct err *err, unsigned conflicts, unsigned kept,
                      unsigned busy);

#endif
