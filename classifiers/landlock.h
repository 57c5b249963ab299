/*
 * landlock: no path, no port, no signal to outside, by the kernel's Landlock (landlock(7)).
 * The constants are our own, since the headers are older than the kernels. Owns: nothing.
 */
#ifndef LABELD_CLASSIFIERS_LANDLOCK_H
#define LABELD_CLASSIFIERS_LANDLOCK_H
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Enter a domain that may do nothing that this kernel's Landlock knows. `*abi` is the version in
 * force, 0 when the kernel has none. Needs no_new_privs. False: the kernel has it and failed. */
bool landlock_enter(uint32_t *abi, struct err *err);

#endif
