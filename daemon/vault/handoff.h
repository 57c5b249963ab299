/*
 * handoff: the one thing of the vault that the listeners see: slots of locked memory in which a
 * reviewer's file key waits for a worker, and the sealed bytes of an entry. Never on disk: after
 * a kill the key is asked for again.
 * Owns: the slots; a key is wiped when it is dropped. May be called from any thread.
 */
#ifndef LABELD_VAULT_HANDOFF_H
#define LABELD_VAULT_HANDOFF_H
#include "base/buf.h"
#include "vault/vault.h"

enum { HANDOFF_KEY_BYTES = 16, HANDOFF_SLOTS = 1024 };

struct handoff;

/* NULL with err: no locked memory. `vault` and `tasks`, what tasks made, are borrowed. */
struct handoff *handoff_open(struct vault *vault, struct vault *tasks, struct err *err);
void handoff_close(struct handoff *handoff);

/* Leave a file key for an entry, in place of an earlier one. ERR_BUSY: all slots are taken. */
bool handoff_put(struct handoff *handoff, int64_t entry, const uint8_t key[HANDOFF_KEY_BYTES],
                 struct err *err);

/* The key that was left; it stays until it is dropped. False: there is none. `key` is secret. */
bool handoff_get(struct handoff *handoff, int64_t entry, uint8_t key[HANDOFF_KEY_BYTES]);
void handoff_drop(struct handoff *handoff, int64_t entry);

/* Append the age header of an entry's copy: all up to and with the line of its MAC, within the
 * buffer's limit. ERR_CORRUPT: it has none. */
bool handoff_header(struct handoff *handoff, int64_t entry, struct buf *header, struct err *err);

/* The sealed bytes of an entry, for reading; the caller closes it. -1 with err. */
int handoff_content(struct handoff *handoff, int64_t entry, struct err *err);

/* What a task made, for reading; the caller closes it. -1 with err. Remove it. */
int handoff_task(struct handoff *handoff, int64_t task, struct err *err);
void handoff_task_remove(struct handoff *handoff, int64_t task);

#endif
