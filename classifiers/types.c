#include "types.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/own.h"
#include "base/utf8.h"
#include "sha256.h"
#include "tokens.h"
#include "types_read.h"

enum { most_files = 1024, file_bytes = 8 << 20 };
static const size_t arena_bytes = 512u << 20;

uint16_t types_find(const struct types *types, const char *id)
{
    for (size_t i = 0; i < types->count; i++)
        if (strcmp(types->rows[i].id, id) == 0)
            return (uint16_t)i;
    return types_none;
}

uint16_t types_root(const struct types *types, uint16_t type)
{
    while (types->rows[type].parent != types_none)
        type = types->rows[type].parent;
    return type;
}

bool types_is(const struct types *types, uint16_t type, uint16_t ancestor)
{
    for (; type != types_none; type = types->rows[type].parent)
        if (type == ancestor)
            return true;
    return false;
}

static const char *const level_words[] = {"none", "low", "medium", "high"};

const char *types_level_word(enum types_level level)
{
    return level_words[level];
}

int types_level_of(const char *word)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(level_words[i], word) == 0)
            return i;
    return -1;
}

/* A character below U+0100 in upper case, as UTF-8. Bytes written. */
static size_t put_upper(unsigned code, bool exact, char *out, size_t most)
{
    char bytes[4];
    bool lower = (code >= 'a' && code <= 'z') || (code >= 0xe0 && code <= 0xfe && code != 0xf7);
    size_t size = utf8_encode(lower && !exact ? code - 32 : code, bytes);
    if (size > most)
        return 0;
    memcpy(out, bytes, size);
    return size;
}

size_t types_normalise(const char *value, size_t length, bool exact, char *out, size_t most)
{
    size_t count = 0;
    for (size_t at = 0; at < length && count < most;) {
        struct tokens_char c;
        tokens_decode(value + at, length - at, &c);
        if (c.code >= '0' && c.code <= '9') {
            out[count++] = (char)c.code;
        } else if (c.kind == TOKENS_WORD) {
            count += put_upper(c.code, exact, out + count, most - count);
        } else if (c.kind != TOKENS_SEPARATOR || c.code == '&') {
            for (size_t i = 0; i < c.width && count < most; i++)
                out[count++] = value[at + i];
        }
        at += c.width;
    }
    return count;
}

/* Reading folders ----------------------------------------------------------------------------- */

struct names {
    char *list[most_files];
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->list[i]);
    mem_free(names);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    return length > tail && strcmp(name + length - tail, ending) == 0;
}

static bool list_files(const char *dir, struct names *names, struct err *err)
{
    own_dir DIR *stream = opendir(dir);
    if (!stream)
        return err_errno(err, "opening the types folder '%s'", dir);
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (entry->d_name[0] == '.' ||
            (!ends_with(entry->d_name, ".yaml") && !ends_with(entry->d_name, ".yml")))
            continue;
        if (names->count == most_files)
            return err_set(err, ERR_CONFIG, "more than %d type files in '%s'", most_files, dir);
        names->list[names->count] = mem_strdup(entry->d_name);
        if (!names->list[names->count])
            return err_set(err, ERR_MEMORY, "out of memory");
        names->count++;
    }
    qsort(names->list, names->count, sizeof *names->list, compare_names);
    return true;
}

static bool read_file(struct types_reader *reader, struct sha256 *sha, const char *name)
{
    size_t length;
    const char *path = arena_printf(&reader->types->arena, "%s/%s", reader->dir, name);
    if (!path)
        return err_set(reader->err, ERR_MEMORY, "out of memory");
    reader->file = reader->builtin ? arena_strdup(&reader->types->arena, name) : path;
    own_free char *text = io_read_file(path, file_bytes, &length, reader->err);
    if (!text || !reader->file)
        return false;
    sha256_add(sha, reader->builtin ? "b" : "u", 1);
    sha256_add(sha, &length, sizeof length);
    sha256_add(sha, text, length);
    types_read_text(reader, text, length);
    return true;
}

static bool read_dir(struct types_reader *reader, struct sha256 *sha)
{
    struct names *names = mem_zalloc(1, sizeof *names);
    if (!names)
        return err_set(reader->err, ERR_MEMORY, "out of memory");
    bool ok = list_files(reader->dir, names, reader->err);
    for (size_t i = 0; ok && i < names->count; i++)
        ok = read_file(reader, sha, names->list[i]);
    free_names(names);
    return ok;
}

/* Resolving names ------------------------------------------------------------------------------ */

static const char *all_names(const struct types *types, const char *word, char hint[static 128])
{
    const char **names = mem_zalloc(types->count + types->bundle_count + 1, sizeof *names);
    size_t count = 0;
    hint[0] = '\0';
    if (!names)
        return hint;
    for (size_t i = 0; i < types->count; i++)
        names[count++] = types->rows[i].id;
    for (size_t i = 0; i < types->bundle_count; i++)
        names[count++] = types->bundles[i].name;
    types_read_hint(word, names, count, hint);
    mem_free(names);
    return hint;
}

static void aim_at(struct types_reader *reader, const struct types_row *row)
{
    reader->file = row->file;
    reader->builtin = row->builtin;
}

static void resolve_parent(struct types_reader *reader, struct types_row *row)
{
    char hint[128];
    const struct types *types = reader->types;
    if (!row->parent_id)
        return;
    row->parent = types_find(types, row->parent_id);
    if (row->parent == types_none) {
        types_read_fault(reader, row->parent_line, row->parent_column,
                         "there is no type '%s' to be the parent%s", row->parent_id,
                         all_names(types, row->parent_id, hint));
    }
}

/* A line of parents is at most as long as there are types, else it is a circle. */
static void refuse_circle(struct types_reader *reader, struct types_row *row)
{
    uint16_t at = row->parent;
    for (size_t steps = 0; at != types_none; steps++) {
        if (steps > reader->types->count || &reader->types->rows[at] == row) {
            types_read_fault(reader, row->parent_line, row->parent_column,
                             "the parents of '%s' run in a circle", row->id);
            row->parent = types_none;
            return;
        }
        at = reader->types->rows[at].parent;
    }
}

static void resolve_nears(struct types_reader *reader, struct types_row *row)
{
    char hint[128];
    for (size_t i = 0; i < row->near_count; i++) {
        struct types_near *near = &row->nears[i];
        if (!near->type_id)
            continue;
        near->type = types_find(reader->types, near->type_id);
        if (near->type == types_none)
            types_read_fault(reader, near->line, near->column,
                             "there is no type '%s' to stand near%s", near->type_id,
                             all_names(reader->types, near->type_id, hint));
    }
}

static struct types_bundle *find_bundle(struct types *types, const char *name)
{
    for (size_t i = 0; i < types->bundle_count; i++)
        if (strcmp(types->bundles[i].name, name) == 0)
            return &types->bundles[i];
    return NULL;
}

enum { most_bundle_depth = 16 };

/* Set a bit for each type below the bundle. */
static void mark_members(struct types_reader *reader, const struct types_bundle *bundle,
                         uint8_t *marks, unsigned depth)
{
    char hint[128];
    if (depth > most_bundle_depth) {
        types_read_fault(reader, bundle->line, bundle->column,
                         "the bundle '%s' contains itself, or bundles are nested too deep",
                         bundle->name);
        return;
    }
    for (size_t i = 0; i < bundle->member_count && reader->faults < 100; i++) {
        uint16_t type = types_find(reader->types, bundle->members[i]);
        struct types_bundle *inner = find_bundle(reader->types, bundle->members[i]);
        if (type != types_none)
            marks[type] = 1;
        else if (inner)
            mark_members(reader, inner, marks, depth + 1);
        else if (depth == 0)
            types_read_fault(reader, bundle->line, bundle->column,
                             "the bundle '%s' names '%s', but there is no such type or bundle%s",
                             bundle->name, bundle->members[i],
                             all_names(reader->types, bundle->members[i], hint));
    }
}

static bool resolve_bundle(struct types_reader *reader, struct types_bundle *bundle)
{
    struct types *types = reader->types;
    own_free uint8_t *marks = mem_zalloc(types->count + 1, 1);
    bundle->types = arena_alloc(&types->arena, types->count, sizeof *bundle->types);
    if (!marks || !bundle->types)
        return err_set(reader->err, ERR_MEMORY, "out of memory");
    reader->file = bundle->origin;
    if (types_find(types, bundle->name) != types_none)
        types_read_fault(reader, bundle->line, bundle->column,
                         "'%s' is a type; a bundle needs another name", bundle->name);
    mark_members(reader, bundle, marks, 0);
    for (size_t i = 0; i < types->count; i++)
        if (marks[i])
            bundle->types[bundle->type_count++] = (uint16_t)i;
    if (bundle->type_count > 1024)
        types_read_fault(reader, bundle->line, bundle->column, "a bundle holds at most 1024 types");
    return true;
}

static void raise_regions(struct types_row *row, const struct types_options *options)
{
    row->raised = false;
    for (size_t i = 0; i < options->region_count; i++)
        if (strlen(options->regions[i]) == 2 && strstr(row->regions, options->regions[i]))
            row->raised = true;
}

static bool resolve(struct types_reader *reader, const struct types_options *options)
{
    struct types *types = reader->types;
    for (size_t i = 0; i < types->count; i++) {
        aim_at(reader, &types->rows[i]);
        resolve_parent(reader, &types->rows[i]);
        resolve_nears(reader, &types->rows[i]);
        raise_regions(&types->rows[i], options);
    }
    for (size_t i = 0; i < types->count; i++) {
        aim_at(reader, &types->rows[i]);
        refuse_circle(reader, &types->rows[i]);
    }
    for (size_t i = 0; i < types->bundle_count; i++)
        if (!resolve_bundle(reader, &types->bundles[i]))
            return false;
    return reader->faults == 0;
}

static bool read_all(struct types_reader *reader, const struct types_options *options)
{
    struct sha256 sha;
    sha256_start(&sha);
    reader->builtin = true;
    reader->dir = options->builtin_dir;
    if (options->builtin_dir && !read_dir(reader, &sha))
        return false;
    reader->builtin = false;
    for (size_t i = 0; i < options->dir_count; i++) {
        reader->dir = options->dirs[i];
        if (!read_dir(reader, &sha))
            return false;
    }
    for (size_t i = 0; i < options->region_count; i++)
        sha256_add(&sha, options->regions[i], strlen(options->regions[i]) + 1);
    sha256_end(&sha, reader->types->digest);
    return reader->faults == 0 && resolve(reader, options);
}

bool types_open(struct types *types, const struct types_options *options, struct buf *problems,
                struct err *err)
{
    *types = (struct types){.arena = arena_new(arena_bytes)};
    struct err first = {0};
    struct types_reader reader = {.types = types, .problems = problems, .err = &first};
    if (read_all(&reader, options))
        return true;
    if (!reader.faults)
        buf_printf(problems, "%s\n", first.text);
    types_close(types);
    return err_set(err, first.kind, "%s", first.text);
}

void types_close(struct types *types)
{
    arena_fini(&types->arena);
    *types = (struct types){0};
}
