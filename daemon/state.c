#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/own.h"

enum { token_bytes = 32, token_max_bytes = 4096 };
static const size_t arena_max_bytes = 64 * 1024;

static const char *below(struct state *state, const char *name)
{
    return arena_printf(&state->arena, "%s/%s", state->path, name);
}

static bool make_folder(const char *path, struct err *err)
{
    struct stat st;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_errno(err, "making %s", path);
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_CONFIG, "%s is not a folder", path);
    return true;
}

static bool take_lock(struct state *state, struct err *err)
{
    const char *path = below(state, "lock");
    state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->lock < 0)
        return err_errno(err, "opening %s", path);
    if (flock(state->lock, LOCK_EX | LOCK_NB) < 0) {
        close(state->lock);
        state->lock = -1; /* nothing in the folder is ours to remove */
        return err_set(err, ERR_TAKEN, "another labeld uses %s; give each its own `state:` folder",
                       state->path);
    }
    return true;
}

/* Copies of files that a kill left behind. Unlinked ones vanish by themselves. */
static bool empty_spool(const struct state *state, struct err *err)
{
    own_dir DIR *dir = opendir(state->spool);
    if (!dir)
        return err_errno(err, "opening %s", state->spool);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    return true;
}

static bool make_token(const char *path, struct err *err)
{
    unsigned char secret[token_bytes];
    char text[sodium_base64_ENCODED_LEN(token_bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING) + 1];
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text, sizeof text - 1, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    size_t length = strlen(text);
    text[length++] = '\n';
    bool ok = io_write_file(path, text, length, 0600, err);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(text, sizeof text);
    return ok;
}

static bool read_token(struct state *state, struct err *err)
{
    struct stat st;
    const char *path = below(state, "admin.token");
    if (access(path, F_OK) < 0 && !make_token(path, err))
        return false;
    if (stat(path, &st) == 0 && (st.st_mode & 077))
        return err_set(err, ERR_CONFIG, "%s can be read by others; chmod 600 %s", path, path);
    own_free char *text = io_read_file(path, token_max_bytes, NULL, err);
    if (!text)
        return false;
    state->admin_token = arena_strndup(&state->arena, text, strcspn(text, "\r\n"));
    return (state->admin_token && *state->admin_token) ||
           err_set(err, ERR_CONFIG, "%s is empty; remove it to have a new one made", path);
}

bool state_lock(struct state *state, const char *path, struct err *err)
{
    *state = (struct state){.arena = arena_new(arena_max_bytes), .lock = -1};
    state->path = arena_strdup(&state->arena, path);
    if (!state->path)
        return err_set(err, ERR_MEMORY, "out of memory");
    return make_folder(path, err) && take_lock(state, err);
}

static bool is_whole(struct state *state, struct err *err)
{
    const char *restoring = below(state, STATE_RESTORING);
    if (!restoring)
        return err_set(err, ERR_MEMORY, "out of memory");
    return access(restoring, F_OK) < 0 ||
           err_set(err, ERR_CONFIG,
                   "a restore was cut off in %s: empty the folder (and the vault), then labeld "
                   "--config FILE --restore DIR again",
                   state->path);
}

bool state_open(struct state *state, const char *path, struct err *err)
{
    if (!state_lock(state, path, err))
        return false;
    state->spool = below(state, "spool");
    state->cache = below(state, "cache");
    if (!state->spool || !state->cache)
        return err_set(err, ERR_MEMORY, "out of memory");
    return is_whole(state, err) && make_folder(state->spool, err) &&
           make_folder(state->cache, err) && empty_spool(state, err) && read_token(state, err);
}

bool state_listen(const struct state *state, const char *admin, const char *webhooks,
                  struct err *err)
{
    own_arena struct arena arena = arena_new(4096);
    own_json json_t *json = json_pack("{s:s, s:s}", "admin", admin, "webhooks", webhooks);
    own_buf struct buf text = buf_new(1024);
    const char *path = arena_printf(&arena, "%s/listen.json", state->path);
    if (!json || !path || !json_write(json, &text) || !buf_putc(&text, '\n'))
        return err_set(err, ERR_MEMORY, "out of memory");
    return io_write_file(path, buf_text(&text), text.length, 0644, err);
}

const char *state_vault(const struct config *config, struct arena *arena)
{
    return config->vault_path ? config->vault_path : arena_printf(arena, "%s/vault", config->state);
}

void state_close(struct state *state)
{
    own_arena struct arena arena = arena_new(4096);
    const char *path =
        state->lock >= 0 ? arena_printf(&arena, "%s/listen.json", state->path) : NULL;
    if (path)
        unlink(path);
    if (state->lock >= 0)
        close(state->lock);
    arena_fini(&state->arena);
}
