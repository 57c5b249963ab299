#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/own.h"
#include "keyexport.h"
#include "sandbox/copy.h"
#include "state.h"
#include "store/audit.h"
#include "store/store.h"
#include "vault/vault.h"

/* Between the copy of the database and those of the vault, the daemon may take a copy away: then
 * the database is copied again, until one is met whose copies are all there. */
enum { most_rounds = 5, most_missing = 1000 };
static const size_t arena_max_bytes = 64u << 20, sums_max_bytes = 256u << 20;

struct copied {
    int64_t entry;
    uint8_t sha256[32];
};

/* One backup under way. */
struct making {
    const struct backup_options *options;
    struct arena arena;
    struct buf copies; /* of struct copied */
    struct vault *vault;
    const char *partial;
    int folder, vault_folder; /* of the partial backup */
    struct db *db;            /* the copy */
    int64_t missing[most_missing];
    size_t missing_count;
    uint64_t bytes;
    size_t files;
    int64_t schema;
    struct audit_head head;
    const char *problem;               /* of the record; NULL = it is whole */
    char shown[RECIPIENTS_TEXT_BYTES]; /* the key's public half; "" = the daemon has none */
    bool has_key;
};

/* Entries -------------------------------------------------------------------------------------- */

bool backup_needs(const struct entry *entry)
{
    static const bool needs[ENTRY_STATE_COUNT] = {
        [ENTRY_SEALED] = true,    [ENTRY_REMOVING] = true, [ENTRY_REMOVED] = true,
        [ENTRY_RELEASING] = true, [ENTRY_DELETING] = true,
    };
    return entry->kind == ENTRY_QUARANTINE && needs[entry->state];
}

static bool visit_state(struct db *db, enum entry_state state, backup_visit *visit, void *context,
                        struct err *err)
{
    int64_t after = 0;
    for (;;) {
        bool found;
        struct entry entry;
        own_arena struct arena arena = arena_new(arena_max_bytes);
        if (!entry_next(db, state, after, &arena, &entry, &found, err))
            return false;
        if (!found)
            return true;
        after = entry.id;
        if (backup_needs(&entry) && !visit(context, &entry, err))
            return false;
    }
}

bool backup_entries(struct db *db, backup_visit *visit, void *context, struct err *err)
{
    for (int state = 0; state < ENTRY_STATE_COUNT; state++)
        if (!visit_state(db, (enum entry_state)state, visit, context, err))
            return false;
    return true;
}

/* Files ---------------------------------------------------------------------------------------- */

void backup_drop_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    own_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(fd, entry->d_name, 0);
    unlinkat(at, name, AT_REMOVEDIR);
}

static int new_file(struct making *making, int at, const char *name, struct err *err)
{
    int fd = openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        err_errno(err, "making %s in %s", name, making->partial);
    return fd;
}

static bool write_file(struct making *making, const char *name, const struct buf *text,
                       struct err *err)
{
    own_fd int fd = new_file(making, making->folder, name, err);
    return fd >= 0 && (io_write(fd, text->bytes, text->length) ||
                       err_errno(err, "writing %s/%s", making->partial, name));
}

/* Make room for it: DIR.partial, and what is opened of it. */
static bool begin(struct making *making, struct err *err)
{
    struct stat st;
    const char *folder = making->options->folder;
    making->partial = arena_printf(&making->arena, "%s.partial", folder);
    if (!making->partial)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (lstat(folder, &st) == 0)
        return err_set(err, ERR_TAKEN, "%s is there already, and is not overwritten", folder);
    if (mkdir(making->partial, 0700) < 0)
        return errno == EEXIST
                   ? err_set(err, ERR_TAKEN,
                             "%s is there: a backup that is under way, or one that was cut off; "
                             "if none runs, remove it",
                             making->partial)
                   : err_errno(err, "making %s", making->partial);
    making->folder = open(making->partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (making->folder < 0)
        return err_errno(err, "making %s", making->partial);
    if (mkdirat(making->folder, BACKUP_VAULT, 0700) == 0)
        making->vault_folder =
            openat(making->folder, BACKUP_VAULT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return making->vault_folder >= 0 || err_errno(err, "making %s/vault", making->partial);
}

/* The key -------------------------------------------------------------------------------------- */

static bool add_key(struct making *making, struct err *err)
{
    const struct backup_options *options = making->options;
    if (!vaultkey_shown(options->config, making->shown) && !options->config->vault_sealed)
        return err_set(err, ERR_CONFIG, "the vault key in %s cannot be read",
                       options->config->state);
    if (options->config->vault_sealed || options->without_key)
        return true;
    own_fd int fd = new_file(making, making->folder, BACKUP_KEY, err);
    if (fd < 0)
        return false;
    making->has_key = vaultkey_lock(options->config, options->lock, "the key in the backup", fd,
                                    making->shown, err);
    return making->has_key ||
           err_add(err, "the vault key must be locked (--to age1…, or --passphrase-file FILE) or "
                        "left out (--without-key)");
}

/* The database and what it names --------------------------------------------------------------- */

static bool copy_database(struct making *making, struct db *from, struct err *err)
{
    const char *path = arena_printf(&making->arena, "%s/" BACKUP_DATABASE, making->partial);
    if (!path)
        return err_set(err, ERR_MEMORY, "out of memory");
    db_close(making->db);
    making->db = NULL;
    unlinkat(making->folder, BACKUP_DATABASE, 0);
    if (!db_copy(from, path, err))
        return false;
    making->db = db_open(path, true, err);
    return making->db != NULL;
}

static bool copy_bytes(struct making *making, int in, const struct entry *entry, struct err *err)
{
    char name[BACKUP_NAME_BYTES];
    struct copy_facts facts;
    snprintf(name, sizeof name, "%lld.age", (long long)entry->id);
    own_fd int out = new_file(making, making->vault_folder, name, err);
    if (out < 0 || !copy_hashed(in, out, UINT64_MAX, &facts, err))
        return err_add(err, "%s/vault/%s", making->partial, name);
    if (entry->sealed_size && facts.size != entry->sealed_size)
        fprintf(stderr,
                "labeld: warning: the copy of quarantine entry %lld has %llu bytes, %llu were "
                "sealed: it is damaged\n",
                (long long)entry->id, (unsigned long long)facts.size,
                (unsigned long long)entry->sealed_size);
    struct copied copied = {.entry = entry->id};
    memcpy(copied.sha256, facts.sha256, sizeof copied.sha256);
    making->bytes += facts.size;
    return buf_append(&making->copies, &copied, sizeof copied) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

/* A copy that is there already is of an earlier round: copies never change. */
static bool add_copy(void *context, const struct entry *entry, struct err *err)
{
    struct making *making = context;
    struct err gone = {0};
    char name[BACKUP_NAME_BYTES];
    snprintf(name, sizeof name, "%lld.age", (long long)entry->id);
    if (faccessat(making->vault_folder, name, F_OK, 0) == 0)
        return true;
    own_fd int in = vault_read(making->vault, entry->id, &gone);
    if (in >= 0)
        return copy_bytes(making, in, entry, err);
    if (gone.kind != ERR_GONE)
        return err_set(err, gone.kind, "%s", gone.text);
    if (entry->state != ENTRY_DELETING && making->missing_count < most_missing)
        making->missing[making->missing_count++] = entry->id;
    return true;
}

static bool copy_all(struct making *making, struct db *from, struct err *err)
{
    for (int round = 0; round < most_rounds; round++) {
        making->missing_count = 0;
        if (!copy_database(making, from, err) || !backup_entries(making->db, add_copy, making, err))
            return false;
        if (making->missing_count == 0)
            break;
    }
    for (size_t i = 0; i < making->missing_count; i++)
        fprintf(stderr, "labeld: warning: the vault has no copy of quarantine entry %lld\n",
                (long long)making->missing[i]);
    return true;
}

static bool is_sound(struct making *making, struct err *err)
{
    struct db_query *query = db_query_text(making->db, "PRAGMA quick_check(1)");
    if (!query)
        return err_set(err, ERR_MEMORY, "out of memory");
    bool ok = db_step(query, err) == DB_ROW;
    const char *text = ok ? db_column_text(query, 0) : NULL;
    if (ok && (!text || strcmp(text, "ok") != 0))
        ok = err_set(err, ERR_CORRUPT, "the database is damaged (%.200s): keep your last backup",
                     text ? text : "?");
    db_drop(query);
    return ok;
}

static bool look_through(struct making *making, struct err *err)
{
    struct err why = {0};
    if (!is_sound(making, err) || !audit_head(making->db, &making->head, err))
        return false;
    struct audit_head good;
    if (audit_verify(making->db, NULL, &good, &why))
        return true;
    if (why.kind != ERR_CORRUPT)
        return err_set(err, why.kind, "%s", why.text);
    fprintf(stderr, "labeld: warning: the record was changed before this backup: %s\n", why.text);
    making->problem = arena_strdup(&making->arena, why.text);
    return making->problem || err_set(err, ERR_MEMORY, "out of memory");
}

static bool copy_state(struct making *making, struct err *err)
{
    const struct config *config = making->options->config;
    const char *path = arena_printf(&making->arena, "%s/labeld.db", config->state);
    const char *vault = state_vault(config, &making->arena);
    int64_t latest = 0;
    if (!path || !vault)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct db *from = db_open(path, true, err); /* a reader would leave its log behind */
    bool ok = from && store_versions(from, &making->schema, &latest, err);
    if (ok && making->schema != latest)
        ok = err_set(err, ERR_UNSUPPORTED,
                     "%s has schema version %lld, this labeld %lld: back it up with the labeld "
                     "that wrote it",
                     path, (long long)making->schema, (long long)latest);
    making->vault = ok ? vault_open(vault, err) : NULL;
    ok = making->vault && copy_all(making, from, err) && look_through(making, err);
    db_close(from);
    db_close(making->db); /* its log goes into the file */
    making->db = NULL;
    return ok;
}

/* What it is ----------------------------------------------------------------------------------- */

static void sum_line(struct buf *sums, const uint8_t sha256[static 32], const char *name)
{
    for (size_t i = 0; i < 32; i++)
        buf_printf(sums, "%02x", sha256[i]);
    buf_printf(sums, "  %s\n", name);
}

static bool sum_file(struct making *making, const char *name, struct buf *sums, struct err *err)
{
    struct copy_facts facts;
    own_fd int fd = openat(making->folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "opening %s/%s", making->partial, name);
    if (!copy_hashed(fd, -1, UINT64_MAX, &facts, err))
        return false;
    sum_line(sums, facts.sha256, name);
    making->bytes += facts.size;
    making->files++;
    return true;
}

/* Copies that the last database does not need any more are left out. */
static bool sum_copies(struct making *making, struct buf *sums, struct err *err)
{
    const char *path = arena_printf(&making->arena, "%s/" BACKUP_DATABASE, making->partial);
    struct db *db = path ? db_open(path, true, err) : NULL;
    bool ok = db != NULL;
    size_t count = making->copies.length / sizeof(struct copied);
    for (size_t i = 0; ok && i < count; i++) {
        bool found;
        struct entry entry;
        struct copied copied;
        char name[BACKUP_NAME_BYTES];
        own_arena struct arena arena = arena_new(arena_max_bytes);
        memcpy(&copied, making->copies.bytes + i * sizeof copied, sizeof copied);
        snprintf(name, sizeof name, BACKUP_VAULT "/%lld.age", (long long)copied.entry);
        ok = entry_get(db, copied.entry, &arena, &entry, &found, err);
        if (ok && found && backup_needs(&entry)) {
            sum_line(sums, copied.sha256, name);
            making->files++;
        } else if (ok) {
            unlinkat(making->folder, name, 0);
        }
    }
    db_close(db);
    return ok;
}

static json_t *facts_json(struct making *making)
{
    char made[21];
    clock_format(clock_now_us(), made);
    json_t *missing = json_array();
    for (size_t i = 0; i < making->missing_count; i++)
        json_array_append_new(missing, json_integer((json_int_t)making->missing[i]));
    return json_pack("{s:i, s:s, s:s, s:I, s:{s:I, s:s, s:s?}, s:s?, s:b, s:o, s:I}", "backup",
                     BACKUP_FORMAT, "labeld", LABELD_VERSION, "made", made, "schema",
                     (json_int_t)making->schema, "audit", "seq", (json_int_t)making->head.seq,
                     "head", making->head.hash, "problem", making->problem, "vault_key",
                     *making->shown ? making->shown : NULL, "has_key", making->has_key, "missing",
                     missing, "files", (json_int_t)making->files);
}

/* The facts, then the list, whose first line is theirs: so that each byte of both counts. */
static bool write_facts(struct making *making, struct err *err)
{
    own_buf struct buf sums = buf_new(sums_max_bytes), text = buf_new(BACKUP_FACTS_MAX),
                       all = buf_new(sums_max_bytes);
    if (!sum_copies(making, &sums, err) || !sum_file(making, BACKUP_DATABASE, &sums, err) ||
        (making->has_key && !sum_file(making, BACKUP_KEY, &sums, err)))
        return false;
    own_json json_t *json = facts_json(making);
    if (!json || !json_write(json, &text) || !buf_putc(&text, '\n'))
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!write_file(making, BACKUP_FACTS, &text, err) || !sum_file(making, BACKUP_FACTS, &all, err))
        return false;
    if (sums.failed || !buf_append(&all, sums.bytes, sums.length))
        return err_set(err, ERR_MEMORY, "out of memory");
    return write_file(making, BACKUP_SUMS, &all, err);
}

/* On disk, all of it, before it has its name. */
static bool name_it(struct making *making, struct err *err)
{
    const char *folder = making->options->folder;
    if (syncfs(making->folder) < 0)
        return err_errno(err, "writing %s", making->partial);
    if (renameat2(AT_FDCWD, making->partial, AT_FDCWD, folder, RENAME_NOREPLACE) < 0)
        return err_errno(err, "naming %s", folder);
    return syncfs(making->folder) == 0 || err_errno(err, "writing %s", folder);
}

static void say(const struct making *making)
{
    fprintf(making->options->out,
            "%s: %zu files, %llu bytes; the record has %lld entries, its head is %s\n",
            making->options->folder, making->files, (unsigned long long)making->bytes,
            (long long)making->head.seq, making->head.hash);
    if (!making->has_key && *making->shown)
        fprintf(making->options->out,
                "The vault key is not in it: without --export-key no quarantined file comes "
                "back.\n");
}

bool backup_make(const struct backup_options *options, struct err *err)
{
    struct making making = {.options = options,
                            .arena = arena_new(arena_max_bytes),
                            .copies = buf_new(sums_max_bytes),
                            .folder = -1,
                            .vault_folder = -1};
    const char *database = arena_printf(&making.arena, "%s/labeld.db", options->config->state);
    bool ok = database && (access(database, R_OK) == 0 ||
                           err_errno(err, "nothing to back up: opening %s", database));
    ok = ok && begin(&making, err) && add_key(&making, err) && copy_state(&making, err) &&
         write_facts(&making, err) && name_it(&making, err) &&
         (!making.has_key || keyexport_record(options->config, making.shown, "backup", err));
    if (ok)
        say(&making);
    if (!ok && making.folder >= 0) {
        backup_drop_folder(making.folder, BACKUP_VAULT);
        backup_drop_folder(AT_FDCWD, making.partial);
    }
    if (making.vault_folder >= 0)
        close(making.vault_folder);
    if (making.folder >= 0)
        close(making.folder);
    vault_close(making.vault);
    buf_fini(&making.copies);
    arena_fini(&making.arena);
    return ok;
}
