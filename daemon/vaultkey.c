#include "vaultkey.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/own.h"
#include "protect/identity.h"
#include "protect/keyfile.h"
#include "protect/recipients.h"

enum { json_max_bytes = 64 * 1024, file_bytes = 512 };

/* An identity file as age-keygen writes it. */
static bool write_key(const struct identities *own, const char *path, struct err *err)
{
    char secret[IDENTITY_TEXT_BYTES], shown[RECIPIENTS_TEXT_BYTES], text[file_bytes];
    identities_text(own, 0, secret);
    identities_recipient(own, 0, shown);
    int length = snprintf(text, sizeof text,
                          "# The vault key of labeld: without it no quarantined file comes back.\n"
                          "# Keep a copy elsewhere: labeld --config FILE --export-key OUT\n"
                          "# public key: %s\n%s\n",
                          shown, secret);
    bool ok = io_write_file(path, text, (size_t)length, 0600, err);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(text, sizeof text);
    return ok;
}

static bool is_private(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_errno(err, "looking at %s", path);
    return !(st.st_mode & 077) ||
           err_set(err, ERR_CONFIG, "%s can be read by others; chmod 600 %s", path, path);
}

const char *vaultkey_path(const char *state, struct arena *arena, bool *credential)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const char *path = folder ? arena_printf(arena, "%s/vault.key", folder) : NULL;
    *credential = path && access(path, F_OK) == 0;
    return *credential ? path : arena_printf(arena, "%s/vault.key", state);
}

static bool load_own(struct vaultkey *key, const struct config *config, const char *state,
                     struct arena *arena, struct err *err)
{
    bool credential;
    const char *path = vaultkey_path(state, arena, &credential);
    key->own = identities_new(err);
    if (!path)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!key->own)
        return false;
    if (access(path, F_OK) < 0 &&
        (!identities_generate(key->own, err) || !write_key(key->own, path, err)))
        return false;
    if (identities_count(key->own) == 0 &&
        (!is_private(path, err) || !keyfile_read(key->own, path, NULL, &config->limits, err)))
        return false;
    for (size_t i = 0; i < identities_count(key->own); i++) {
        char shown[RECIPIENTS_TEXT_BYTES];
        identities_recipient(key->own, i, shown);
        if (!recipients_add(key->to, shown, err))
            return false;
        if (i == 0 && !credential && !(key->at_risk = arena_strdup(arena, shown)))
            return err_set(err, ERR_MEMORY, "out of memory");
    }
    return true;
}

static bool add_reviewers(struct vaultkey *key, const struct config *config, struct err *err)
{
    for (size_t i = 0; i < config->vault_recipients.count; i++)
        if (!recipients_add(key->to, config->vault_recipients.items[i], err))
            return err_add(err, "vault.recipients");
    if (recipients_count(key->to) == 0)
        return err_set(err, ERR_CONFIG,
                       "vault.sealed needs vault.recipients: the reviewers' age1… keys "
                       "(labelctl key new)");
    return true;
}

/* What entries say about who can open them. */
static bool tell(struct vaultkey *key, const struct config *config, struct arena *arena,
                 struct err *err)
{
    own_buf struct buf text = buf_new(json_max_bytes);
    own_json json_t *list = json_array();
    for (size_t i = 0; list && key->own && i < identities_count(key->own); i++) {
        char shown[RECIPIENTS_TEXT_BYTES];
        identities_recipient(key->own, i, shown);
        json_array_append_new(list, json_string(shown));
    }
    for (size_t i = 0; list && i < config->vault_recipients.count; i++)
        json_array_append_new(list, json_string(config->vault_recipients.items[i]));
    if (list && json_write(list, &text))
        key->to_json = arena_strdup(arena, buf_text(&text));
    return key->to_json || err_set(err, ERR_MEMORY, "out of memory");
}

bool vaultkey_open(struct vaultkey *key, const struct config *config, const char *state,
                   struct arena *arena, struct err *err)
{
    *key = (struct vaultkey){.to = recipients_new(err)};
    if (key->to && (config->vault_sealed || load_own(key, config, state, arena, err)) &&
        add_reviewers(key, config, err) && tell(key, config, arena, err))
        return true;
    vaultkey_close(key);
    return false;
}

void vaultkey_close(struct vaultkey *key)
{
    identities_free(key->own);
    recipients_free(key->to);
    *key = (struct vaultkey){0};
}
