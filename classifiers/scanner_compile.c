#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "scanner_parts.h"
#include "sha256.h"

/* A match that is longer is found as far as this. */
enum { most_width = 2048 };

/* What the databases are compiled from. */
struct sources {
    const char **texts;
    unsigned *flags, *ids;
    size_t count;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

static bool reserve_sources(struct arena *arena, struct sources *sources, size_t count)
{
    sources->texts = arena_alloc(arena, count, sizeof *sources->texts);
    sources->flags = arena_alloc(arena, count, sizeof *sources->flags);
    sources->ids = arena_alloc(arena, count, sizeof *sources->ids);
    return sources->texts && sources->flags && sources->ids;
}

static const char *escaped(struct arena *arena, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    char *out = arena_alloc(arena, length * 4 + 1, 1);
    char *at = out;
    for (size_t i = 0; out && i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((unsigned)(c - '0') < 10 || (unsigned)((c | 32) - 'a') < 26) {
            *at++ = (char)c;
            continue;
        }
        *at++ = '\\';
        *at++ = 'x';
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    return out;
}

static bool list_main(struct scanner *scanner, struct arena *arena, struct sources *sources)
{
    if (!reserve_sources(arena, sources, scanner->entry_count))
        return false;
    for (size_t i = 0; i < scanner->entry_count; i++) {
        const struct scanner_use *use = &scanner->uses[scanner->entries[i].first];
        bool pattern = use->engine == SCANNER_EXPRESSION;
        size_t n = sources->count;
        if (use->engine == SCANNER_LEXICON)
            continue;
        sources->texts[n] = pattern ? use->text : escaped(arena, use->text, use->length);
        sources->flags[n] =
            (use->caseless ? HS_FLAG_CASELESS : 0u) | (pattern ? HS_FLAG_SOM_LEFTMOST : 0u);
        sources->ids[n] = (unsigned)i;
        if (!sources->texts[n])
            return false;
        sources->count++;
    }
    return true;
}

static const struct types_find *find_of(const struct types *types, uint16_t type, uint16_t find)
{
    return &types->rows[type].finds[find];
}

static bool list_confirms(struct scanner *scanner, const struct types *types, struct arena *arena,
                          struct sources *sources)
{
    if (!reserve_sources(arena, sources, scanner->confirm_count))
        return false;
    for (size_t i = 0; i < scanner->confirm_count; i++) {
        const struct scanner_confirm *confirm = &scanner->confirms[i];
        const struct types_find *find = find_of(types, confirm->type, confirm->find);
        sources->texts[i] = arena_printf(arena, "^(?:%s)", find->text);
        sources->flags[i] = find->caseless ? HS_FLAG_CASELESS : 0u;
        sources->ids[i] = (unsigned)i;
        if (!sources->texts[i])
            return false;
    }
    sources->count = scanner->confirm_count;
    return true;
}

static void refuse_pattern(const struct types *types, const struct types_find *find, uint16_t type,
                           const char *why, struct buf *problems, struct err *err)
{
    const struct types_row *row = &types->rows[type];
    char line[600];
    snprintf(line, sizeof line, "%s:%u:%u: error: the pattern cannot be searched: %s", row->file,
             find->line, find->column, why);
    buf_printf(problems, "%s\n", line);
    if (err->kind == ERR_NONE)
        err_set(err, ERR_CONFIG, "%s", line);
}

static const char *judge_pattern(const struct types_find *find, unsigned flags, uint32_t *width,
                                 hs_compile_error_t **fault)
{
    hs_expr_info_t *info = NULL;
    const char *why = NULL;
    if (hs_expression_info(find->text, flags, &info, fault) != HS_SUCCESS)
        return *fault ? (*fault)->message : "Hyperscan does not know it";
    if (info->min_width == 0)
        why = "it matches an empty text";
    *width = info->max_width < most_width ? info->max_width + 1 : most_width;
    free(info);
    return why;
}

/* Every pattern by itself, so that a mistake is told at its own place. */
static bool judge_patterns(struct scanner *scanner, const struct types *types, struct buf *problems,
                           struct err *err)
{
    size_t confirm = 0;
    for (size_t t = 0; t < types->count; t++)
        for (size_t k = 0; k < types->rows[t].find_count; k++) {
            const struct types_find *find = &types->rows[t].finds[k];
            uint32_t width = 0;
            hs_compile_error_t *fault = NULL;
            if (find->kind != FIND_PATTERN)
                continue;
            const char *why =
                judge_pattern(find, find->caseless ? HS_FLAG_CASELESS : 0, &width, &fault);
            if (why)
                refuse_pattern(types, find, (uint16_t)t, why, problems, err);
            hs_free_compile_error(fault);
            if (confirm < scanner->confirm_count && scanner->confirms[confirm].type == t &&
                scanner->confirms[confirm].find == k)
                scanner->confirms[confirm++].width = width;
        }
    return err->kind == ERR_NONE;
}

static void key_add(struct sha256 *sha, const struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        sha256_add(sha, sources->texts[i], strlen(sources->texts[i]) + 1);
        sha256_add(sha, &sources->flags[i], sizeof sources->flags[i]);
    }
    sha256_add(sha, &sources->count, sizeof sources->count);
}

/* Engine, processor and every expression. */
static void make_key(const struct sources sources[static 2], uint8_t key[static 32])
{
    struct sha256 sha;
    hs_platform_info_t platform = {0};
    sha256_start(&sha);
    sha256_add(&sha, hs_version(), strlen(hs_version()) + 1);
    hs_populate_platform(&platform);
    sha256_add(&sha, &platform.tune, sizeof platform.tune);
    sha256_add(&sha, &platform.cpu_features, sizeof platform.cpu_features);
    key_add(&sha, &sources[0]);
    key_add(&sha, &sources[1]);
    sha256_end(&sha, key);
}

static bool compile_one(struct scanner *scanner, const struct types *types,
                        const struct sources *sources, size_t which, struct buf *problems,
                        struct err *err)
{
    hs_compile_error_t *fault = NULL;
    if (!sources->count)
        return true;
    if (hs_compile_multi(sources->texts, sources->flags, sources->ids, (unsigned)sources->count,
                         HS_MODE_BLOCK, NULL, &scanner->databases[which], &fault) == HS_SUCCESS)
        return true;
    int at = fault ? fault->expression : -1;
    const char *why = fault ? fault->message : "out of memory";
    if (at < 0 || (size_t)at >= sources->count) {
        err_set(err, ERR_CONFIG, "compiling the types: %s", why);
    } else {
        unsigned id = sources->ids[at];
        const struct scanner_use *use = &scanner->uses[which ? 0 : scanner->entries[id].first];
        uint16_t type = which ? scanner->confirms[id].type : use->type;
        uint16_t find = which ? scanner->confirms[id].find : use->find;
        refuse_pattern(types, find_of(types, type, find), type, why, problems, err);
    }
    hs_free_compile_error(fault);
    return false;
}

static bool fetch_or_compile(struct scanner *scanner, const struct types *types,
                             const char *cache_dir, struct buf *problems, struct err *err)
{
    own_arena struct arena arena = arena_new(256u << 20);
    struct sources sources[2] = {0};
    uint8_t key[32];
    if (!list_main(scanner, &arena, &sources[0]) ||
        !list_confirms(scanner, types, &arena, &sources[1]))
        return out_of_memory(err);
    make_key(sources, key);
    scanner->cached = cache_dir && scanner_cache_read(cache_dir, key, scanner->databases);
    if (scanner->cached)
        return true;
    for (size_t i = 0; i < 2; i++) {
        hs_free_database(scanner->databases[i]);
        scanner->databases[i] = NULL;
        if (!compile_one(scanner, types, &sources[i], i, problems, err))
            return false;
    }
    if (cache_dir)
        scanner_cache_write(cache_dir, key, scanner->databases);
    return true;
}

static bool make_scratch(struct scanner *scanner, struct err *err)
{
    if (scanner->databases[0] &&
        hs_alloc_scratch(scanner->databases[0], &scanner->scratch) != HS_SUCCESS)
        return out_of_memory(err);
    if (scanner->databases[1] &&
        hs_alloc_scratch(scanner->databases[1], &scanner->confirm_scratch) != HS_SUCCESS)
        return out_of_memory(err);
    return true;
}

static bool make_lexicon(struct scanner *scanner)
{
    own_free struct lexicon_word *words = mem_alloc((scanner->entry_count + 1) * sizeof *words);
    size_t count = 0;
    for (size_t i = 0; words && i < scanner->entry_count; i++) {
        const struct scanner_use *use = &scanner->uses[scanner->entries[i].first];
        if (use->engine == SCANNER_LEXICON)
            words[count++] = (struct lexicon_word){use->text, use->length, (uint32_t)i};
    }
    scanner->lexicon = words ? lexicon_open(words, count, &scanner->arena) : NULL;
    return scanner->lexicon;
}

bool scanner_compile(struct scanner *scanner, const struct types *types, const char *cache_dir,
                     struct buf *problems, struct err *err)
{
    if (!make_lexicon(scanner))
        return out_of_memory(err);
    return judge_patterns(scanner, types, problems, err) &&
           fetch_or_compile(scanner, types, cache_dir, problems, err) && make_scratch(scanner, err);
}
