/*
 * backup: the state folder and the vault as one folder elsewhere, and back. Made while the daemon
 * runs or stands: the database is copied at one moment, and every sealed copy that it names lies
 * beside it. The vault key is in it only locked.
 *   DIR/backup.json    what it is: times, schema, head of the record, number of files
 *   DIR/SHA256SUMS     a line each file, as sha256sum writes and checks them; backup.json's first
 *   DIR/labeld.db, DIR/vault/N.age, DIR/vault.key.age
 * It is built as DIR.partial and gets its name when all of it is on disk.
 * Not in it: configuration, rules, types, secrets of connections; the admin token (a new one is
 * made), spool and cache.
 */
#ifndef LABELD_BACKUP_H
#define LABELD_BACKUP_H
#include <stdio.h>

#include "store/entry.h"
#include "vaultkey.h"

struct backup_options {
    const struct config *config;
    const char *folder;         /* DIR */
    const char *key_file;       /* restore: a locked key in place of the one in DIR; NULL = none */
    struct vaultkey_lock *lock; /* of the key */
    bool without_key;           /* make: leave the key out */
    FILE *out;                  /* told: what was made or restored; warnings go to stderr */
};

/* ERR_TAKEN: DIR or DIR.partial is there. On failure nothing of it is left. */
bool backup_make(const struct backup_options *options, struct err *err);

/* Bring it back into the configuration's state folder, which must be empty or not there, as must
 * the vault. Digests, the record's chain and the copies' presence are checked first; then all of
 * it counts or nothing does. ERR_TAKEN: the folder is in use or not empty; ERR_CORRUPT: it is not
 * what was backed up. */
bool backup_restore(const struct backup_options *options, struct err *err);

/* What both sides agree on (backup.c, backup_restore.c). */
#define BACKUP_FACTS    "backup.json"
#define BACKUP_SUMS     "SHA256SUMS"
#define BACKUP_DATABASE "labeld.db"
#define BACKUP_KEY      "vault.key.age"
#define BACKUP_VAULT    "vault"
enum { BACKUP_FORMAT = 1, BACKUP_FACTS_MAX = 1 << 20, BACKUP_NAME_BYTES = 64 };

/* Whether an entry is nothing without its copy in the vault. */
bool backup_needs(const struct entry *entry);

/* Each entry of `db` that needs its copy. */
typedef bool backup_visit(void *context, const struct entry *entry, struct err *err);
bool backup_entries(struct db *db, backup_visit *visit, void *context, struct err *err);

/* Remove a folder of ours and the files in it; one that is not there is removed already. */
void backup_drop_folder(int at, const char *name);

#endif
