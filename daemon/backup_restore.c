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
#include "sandbox/copy.h"
#include "state.h"
#include "store/audit.h"
#include "store/store.h"
#include "vault/vault.h"

enum { line_bytes = 256, digits = 64 };
static const size_t arena_max_bytes = 64u << 20;

/* One restore under way. */
struct restoring {
    const struct backup_options *options;
    struct arena arena;
    struct state state;
    int from, folder, marker; /* DIR, STATE, STATE/restoring */
    const char *vault_path, *key;
    FILE *sums;
    struct vault *vault;
    json_t *facts;
    const char *made, *head, *problem, *shown; /* of it; problem, shown: NULL = none */
    bool has_key, database, ours; /* its database has come; what lies in STATE is ours */
    uint64_t bytes;
    size_t files;
};

/* What the backup says of itself --------------------------------------------------------------- */

static bool not_whole(const struct restoring *restoring, const char *why, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "%s is not a whole backup: %s", restoring->options->folder,
                   why);
}

static bool read_facts(struct restoring *restoring, struct err *err)
{
    int format = 0;
    const char *path =
        arena_printf(&restoring->arena, "%s/" BACKUP_FACTS, restoring->options->folder);
    if (!path)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return not_whole(restoring, "it has no " BACKUP_FACTS, err);
    size_t length;
    own_free char *text = io_read_file(path, BACKUP_FACTS_MAX, &length, err);
    restoring->facts = text ? json_parse(text, length, err) : NULL;
    if (!restoring->facts)
        return err_add(err, "%s", path);
    if (json_unpack(restoring->facts, "{s:i}", "backup", &format) < 0)
        return not_whole(restoring, BACKUP_FACTS " is of something else", err);
    if (format != BACKUP_FORMAT)
        return err_set(err, ERR_UNSUPPORTED, "%s was made by a newer labeld",
                       restoring->options->folder);
    const json_t *audit = json_object_get(restoring->facts, "audit");
    restoring->made = json_string_value(json_object_get(restoring->facts, "made"));
    restoring->head = json_string_value(json_object_get(audit, "head"));
    restoring->problem = json_string_value(json_object_get(audit, "problem"));
    restoring->shown = json_string_value(json_object_get(restoring->facts, "vault_key"));
    restoring->has_key = json_is_true(json_object_get(restoring->facts, "has_key"));
    return (restoring->made && restoring->head) ||
           not_whole(restoring, BACKUP_FACTS " is not complete", err);
}

static void to_hex(const uint8_t sha256[static 32], char hex[static digits + 1])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
}

/* A line of SHA256SUMS: the digest and the name, in `line`. */
static bool read_line(struct restoring *restoring, char line[static line_bytes], const char **name,
                      bool *end, struct err *err)
{
    *end = !fgets(line, line_bytes, restoring->sums);
    if (*end)
        return !ferror(restoring->sums) ||
               err_errno(err, "reading %s/" BACKUP_SUMS, restoring->options->folder);
    size_t length = strlen(line);
    if (length < digits + 4 || line[length - 1] != '\n' ||
        strspn(line, "0123456789abcdef") != digits || strncmp(line + digits, "  ", 2) != 0)
        return not_whole(restoring, BACKUP_SUMS " has a line that is none", err);
    line[length - 1] = line[digits] = '\0';
    *name = line + digits + 2;
    return true;
}

/* The list begins with the facts, which are as they were written. */
static bool check_facts(struct restoring *restoring, struct err *err)
{
    bool end;
    const char *name = "";
    char line[line_bytes], hex[digits + 1];
    struct copy_facts facts;
    int sums = openat(restoring->from, BACKUP_SUMS, O_RDONLY | O_CLOEXEC);
    restoring->sums = sums >= 0 ? fdopen(sums, "r") : NULL;
    if (!restoring->sums)
        return not_whole(restoring, "it has no " BACKUP_SUMS, err);
    own_fd int fd = openat(restoring->from, BACKUP_FACTS, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !copy_hashed(fd, -1, BACKUP_FACTS_MAX, &facts, err) ||
        !read_line(restoring, line, &name, &end, err))
        return not_whole(restoring, "its facts cannot be read", err);
    to_hex(facts.sha256, hex);
    return (!end && strcmp(name, BACKUP_FACTS) == 0 && strcmp(line, hex) == 0) ||
           not_whole(restoring, BACKUP_FACTS " was changed", err);
}

static bool open_backup(struct restoring *restoring, struct err *err)
{
    const char *folder = restoring->options->folder;
    restoring->from = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (restoring->from < 0)
        return err_errno(err, "opening %s", folder);
    return read_facts(restoring, err) && check_facts(restoring, err);
}

/* The empty folder ----------------------------------------------------------------------------- */

/* Only the lock may be there, which is ours. */
static bool is_empty(const char *path, struct err *err)
{
    own_dir DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT || err_errno(err, "opening %s", path);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (strcmp(name, STATE_RESTORING) == 0)
            return err_set(err, ERR_TAKEN,
                           "a restore was cut off in %s: empty the folder (and the vault) first",
                           path);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "lock") != 0)
            return err_set(err, ERR_TAKEN, "%s is not empty: move what is in it away first", path);
    }
    return true;
}

static bool begin(struct restoring *restoring, struct err *err)
{
    const struct config *config = restoring->options->config;
    restoring->vault_path = state_vault(config, &restoring->arena);
    if (!restoring->vault_path)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!state_lock(&restoring->state, config->state, err) || !is_empty(config->state, err) ||
        !is_empty(restoring->vault_path, err))
        return false;
    restoring->folder = open(config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (restoring->folder < 0 || mkdirat(restoring->folder, STATE_RESTORING, 0700) < 0)
        return err_errno(err, "making " STATE_RESTORING " in %s", config->state);
    restoring->ours = true;
    restoring->marker =
        openat(restoring->folder, STATE_RESTORING, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (restoring->marker < 0 || fsync(restoring->folder) < 0)
        return err_errno(err, "making " STATE_RESTORING " in %s", config->state);
    restoring->vault = vault_open(restoring->vault_path, err);
    return restoring->vault != NULL;
}

/* The key, first of all: it is the one thing that a person may get wrong. */
static bool bring_key(struct restoring *restoring, struct err *err)
{
    bool credential;
    char shown[RECIPIENTS_TEXT_BYTES];
    const struct backup_options *options = restoring->options;
    if (!vaultkey_path(options->config->state, &restoring->arena, &credential))
        return err_set(err, ERR_MEMORY, "out of memory");
    if (options->config->vault_sealed || !restoring->shown || credential)
        return true;
    const char *from = options->key_file ? options->key_file
                       : restoring->has_key
                           ? arena_printf(&restoring->arena, "%s/" BACKUP_KEY, options->folder)
                           : NULL;
    if (!from)
        return err_set(err, ERR_CONFIG,
                       "the vault key is not in %s: name the copy that was made with "
                       "--export-key: --key FILE",
                       options->folder);
    if (!vaultkey_unlock(options->config, options->lock, from, shown, err))
        return false;
    return strcmp(shown, restoring->shown) == 0 ||
           err_set(err, ERR_REFUSED, "%s is the key %s; the backup was made with %s", from, shown,
                   restoring->shown);
}

/* Files ---------------------------------------------------------------------------------------- */

static bool same(struct restoring *restoring, const struct copy_facts *facts, const char *name,
                 const char *wanted, struct err *err)
{
    char hex[digits + 1];
    to_hex(facts->sha256, hex);
    restoring->bytes += facts->size;
    restoring->files++;
    return strcmp(hex, wanted) == 0 ||
           err_set(err, ERR_CORRUPT, "%s/%s is not what was backed up: its SHA-256 differs",
                   restoring->options->folder, name);
}

static bool bring_copy(struct restoring *restoring, int in, int64_t entry, const char *name,
                       const char *wanted, struct err *err)
{
    struct copy_facts facts;
    own_fd int out = vault_create(restoring->vault, err);
    return out >= 0 && copy_hashed(in, out, UINT64_MAX, &facts, err) &&
           same(restoring, &facts, name, wanted, err) &&
           vault_keep(restoring->vault, out, entry, err);
}

static bool bring_database(struct restoring *restoring, int in, const char *wanted, struct err *err)
{
    struct copy_facts facts;
    own_fd int out =
        openat(restoring->marker, BACKUP_DATABASE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0)
        return err_errno(err, "making %s", BACKUP_DATABASE);
    restoring->database = true;
    return copy_hashed(in, out, UINT64_MAX, &facts, err) &&
           same(restoring, &facts, BACKUP_DATABASE, wanted, err) &&
           (fsync(out) == 0 || err_errno(err, "writing %s", BACKUP_DATABASE));
}

static bool check_only(struct restoring *restoring, int in, const char *name, const char *wanted,
                       struct err *err)
{
    struct copy_facts facts;
    return copy_hashed(in, -1, UINT64_MAX, &facts, err) &&
           same(restoring, &facts, name, wanted, err);
}

/* The entry of "vault/N.age"; 0: it is none. */
static int64_t entry_of(const char *name)
{
    char *end;
    const size_t folder = sizeof BACKUP_VAULT;
    if (strncmp(name, BACKUP_VAULT "/", folder) != 0 || name[folder] < '1' || name[folder] > '9')
        return 0;
    errno = 0;
    long long entry = strtoll(name + folder, &end, 10);
    return errno == 0 && strcmp(end, ".age") == 0 ? entry : 0;
}

static bool bring_file(struct restoring *restoring, const char *name, const char *wanted,
                       struct err *err)
{
    int64_t entry = entry_of(name);
    bool database = strcmp(name, BACKUP_DATABASE) == 0;
    if (!entry && !database && strcmp(name, BACKUP_KEY) != 0)
        return not_whole(restoring, BACKUP_SUMS " names a file that is none of a backup", err);
    own_fd int in = openat(restoring->from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return err_errno(err, "opening %s/%s", restoring->options->folder, name);
    if (entry)
        return bring_copy(restoring, in, entry, name, wanted, err);
    return database ? bring_database(restoring, in, wanted, err)
                    : check_only(restoring, in, name, wanted, err);
}

static bool bring_files(struct restoring *restoring, struct err *err)
{
    bool end;
    const char *name;
    char line[line_bytes];
    json_int_t files = json_integer_value(json_object_get(restoring->facts, "files"));
    for (;;) {
        if (!read_line(restoring, line, &name, &end, err))
            return false;
        if (end)
            break;
        if (!bring_file(restoring, name, line, err))
            return false;
    }
    return (restoring->database && (json_int_t)restoring->files == files) ||
           not_whole(restoring, BACKUP_SUMS " was cut off", err);
}

/* The database --------------------------------------------------------------------------------- */

/* Told to be missing when the backup was made: then it is no fault of the backup. */
static bool was_missing(const struct restoring *restoring, int64_t entry)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(restoring->facts, "missing"), i,
                       one) if (json_integer_value(one) == entry) return true;
    return false;
}

static bool has_copy(void *context, const struct entry *entry, struct err *err)
{
    struct err gone = {0};
    struct restoring *restoring = context;
    own_fd int fd = vault_read(restoring->vault, entry->id, &gone);
    if (fd >= 0 || entry->state == ENTRY_DELETING)
        return true;
    if (!was_missing(restoring, entry->id))
        return not_whole(restoring, gone.text, err);
    fprintf(stderr, "labeld: warning: the backup has no copy of quarantine entry %lld\n",
            (long long)entry->id);
    return true;
}

static bool record(struct restoring *restoring, struct db *db, struct err *err)
{
    own_buf struct buf details = buf_new(4096);
    own_json json_t *json =
        json_pack("{s:s, s:s}", "made", restoring->made, "head", restoring->head);
    const struct audit_record record = {
        .event = "restored",
        .actor = "operator",
        .details = json && json_write(json, &details) ? buf_text(&details) : NULL,
        .at_us = clock_now_us()};
    return db_execute(db, "BEGIN IMMEDIATE", err) && audit_add(db, &record, err) &&
           db_execute(db, "COMMIT", err);
}

/* The chain ends where the backup says, and was whole unless the backup says it was not. */
static bool check_chain(struct restoring *restoring, struct db *db, struct err *err)
{
    struct audit_head head;
    if (!audit_head(db, &head, err))
        return false;
    if (strcmp(head.hash, restoring->head) != 0)
        return not_whole(restoring, "its record ends with another head", err);
    if (!restoring->problem)
        return audit_verify(db, NULL, &head, err) || err_add(err, "the record");
    fprintf(stderr, "labeld: warning: the record was changed before the backup: %s\n",
            restoring->problem);
    return true;
}

static bool check_database(struct restoring *restoring, struct err *err)
{
    int64_t present = 0, latest = 0;
    const char *path = arena_printf(&restoring->arena, "%s/" STATE_RESTORING "/" BACKUP_DATABASE,
                                    restoring->options->config->state);
    struct db *db = path ? db_open(path, true, err) : NULL;
    bool ok = db && store_versions(db, &present, &latest, err);
    if (ok && present > latest)
        ok = err_set(err, ERR_UNSUPPORTED,
                     "%s has schema version %lld, this labeld knows up to %lld: restore it with "
                     "the version that made it, or a newer one",
                     restoring->options->folder, (long long)present, (long long)latest);
    ok = ok && check_chain(restoring, db, err) &&
         (present < latest || backup_entries(db, has_copy, restoring, err)) &&
         record(restoring, db, err);
    db_close(db);
    return ok;
}

/* The last step: with the database in its place the state folder is one. */
static bool finish(struct restoring *restoring, struct err *err)
{
    if (renameat(restoring->marker, BACKUP_DATABASE, restoring->folder, BACKUP_DATABASE) < 0 ||
        fsync(restoring->folder) < 0 ||
        unlinkat(restoring->folder, STATE_RESTORING, AT_REMOVEDIR) < 0 ||
        fsync(restoring->folder) < 0)
        return err_errno(err, "finishing %s", restoring->options->config->state);
    return true;
}

/* What a restore that failed has brought. */
static void clean_up(struct restoring *restoring)
{
    static const char *const names[] = {BACKUP_DATABASE, "vault.key", "vault.key.exported"};
    backup_drop_folder(AT_FDCWD, restoring->vault_path);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(restoring->folder, names[i], 0);
    backup_drop_folder(restoring->folder, STATE_RESTORING);
}

static void end(struct restoring *restoring)
{
    if (restoring->from >= 0)
        close(restoring->from);
    if (restoring->folder >= 0)
        close(restoring->folder);
    if (restoring->marker >= 0)
        close(restoring->marker);
    if (restoring->sums)
        fclose(restoring->sums);
    vault_close(restoring->vault);
    json_decref(restoring->facts);
    state_close(&restoring->state);
}

bool backup_restore(const struct backup_options *options, struct err *err)
{
    struct restoring restoring = {.options = options,
                                  .arena = arena_new(arena_max_bytes),
                                  .state = {.lock = -1},
                                  .from = -1,
                                  .folder = -1,
                                  .marker = -1};
    bool ok = open_backup(&restoring, err) && begin(&restoring, err) &&
              bring_key(&restoring, err) && bring_files(&restoring, err) &&
              check_database(&restoring, err) && finish(&restoring, err);
    if (ok)
        fprintf(options->out,
                "%s is as it was at %s: %zu files, %llu bytes, all as they were backed up\n",
                options->config->state, restoring.made, restoring.files,
                (unsigned long long)restoring.bytes);
    else if (restoring.ours)
        clean_up(&restoring);
    end(&restoring);
    arena_fini(&restoring.arena);
    return ok;
}
