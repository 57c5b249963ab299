#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "ctl/passphrase.h"
#include "protect/identity.h"
#include "protect/keyfile.h"
#include "protect/open.h"
#include "protect/seal.h"
#include "protect/secret.h"
#include "vaultkey.h"

enum { KEYFILE_MAX = 65536 };

/* The note that a copy is elsewhere ----------------------------------------------------------- */

static const char *note_path(const char *state, struct arena *arena)
{
    return arena_printf(arena, "%s/vault.key.exported", state);
}

bool vaultkey_exported(const char *state, const char *shown, struct err *err)
{
    own_arena struct arena arena = arena_new(16384);
    const char *path = note_path(state, &arena);
    const char *text = arena_printf(&arena, "%s\n", shown);
    if (!path || !text)
        return err_set(err, ERR_MEMORY, "out of memory");
    return io_write_file(path, text, strlen(text), 0644, err); /* also when root exports it */
}

bool vaultkey_is_exported(const char *state, const char *shown)
{
    struct err err = {0};
    own_arena struct arena arena = arena_new(16384);
    const char *path = note_path(state, &arena);
    own_free char *text = path ? io_read_file(path, 4096, NULL, &err) : NULL;
    size_t length = strlen(shown);
    return text && strncmp(text, shown, length) == 0 && strcmp(text + length, "\n") == 0;
}

/* The key as it lies there --------------------------------------------------------------------- */

/* The file into secret memory; `shown` becomes its first public key. NULL with err. */
static char *read_key(const struct config *config, const char *path, size_t *length,
                      char shown[static RECIPIENTS_TEXT_BYTES], struct err *err)
{
    char *text = secret_new(KEYFILE_MAX + 1, err);
    struct identities *keys = text ? identities_new(err) : NULL;
    own_fd int fd = keys ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
    ssize_t got = fd >= 0 ? io_read(fd, text, KEYFILE_MAX) : -1;
    bool ok = keys && keyfile_read(keys, path, NULL, &config->limits, err);
    if (ok && got < 0)
        ok = err_errno(err, "reading");
    if (ok) {
        identities_recipient(keys, 0, shown);
        *length = (size_t)got;
    }
    identities_free(keys);
    if (ok)
        return text;
    secret_free(text);
    err_add(err, "the vault key %s", path);
    return NULL;
}

static bool look(const struct config *config, char shown[static RECIPIENTS_TEXT_BYTES],
                 bool *credential)
{
    size_t length;
    struct err err = {0};
    own_arena struct arena arena = arena_new(16384);
    const char *path = vaultkey_path(config->state, &arena, credential);
    if (config->vault_sealed || !path || access(path, R_OK) < 0)
        return false;
    own_secret char *text = read_key(config, path, &length, shown, &err);
    return text != NULL;
}

bool vaultkey_shown(const struct config *config, char shown[static RECIPIENTS_TEXT_BYTES])
{
    bool credential;
    return look(config, shown, &credential);
}

bool vaultkey_is_at_risk(const struct config *config, char shown[static RECIPIENTS_TEXT_BYTES])
{
    bool credential;
    return look(config, shown, &credential) && !credential &&
           !vaultkey_is_exported(config->state, shown);
}

/* Locking -------------------------------------------------------------------------------------- */

static bool lock_to(const struct vaultkey_lock *lock, const char *subject, struct recipients *to,
                    struct err *err)
{
    for (size_t i = 0; i < lock->to.count; i++)
        if (!recipients_add(to, lock->to.items[i], err))
            return err_add(err, "--to");
    if (lock->to.count > 0)
        return true;
    own_secret char *passphrase = passphrase_get(lock->passphrase_file, subject, true, err);
    return passphrase && recipients_set_passphrase(to, passphrase, RECIPIENTS_WORK_FACTOR, err);
}

static bool seal_key(const char *text, size_t length, const struct recipients *to,
                     const struct limits *limits, int out, struct err *err)
{
    const struct seal_options options = {.armored = true, .hashed = true, .threads = 1};
    struct seal_facts facts;
    struct seal *seal = seal_bytes(text, length, to, limits, &options, out, &facts, err);
    bool ok = seal && seal_verify(seal, out, err);
    seal_free(seal);
    return ok;
}

bool vaultkey_lock(const struct config *config, const struct vaultkey_lock *lock,
                   const char *subject, int out, char shown[static RECIPIENTS_TEXT_BYTES],
                   struct err *err)
{
    bool credential;
    size_t length;
    own_arena struct arena arena = arena_new(16384);
    const char *path = vaultkey_path(config->state, &arena, &credential);
    if (!path)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no key in %s yet: labeld makes it at its first start",
                       config->state);
    own_secret char *text = read_key(config, path, &length, shown, err);
    struct recipients *to = text ? recipients_new(err) : NULL;
    bool ok = to && lock_to(lock, subject, to, err) &&
              seal_key(text, length, to, &config->limits, out, err);
    recipients_free(to);
    return ok;
}

/* Unlocking ------------------------------------------------------------------------------------ */

struct asking {
    const struct vaultkey_lock *lock;
};

static bool ask(void *context, const char *path, char *passphrase, size_t room, struct err *err)
{
    const struct asking *asking = context;
    own_secret char *text = passphrase_get(asking->lock->passphrase_file, path, false, err);
    return text && snprintf(passphrase, room, "%s", text) >= 0;
}

static bool opened_by(const struct config *config, const struct vaultkey_lock *lock,
                      const char *from, struct identities *keys, struct err *err)
{
    struct asking asking = {lock};
    const struct keyfile_ask how = {ask, &asking};
    if (lock->identity_file)
        return keyfile_read(keys, lock->identity_file, &how, &config->limits, err) ||
               err_add(err, "%s", lock->identity_file);
    own_secret char *passphrase = passphrase_get(lock->passphrase_file, from, false, err);
    return passphrase && identities_set_passphrase(keys, passphrase, err);
}

/* The bytes of the key file that was locked, NUL added; NULL with err. */
static char *open_copy(const struct config *config, const struct vaultkey_lock *lock,
                       const char *from, size_t *length, struct err *err)
{
    struct stream_facts facts;
    const struct stream_options how = {.threads = 1};
    own_feed struct feed feed = {.fd = -1};
    own_sink struct sink sink = {.fd = -1};
    char *text = secret_new(KEYFILE_MAX + 1, err);
    struct identities *keys = text ? identities_new(err) : NULL;
    own_fd int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok = keys && (fd >= 0 || err_errno(err, "opening")) &&
              opened_by(config, lock, from, keys, err) && feed_from_fd(&feed, fd, 0, err) &&
              sink_to_memory(&sink, text, KEYFILE_MAX, err) &&
              open_feed(&feed, keys, &config->limits, &how, &sink, &facts, err);
    identities_free(keys);
    if (ok) {
        *length = (size_t)facts.plain_bytes;
        return text;
    }
    secret_free(text);
    err_add(err, "the locked key %s", from);
    return NULL;
}

bool vaultkey_unlock(const struct config *config, const struct vaultkey_lock *lock,
                     const char *from, char shown[static RECIPIENTS_TEXT_BYTES], struct err *err)
{
    size_t length, read;
    own_arena struct arena arena = arena_new(16384);
    const char *path = arena_printf(&arena, "%s/vault.key", config->state);
    if (!path)
        return err_set(err, ERR_MEMORY, "out of memory");
    own_secret char *text = open_copy(config, lock, from, &length, err);
    if (!text || !io_write_file(path, text, length, 0600, err))
        return false;
    own_secret char *again = read_key(config, path, &read, shown, err);
    if (!again)
        unlink(path);
    return again && vaultkey_exported(config->state, shown, err);
}
