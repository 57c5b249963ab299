/*
 * vault: the folder where sealed copies are kept: one age file an entry, named by its number.
 * A copy has no name until it is whole and durable, so that a kill leaves none half made.
 * Owns: the folder (0700, made when missing), locked against a second daemon by the state folder.
 * Never: has a key, reads what is in a copy.
 */
#ifndef LABELD_VAULT_VAULT_H
#define LABELD_VAULT_VAULT_H
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct vault;

/* Open or make the folder. ERR_REFUSED: others may read it. NULL with err. */
struct vault *vault_open(const char *path, struct err *err);
void vault_close(struct vault *vault);

/* A file without a name, readable and writable, for a new copy. -1 with err. */
int vault_create(struct vault *vault, struct err *err);

/* All of it is written: make it durable and name it for the entry. Replaces a copy of the same
 * entry that a kill has cut before it was recorded. */
bool vault_keep(struct vault *vault, int fd, int64_t entry, struct err *err);

/* The copy of an entry, for reading. ERR_GONE: there is none. -1 with err. */
int vault_read(struct vault *vault, int64_t entry, struct err *err);

/* Remove the copy of an entry; one that is not there is removed already. */
bool vault_remove(struct vault *vault, int64_t entry, struct err *err);

/* Tell the entry of each copy that is there. False: the folder could not be read. */
bool vault_list(struct vault *vault, void (*copy)(void *context, int64_t entry), void *context,
                struct err *err);

/* Give the copy of a number that no entry has another name, ID.unknown-TIME.age: it stays, and a
 * new entry may have the number. */
bool vault_aside(struct vault *vault, int64_t entry, struct err *err);

/* Bytes that are free for new copies. */
bool vault_room(struct vault *vault, uint64_t *bytes, struct err *err);

#endif
