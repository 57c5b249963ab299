#include "connect/localdir.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/* Files that programs make beside a document while they work on it. A row matches when the name
 * begins and ends so. */
static const struct {
    const char *begins, *ends;
} not_items[] = {
    {"~$", ""},       /* Microsoft Office, owner file */
    {".~lock.", "#"}, /* LibreOffice */
    {"~WR", ".tmp"},  /* Word, work files */
    {"", ".tmp"},
    {"", ".TMP"},
    {"", "~"}, /* backups of editors */
    {".", ".swp"},
    {".", ".swo"},
    {".", ".swx"},           /* vim */
    {"4913", ""},            /* vim, test for a writable folder */
    {"#", "#"},              /* emacs */
    {".#", ""},              /* emacs, lock */
    {".goutputstream-", ""}, /* GLib */
    {"", ".part"},
    {"", ".crdownload"},
    {"", ".filepart"}, /* downloads and uploads */
    {".fuse_hidden", ""},
    {".nfs", ""},
};

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* "#12345": what O_TMPFILE shows in events. */
static bool is_unnamed(const char *name)
{
    return name[0] == '#' && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1);
}

bool localdir_is_item_name(const char *name)
{
    if (place_is_private(name) || is_unnamed(name))
        return false;
    for (size_t i = 0; i < sizeof not_items / sizeof *not_items; i++) {
        size_t front = strlen(not_items[i].begins);
        if (strncmp(name, not_items[i].begins, front) == 0 && ends_with(name, not_items[i].ends) &&
            strlen(name) > front + strlen(not_items[i].ends) - (*not_items[i].ends == '\0'))
            return false;
    }
    return true;
}

/* Whether `path` is `folder` or lies below it. */
static bool below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return length == 0 ||
           (strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0'));
}

bool localdir_is_excluded(const struct connection *connection, const char *path, bool folder)
{
    for (size_t i = 0; i < connection->hidden_count; i++)
        if (below(path, connection->hidden[i]))
            return true;
    if (connection->exclude_count == 0)
        return false;
    own_arena struct arena arena = arena_new(64 * 1024);
    const char *whole = arena_printf(&arena, "/%s%s", path, folder ? "/" : "");
    const char *folded = whole ? text_fold(&arena, whole) : NULL;
    for (size_t i = 0; folded && i < connection->exclude_count; i++)
        if (glob_match(&connection->exclude[i], folded))
            return true;
    return false;
}

/* Listing ------------------------------------------------------------------------------------ */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct localdir_names *names, const char *name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 32;
        char **items = mem_realloc(names->items, capacity, sizeof *items);
        if (!items)
            return false;
        names->items = items;
        names->capacity = capacity;
    }
    char *copy = mem_strdup(name);
    if (copy)
        names->items[names->count++] = copy;
    return copy != NULL;
}

bool localdir_names_read(int folder, struct localdir_names *names, struct err *err)
{
    *names = (struct localdir_names){0};
    DIR *dir = fdopendir(folder);
    if (!dir) {
        close(folder);
        return err_errno(err, "listing a folder");
    }
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = add_name(names, entry->d_name);
    closedir(dir);
    if (!ok)
        return err_set(err, ERR_MEMORY, "listing a folder: out of memory");
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, by_bytes);
    return true;
}

void localdir_names_free(struct localdir_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->items[i]);
    mem_free(names->items);
    *names = (struct localdir_names){0};
}
