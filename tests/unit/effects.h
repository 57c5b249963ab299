/*
 * effects: what a test's program does to files, counted; the nth fails, or the program dies there.
 * The calls are wrapped by the linker (effects_options in CMake), so that the product's own code
 * is what runs. SQLite makes its own calls, which are not counted (store_fail_nth is for it).
 */
#ifndef LABELD_TESTS_EFFECTS_H
#define LABELD_TESTS_EFFECTS_H

enum effects_how {
    EFFECTS_FAIL,        /* with `error`, nothing done */
    EFFECTS_LOSE_ANSWER, /* done, and then told as failed */
    EFFECTS_DIE_BEFORE,  /* SIGKILL */
    EFFECTS_DIE_AFTER,
};

/* Count from now on; the nth is struck (0: none). */
void effects_begin(unsigned nth, enum effects_how how, int error);

/* Stop counting: how many there were. */
unsigned effects_end(void);

#endif
