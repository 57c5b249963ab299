/* The task "open": a copy of an entry that a key of the client's own opens. The payload stays as
 * it is; its file key is wrapped anew, so that no plaintext is ever made here. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/own.h"
#include "jobs/custodian.h"
#include "jobs/task_run.h"
#include "protect/open.h"
#include "protect/recipients.h"
#include "protect/secret.h"
#include "store/entry.h"
#include "vault/vault.h"

/* The most that a header's stanzas take beside its bytes. */
static const size_t header_memory = 4u << 20;

static bool find_entry(struct store *store, int64_t id, struct arena *arena, struct entry *entry,
                       struct err *err)
{
    bool found = false;
    struct db *db = store_reader(store, err);
    bool ok = db && entry_get(db, id, arena, entry, &found, err);
    store_reader_done(store, db);
    if (ok && (!found || entry->kind != ENTRY_QUARANTINE))
        return err_set(err, ERR_GONE, "there is no such entry in the vault");
    return ok;
}

/* The header for `to`, and how long the old one is. */
static bool wrap_anew(const struct visit_world *world, int sealed, const struct recipients *to,
                      struct buf *header, uint64_t *old_length, struct err *err)
{
    const struct limits *limits = world->limits;
    own_arena struct arena arena = arena_new(header_memory + limits->age_header_bytes * 8);
    own_feed struct feed feed = {.fd = -1};
    own_secret uint8_t *key = secret_new(AGE_FILE_KEY_BYTES, err);
    struct age_header old;
    if (!key || !feed_from_fd(&feed, sealed, 0, err) ||
        !age_read(&feed, limits, &arena, &old, err) ||
        !open_file_key(&old, world->custodian->own, limits, key, err))
        return false;
    *old_length = old.length;
    return (age_write_version(header) && recipients_wrap(to, key, header, err) &&
            age_write_mac(header, key)) ||
           err_set(err, err->kind ? err->kind : ERR_LIMIT, "%s",
                   err->kind ? err->text : "the new header does not fit");
}

static bool copy_to(const struct visit_world *world, const struct task *task, int sealed,
                    const struct recipients *to, struct err *err)
{
    struct stat st;
    uint64_t old_length = 0;
    struct vault *tasks = world->custodian->tasks;
    own_buf struct buf header = buf_new(world->limits->age_header_bytes);
    if (!wrap_anew(world, sealed, to, &header, &old_length, err))
        return false;
    own_fd int output = vault_create(tasks, err);
    if (output < 0)
        return false;
    if (fstat(sealed, &st) < 0)
        return err_errno(err, "looking at the sealed copy");
    if (!io_write(output, header.bytes, header.length))
        return err_errno(err, "writing a copy");
    return io_copy(sealed, old_length, (uint64_t)st.st_size - old_length, output, err) &&
           vault_keep(tasks, output, task->id, err);
}

bool task_open(const struct visit_world *world, struct task *task, struct arena *arena,
               struct err *err)
{
    struct entry entry;
    own_json json_t *input = json_parse(task->input, strlen(task->input), err);
    const char *id = json_string_value(json_object_get(input, "id"));
    const char *recipient = json_string_value(json_object_get(input, "recipient"));
    if (!id || !recipient)
        return err_set(err, ERR_USAGE, "an open task needs id and recipient");
    if (!world->custodian || !world->custodian->own)
        return err_set(err, ERR_REFUSED,
                       "the vault is sealed: open the content with a reviewer's identity");
    struct recipients *to = recipients_new(err);
    bool ok = to && recipients_add(to, recipient, err) &&
              find_entry(world->store, strtoll(id, NULL, 10), arena, &entry, err);
    own_fd int sealed = ok ? vault_read(world->custodian->vault, entry.id, err) : -1;
    ok = sealed >= 0 && copy_to(world, task, sealed, to, err);
    recipients_free(to);
    return ok;
}
