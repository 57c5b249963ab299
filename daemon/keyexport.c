#include "keyexport.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/own.h"
#include "ctl/newfile.h"
#include "store/audit.h"

/* Beside the daemon's own writer: both wait for each other's transaction. */
static bool record(struct db *db, const char *shown, const char *how, struct err *err)
{
    own_buf struct buf details = buf_new(4096);
    own_json json_t *json = json_pack("{s:s, s:s}", "key", shown, "locked", how);
    if (!json || !json_write(json, &details))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct audit_record record = {.event = "key-exported",
                                        .actor = "operator",
                                        .details = buf_text(&details),
                                        .at_us = clock_now_us()};
    return db_execute(db, "BEGIN IMMEDIATE", err) && audit_add(db, &record, err) &&
           db_execute(db, "COMMIT", err);
}

bool keyexport_record(const struct config *config, const char *shown, const char *how,
                      struct err *err)
{
    own_arena struct arena arena = arena_new(16384);
    const char *path = arena_printf(&arena, "%s/labeld.db", config->state);
    if (!path)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (access(path, F_OK) == 0) {
        struct db *db = db_open(path, true, err);
        bool ok = db && record(db, shown, how, err);
        db_close(db);
        if (!ok)
            return err_add(err, "the key was copied, but not put on record");
    }
    return vaultkey_exported(config->state, shown, err);
}

bool keyexport_write(const struct backup_options *options, struct err *err)
{
    char shown[RECIPIENTS_TEXT_BYTES];
    own_newfile struct newfile file = {.fd = -1};
    if (options->config->vault_sealed)
        return err_set(err, ERR_CONFIG,
                       "the vault is sealed: labeld has no key; the reviewers' keys open it");
    if (!newfile_open(&file, options->folder, err) ||
        !vaultkey_lock(options->config, options->lock, options->folder, file.fd, shown, err) ||
        !newfile_keep(&file, 0600, err) ||
        !keyexport_record(options->config, shown,
                          options->lock->to.count ? "recipients" : "passphrase", err))
        return false;
    fprintf(options->out, "%s: the vault key %s, locked\n", options->folder, shown);
    return true;
}
