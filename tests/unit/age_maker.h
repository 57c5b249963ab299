/*
 * age_maker: age files made by hand, right or wrong in one place: a header from a template, a MAC
 * that fits it, chunks in any order.
 */
#ifndef LABELD_TESTS_AGE_MAKER_H
#define LABELD_TESTS_AGE_MAKER_H
#include "base/buf.h"
#include "protect/age.h"
#include "protect/identity.h"

/* The identity and the passphrase that made files are for. */
#define MAKER_IDENTITY   "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
#define MAKER_RECIPIENT  "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
#define MAKER_PASSPHRASE "correct horse"

struct maker {
    struct buf file;
    uint8_t key[AGE_KEY_BYTES]; /* of the payload */
};

/* A header of `lines`, in which stand for: @S a whole X25519 stanza, @h its share, @b its body,
 * @H and @B the same with a bit behind the last byte set, @P a whole scrypt stanza of work factor
 * 10, @s its salt, @p its body, @L 64 columns of base64. `mac` NULL: the right one; else its line,
 * in which @m stands for the right one and @M for it with a bit behind the last byte set.
 * Then a payload's nonce. */
void maker_begin(struct maker *maker, const char *lines, const char *mac);

/* A chunk that counts as number `number`. */
void maker_chunk(struct maker *maker, uint64_t number, bool last, const void *bytes, size_t length);

void maker_fini(struct maker *maker);

/* Open a whole file in memory with the identity and the passphrase above. `room` bytes at `out`. */
bool maker_open(const void *file, size_t length, void *out, size_t room, size_t *got,
                struct err *err);

#endif
