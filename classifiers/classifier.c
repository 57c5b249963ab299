#include "classifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/own.h"
#include "engine.h"
#include "sha256.h"

/* Findings may change with the code as well as with the types: raise it then. */
static const char engine_version[] = "labeld-classifier-2";

/* Examples ------------------------------------------------------------------------------------- */

static bool names(const struct report_finding *finding, const char *id)
{
    for (uint32_t i = 0; i < finding->alternatives_count; i++)
        if (strcmp(finding->alternatives[i].text, id) == 0)
            return true;
    return false;
}

/* The highest level at which the type was found, itself, as a variant or as an alternative. */
static enum types_level level_in(const struct types *types, const struct report *report,
                                 uint16_t type)
{
    enum types_level best = LEVEL_NONE;
    const char *root = types->rows[types_root(types, type)].id;
    bool is_root = types_root(types, type) == type;
    for (uint32_t i = 0; i < report->findings_count; i++) {
        const struct report_finding *finding = &report->findings[i];
        bool found = names(finding, root);
        if (strcmp(finding->type, root) != 0 && !found)
            continue;
        found = found || is_root;
        for (uint32_t k = 0; k < finding->variants_count; k++)
            found = found || strcmp(finding->variants[k].type, types->rows[type].id) == 0;
        enum types_level level = (enum types_level)(finding->confidence + 1);
        best = found && level > best ? level : best;
    }
    return best;
}

static bool run_example(const struct classifier *classifier, const struct types_example *example,
                        uint16_t type, enum types_level *found)
{
    own_arena struct arena arena = arena_new(16u << 20);
    const struct limits limits = limits_default();
    struct report report = {0};
    struct classify *classify = classify_open(classifier, &limits);
    bool ok = classify && classify_part(classify, "", strchr(example->text, '\t') != NULL) &&
              classify_text(classify, example->text, example->length) &&
              classify_finish(classify, &arena, &report);
    classify_close(classify);
    *found = level_in(&classifier->types, &report, type);
    return ok;
}

static bool run_examples(const struct classifier *classifier, uint16_t type, struct buf *problems,
                         struct err *err)
{
    const struct types_row *row = &classifier->types.rows[type];
    for (size_t i = 0; i < row->example_count; i++) {
        const struct types_example *example = &row->examples[i];
        enum types_level found;
        char line[600];
        if (!run_example(classifier, example, type, &found))
            return err_set(err, ERR_MEMORY, "out of memory while running examples");
        if (found == example->expect)
            continue;
        snprintf(line, sizeof line,
                 "%s:%u:%u: error: this example of '%s' is found with confidence %s, not %s",
                 row->file, example->line, example->column, row->id, types_level_word(found),
                 types_level_word(example->expect));
        buf_printf(problems, "%s\n", line);
        if (err->kind == ERR_NONE)
            err_set(err, ERR_CONFIG, "%s", line);
    }
    return true;
}

/* Loading -------------------------------------------------------------------------------------- */

static bool make_key(struct classifier *classifier, struct err *err)
{
    if (getrandom(classifier->hash_key, sizeof classifier->hash_key, 0) ==
        (ssize_t)sizeof classifier->hash_key)
        return true;
    return err_errno(err, "asking the kernel for a random key");
}

static void make_digest(struct classifier *classifier)
{
    struct sha256 sha;
    sha256_start(&sha);
    sha256_add(&sha, engine_version, sizeof engine_version);
    sha256_add(&sha, classifier->types.digest, sizeof classifier->types.digest);
    sha256_end(&sha, classifier->digest);
}

static bool load(struct classifier *classifier, const struct classifier_options *options,
                 struct buf *problems, struct err *err)
{
    const struct types_options types = {
        .builtin_dir = options->builtin_dir,
        .dirs = options->type_dirs,
        .dir_count = options->type_dir_count,
        .regions = options->regions,
        .region_count = options->region_count,
    };
    if (!types_open(&classifier->types, &types, problems, err) || !make_key(classifier, err))
        return false;
    make_digest(classifier);
    classifier->shapes = shapes_open(&classifier->types, &classifier->types.arena, err);
    if (!classifier->shapes)
        return false;
    classifier->scanner = scanner_open(&classifier->types, options->cache_dir, problems, err);
    if (!classifier->scanner)
        return false;
    for (size_t i = 0; options->run_examples && i < classifier->types.count; i++)
        if (!run_examples(classifier, (uint16_t)i, problems, err))
            return false;
    return err->kind == ERR_NONE;
}

struct classifier *classifier_open(const struct classifier_options *options, struct buf *problems,
                                   struct err *err)
{
    struct err why = {0};
    struct classifier *classifier = mem_zalloc(1, sizeof *classifier);
    if (!classifier) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    if (load(classifier, options, problems, &why))
        return classifier;
    if (!problems->length)
        buf_printf(problems, "%s\n", why.text);
    classifier_close(classifier);
    err_set(err, why.kind, "%s", why.text);
    return NULL;
}

void classifier_close(struct classifier *classifier)
{
    if (!classifier)
        return;
    scanner_close(classifier->scanner);
    types_close(&classifier->types);
    mem_free(classifier);
}

void classifier_digest(const struct classifier *classifier, uint8_t digest[static 32])
{
    memcpy(digest, classifier->digest, 32);
}

bool classifier_cached(const struct classifier *classifier)
{
    return scanner_cached(classifier->scanner);
}

/* Listing -------------------------------------------------------------------------------------- */

/* Names cut to what the message allows. */
static bool list_names(struct arena *arena, struct report_name **names, uint32_t *count,
                       uint32_t most)
{
    *names = arena_alloc(arena, *count < most ? *count : most, sizeof **names);
    *count = *count < most ? *count : most;
    return *names;
}

static const char *short_text(struct arena *arena, const char *text, size_t most)
{
    size_t length = strlen(text);
    if (length <= most)
        return text;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return arena_strndup(arena, text, most);
}

static bool list_checks(const struct types_row *row, struct arena *arena, struct type_info *info)
{
    info->checks_count = (uint32_t)(row->check_count + row->confirm_count);
    if (!list_names(arena, &info->checks, &info->checks_count, types_most_checks))
        return false;
    for (uint32_t i = 0; i < info->checks_count; i++)
        info->checks[i].text = i < row->check_count
                                   ? row->checks[i]->name
                                   : row->confirms[i - row->check_count].check->name;
    return true;
}

static bool list_type(const struct types *types, const struct types_row *row, struct arena *arena,
                      struct type_info *info)
{
    *info = (struct type_info){
        .id = row->id,
        .name = row->name,
        .category = row->category,
        .regions = row->regions,
        .parent = row->parent == types_none ? "" : types->rows[row->parent].id,
        .origin = short_text(arena, row->origin, 256),
        .sources = short_text(arena, row->sources, 1024),
        .examples = (uint32_t)row->example_count,
        .finds_count = (uint32_t)row->find_count,
        .keywords_count = (uint32_t)row->keyword_count,
    };
    if (!list_names(arena, &info->finds, &info->finds_count, 256) ||
        !list_names(arena, &info->keywords, &info->keywords_count, 512) ||
        !list_checks(row, arena, info))
        return false;
    for (uint32_t i = 0; i < info->finds_count; i++)
        info->finds[i].text = short_text(arena, row->finds[i].text, 256);
    for (uint32_t i = 0; i < info->keywords_count; i++)
        info->keywords[i].text = short_text(arena, row->keywords[i], 256);
    return true;
}

static bool list_bundle(const struct types *types, const struct types_bundle *bundle,
                        struct arena *arena, struct type_bundle *out)
{
    *out =
        (struct type_bundle){.name = bundle->name, .members_count = (uint32_t)bundle->type_count};
    if (!list_names(arena, &out->members, &out->members_count, 1024))
        return false;
    for (uint32_t i = 0; i < out->members_count; i++)
        out->members[i].text = types->rows[bundle->types[i]].id;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct type_info *)a)->id, ((const struct type_info *)b)->id);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct type_bundle *)a)->name, ((const struct type_bundle *)b)->name);
}

bool classifier_list(const struct classifier *classifier, struct arena *arena,
                     struct type_list *list, struct err *err)
{
    const struct types *types = &classifier->types;
    list->types_count = (uint32_t)types->count;
    list->bundles_count = (uint32_t)(types->bundle_count < 256 ? types->bundle_count : 256);
    list->types = arena_alloc(arena, list->types_count, sizeof *list->types);
    list->bundles = arena_alloc(arena, list->bundles_count, sizeof *list->bundles);
    bool ok = list->types && list->bundles;
    for (uint32_t i = 0; ok && i < list->types_count; i++)
        ok = list_type(types, &types->rows[i], arena, &list->types[i]);
    for (uint32_t i = 0; ok && i < list->bundles_count; i++)
        ok = list_bundle(types, &types->bundles[i], arena, &list->bundles[i]);
    if (!ok)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (list->types_count)
        qsort(list->types, list->types_count, sizeof *list->types, by_id);
    if (list->bundles_count)
        qsort(list->bundles, list->bundles_count, sizeof *list->bundles, by_name);
    return true;
}
