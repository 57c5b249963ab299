#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "scanner_parts.h"

enum { most_width = 2048 };

static bool add_use(struct scanner *scanner, const struct scanner_use *use)
{
    if (scanner->use_count == scanner->use_capacity) {
        size_t capacity = scanner->use_capacity ? scanner->use_capacity * 2 : 1024;
        struct scanner_use *uses = mem_realloc(scanner->uses, capacity, sizeof *uses);
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

static bool add_word(struct scanner *scanner, struct scanner_use use, const char *text)
{
    if (!text)
        return false;
    size_t length = strlen(text);
    use.text = text;
    use.length = (uint16_t)(length < UINT16_MAX ? length : UINT16_MAX);
    use.caseless = true;
    use.engine = lexicon_takes(text, use.length) ? SCANNER_LEXICON : SCANNER_LITERAL;
    return add_use(scanner, &use);
}

/* A word in every form in which case can stand: caseless search knows ASCII only. */
static bool add_forms(struct scanner *scanner, struct scanner_use use, const char *text)
{
    if (is_ascii(text))
        return add_word(scanner, use, text);
    for (int form = 0; form < FORM_COUNT; form++)
        if (!add_word(scanner, use, in_form(&scanner->arena, text, (enum form)form)))
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
static bool add_keyword(struct scanner *scanner, struct scanner_use use, const char *text)
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

/* Letters of both cases in a set of bytes. */
static void fold(uint64_t set[static 4])
{
    const uint64_t letters = ((1ull << 26) - 1) << 1; /* of the word that holds 64 to 127 */
    uint64_t upper = set[1] & letters, low = set[1] >> 32 & letters;
    set[1] |= upper << 32 | low;
}

static void fold_anchor(struct anchor *anchor)
{
    fold(anchor->left);
    for (size_t i = 0; i < anchor->head_count; i++)
        fold(anchor->head[i]);
}

/* The use's matches are confirmed with the whole expression. */
static void to_confirm(struct scanner *scanner, struct scanner_use *use,
                       const struct anchor *anchor)
{
    use->anchor = true;
    use->confirm = (uint32_t)scanner->confirm_count;
    scanner->confirms[scanner->confirm_count++] = (struct scanner_confirm){
        .type = use->type, .find = use->find, .width = most_width, .anchor = *anchor};
}

static bool add_anchors(struct scanner *scanner, const struct types_find *find,
                        struct scanner_use use, const struct anchor *anchor)
{
    use.engine = SCANNER_LITERAL;
    use.caseless = find->caseless || anchor->caseless;
    to_confirm(scanner, &use, anchor);
    for (size_t i = 0; i < anchor->count; i++) {
        use.length = anchor->literals[i].length;
        use.text = arena_strndup(&scanner->arena, anchor->literals[i].bytes, use.length);
        if (!use.text || !add_use(scanner, &use))
            return false;
    }
    return true;
}

/* The pass that looks for such runs, a new one if need be; NULL: there are too many. */
static struct scanner_pass *pass_for(struct scanner *scanner, const struct anchor *anchor)
{
    size_t i = 0;
    while (i < scanner->pass_count && scanner->passes[i].extra != anchor->extra)
        i++;
    if (i == scanner_most_passes)
        return NULL;
    struct scanner_pass *pass = &scanner->passes[i];
    if (i == scanner->pass_count) {
        *pass = (struct scanner_pass){anchor->extra, anchor->boundary, anchor->run};
        scanner->pass_count++;
    }
    pass->bounded = pass->bounded && anchor->boundary;
    pass->least = anchor->run < pass->least ? anchor->run : pass->least;
    return pass;
}

/* Long enough a run of letters and digits that begins as the expression does is rare. */
static bool add_run(struct scanner *scanner, const struct types_find *find, struct scanner_use use,
                    const struct anchor *anchor)
{
    use.engine = SCANNER_RUN;
    use.text = find->text;
    to_confirm(scanner, &use, anchor);
    return add_use(scanner, &use);
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

static bool add_expression(struct scanner *scanner, const struct types_find *find,
                           struct scanner_use use, const struct anchor *anchor)
{
    const char *prefix = prefix_of(scanner, find);
    use.engine = SCANNER_EXPRESSION;
    use.caseless = find->caseless;
    use.text = prefix ? prefix : find->text;
    if (prefix)
        to_confirm(scanner, &use, anchor);
    return add_use(scanner, &use);
}

static bool add_pattern(struct scanner *scanner, const struct types_find *find,
                        struct scanner_use use)
{
    struct anchor *anchor = mem_alloc(sizeof *anchor);
    if (!anchor)
        return false;
    anchor_find(find->text, anchor);
    if (find->caseless || anchor->caseless)
        fold_anchor(anchor);
    bool ok = anchor->count ? add_anchors(scanner, find, use, anchor)
              : anchor->run && pass_for(scanner, anchor)
                  ? add_run(scanner, find, use, anchor)
                  : add_expression(scanner, find, use, anchor);
    mem_free(anchor);
    return ok;
}

static bool add_find(struct scanner *scanner, const struct types_find *find, struct scanner_use use)
{
    use.kind = SCANNER_VALUE;
    if (find->kind == FIND_PATTERN)
        return add_pattern(scanner, find, use);
    for (size_t i = 0; find->kind == FIND_WORDS && i < find->word_count; i++)
        if (!add_forms(scanner, use, find->words[i]))
            return false;
    return true;
}

static bool collect_row(struct scanner *scanner, const struct types_row *row, uint16_t type)
{
    struct scanner_use use = {.type = type, .kind = SCANNER_KEYWORD};
    for (size_t i = 0; i < row->keyword_count; i++)
        if (!add_keyword(scanner, use, row->keywords[i]))
            return false;
    use.kind = SCANNER_EXCLUDE;
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

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int compare_uses(const void *a, const void *b)
{
    const struct scanner_use *left = a, *right = b;
    if (left->engine != right->engine)
        return left->engine - right->engine;
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

static bool same_text(const struct scanner_use *a, const struct scanner_use *b)
{
    if (a->engine != b->engine || a->engine > SCANNER_LITERAL || a->caseless != b->caseless ||
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
    scanner->first_run = scanner->use_count;
    for (size_t i = 0; i < scanner->use_count; i++) {
        if (scanner->uses[i].engine == SCANNER_RUN) {
            scanner->first_run = i;
            break;
        }
        if (i && same_text(&scanner->uses[i - 1], &scanner->uses[i]))
            scanner->entries[scanner->entry_count - 1].count++;
        else
            scanner->entries[scanner->entry_count++] = (struct scanner_entry){(uint32_t)i, 1};
    }
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

bool scanner_collect(struct scanner *scanner, const struct types *types)
{
    scanner->confirms =
        arena_alloc(&scanner->arena, count_patterns(types), sizeof *scanner->confirms);
    if (!scanner->confirms)
        return false;
    for (size_t t = 0; t < types->count; t++)
        if (!collect_row(scanner, &types->rows[t], (uint16_t)t))
            return false;
    return make_entries(scanner);
}
