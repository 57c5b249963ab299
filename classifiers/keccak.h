/*
 * keccak: Keccak-256 as Ethereum uses it (padding 0x01, before FIPS 202 changed it).
 */
#ifndef LABELD_CLASSIFIERS_KECCAK_H
#define LABELD_CLASSIFIERS_KECCAK_H
#include <stddef.h>
#include <stdint.h>

/* Digest up to 135 bytes; longer ones are cut. */
void keccak_short(const void *bytes, size_t length, uint8_t digest[static 32]);

#endif
