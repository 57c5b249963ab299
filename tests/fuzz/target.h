/* The one function of every fuzz target, as libFuzzer calls it. */
#ifndef LABELD_TESTS_FUZZ_TARGET_H
#define LABELD_TESTS_FUZZ_TARGET_H
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#endif
