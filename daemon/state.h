/*
 * state: the daemon's folder: who may use it, its first token, what it tells others.
 * Owns: the lock on the folder, while it is open.
 */
#ifndef LABELD_STATE_H
#define LABELD_STATE_H
#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"

struct state {
    struct arena arena;
    int lock;
    const char *path, *spool, *cache; /* below the folder */
    const char *admin_token;
};

/* A folder inside the state folder while a backup is brought back: without its end the folder is
 * of no use. */
#define STATE_RESTORING "restoring"

/* Make the folder (0700) where it is not there, lock it, empty the spool, make the first admin
 * token (state/admin.token, 0600). ERR_TAKEN: another labeld uses it. ERR_CONFIG: a restore was
 * cut off in it. */
bool state_open(struct state *state, const char *path, struct err *err);

/* Rename state/listen.json into place: {"admin":"HOST:PORT","webhooks":"HOST:PORT"}. */
bool state_listen(const struct state *state, const char *admin, const char *webhooks,
                  struct err *err);

/* Make the folder and lock it, and nothing else. */
bool state_lock(struct state *state, const char *path, struct err *err);

/* Where the vault is: as configured, else STATE/vault. NULL when memory is out. */
const char *state_vault(const struct config *config, struct arena *arena);

/* Take listen.json away and give the folder back. */
void state_close(struct state *state);

#endif
