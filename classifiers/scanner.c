#include "scanner.h"

#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "anchor.h"
#include "base/own.h"
#include "base/utf8.h"
#include "scanner_cache.h"
#include "sha256.h"
#include "tokens.h"

enum { most_width = 2048, most_starts = 8, expression_bytes = 1024 };

enum {
    LITERAL_KEYWORD,
    LITERAL_EXCLUDE,
    LITERAL_WORD,
    LITERAL_ANCHOR,
    LITERAL_PREFIX,
    LITERAL_PATTERN
};

/* One literal or pattern for one find of one type. */
struct use {
    const char *text; /* literal bytes, or the expression */
    uint16_t length;  /* of the literal */
    uint16_t type, find;
    uint8_t kind;
    bool caseless;
    uint32_t confirm; /* LITERAL_ANCHOR, LITERAL_PREFIX: row of `confirms` */
};

/* An expression tied to its start. */
struct confirm {
    uint16_t type, find;
    uint32_t width; /* the most bytes it can match */
    struct anchor anchor;
};

/* One expression of the main database: its uses are uses[first .. first + count). */
struct entry {
    uint32_t first, count;
};

struct scanner {
    struct arena arena;
    hs_database_t *databases[scanner_cache_databases]; /* main, confirm */
    hs_scratch_t *scratch, *confirm_scratch;
    struct use *uses;
    size_t use_count, use_capacity;
    struct entry *entries;
    size_t entry_count;
    struct confirm *confirms;
    size_t confirm_count;
    bool cached;
};

/* What the databases are compiled from. */
struct sources {
    const char **texts;
    unsigned *flags, *ids;
    size_t count;
};

/* Collecting ------------------------------------------------------------------------------------
 */

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

static bool add_use(struct scanner *scanner, const struct use *use)
{
    if (scanner->use_count == scanner->use_capacity) {
        size_t capacity = scanner->use_capacity ? scanner->use_capacity * 2 : 1024;
        struct use *uses = mem_realloc(scanner->uses, capacity, sizeof *uses);
        if (!uses)
            return false;
        scanner->uses = uses;
        scanner->use_capacity = capacity;
    }
    scanner->uses[scanner->use_count++] = *use;
    return true;
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

enum form { FORM_LOWER, FORM_UPPER, FORM_TITLE, FORM_COUNT };

/* The text in lower case, upper case or with capitals at word starts. */
static char *in_form(struct arena *arena, const char *text, enum form form)
{
    size_t length = strlen(text), count = 0;
    char *out = arena_alloc(arena, length * 2 + 8, 1);
    bool start = true;
    for (size_t at = 0; out && at < length;) {
        uint32_t c;
        size_t width = utf8_decode(text + at, length - at, &c);
        if (!width)
            return NULL;
        bool up = form == FORM_UPPER || (form == FORM_TITLE && start);
        int32_t mapped = up ? utf8proc_toupper((int32_t)c) : utf8proc_tolower((int32_t)c);
        size_t written = utf8_encode((uint32_t)mapped, out + count);
        if (count + written > length * 2)
            return NULL;
        count += written;
        start = c == ' ' || c == '-';
        at += width;
    }
    if (out)
        out[count] = '\0';
    return out;
}

static bool add_literal(struct scanner *scanner, struct use use, const char *text)
{
    if (!text)
        return false;
    size_t length = strlen(text);
    use.text = text;
    use.length = (uint16_t)(length < UINT16_MAX ? length : UINT16_MAX);
    use.caseless = true;
    return add_use(scanner, &use);
}

/* A word in every form in which case can stand: Hyperscan's caseless knows ASCII only. */
static bool add_forms(struct scanner *scanner, struct use use, const char *text)
{
    if (is_ascii(text))
        return add_literal(scanner, use, text);
    for (int form = 0; form < FORM_COUNT; form++)
        if (!add_literal(scanner, use, in_form(&scanner->arena, text, (enum form)form)))
            return false;
    return true;
}

static char *with_joint(struct arena *arena, const char *text, char joint)
{
    char *copy = arena_strdup(arena, text);
    char *out = copy;
    for (const char *at = text; copy && *at; at++)
        if (*at != ' ')
            *out++ = *at;
        else if (joint)
            *out++ = joint;
    if (copy)
        *out = '\0';
    return copy;
}

/* "card number" is also card_number, card-number and cardNumber: names of columns and keys. */
static bool add_keyword(struct scanner *scanner, struct use use, const char *text)
{
    static const char joints[] = {'_', '-', '\0'};
    if (!add_forms(scanner, use, text))
        return false;
    if (!strchr(text, ' '))
        return true;
    for (size_t i = 0; i < sizeof joints; i++) {
        char *joined = with_joint(&scanner->arena, text, joints[i]);
        if (!joined || (strlen(joined) >= 4 && !add_forms(scanner, use, joined)))
            return false;
    }
    return true;
}

/* Letters of both cases, when the expression does not mind case. */
static void fold_left(struct anchor *anchor)
{
    const uint64_t letters = ((1ull << 26) - 1) << 1; /* of the word that holds 64 to 127 */
    uint64_t upper = anchor->left[1] & letters, low = anchor->left[1] >> 32 & letters;
    anchor->left[1] |= upper << 32 | low;
}

static bool add_anchors(struct scanner *scanner, const struct types_find *find, struct use use,
                        const struct anchor *anchor)
{
    use.kind = LITERAL_ANCHOR;
    use.confirm = (uint32_t)scanner->confirm_count;
    use.caseless = find->caseless || anchor->caseless;
    for (size_t i = 0; i < anchor->count; i++) {
        use.length = anchor->literals[i].length;
        use.text = arena_strndup(&scanner->arena, anchor->literals[i].bytes, use.length);
        if (!use.text || !add_use(scanner, &use))
            return false;
    }
    scanner->confirms[scanner->confirm_count++] = (struct confirm){
        .type = use.type, .find = use.find, .width = most_width, .anchor = *anchor};
    return true;
}

/* A prefix of at least three bytes is worth a look of its own. */
static char *prefix_of(struct scanner *scanner, const struct types_find *find)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *fault = NULL;
    size_t length = anchor_prefix(find->text);
    char *prefix = length ? arena_strndup(&scanner->arena, find->text, length) : NULL;
    bool usable = prefix && hs_expression_info(prefix, 0, &info, &fault) == HS_SUCCESS &&
                  info->min_width >= 3;
    hs_free_compile_error(fault);
    free(info);
    return usable ? prefix : NULL;
}

static bool add_prefix(struct scanner *scanner, const struct types_find *find, struct use use,
                       const struct anchor *anchor)
{
    const char *prefix = prefix_of(scanner, find);
    use.caseless = find->caseless;
    use.text = prefix ? prefix : find->text;
    use.kind = prefix ? LITERAL_PREFIX : LITERAL_PATTERN;
    use.confirm = (uint32_t)scanner->confirm_count;
    if (prefix)
        scanner->confirms[scanner->confirm_count++] = (struct confirm){
            .type = use.type, .find = use.find, .width = most_width, .anchor = *anchor};
    return add_use(scanner, &use);
}

static bool add_pattern(struct scanner *scanner, const struct types_find *find, struct use use)
{
    struct anchor *anchor = mem_alloc(sizeof *anchor);
    if (!anchor)
        return false;
    anchor_find(find->text, anchor);
    if (find->caseless || anchor->caseless)
        fold_left(anchor);
    bool ok = anchor->count ? add_anchors(scanner, find, use, anchor)
                            : add_prefix(scanner, find, use, anchor);
    mem_free(anchor);
    return ok;
}

static bool add_find(struct scanner *scanner, const struct types_find *find, struct use use)
{
    if (find->kind == FIND_PATTERN)
        return add_pattern(scanner, find, use);
    use.kind = LITERAL_WORD;
    for (size_t i = 0; find->kind == FIND_WORDS && i < find->word_count; i++)
        if (!add_forms(scanner, use, find->words[i]))
            return false;
    return true;
}

static bool collect_row(struct scanner *scanner, const struct types_row *row, uint16_t type)
{
    struct use use = {.type = type, .kind = LITERAL_KEYWORD};
    for (size_t i = 0; i < row->keyword_count; i++)
        if (!add_keyword(scanner, use, row->keywords[i]))
            return false;
    use.kind = LITERAL_EXCLUDE;
    for (size_t i = 0; i < row->exclude_word_count; i++)
        if (!add_keyword(scanner, use, row->exclude_words[i]))
            return false;
    for (size_t i = 0; i < row->find_count; i++) {
        use.find = (uint16_t)i;
        if (!add_find(scanner, &row->finds[i], use))
            return false;
    }
    return true;
}

/* A regular expression rather than plain text. */
static bool is_expression(const struct use *use)
{
    return use->kind == LITERAL_PREFIX || use->kind == LITERAL_PATTERN;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int compare_uses(const void *a, const void *b)
{
    const struct use *left = a, *right = b;
    bool pattern_left = is_expression(left), pattern_right = is_expression(right);
    if (pattern_left != pattern_right)
        return pattern_left - pattern_right;
    if (left->caseless != right->caseless)
        return left->caseless - right->caseless;
    for (size_t i = 0;; i++) {
        int x = left->caseless ? lower(left->text[i]) : left->text[i];
        int y = right->caseless ? lower(right->text[i]) : right->text[i];
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            break;
    }
    if (left->type != right->type)
        return left->type < right->type ? -1 : 1;
    if (left->find != right->find)
        return left->find < right->find ? -1 : 1;
    return left->kind - right->kind;
}

static bool same_text(const struct use *a, const struct use *b)
{
    if (a->caseless != b->caseless || is_expression(a) || is_expression(b) ||
        a->length != b->length)
        return false;
    for (size_t i = 0; i < a->length; i++)
        if (a->caseless ? lower(a->text[i]) != lower(b->text[i]) : a->text[i] != b->text[i])
            return false;
    return true;
}

/* Equal literals become one expression. */
static bool make_entries(struct scanner *scanner)
{
    if (scanner->use_count)
        qsort(scanner->uses, scanner->use_count, sizeof *scanner->uses, compare_uses);
    scanner->entries = arena_alloc(&scanner->arena, scanner->use_count, sizeof *scanner->entries);
    if (!scanner->entries)
        return false;
    for (size_t i = 0; i < scanner->use_count; i++) {
        if (i && same_text(&scanner->uses[i - 1], &scanner->uses[i]))
            scanner->entries[scanner->entry_count - 1].count++;
        else
            scanner->entries[scanner->entry_count++] = (struct entry){(uint32_t)i, 1};
    }
    return true;
}

/* Compiling -------------------------------------------------------------------------------------
 */

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
        const struct use *use = &scanner->uses[scanner->entries[i].first];
        bool pattern = is_expression(use);
        sources->texts[i] = pattern ? use->text : escaped(arena, use->text, use->length);
        sources->flags[i] =
            (use->caseless ? HS_FLAG_CASELESS : 0u) | (pattern ? HS_FLAG_SOM_LEFTMOST : 0u);
        sources->ids[i] = (unsigned)i;
        if (!sources->texts[i])
            return false;
    }
    sources->count = scanner->entry_count;
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
        const struct confirm *confirm = &scanner->confirms[i];
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
        uint16_t type =
            which ? scanner->confirms[at].type : scanner->uses[scanner->entries[at].first].type;
        uint16_t find =
            which ? scanner->confirms[at].find : scanner->uses[scanner->entries[at].first].find;
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

static size_t count_patterns(const struct types *types)
{
    size_t count = 0;
    for (size_t t = 0; t < types->count; t++)
        for (size_t k = 0; k < types->rows[t].find_count; k++)
            count += types->rows[t].finds[k].kind == FIND_PATTERN;
    return count;
}

static bool build(struct scanner *scanner, const struct types *types, const char *cache_dir,
                  struct buf *problems, struct err *err)
{
    scanner->confirms =
        arena_alloc(&scanner->arena, count_patterns(types), sizeof *scanner->confirms);
    if (!scanner->confirms)
        return out_of_memory(err);
    for (size_t t = 0; t < types->count; t++)
        if (!collect_row(scanner, &types->rows[t], (uint16_t)t))
            return out_of_memory(err);
    return judge_patterns(scanner, types, problems, err) &&
           (make_entries(scanner) || out_of_memory(err)) &&
           fetch_or_compile(scanner, types, cache_dir, problems, err) && make_scratch(scanner, err);
}

struct scanner *scanner_open(const struct types *types, const char *cache_dir, struct buf *problems,
                             struct err *err)
{
    struct err why = {0};
    struct scanner *scanner = mem_zalloc(1, sizeof *scanner);
    if (!scanner) {
        out_of_memory(err);
        return NULL;
    }
    scanner->arena = arena_new(512u << 20);
    if (build(scanner, types, cache_dir, problems, &why))
        return scanner;
    scanner_close(scanner);
    err_set(err, why.kind, "%s", why.text);
    return NULL;
}

void scanner_close(struct scanner *scanner)
{
    if (!scanner)
        return;
    hs_free_scratch(scanner->scratch);
    hs_free_scratch(scanner->confirm_scratch);
    for (size_t i = 0; i < scanner_cache_databases; i++)
        hs_free_database(scanner->databases[i]);
    mem_free(scanner->uses);
    arena_fini(&scanner->arena);
    mem_free(scanner);
}

bool scanner_cached(const struct scanner *scanner)
{
    return scanner->cached;
}

/* Scanning --------------------------------------------------------------------------------------
 */

struct scan {
    const struct scanner *scanner;
    const char *text;
    size_t length;
    const struct scanner_sink *sink;
    bool failed;
};

static bool is_letter(const struct tokens_char *c)
{
    return (c->kind == TOKENS_WORD && c->code > '9') || (c->kind == TOKENS_BLOCK && c->code != '_');
}

/* No letter may go on beyond a word's own letters; `_` and digits may: card_no, ssn1. */
static bool stands_alone(const struct scan *scan, size_t start, size_t end)
{
    struct tokens_char outer, inner;
    if (tokens_before(scan->text, start, &outer) && is_letter(&outer)) {
        tokens_decode(scan->text + start, end - start, &inner);
        if (is_letter(&inner))
            return false;
    }
    if (end < scan->length) {
        tokens_decode(scan->text + end, scan->length - end, &outer);
        if (is_letter(&outer) && tokens_before(scan->text, end, &inner) && is_letter(&inner))
            return false;
    }
    return true;
}

static int tell(struct scan *scan, const struct use *use, size_t start, size_t end)
{
    static const uint8_t kinds[] = {
        [LITERAL_KEYWORD] = SCANNER_KEYWORD, [LITERAL_EXCLUDE] = SCANNER_EXCLUDE,
        [LITERAL_WORD] = SCANNER_VALUE,      [LITERAL_ANCHOR] = SCANNER_VALUE,
        [LITERAL_PREFIX] = SCANNER_VALUE,    [LITERAL_PATTERN] = SCANNER_VALUE,
    };
    const struct scanner_hit hit = {(uint32_t)start, (uint32_t)end, use->type, use->find,
                                    kinds[use->kind]};
    if (!scan->sink->hit(scan->sink->context, &hit))
        scan->failed = true;
    return scan->failed;
}

struct longest {
    unsigned id;
    size_t end;
};

static int note_end(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    struct longest *longest = context;
    (void)from;
    (void)flags;
    if (id == longest->id && to > longest->end)
        longest->end = to;
    return 0;
}

static bool word_byte(unsigned char c)
{
    return (unsigned)(c - '0') < 10 || (unsigned)((c | 32) - 'a') < 26 || c == '_';
}

static bool may_start(const struct scan *scan, const struct anchor *anchor, size_t at)
{
    return !anchor->boundary || at == 0 ||
           word_byte((unsigned char)scan->text[at - 1]) != word_byte((unsigned char)scan->text[at]);
}

/* The longest match that starts at `start`; 0 when there is none. */
static size_t confirm_at(const struct scan *scan, uint32_t id, size_t start)
{
    const struct scanner *scanner = scan->scanner;
    size_t width = scanner->confirms[id].width, left = scan->length - start;
    struct longest longest = {.id = id};
    hs_scan(scanner->databases[1], scan->text + start, (unsigned)(left < width ? left : width), 0,
            scanner->confirm_scratch, note_end, &longest);
    return longest.end ? start + longest.end : 0;
}

static int confirm(struct scan *scan, const struct use *use, size_t start, size_t end)
{
    const struct anchor *anchor = &scan->scanner->confirms[use->confirm].anchor;
    size_t first = start;
    while (first > 0 && start - first < anchor->left_most) {
        unsigned char c = (unsigned char)scan->text[first - 1];
        if (!(anchor->left[c / 64] >> (c % 64) & 1))
            break;
        first--;
    }
    size_t last = anchor->left_most && start > 0 ? start - 1 : start;
    for (size_t tries = 0; first <= last && tries < most_starts; first++) {
        if (!may_start(scan, anchor, first))
            continue;
        size_t found = confirm_at(scan, use->confirm, first);
        if (found >= end)
            return tell(scan, use, first, found);
        tries++;
    }
    return 0;
}

static int confirm_prefix(struct scan *scan, const struct use *use, size_t start)
{
    size_t end = confirm_at(scan, use->confirm, start);
    return end ? tell(scan, use, start, end) : 0;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    struct scan *scan = context;
    const struct entry *entry = &scan->scanner->entries[id];
    (void)flags;
    for (size_t i = 0; i < entry->count; i++) {
        const struct use *use = &scan->scanner->uses[entry->first + i];
        size_t end = (size_t)to;
        size_t start = is_expression(use) ? (size_t)from : end - use->length;
        int stop = 0;
        if (use->kind == LITERAL_ANCHOR)
            stop = confirm(scan, use, start, end);
        else if (use->kind == LITERAL_PREFIX)
            stop = confirm_prefix(scan, use, start);
        else if (use->kind == LITERAL_PATTERN || stands_alone(scan, start, end))
            stop = tell(scan, use, start, end);
        if (stop)
            return stop;
    }
    return 0;
}

bool scanner_scan(const struct scanner *scanner, const char *text, size_t length,
                  const struct scanner_sink *sink)
{
    struct scan scan = {scanner, text, length, sink, false};
    if (!scanner->databases[0] || !length)
        return true;
    hs_error_t code = hs_scan(scanner->databases[0], text, (unsigned)length, 0, scanner->scratch,
                              on_match, &scan);
    return code == HS_SUCCESS && !scan.failed;
}

static int count_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *context)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    ++*(size_t *)context;
    return 0;
}

size_t scanner_count(const struct scanner *scanner, const char *text, size_t length)
{
    size_t count = 0;
    if (scanner->databases[0] && length)
        hs_scan(scanner->databases[0], text, (unsigned)length, 0, scanner->scratch, count_hit,
                &count);
    return count;
}
