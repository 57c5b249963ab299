/*
 * vaultkey: to whom the vault's copies are sealed, and the daemon's own key to them. The key is
 * made at first start as STATE/vault.key (0600, an ordinary age identity file), or comes as the
 * systemd credential "vault.key". With `vault: { sealed: true }` the daemon has none: only the
 * reviewers' identities open an entry.
 * Owns: the keys, in locked memory.
 */
#ifndef LABELD_VAULTKEY_H
#define LABELD_VAULTKEY_H
#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"

struct vaultkey {
    struct recipients *to;
    struct identities *own; /* NULL: sealed */
    const char *to_json;    /* list of age1…; in the arena that was given */
};

/* `state`: the state folder. ERR_CONFIG: sealed without recipients, or a key file that others may
 * read. On failure nothing is left to close. */
bool vaultkey_open(struct vaultkey *key, const struct config *config, const char *state,
                   struct arena *arena, struct err *err);
void vaultkey_close(struct vaultkey *key);

#endif
