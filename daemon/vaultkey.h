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
#include "protect/recipients.h"

struct vaultkey {
    struct recipients *to;
    struct identities *own; /* NULL: sealed */
    const char *to_json;    /* list of age1…; in the arena that was given */
    const char *at_risk; /* age1… of a key that lies in the state folder alone; NULL: none is */
};

/* `state`: the state folder. ERR_CONFIG: sealed without recipients, or a key file that others may
 * read. On failure nothing is left to close. */
bool vaultkey_open(struct vaultkey *key, const struct config *config, const char *state,
                   struct arena *arena, struct err *err);
void vaultkey_close(struct vaultkey *key);

/* Copies elsewhere (vaultkey_copy.c) ---------------------------------------------------------- */

/* Where the key is: the credential if there is one, else the file in the state folder. */
const char *vaultkey_path(const char *state, struct arena *arena, bool *credential);

/* How a copy is locked: to age1… keys, or with a passphrase; and how it is unlocked again. */
struct vaultkey_lock {
    struct config_list to;       /* age1…; none: a passphrase */
    const char *passphrase_file; /* its first line; NULL: asked for on the terminal */
    const char *identity_file;   /* of one of `to`, to unlock; NULL: a passphrase */
};

/* Write the key file, locked and armoured, to `out`, and read it back; `shown` becomes its public
 * key. `subject` is what a passphrase is asked for. ERR_NOT_FOUND: there is no key yet;
 * ERR_USAGE: no way to lock it. */
bool vaultkey_lock(const struct config *config, const struct vaultkey_lock *lock,
                   const char *subject, int out, char shown[static RECIPIENTS_TEXT_BYTES],
                   struct err *err);

/* Unlock the copy at `from` into STATE/vault.key, and note that a copy is elsewhere. */
bool vaultkey_unlock(const struct config *config, const struct vaultkey_lock *lock,
                     const char *from, char shown[static RECIPIENTS_TEXT_BYTES], struct err *err);

/* Note in STATE/vault.key.exported that the key with this public key has a copy elsewhere. */
bool vaultkey_exported(const char *state, const char *shown, struct err *err);

/* Whether that is noted. */
bool vaultkey_is_exported(const char *state, const char *shown);

/* The public key of the daemon's own key. False: there is none, or it cannot be read. */
bool vaultkey_shown(const struct config *config, char shown[static RECIPIENTS_TEXT_BYTES]);

/* The public key of a key that lies in the state folder alone and was never exported. False: it
 * was, there is none, it is a credential, or it cannot be read. Changes nothing. */
bool vaultkey_is_at_risk(const struct config *config, char shown[static RECIPIENTS_TEXT_BYTES]);

#endif
